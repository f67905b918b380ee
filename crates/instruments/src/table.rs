//! What comes out of a file, whatever its format.

use crate::curves::Curve;
use crate::place::Place;
use tenfold_domain::results::run::Reading;

/// A run as its file tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTable {
    /// The format's name, for people.
    pub format: &'static str,
    /// What the file says about the run.
    pub about: About,
    /// Reactions in the order of the file; a (well, target) is there once.
    pub reactions: Vec<Reaction>,
    /// Amplification curves, if the file has them. Nothing is decided by them.
    pub curves: Vec<Curve>,
    /// What was passed over.
    pub warnings: Vec<String>,
}

/// What a file says about its run; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The plate's barcode.
    pub plate: String,
    /// The instrument's type.
    pub instrument: String,
    /// The instrument's serial number.
    pub serial: String,
    /// The run's or experiment's name.
    pub run: String,
    /// When it ended, as the file writes it.
    pub ended: String,
    /// Wells of the block, if it says so.
    pub wells: Option<u16>,
}

/// One well, one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaction {
    /// Where it stands.
    pub place: Place,
    /// The well, `A1` to `P24`.
    pub well: String,
    /// The target; the dye or filter where the file names no targets.
    pub target: String,
    /// The dye, if the file names it.
    pub dye: String,
    /// The sample's name; text, even if it looks like a number.
    pub sample: String,
    /// What is in the well.
    pub role: Role,
    /// The same as the file writes it.
    pub task: String,
    /// The Ct.
    pub reading: Reading,
    /// The operator took it out: it must not be used for a call.
    pub omitted: bool,
}

/// What a file says is in a well. Only compared with the plate's map, which decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// The file does not say, or in words of its own.
    #[default]
    Unstated,
    /// A specimen.
    Unknown,
    /// No template: water.
    NoTemplate,
    /// A negative control that went all the way.
    Negative,
    /// A positive control.
    Positive,
    /// A standard of known quantity.
    Standard,
    /// A control of the kind "no amplification" or "no reverse transcription".
    Blocked,
    /// The internal or endogenous control's own reaction.
    Internal,
}

impl Role {
    /// Reads the codes of all makers: `NTC`, `Unkn-01`, `Pos Ctrl-1`, `STANDARD`.
    #[must_use]
    pub fn of(task: &str) -> Self {
        let plain: String = task
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c.is_whitespace())
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_uppercase)
            .collect();
        match plain.as_str() {
            "UNKNOWN" | "UNKN" | "UNK" | "SAMPLE" => Self::Unknown,
            "NTC" | "NTP" | "NOTEMPLATECONTROL" | "WATER" => Self::NoTemplate,
            "NC" | "NEG" | "NEGCTRL" | "NEGCONTROL" | "NEGATIVECONTROL" | "NEGATIVE" => {
                Self::Negative
            }
            "PC" | "POS" | "POSCTRL" | "POSCONTROL" | "POSITIVECONTROL" | "POSITIVE" => {
                Self::Positive
            }
            "STANDARD" | "STD" => Self::Standard,
            "BLOCKEDIPC" | "NAC" | "NRT" | "NORT" => Self::Blocked,
            "IPC" | "ENDOGENOUSCONTROL" | "ENDOGENOUS" => Self::Internal,
            _ => Self::Unstated,
        }
    }

    /// Its code in the neutral table.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unstated => "",
            Self::Unknown => "UNKNOWN",
            Self::NoTemplate => "NTC",
            Self::Negative => "NC",
            Self::Positive => "PC",
            Self::Standard => "STANDARD",
            Self::Blocked => "NAC",
            Self::Internal => "IPC",
        }
    }
}
