//! What nobody should do to a cache: leaves changed under a right checksum, which sled (1.0.0-alpha.124) takes for what it
//! wrote. It panics when it unpacks one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the checksum at the end of a slot.
const SUM: usize = 4;

/// Where a leaf is changed: behind the header of what zstd wrote.
const CHANGED: std::ops::Range<usize> = 8..10;

/// As sled makes it: zlib's, and turned.
fn checksum(content: &[u8]) -> [u8; SUM] {
    (crc32fast::hash(content) ^ 0xAF).to_le_bytes()
}

/// Changes the leaves in the largest slots of a store, where rows are: a store's own leaf of names is small. Answers how
/// many it changed. Nothing may have the store open.
///
/// # Errors
/// The store's files cannot be read or written.
pub fn change(store: &Path) -> io::Result<usize> {
    let mut slabs: Vec<(usize, PathBuf)> = Vec::new();
    for entry in fs::read_dir(store.join("slabs"))? {
        let entry = entry?;
        let slot = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(slot) = slot
            && entry.metadata()?.len() > 0
        {
            slabs.push((slot, entry.path()));
        }
    }
    let Some((slot, path)) = slabs.into_iter().max() else {
        return Ok(0);
    };
    let mut file = fs::read(&path)?;
    let mut changed = 0;
    for slot in file.chunks_exact_mut(slot.max(SUM)) {
        let (content, sum) = slot.split_at_mut(slot.len() - SUM);
        // One that was never written, or is wrong already, is left alone.
        if *sum == checksum(content)
            && let Some(some) = content.get_mut(CHANGED)
        {
            for byte in some {
                *byte ^= 0x55;
            }
            sum.copy_from_slice(&checksum(content));
            changed += 1;
        }
    }
    fs::write(&path, file)?;
    Ok(changed)
}
