//! What a table of curves looks like: told by the names of its columns.

use super::gather::Gathering;
use super::{number, whole};
use crate::bounds::NAME_CHARS_MAX;
use crate::columns::{Column, is_header};
use crate::metadata::Metadata;
use crate::opened::{Line, Opened};
use crate::refusal::Refusal;
use crate::wells::{Block, canonical, is_position};
use std::collections::HashMap;
use tenfold_domain::policy::plain_name;

/// Names of a column of cycles.
const CYCLE: &[&str] = &["cycle", "cycles", "cyclenumber", "cycle#", "循环", "循环数"];

/// Names of a column of fluorescence against the passive reference, the better first: without the baseline, and with it.
const VALUE: &[&str] = &["deltarn", "drn", "δrn", "rn"];

/// A table of curves, and where its columns are.
pub(super) enum Shape {
    /// A line a well, target and cycle.
    Long {
        well: usize,
        target: usize,
        cycle: usize,
        value: usize,
    },
    /// A line a well and cycle, a column a dye.
    Dyes {
        well: usize,
        cycle: usize,
        dyes: Vec<(usize, String)>,
    },
    /// The same, of one filter; cycles are counted anew in each program.
    Raw {
        well: usize,
        program: usize,
        cycle: usize,
        value: usize,
        filter: String,
    },
    /// A line a cycle, a column a well.
    Wide {
        cycle: usize,
        wells: Vec<(usize, String)>,
        target: String,
    },
}

/// Whether a line names the columns of a table of curves.
pub(crate) fn is_of_curves(line: &Line) -> bool {
    let names: Vec<String> = line.cells.iter().map(|cell| plain_name(cell)).collect();
    !is_header(line) && names.iter().any(|name| CYCLE.contains(&name.as_str()))
}

impl Shape {
    /// The shape of the table that this line is the header of.
    pub fn of(line: &Line, opened: &Opened, part: usize) -> Option<Self> {
        if !is_of_curves(line) {
            return None;
        }
        let names: Vec<String> = line.cells.iter().map(|cell| plain_name(cell)).collect();
        let at = |wanted: &[&str]| {
            let mut wanted = wanted.iter();
            wanted.find_map(|name| names.iter().position(|known| known == name))
        };
        let column = |wanted: Column| {
            let mut cells = line.cells.iter();
            cells.position(|cell| Column::named(cell) == Some(wanted))
        };
        let cycle = at(CYCLE)?;
        if let (Some(well), Some(program)) = (at(&["samplepos"]), at(&["prog#"])) {
            let value = names.len().checked_sub(1).filter(|last| *last > cycle)?;
            let title = opened.parts.get(part)?.head.first()?;
            let filter = crate::readers::filter_of(title)?;
            return Some(Self::Raw {
                well,
                program,
                cycle,
                value,
                filter,
            });
        }
        if let Some(well) = column(Column::WellPosition).or_else(|| column(Column::Well)) {
            let target = column(Column::Target).or_else(|| column(Column::Dye));
            if let (Some(target), Some(value)) = (target, at(VALUE)) {
                return Some(Self::Long {
                    well,
                    target,
                    cycle,
                    value,
                });
            }
            let dyes = dyes(line, opened, part);
            return (!dyes.is_empty()).then_some(Self::Dyes { well, cycle, dyes });
        }
        let wells: Vec<(usize, String)> = line
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| is_position(cell))
            .filter_map(|(at, cell)| Some((at, canonical(cell, None).ok()?)))
            .collect();
        let target = opened.parts.get(part)?.name.clone();
        (!wells.is_empty() && !target.is_empty()).then_some(Self::Wide {
            cycle,
            wells,
            target,
        })
    }

    pub const fn is_of_dyes(&self) -> bool {
        matches!(self, Self::Dyes { .. })
    }

    /// The rows of the program that amplifies, where cycles are counted anew in each: that with the most cycles.
    pub fn program(&self, rows: &[Line]) -> impl Fn(&Line) -> bool {
        let wanted = match self {
            Self::Raw { program, cycle, .. } => {
                let mut last: HashMap<&str, u16> = HashMap::new();
                for line in rows {
                    let most = last.entry(line.cell(*program)).or_default();
                    *most = (*most).max(whole(line.cell(*cycle)).unwrap_or(0));
                }
                let longest = last.into_iter().max_by_key(|(name, most)| (*most, *name));
                longest.map(|(name, _)| (*program, name.to_owned()))
            }
            _ => None,
        };
        move |line| {
            let wanted = wanted.as_ref();
            wanted.is_none_or(|(at, name)| line.cell(*at) == name.as_str())
        }
    }

    /// Takes a row. One that is none (a trailer, a well that is used by nobody) is passed over.
    pub fn take(
        &self,
        line: &Line,
        block: Option<Block>,
        into: &mut Gathering,
    ) -> Result<(), Refusal> {
        let at = match self {
            Self::Long { cycle, .. }
            | Self::Dyes { cycle, .. }
            | Self::Raw { cycle, .. }
            | Self::Wide { cycle, .. } => *cycle,
        };
        let Some(cycle) = whole(line.cell(at)) else {
            return Ok(());
        };
        let well = |at: usize| canonical(line.cell(at), block).ok();
        let value = |at: usize| number(line.cell(at));
        match self {
            Self::Long {
                well: at,
                target,
                value: value_at,
                ..
            } => {
                let target = line.cell(*target);
                let named = !target.is_empty() && target.chars().nth(NAME_CHARS_MAX).is_none();
                if let (Some(well), Some(value), true) = (well(*at), value(*value_at), named) {
                    into.add(&well, target, (cycle, value))?;
                }
            }
            Self::Dyes { well: at, dyes, .. } => {
                let Some(well) = well(*at) else {
                    return Ok(());
                };
                for (at, dye) in dyes {
                    if let Some(value) = value(*at) {
                        into.add(&well, dye, (cycle, value))?;
                    }
                }
            }
            Self::Raw {
                well: at,
                value: value_at,
                filter,
                ..
            } => {
                if let (Some(well), Some(value)) = (well(*at), value(*value_at)) {
                    into.add(&well, filter, (cycle, value))?;
                }
            }
            Self::Wide { wells, target, .. } => {
                for (at, well) in wells {
                    if let Some(value) = value(*at) {
                        into.add(well, target, (cycle, value))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Columns of dyes: all that are nothing else. The passive reference is none.
fn dyes(line: &Line, opened: &Opened, part: usize) -> Vec<(usize, String)> {
    let reference = Metadata::of(opened, part);
    let reference = reference.get(&["passivereference"]).unwrap_or_default();
    let named = opened.parts.get(part).map(|part| plain_name(&part.name));
    if !named.is_some_and(|name| name.starts_with("multicomponent")) {
        return Vec::new();
    }
    let cells = line.cells.iter().enumerate();
    cells
        .filter(|(_, cell)| {
            let plain = plain_name(cell);
            Column::named(cell).is_none()
                && !plain.is_empty()
                && !CYCLE.contains(&plain.as_str())
                && !cell.eq_ignore_ascii_case(reference)
        })
        .map(|(at, cell)| (at, cell.chars().take(NAME_CHARS_MAX).collect()))
        .collect()
}
