//! Sample sheets: what an instrument's program is told about a plate, so that its result file names what Tenfold knows.
//! One format, one file.
//!
//! Which well is a control and what a sample is called come from the plate's map. The map decides when the result comes back;
//! the sheet only makes the file readable for people.

mod cfx;
mod lc480;
mod quantstudio;

pub use cfx::Cfx;
pub use lc480::Lc480;
pub use quantstudio::QuantStudio;

use tenfold_domain::message::Control;
use tenfold_domain::well::{PlateSize, Well};

/// A well that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetWell {
    /// Which.
    pub well: Well,
    /// What it is called: a pool's or tube's id, or a control's name.
    pub sample: String,
    /// The control in it.
    pub control: Option<Control>,
}

/// A plate, as its map says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The plate's barcode.
    pub plate: String,
    /// Its size.
    pub size: PlateSize,
    /// Targets of its kit, the internal control the last.
    pub targets: Vec<Channel>,
    /// Wells in the order of the rows.
    pub wells: Vec<SheetWell>,
}

/// A target and the dye it is read with; no dye = the policy does not name one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The target.
    pub target: String,
    /// The dye.
    pub dye: String,
}

/// Dyes that a target's other names may hold.
const DYES: [&str; 10] = [
    "FAM",
    "VIC",
    "HEX",
    "JOE",
    "NED",
    "ABY",
    "ROX",
    "TEXAS RED",
    "CY5",
    "JUN",
];

impl Channel {
    /// A target whose dye is one of its other names in the policy.
    #[must_use]
    pub fn of(target: &str, aliases: &[String]) -> Self {
        let dye = aliases.iter().map(|alias| alias.trim().to_uppercase());
        let dye = dye.into_iter().find(|alias| DYES.contains(&alias.as_str()));
        Self {
            target: target.to_owned(),
            dye: dye.unwrap_or_default(),
        }
    }
}

/// What a control well is called.
#[must_use]
pub const fn control_name(control: Control) -> &'static str {
    match control {
        Control::Positive => "PC",
        Control::Negative => "NC",
        Control::WeakPositive => "WP",
        Control::BatchNegative => "BN",
        Control::Extraction => "EC",
    }
}

/// An instrument's sample sheet.
pub trait SampleSheet {
    /// End of its files' names.
    fn extension(&self) -> &'static str;

    /// A plate in its words.
    fn write(&self, sheet: &Sheet) -> String;
}
