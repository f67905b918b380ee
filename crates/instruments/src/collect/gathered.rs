//! Reactions as they are gathered: a (well, target) is there once.

use crate::bounds::REACTIONS_MAX;
use crate::refusal::{Faults, Reason, Refusal, shown};
use crate::table::{Reaction, RunTable};
use std::collections::HashMap;

/// What is gathered while rows are read.
#[derive(Default)]
pub(super) struct Gathered {
    pub table: RunTable,
    pub faults: Faults,
    seen: HashMap<(String, String), usize>,
    pub plates: Vec<String>,
    pub repeated: u32,
    pub without_target: u32,
}

impl Gathered {
    /// Adds a reaction; the same again is dropped, another one of the same well and target is a fault.
    pub fn add(&mut self, reaction: Reaction) {
        let key = (reaction.well.clone(), reaction.target.clone());
        let Some(first) = self
            .seen
            .get(&key)
            .and_then(|at| self.table.reactions.get(*at))
        else {
            self.seen.insert(key, self.table.reactions.len());
            self.table.reactions.push(reaction);
            return;
        };
        let same = first.reading.ct == reaction.reading.ct
            && first.omitted == reaction.omitted
            && first.sample == reaction.sample;
        if same {
            self.repeated = self.repeated.saturating_add(1);
            return;
        }
        let text = format!(
            "well {} has target {} again, with other content than {}",
            reaction.well,
            shown(&reaction.target),
            first.place
        );
        self.faults
            .add(Reason::DuplicateReaction, reaction.place, text);
    }
}

/// Joins tables of one run that are of different targets.
pub(crate) fn join(tables: Vec<RunTable>) -> Result<RunTable, Refusal> {
    let mut gathered = Gathered::default();
    for table in tables {
        if gathered.table.format.is_empty() {
            gathered.table.format = table.format;
            gathered.table.about = table.about;
        }
        for warning in table.warnings {
            if !gathered.table.warnings.contains(&warning) {
                gathered.table.warnings.push(warning);
            }
        }
        for reaction in table.reactions {
            gathered.add(reaction);
        }
        gathered.table.curves.extend(table.curves);
        if gathered.table.reactions.len() > REACTIONS_MAX {
            return Err(Refusal::whole(
                Reason::TooLong,
                format!("more than {REACTIONS_MAX} rows"),
            ));
        }
    }
    gathered.faults.into_result()?;
    Ok(gathered.table)
}
