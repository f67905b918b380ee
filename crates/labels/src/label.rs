//! What stands on a label, and the paper it stands on.

use crate::symbol::Symbology;
use crate::{COPIES_MAX, LABELS_MAX};

/// Most characters in a symbol: more fits no label of a tube.
pub const CODE_MAX: usize = 48;

/// Millimetres of a label, each way.
const MM: std::ops::RangeInclusive<u16> = 8..=200;

/// Why labels cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum LabelError {
    #[error(
        "{code:?} cannot stand in a symbol: 1 to {CODE_MAX} printable ASCII characters, no space and no '>' are taken"
    )]
    Code { code: String },
    #[error(
        "{code:?} does not fit a label of {width} x {height} mm as {symbology}: the bars would be too thin to scan; take a larger label or another symbol"
    )]
    DoesNotFit {
        code: String,
        symbology: Symbology,
        width: u16,
        height: u16,
    },
    #[error("{labels} labels: 1 to {LABELS_MAX} are printed at a time")]
    Count { labels: usize },
    #[error("{copies} copies: 1 to {COPIES_MAX} of each label are printed")]
    Copies { copies: u16 },
    #[error(
        "{text:?} is no size of a label: write it as 50x25, width and height in mm, 8 to 200 each"
    )]
    Size { text: String },
    #[error("{dpi} dots an inch: printers have 203, 300 or 600")]
    Dpi { dpi: u16 },
}

/// The paper: its size, and the printer's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Millimetres.
    pub width: u16,
    /// Millimetres.
    pub height: u16,
    /// Dots an inch.
    pub dpi: u16,
}

impl Stock {
    /// Paper of a size written as `50x25`.
    ///
    /// # Errors
    /// It is no size, or no printer has this resolution.
    pub fn parse(size: &str, dpi: u16) -> Result<Self, LabelError> {
        let wrong = || LabelError::Size {
            text: size.to_owned(),
        };
        let (width, height) = size.split_once(['x', 'X']).ok_or_else(wrong)?;
        let mm = |text: &str| {
            text.trim()
                .parse::<u16>()
                .ok()
                .filter(|mm| MM.contains(mm))
                .ok_or_else(wrong)
        };
        if ![203, 300, 600].contains(&dpi) {
            return Err(LabelError::Dpi { dpi });
        }
        Ok(Self {
            width: mm(width)?,
            height: mm(height)?,
            dpi,
        })
    }

    /// Dots of so many tenths of a millimetre.
    #[must_use]
    pub fn dots(self, tenths: u32) -> u32 {
        tenths * u32::from(self.dpi) / 254
    }

    /// Millimetres of so many dots.
    #[must_use]
    pub fn mm(self, dots: u32) -> f32 {
        // Labels have a few thousand dots: exact in an f32.
        #[allow(clippy::cast_precision_loss)]
        let dots = dots as f32;
        dots * 25.4 / f32::from(self.dpi)
    }

    /// Dots across.
    #[must_use]
    pub fn width_dots(self) -> u32 {
        self.dots(u32::from(self.width) * 10)
    }

    /// Dots down.
    #[must_use]
    pub fn height_dots(self) -> u32 {
        self.dots(u32::from(self.height) * 10)
    }
}

/// One label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What a scanner reads.
    pub code: String,
    /// As what.
    pub symbology: Symbology,
    /// What a person reads first.
    pub title: String,
    /// What else a person reads, a line each.
    pub notes: Vec<String>,
}

impl Label {
    /// The label of a pool tube: its number is what a person compares.
    #[must_use]
    pub fn pool(lab: &str, number: u64, symbology: Symbology) -> Self {
        Self {
            code: format!("{lab}/P{number}"),
            symbology,
            title: format!("P{number}"),
            notes: vec![lab.to_owned()],
        }
    }

    /// The label of a plate.
    #[must_use]
    pub fn plate(lab: &str, barcode: &str, symbology: Symbology) -> Self {
        Self {
            code: barcode.to_owned(),
            symbology,
            title: barcode.to_owned(),
            notes: vec![lab.to_owned()],
        }
    }

    /// Its code can stand in any symbol.
    ///
    /// # Errors
    /// It cannot. `>` is a printer's own sign within Code 128.
    pub fn check(&self) -> Result<(), LabelError> {
        let good = |c: char| c.is_ascii_graphic() && c != '>';
        if self.code.is_empty() || self.code.len() > CODE_MAX || !self.code.chars().all(good) {
            return Err(LabelError::Code {
                code: self.code.clone(),
            });
        }
        Ok(())
    }
}
