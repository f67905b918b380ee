//! Instrument files at the edge: read by `tenfold_instruments`, and turned into the neutral table that enters
//! the log. A later reader therefore changes nothing that was decided.

use std::collections::{HashMap, HashSet};
use tenfold_domain::Rejection;
use tenfold_domain::results::run::{Row, RunTable};
use tenfold_instruments::{Curve, TableMapping};
use tenfold_proto::v1;

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = tenfold_instruments::bounds::FILE_BYTES_MAX;

/// Most characters of the warnings that are kept with a run.
const WARNINGS_MAX: usize = 2_000;

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadFile {
    /// What the lane gets.
    pub table: RunTable,
    /// The format's name.
    pub format: &'static str,
    /// The instrument's serial number, if the file has it.
    pub serial: String,
    /// The run's own name, if the file has it.
    pub run: String,
    /// Wells with a reaction.
    pub wells: u32,
}

/// Reads a file by the reader that recognises its content.
///
/// # Errors
/// Why nothing of it is used: the place, the reason, what to do.
pub fn read_file(bytes: &[u8], mappings: &[TableMapping]) -> Result<ReadFile, Rejection> {
    let read = tenfold_instruments::read(bytes, mappings)?;
    let mut wells: Vec<&str> = read.reactions.iter().map(|r| r.well.as_str()).collect();
    wells.sort_unstable();
    wells.dedup();
    let curves: HashMap<(&str, &str), u64> = read
        .curves
        .iter()
        .filter_map(|curve| Some(((&*curve.well, &*curve.target), digest(curve)?)))
        .collect();
    let of: Vec<Option<u64>> = read
        .reactions
        .iter()
        .map(|r| curves.get(&(&*r.well, &*r.target)).copied())
        .collect();
    let wells = u32::try_from(wells.len()).unwrap_or(u32::MAX);
    let rows = read
        .reactions
        .into_iter()
        .zip(of)
        .map(|(reaction, curve)| Row {
            line: reaction.place.line,
            well: reaction.well,
            target: reaction.target,
            reading: reaction.reading,
            task: match reaction.role.code() {
                "" => reaction.task,
                code => code.to_owned(),
            },
            omitted: reaction.omitted,
            curve,
        })
        .collect();
    let mut left = WARNINGS_MAX;
    let warnings = read
        .warnings
        .into_iter()
        .take_while(|warning| {
            left = left.saturating_sub(warning.len());
            left > 0
        })
        .collect();
    Ok(ReadFile {
        table: RunTable {
            plate: read.about.plate,
            rows,
            warnings,
        },
        format: read.format,
        serial: read.about.serial,
        run: read.about.run,
        wells,
    })
}

/// Fewer different values than this make no curve: a flat line is like any other.
const VALUES_MIN: usize = 10;

/// The digest of a curve: alike only for curves that are alike to the last digit that was read.
fn digest(curve: &Curve) -> Option<u64> {
    let values: HashSet<u32> = curve.points.iter().map(|(_, v)| v.to_bits()).collect();
    if values.len() < VALUES_MIN {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    for (cycle, value) in &curve.points {
        hasher.update(&cycle.to_le_bytes());
        hasher.update(&value.to_bits().to_le_bytes());
    }
    let digest = *hasher.finalize().as_bytes().first_chunk()?;
    // 0 says on the wire that there is none.
    Some(u64::from_le_bytes(digest).max(1))
}

/// The curves of a file.
///
/// # Errors
/// As [`read_file`].
pub fn curves(bytes: &[u8], mappings: &[TableMapping]) -> Result<v1::CurvesReply, Rejection> {
    let read = tenfold_instruments::read(bytes, mappings)?;
    let curves = read.curves.into_iter().map(|curve| {
        let (cycles, values): (Vec<u16>, Vec<f32>) = curve.points.into_iter().unzip();
        v1::Curve {
            well: curve.well,
            target: curve.target,
            cycles: cycles.into_iter().map(u32::from).collect(),
            values,
        }
    });
    Ok(v1::CurvesReply {
        curves: curves.collect(),
    })
}

/// The neutral table of a file, without any mapping of a lab's own.
///
/// # Errors
/// As [`read_file`].
pub fn read(bytes: &[u8]) -> Result<RunTable, Rejection> {
    read_file(bytes, &[]).map(|read| read.table)
}

/// The name of a file's content: blake3 in hexadecimal.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
