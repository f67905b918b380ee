//! SVG: one picture with all labels below each other, to look at in a browser.

use crate::Printout;
use crate::label::Stock;
use crate::layout::Placed;
use std::fmt::Write as _;

/// Gap between labels, in millimetres.
const GAP: f32 = 2.0;

/// A picture of the labels. Copies look alike: each label is drawn once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Svg;

impl Printout for Svg {
    fn print(&self, labels: &[Placed], stock: Stock, _copies: u16) -> Vec<u8> {
        let (width, height) = (f32::from(stock.width), f32::from(stock.height));
        #[allow(clippy::cast_precision_loss)]
        let step = |at: usize| at as f32 * (height + GAP);
        let total = step(labels.len()) - GAP;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{total}mm\" viewBox=\"0 0 {width} {total}\">\n"
        );
        for (at, label) in labels.iter().enumerate() {
            one(&mut svg, label, stock, step(at));
        }
        svg.push_str("</svg>\n");
        svg.into_bytes()
    }
}

fn one(svg: &mut String, label: &Placed, stock: Stock, top: f32) {
    let mm = |dots: u32| stock.mm(dots);
    let _ = writeln!(
        svg,
        "<g transform=\"translate(0 {top})\"><rect width=\"{}\" height=\"{}\" fill=\"#fff\" stroke=\"#bbb\" stroke-width=\"0.1\"/>",
        stock.width, stock.height
    );
    let (x, y) = label.at;
    svg.push_str("<path fill=\"#000\" d=\"");
    for (column, row, length) in &label.modules.dark {
        let (w, h) = (mm(length * label.module), mm(label.row));
        let (x, y) = (mm(x + column * label.module), mm(y + row * label.row));
        let _ = write!(svg, "M{x:.3} {y:.3}h{w:.3}v{h:.3}h-{w:.3}z");
    }
    svg.push_str("\"/>\n");
    for text in &label.texts {
        let _ = writeln!(
            svg,
            "<text x=\"{:.3}\" y=\"{:.3}\" font-family=\"monospace\" font-size=\"{:.3}\">{}</text>",
            mm(text.x),
            mm(text.y + text.height * 4 / 5),
            mm(text.height),
            escaped(&text.text)
        );
    }
    svg.push_str("</g>\n");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
