//! The one length at which sled (1.0.0-alpha.124) stores a leaf wrongly.
//!
//! A leaf is pressed, and written to a slot that ends with its length and a checksum. Up to 65,535 bytes in all sled reckons
//! six bytes for these, and takes eight if the slot has 65,536. So a leaf of exactly 65,529 bytes fits by its reckoning, and
//! loses its last byte to its own length; and the checksum, made afterwards, is right. Reading it panics if that byte
//! matters to zstd, and gives something else than what was written if it does not. (Seen in a soak on 29 November 2026,
//! after three minutes; decision 0001.)
//!
//! There is no way to have such a leaf written right. So each slot of that length is spoiled as soon as it is written:
//! whoever reads it finds a wrong checksum, the store fails, and the cache is rebuilt. Most are never read, for a leaf that
//! is written is in memory, and is most likely written again, with another length, before anybody needs the file.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Size of the slots, and the name of their file.
const SLOT: u64 = 65_536;

/// Bytes of a leaf's length and checksum, at the end of its slot.
const FRAME: u64 = 8;

/// The length that is stored wrongly: with six bytes it would fill 65,535.
const LENGTH: u32 = 65_529;

/// Spoils what sled stored wrongly below a store's folder. Nothing may write there meanwhile. Answers how many slots those
/// were.
///
/// # Errors
/// The file cannot be read or written.
pub fn spoil(folder: &Path) -> io::Result<usize> {
    let path = folder.join("slabs").join(SLOT.to_string());
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let slots = file.metadata()?.len() / SLOT;
    let mut spoiled = 0;
    for slot in 0..slots {
        let frame = (slot + 1) * SLOT - FRAME;
        let mut length = [0; 4];
        file.seek(SeekFrom::Start(frame))?;
        file.read_exact(&mut length)?;
        if u32::from_le_bytes(length) == LENGTH {
            // Neither that length nor, but for one leaf in four thousand millions, its checksum.
            file.seek(SeekFrom::Start(frame))?;
            file.write_all(&[0; FRAME as usize])?;
            spoiled += 1;
        }
    }
    if spoiled > 0 {
        tracing::info!(
            folder = %folder.display(),
            spoiled,
            "sled stored leaves wrongly (a defect of its own): should one be read, the cache is rebuilt"
        );
    }
    Ok(spoiled)
}
