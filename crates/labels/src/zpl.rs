//! ZPL II, the language of Zebra's printers and of many others that speak it.
//!
//! Facts (ZPL II Programming Guide): a label stands between `^XA` and `^XZ`; `^PW`, `^LL` are width and length in dots,
//! `^FO` puts a field, `^FD..^FS` is its data. `^BY` sets the module's width for bars, `^BC..A` lets the printer choose
//! Code 128's sets, `^BX..200` is Data Matrix ECC 200, whose last value is the sign that begins an escape in the data
//! (default `~`): a sign that the data does not have. `^A0` is the scalable font, `^PQ` the number of copies.
//! `^CI28` takes UTF-8. `^` and `~` begin commands wherever they stand, and `\` may begin one within a field; under
//! `^FH` they are written as `_` and two hexadecimal digits.

use crate::Printout;
use crate::label::Stock;
use crate::layout::{LETTER_PERCENT, Placed};
use crate::symbol::Symbology;
use std::fmt::Write as _;

/// ZPL for a printer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zpl;

impl Printout for Zpl {
    fn print(&self, labels: &[Placed], stock: Stock, copies: u16) -> Vec<u8> {
        let mut zpl = String::new();
        for label in labels {
            one(&mut zpl, label, stock, copies);
        }
        zpl.into_bytes()
    }
}

fn one(zpl: &mut String, label: &Placed, stock: Stock, copies: u16) {
    let (x, y) = label.at;
    let mut line = |text: String| {
        zpl.push_str(&text);
        zpl.push('\n');
    };
    line("^XA".to_owned());
    line("^CI28".to_owned());
    line(format!("^PW{}", stock.width_dots()));
    line(format!("^LL{}", stock.height_dots()));
    line("^LH0,0".to_owned());
    let data = data(&label.code);
    let module = label.module;
    match label.symbology {
        Symbology::Code128 => {
            line(format!("^FO{x},{y}^BY{module}"));
            line(format!("^BCN,{},N,N,N,A{data}", label.row));
        }
        Symbology::DataMatrix => {
            let sign = unused(&label.code);
            line(format!("^FO{x},{y}"));
            line(format!("^BXN,{module},200,,,,{sign}{data}"));
        }
    }
    for text in &label.texts {
        let width = text.height * LETTER_PERCENT / 100;
        line(format!(
            "^FO{},{}^A0N,{},{width}{}",
            text.x,
            text.y,
            text.height,
            self::data(&text.text)
        ));
    }
    line(format!("^PQ{copies}"));
    line("^XZ".to_owned());
}

/// A field's data, so that nothing in it is a command.
fn data(text: &str) -> String {
    let mut data = "^FH_^FD".to_owned();
    for letter in text.chars() {
        match letter {
            '^' | '~' | '\\' | '_' => {
                let _ = write!(data, "_{:02X}", u32::from(letter));
            }
            // Line ends and their like print nothing, and some printers stop at them.
            letter if letter.is_control() => data.push(' '),
            letter => data.push(letter),
        }
    }
    data.push_str("^FS");
    data
}

/// A sign that a code does not have.
fn unused(code: &str) -> char {
    ['#', '$', '%', '&', '!', '*']
        .into_iter()
        .find(|sign| !code.contains(*sign))
        .unwrap_or('@')
}
