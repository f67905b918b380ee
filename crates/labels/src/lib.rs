//! Labels for pool tubes and plates.
//!
//! A [`Label`] is what a scanner reads and what a person reads; a [`Stock`] is the paper: its size and the printer's
//! resolution. [`layout`] decides once where everything stands, in printer dots; each [`Printout`] only draws it, so
//! that a preview shows what comes out of the printer.
//!
//! Pure: text in, bytes out. It knows no service, no log and no printer's address.
//!
//! Read in this order: [`label`], [`symbol`], [`layout`], then a printout: [`zpl`], [`svg`], [`png`], [`pdf`].

pub mod label;
pub mod layout;
mod pdf;
mod png;
mod sheet;
mod svg;
pub mod symbol;
mod zpl;

pub use self::png::Png;
pub use label::{Label, LabelError, Stock};
pub use pdf::Pdf;
pub use svg::Svg;
pub use symbol::Symbology;
pub use zpl::Zpl;

use layout::Placed;

/// Most labels of one printout: a roll has about so many.
pub const LABELS_MAX: usize = 2_000;

/// Most copies of one label.
pub const COPIES_MAX: u16 = 100;

/// A way to bring labels out: one format, one file.
pub trait Printout {
    /// All labels, each `copies` times.
    fn print(&self, labels: &[Placed], stock: Stock, copies: u16) -> Vec<u8>;
}

/// Lays out labels, and brings them out.
///
/// # Errors
/// The first label that does not fit its stock, or too many.
pub fn print(
    out: &dyn Printout,
    labels: &[Label],
    stock: Stock,
    copies: u16,
) -> Result<Vec<u8>, LabelError> {
    if labels.is_empty() || labels.len() > LABELS_MAX {
        return Err(LabelError::Count {
            labels: labels.len(),
        });
    }
    if copies == 0 || copies > COPIES_MAX {
        return Err(LabelError::Copies { copies });
    }
    let placed = labels
        .iter()
        .map(|label| layout::place(label, stock))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(out.print(&placed, stock, copies))
}
