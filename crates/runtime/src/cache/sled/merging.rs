//! Leaves that a batch emptied.
//!
//! sled (1.0.0-alpha.124) merges a leaf that became empty into the one before it when a single row is removed, and never
//! when a batch removes the last one. A queue of ten million entries that came and went would leave ten to twenty thousand
//! empty leaves (reckoned), and whoever looks for the first row before or behind them would read each from its file and keep it in memory.

use super::Writes;
use super::store::LEAF;
use std::io;

/// What no row has for a value: sled compares, finds another thing or nothing, and changes no row.
const NO_ROW: &[u8] = b"no row has this value";

/// Merges the leaves that have no row any more since these writes were applied.
///
/// A comparison with a row that is not there changes nothing, but merges the leaf it would be in if that is empty.
/// Which keys share a leaf only sled knows, so each removed one is asked for.
///
/// # Errors
/// The store cannot be read or written.
pub fn merge_emptied(tree: &sled::Tree<LEAF>, writes: &Writes) -> io::Result<()> {
    for (key, _) in writes.iter().filter(|(_, value)| value.is_none()) {
        // Its answer is known: there is no such row.
        let _ = tree.compare_and_swap(key, Some(NO_ROW), None::<&[u8]>)?;
    }
    Ok(())
}
