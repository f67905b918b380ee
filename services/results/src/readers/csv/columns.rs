//! The columns of a table, found by their names.

use super::decode::Line;
use tenfold_domain::Rejection;
use tenfold_domain::policy::plain_name;

/// Names of the columns, without case, spaces, `-` and `_`. A Ct column must have one of these names
/// exactly: `Ct Mean` and its like are others. `cт` is Cyrillic, as one maker writes it.
const WELL: &[&str] = &["well", "wellposition", "pos", "position"];
const TARGET: &[&str] = &["target", "targetname", "detector", "detectorname", "gene"];
const CT: &[&str] = &["ct", "cq", "cp", "crt", "cт", "cñ‚"];
const TASK: &[&str] = &["task", "content"];
pub(super) const PLATE: &[&str] = &["plate", "platebarcode", "plateid"];
/// Known, and not needed here.
const PASSED_OVER: &[&str] = &[
    "sample",
    "samplename",
    "name",
    "reporter",
    "quencher",
    "fluor",
    "dye",
    "",
];

/// The row that holds the names of a well column and of a Ct or target column.
pub(super) fn is_header(line: &Line) -> bool {
    let has = |names: &[&str]| {
        line.cells
            .iter()
            .any(|cell| names.contains(&plain_name(cell).as_str()))
    };
    has(WELL) && (has(CT) || has(TARGET))
}

/// Where the columns are.
pub(super) struct Columns {
    pub well: usize,
    pub target: usize,
    pub ct: usize,
    pub task: Option<usize>,
    pub plate: Option<usize>,
    pub count: usize,
    pub unknown: Vec<String>,
}

impl Columns {
    /// Finds them.
    ///
    /// # Errors
    /// `DUPLICATE_COLUMN`, `MISSING_COLUMN` with every missing one.
    pub fn of(header: &Line) -> Result<Self, Rejection> {
        let names: Vec<String> = header.cells.iter().map(|cell| plain_name(cell)).collect();
        let mut missing = Vec::new();
        let mut twice = Vec::new();
        let mut find = |column: &'static str, known: &[&str], needed: bool| {
            let mut places = names
                .iter()
                .enumerate()
                .filter(|(_, name)| known.contains(&name.as_str()));
            let first = places.next();
            match (first, places.next()) {
                // `Well` as an index beside `Well Position`: the position counts.
                (Some((a, name)), Some((b, other))) if name != other => {
                    Some(if other.len() > name.len() { b } else { a })
                }
                (Some((at, _)), Some(_)) => {
                    twice.push(column);
                    Some(at)
                }
                (Some((at, _)), None) => Some(at),
                _ => {
                    if needed {
                        missing.push(column);
                    }
                    None
                }
            }
        };
        let (well, target, ct) = (
            find("well", WELL, true),
            find("target", TARGET, true),
            find("ct", CT, true),
        );
        let (task, plate) = (find("task", TASK, false), find("plate", PLATE, false));
        if let Some(column) = twice.first() {
            return Err(Rejection::invalid(
                "DUPLICATE_COLUMN",
                "file",
                format!(
                    "line {}: column {column} is there twice: which one counts is unknowable",
                    header.line
                ),
                "remove one of them",
            ));
        }
        let (Some(well), Some(target), Some(ct)) = (well, target, ct) else {
            return Err(Rejection::invalid(
                "MISSING_COLUMN",
                "file",
                format!(
                    "line {}: there is no column {}",
                    header.line,
                    missing.join(", and no column ")
                ),
                "export the columns well, target and ct",
            ));
        };
        let known = |name: &str| {
            [WELL, TARGET, CT, TASK, PLATE, PASSED_OVER]
                .iter()
                .any(|names| names.contains(&name))
        };
        let unknown = header
            .cells
            .iter()
            .zip(&names)
            .filter(|(_, plain)| !known(plain))
            .map(|(name, _)| name.clone())
            .collect();
        Ok(Self {
            well,
            target,
            ct,
            task,
            plate,
            count: names.len(),
            unknown,
        })
    }
}
