//! Where labels stand on sheets of A4, in millimetres: for previews, and for printers of paper.

use crate::label::Stock;

/// A4.
pub const SHEET: (f32, f32) = (210.0, 297.0);

/// Free edge of a sheet, and gap between labels.
const EDGE: f32 = 8.0;
const GAP: f32 = 2.0;

/// Places of one sheet: left upper corners, row by row. At least one, however large the label.
pub fn places(stock: Stock) -> Vec<(f32, f32)> {
    let (width, height) = (f32::from(stock.width), f32::from(stock.height));
    let mut places = Vec::new();
    let mut y = EDGE;
    while y + height <= SHEET.1 - EDGE {
        let mut x = EDGE;
        while x + width <= SHEET.0 - EDGE {
            places.push((x, y));
            x += width + GAP;
        }
        y += height + GAP;
    }
    if places.is_empty() {
        places.push((0.0, 0.0));
    }
    places
}
