//! The client's commands, one file a group. Each asks a service and prints its answer; none decides.

pub mod dead_letters;
pub mod explain;
pub mod labels;
pub mod policy;
pub mod pooling;
pub mod register;
pub mod results;
pub mod run_files;
pub mod sample;
pub mod sla;
pub mod status;
pub mod worklist;

use crate::failure::{Failure, Outcome};
use std::io::Write as _;
use std::path::Path;

/// Writes bytes to a file; `-` is standard output.
fn put(path: &Path, bytes: &[u8]) -> Outcome {
    if path.as_os_str() == "-" {
        return Ok(std::io::stdout().write_all(bytes)?);
    }
    std::fs::write(path, bytes)
        .map_err(|error| Failure::Usage(format!("{} cannot be written: {error}", path.display())))
}
