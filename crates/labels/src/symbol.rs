//! Symbols: which modules are dark. Libraries know the standards (ISO/IEC 15417 and 16022); this file only asks them.

use barcoders::sym::code128::Code128;
use datamatrix::{DataMatrix, SymbolList};
use std::fmt;

/// A kind of symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbology {
    /// Bars; every scanner reads it.
    Code128,
    /// A square of modules; for small tubes, read by cameras.
    DataMatrix,
}

impl fmt::Display for Symbology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code128 => "Code 128",
            Self::DataMatrix => "Data Matrix",
        })
    }
}

/// Dark and light modules of a symbol, without its quiet zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    /// Modules across.
    pub width: u32,
    /// Modules down; bars have one row, and any height.
    pub height: u32,
    /// Dark ones: column, row, and how many columns on.
    pub dark: Vec<(u32, u32, u32)>,
}

/// The modules of a code; `None` if it cannot stand in such a symbol.
///
/// Bars are of code set B throughout. A printer that packs digits by two needs less room, never more.
#[must_use]
pub fn modules(code: &str, symbology: Symbology) -> Option<Modules> {
    let rows: Vec<Vec<bool>> = match symbology {
        Symbology::Code128 => {
            // `Ɓ` is the library's sign for code set B.
            let bars = Code128::new(format!("Ɓ{code}")).ok()?.encode();
            vec![bars.into_iter().map(|module| module == 1).collect()]
        }
        Symbology::DataMatrix => {
            let symbol =
                DataMatrix::encode(code.as_bytes(), SymbolList::default().enforce_square()).ok()?;
            let bitmap = symbol.bitmap();
            let mut rows = vec![vec![false; bitmap.width()]; bitmap.height()];
            for (column, row) in bitmap.pixels() {
                *rows.get_mut(row)?.get_mut(column)? = true;
            }
            rows
        }
    };
    let width = u32::try_from(rows.first()?.len()).ok()?;
    let mut dark = Vec::new();
    for (row, modules) in (0..).zip(&rows) {
        let mut column = 0;
        for run in modules.chunk_by(|one, next| one == next) {
            let length = u32::try_from(run.len()).ok()?;
            if run.first() == Some(&true) {
                dark.push((column, row, length));
            }
            column += length;
        }
    }
    Some(Modules {
        width,
        height: u32::try_from(rows.len()).ok()?,
        dark,
    })
}
