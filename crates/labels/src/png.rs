//! PNG: one picture with labels below each other, each dot of the printer a pixel, to look at wherever pictures are shown. Text
//! is drawn in a plain font of eight by eight dots; a letter that it does not have is a box.

use crate::Printout;
use crate::label::Stock;
use crate::layout::{LETTER_PERCENT, Placed, Text};
use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts as _};
use png::{BitDepth, ColorType, Encoder};

/// Most pixels of a picture; of a roll that would be larger the first labels are shown.
pub const PIXELS_MAX: u64 = 1 << 26;

/// Dots between two labels.
const GAP: u32 = 12;

/// What stands for a letter that the font does not have.
const BOX: [u8; 8] = [0x7E, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7E, 0x00];

/// A picture of the labels. Copies look alike: each label is drawn once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Png;

impl Printout for Png {
    fn print(&self, labels: &[Placed], stock: Stock, _copies: u16) -> Vec<u8> {
        let (width, height) = (stock.width_dots(), stock.height_dots());
        let step = height.saturating_add(GAP);
        let fit = PIXELS_MAX / (u64::from(width) * u64::from(step)).max(1);
        let shown = labels
            .iter()
            .take(usize::try_from(fit).unwrap_or(usize::MAX).max(1));
        let count = u32::try_from(shown.len()).unwrap_or(1).max(1);
        let mut picture = Picture::grey(width, step.saturating_mul(count).saturating_sub(GAP));
        for (label, top) in shown.zip((0..).step_by(step as usize)) {
            picture.fill(0, top, width, height, true);
            draw(&mut picture, label, top);
        }
        picture.encoded()
    }
}

fn draw(picture: &mut Picture, label: &Placed, top: u32) {
    let (x, y) = label.at;
    for (column, row, length) in &label.modules.dark {
        let (left, down) = (x + column * label.module, y + row * label.row);
        picture.fill(left, top + down, length * label.module, label.row, false);
    }
    for text in &label.texts {
        write(picture, text, top);
    }
}

fn write(picture: &mut Picture, text: &Text, top: u32) {
    let (wide, high) = (
        (text.height * LETTER_PERCENT / 100).max(1),
        text.height.max(1),
    );
    for (letter, left) in text.text.chars().zip((text.x..).step_by(wide as usize)) {
        let glyph = BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter));
        let glyph = glyph.unwrap_or(BOX);
        for down in 0..high {
            let row = glyph.get((down * 8 / high) as usize).copied().unwrap_or(0);
            for across in 0..wide {
                if row >> (across * 8 / wide) & 1 == 1 {
                    picture.fill(left + across, top + text.y + down, 1, 1, false);
                }
            }
        }
    }
}

/// A picture of two bits a pixel: black, white, and grey between labels.
struct Picture {
    width: u32,
    height: u32,
    stride: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn grey(width: u32, height: u32) -> Self {
        let stride = width.div_ceil(4) as usize;
        Self {
            width,
            height,
            stride,
            bytes: vec![0b1010_1010; stride.saturating_mul(height as usize)],
        }
    }

    /// Makes a rectangle white or black; what lies outside is left out.
    fn fill(&mut self, left: u32, top: u32, width: u32, height: u32, white: bool) {
        let right = left.saturating_add(width).min(self.width);
        for y in top..top.saturating_add(height).min(self.height) {
            for x in left..right {
                let at = (y as usize) * self.stride + (x / 4) as usize;
                let mask = 0b1100_0000 >> (x % 4 * 2);
                if let Some(byte) = self.bytes.get_mut(at) {
                    *byte = if white { *byte | mask } else { *byte & !mask };
                }
            }
        }
    }

    /// Writing to memory does not fail.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Two);
        let written = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.bytes));
        if written.is_ok() { bytes } else { Vec::new() }
    }
}
