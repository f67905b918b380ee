//! PDF: sheets of A4, to look at and for printers of paper. Text is in Courier, which every reader has: what it
//! cannot show (anything but Latin-1) is shown as `?`.

use crate::Printout;
use crate::label::Stock;
use crate::layout::Placed;
use crate::sheet::{SHEET, places};
use pdf_writer::{Content, Finish, Name, Pdf as Writer, Rect, Ref, Str};

/// Points of a millimetre.
const POINT: f32 = 72.0 / 25.4;

const FONT: Name<'static> = Name(b"F1");

/// Sheets of A4.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pdf;

impl Printout for Pdf {
    fn print(&self, labels: &[Placed], stock: Stock, copies: u16) -> Vec<u8> {
        let all: Vec<&Placed> = labels
            .iter()
            .flat_map(|label| std::iter::repeat_n(label, usize::from(copies)))
            .collect();
        let places = places(stock);
        let sheets: Vec<&[&Placed]> = all.chunks(places.len().max(1)).collect();
        let mut pdf = Writer::new();
        let mut next = Refs(0);
        let (catalog, tree, font) = (next.take(), next.take(), next.take());
        pdf.catalog(catalog).pages(tree);
        let pages: Vec<Ref> = sheets.iter().map(|_| next.take()).collect();
        let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(pages.iter().copied()).count(count);
        pdf.type1_font(font)
            .base_font(Name(b"Courier"))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
        for (page, labels) in pages.iter().zip(sheets) {
            let content = next.take();
            let mut record = pdf.page(*page);
            record.media_box(Rect::new(0.0, 0.0, SHEET.0 * POINT, SHEET.1 * POINT));
            record.parent(tree);
            record.contents(content);
            record.resources().fonts().pair(FONT, font);
            record.finish();
            let mut drawn = Content::new();
            for (label, at) in labels.iter().zip(&places) {
                one(&mut drawn, label, stock, *at);
            }
            pdf.stream(content, &drawn.finish());
        }
        pdf.finish()
    }
}

/// Numbers of the file's objects, from 1.
struct Refs(i32);

impl Refs {
    fn take(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// PDF counts from the bottom; labels from the top.
fn one(content: &mut Content, label: &Placed, stock: Stock, (left, top): (f32, f32)) {
    let x = |mm: f32| (left + mm) * POINT;
    let y = |mm: f32| (SHEET.1 - top - mm) * POINT;
    let mm = |dots: u32| stock.mm(dots);
    let (width, height) = (f32::from(stock.width), f32::from(stock.height));
    content.set_stroke_gray(0.75).set_line_width(0.3);
    content.rect(x(0.0), y(height), width * POINT, height * POINT);
    content.stroke();
    content.set_fill_gray(0.0);
    let (at_x, at_y) = label.at;
    for (column, row, length) in &label.modules.dark {
        let (w, h) = (mm(length * label.module), mm(label.row));
        let below = mm(at_y + (row + 1) * label.row);
        let beside = mm(at_x + column * label.module);
        content.rect(x(beside), y(below), w * POINT, h * POINT);
    }
    content.fill_nonzero();
    for text in &label.texts {
        content.begin_text();
        content.set_font(FONT, mm(text.height) * POINT);
        content.next_line(x(mm(text.x)), y(mm(text.y + text.height * 4 / 5)));
        content.show(Str(&latin(&text.text)));
        content.end_text();
    }
}

fn latin(text: &str) -> Vec<u8> {
    let one = |letter: char| match u8::try_from(u32::from(letter)) {
        Ok(byte) if !letter.is_control() => byte,
        _ => b'?',
    };
    text.chars().map(one).collect()
}
