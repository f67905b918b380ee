//! Where everything stands on a label, in printer dots from its top left corner. Decided once, so that all printouts
//! show the same.
//!
//! ```text
//! +---------------------------+     +---------------------------+
//! | |||| | ||| || | ||| | |   |     | ##  #   P17               |
//! | |||| | ||| || | ||| | |   |     | # ## #                    |
//! | P17                       |     | ###  #  lab-1             |
//! | lab-1                     |     +---------------------------+
//! +---------------------------+       Data Matrix, text beside it
//!   Code 128, text below it
//! ```

use crate::label::{Label, LabelError, Stock};
use crate::symbol::{Modules, Symbology, modules};

/// Free edge of a label, in tenths of a millimetre.
const EDGE: u32 = 15;

/// Quiet zone left and right of bars, in modules (ISO/IEC 15417).
const QUIET: u32 = 10;

/// The thinnest bar that scanners read from a thermal label, in hundredths of a millimetre (7.5 mil).
const BAR_MIN: u32 = 19;

/// The smallest module of a square symbol, in hundredths of a millimetre (10 mil).
const SQUARE_MIN: u32 = 25;

/// Largest module, in tenths of a millimetre: more gives nothing to a scanner.
const MODULE_MAX: u32 = 6;

/// Tallest title, in tenths of a millimetre, and how much smaller notes are.
const TITLE_MAX: u32 = 50;
const NOTES_PERCENT: u32 = 60;

/// Least height of a text a person reads at arm's length, in tenths of a millimetre.
const TEXT_MIN: u32 = 12;

/// Width of a letter of the fixed font, in percent of its height.
pub const LETTER_PERCENT: u32 = 60;

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Dots from the left.
    pub x: u32,
    /// Dots from the top to the top of the letters.
    pub y: u32,
    /// Height of the letters, in dots.
    pub height: u32,
    /// What it says.
    pub text: String,
}

/// A label with everything in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What the symbol says.
    pub code: String,
    /// What it is.
    pub symbology: Symbology,
    /// Its modules.
    pub modules: Modules,
    /// Its left upper corner.
    pub at: (u32, u32),
    /// Width of a module, in dots.
    pub module: u32,
    /// Height of a row of modules, in dots; of bars, their height.
    pub row: u32,
    /// Texts.
    pub texts: Vec<Text>,
}

/// Puts everything in its place.
///
/// # Errors
/// The code cannot stand in a symbol, or the label is too small for it.
pub fn place(label: &Label, stock: Stock) -> Result<Placed, LabelError> {
    label.check()?;
    let modules = modules(&label.code, label.symbology).ok_or_else(|| LabelError::Code {
        code: label.code.clone(),
    })?;
    let placed = match label.symbology {
        Symbology::Code128 => bars(label, stock, modules),
        Symbology::DataMatrix => square(label, stock, modules),
    };
    placed.ok_or_else(|| LabelError::DoesNotFit {
        code: label.code.clone(),
        symbology: label.symbology,
        width: stock.width,
        height: stock.height,
    })
}

/// Dots of a module that fits `room` dots with `count` modules; `None` = thinner than `least` hundredths of a mm.
fn module_of(stock: Stock, room: u32, count: u32, least: u32) -> Option<u32> {
    let module = (room / count.max(1)).min(stock.dots(MODULE_MAX));
    // dots / dpi inches, against hundredths of a mm: no rounding.
    (module * 2_540 >= least * u32::from(stock.dpi)).then_some(module)
}

fn bars(label: &Label, stock: Stock, modules: Modules) -> Option<Placed> {
    let (width, height, edge) = (stock.width_dots(), stock.height_dots(), stock.dots(EDGE));
    let module = module_of(stock, width, modules.width + 2 * QUIET, BAR_MIN)?;
    let x = (width - modules.width * module) / 2;
    let lines = u32::try_from(label.notes.len()).ok()? + 1;
    let room = width.checked_sub(2 * edge)?;
    // Half of the height is for the bars, the rest for the lines of text.
    let inner = height.checked_sub(2 * edge)?;
    let line = (inner / 2 / lines).min(stock.dots(TITLE_MAX) * 4 / 3);
    let row = inner - line * lines;
    let texts = lines_of(label, stock, (edge, edge + row), room, line)?;
    (row >= stock.dots(40)).then_some(Placed {
        code: label.code.clone(),
        symbology: label.symbology,
        modules,
        at: (x, edge),
        module,
        row,
        texts,
    })
}

fn square(label: &Label, stock: Stock, modules: Modules) -> Option<Placed> {
    let (width, height, edge) = (stock.width_dots(), stock.height_dots(), stock.dots(EDGE));
    let inner = height.checked_sub(2 * edge)?;
    // At most half of the width: a person needs the rest.
    let room = inner.min((width / 2).checked_sub(edge)?);
    let module = module_of(stock, room, modules.width, SQUARE_MIN)?;
    let side = modules.width * module;
    let beside = edge + side + edge.max(2 * module);
    let lines = u32::try_from(label.notes.len()).ok()? + 1;
    let line = (inner / lines).min(stock.dots(TITLE_MAX) * 4 / 3);
    let top = (height - line * lines) / 2;
    let texts = lines_of(
        label,
        stock,
        (beside, top),
        width.checked_sub(beside + edge / 2)?,
        line,
    )?;
    Some(Placed {
        code: label.code.clone(),
        symbology: label.symbology,
        modules,
        at: (edge, (height - side) / 2),
        module,
        row: module,
        texts,
    })
}

/// Title and notes below each other, each as large as its line and the room allow.
fn lines_of(
    label: &Label,
    stock: Stock,
    (x, y): (u32, u32),
    room: u32,
    line: u32,
) -> Option<Vec<Text>> {
    let title = (label.title.as_str(), 100);
    let notes = label
        .notes
        .iter()
        .map(|note| (note.as_str(), NOTES_PERCENT));
    let mut texts = Vec::new();
    for (at, (text, percent)) in (0..).zip(std::iter::once(title).chain(notes)) {
        let letters = u32::try_from(text.chars().count()).ok()?.max(1);
        let widest = room * 100 / LETTER_PERCENT / letters;
        let tallest = (line * 3 / 4).min(stock.dots(TITLE_MAX)) * percent / 100;
        let height = tallest.min(widest);
        if height < stock.dots(TEXT_MIN) {
            return None;
        }
        texts.push(Text {
            x,
            y: y + line * at + (line - height) / 2,
            height,
            text: text.to_owned(),
        });
    }
    Some(texts)
}
