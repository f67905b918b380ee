//! The line of a byte in a file, as an editor shows it. The CSV reader's own count is off after blank lines.

use std::io::BufRead;

/// Walks a second time through the file, only forwards.
pub struct LineCounter<R> {
    reader: R,
    offset: u64,
    line: u64,
    after_cr: bool,
}

impl<R: BufRead> LineCounter<R> {
    /// At the beginning: line 1.
    pub const fn new(reader: R) -> Self {
        Self {
            reader,
            offset: 0,
            line: 1,
            after_cr: false,
        }
    }

    /// The line of the first byte at or after `offset` that ends no line. Offsets must grow.
    pub fn line_at(&mut self, offset: u64) -> u64 {
        while self.offset < offset {
            match self.byte() {
                Some(byte) => self.pass(byte),
                None => return self.line,
            }
        }
        while let Ok(buffer) = self.reader.fill_buf() {
            match buffer.first() {
                Some(&byte) if byte == b'\n' || byte == b'\r' => {
                    self.reader.consume(1);
                    self.pass(byte);
                }
                _ => break,
            }
        }
        self.line
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        byte.first().copied()
    }

    fn pass(&mut self, byte: u8) {
        self.offset += 1;
        // CR LF is one end of a line, and so is either alone.
        if byte == b'\r' || (byte == b'\n' && !self.after_cr) {
            self.line += 1;
        }
        self.after_cr = byte == b'\r';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = "a\r\n\r\nb\rc\n\nd";
        let mut lines = LineCounter::new(text.as_bytes());
        let at = |c: char| text.find(c).expect("there") as u64;
        assert_eq!(lines.line_at(at('a')), 1);
        assert_eq!(lines.line_at(1), 3);
        assert_eq!(lines.line_at(at('c')), 4);
        assert_eq!(lines.line_at(at('d')), 6);
    }
}
