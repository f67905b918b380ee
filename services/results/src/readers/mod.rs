//! Instrument files: one reader a format, chosen by the content and never by the name.

mod csv;

pub use csv::GenericCsv;

use tenfold_domain::Rejection;
use tenfold_domain::results::run::RunTable;

/// Largest file, in bytes: a 384-well export with all its curves is a third of it.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads one format.
pub trait RunReader: Send + Sync {
    /// The format's name, for people.
    fn name(&self) -> &'static str;

    /// Whether the content looks like this format; never by the file's name.
    fn recognises(&self, bytes: &[u8]) -> bool;

    /// Reads it whole.
    ///
    /// # Errors
    /// Everything that is wrong with it; nothing of it is used then.
    fn read(&self, bytes: &[u8]) -> Result<RunTable, Rejection>;
}

/// Readers, in the order in which they are asked. The generic one takes any text, so it comes last.
fn readers() -> [&'static dyn RunReader; 1] {
    [&GenericCsv]
}

/// Reads a file by the first reader that recognises it.
///
/// # Errors
/// `FILE_EMPTY`, `FILE_TOO_LARGE`, `UNSUPPORTED_FORMAT`, or the reader's own.
pub fn read(bytes: &[u8]) -> Result<RunTable, Rejection> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Rejection::invalid(
            "FILE_EMPTY",
            "file",
            "the file is empty",
            "export the run again; was the file still being written?",
        ));
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Rejection::invalid(
            "FILE_TOO_LARGE",
            "file",
            format!("{} bytes are more than {FILE_BYTES_MAX}", bytes.len()),
            "export the table of results alone, without curves",
        ));
    }
    readers()
        .iter()
        .find(|reader| reader.recognises(bytes))
        .ok_or_else(|| unsupported(what_it_is(bytes)))?
        .read(bytes)
}

/// What a file that is no text is.
fn what_it_is(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"PK\x03\x04") {
        "a zip archive: an xlsx workbook, an eds or an rdml file"
    } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        "an xls workbook"
    } else if bytes.starts_with(b"%PDF") {
        "a PDF"
    } else {
        "binary"
    }
}

fn unsupported(what: &str) -> Rejection {
    Rejection::invalid(
        "UNSUPPORTED_FORMAT",
        "file",
        format!("the file is {what}"),
        "export the table of results as text (csv) with the columns well, target and ct",
    )
}

/// The name of a file's content: blake3 in hexadecimal.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
