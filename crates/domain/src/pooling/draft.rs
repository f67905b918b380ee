//! A decision in the making: the state it reads, and the events decided so far already folded in.
//!
//! So a command with many parts (a rack of 96) reads, for each part, what the parts before it did;
//! and a refusal half way leaves nothing behind.

use super::event::{Event, What};
use super::evolve::evolve;
use crate::ids::{Actor, LabId};
use crate::message::Message;
use crate::rejection::{Code, Rejection};
use crate::tables::{Key, Read, TableId, Visit, Write};
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// Which service a message goes to; its lane follows from the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Intake's lane of a barcode.
    Intake(crate::ids::Barcode),
    /// Results' lane of a lab.
    Results(LabId),
}

/// What a decision came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What happened.
    pub events: Vec<Event>,
    /// Who must hear.
    pub messages: Vec<(To, Message)>,
}

/// A decision in the making.
pub struct Draft<'a> {
    over: Overlay<'a>,
    /// Lane time.
    pub now: Timestamp,
    by: Actor,
    outcome: Outcome,
}

impl<'a> Draft<'a> {
    /// Nothing decided yet.
    pub fn new(base: &'a dyn Read, now: Timestamp, by: impl Into<Actor>) -> Self {
        Self {
            over: Overlay {
                base,
                rows: BTreeMap::new(),
                names: HashMap::new(),
            },
            now,
            by: by.into(),
            outcome: Outcome::default(),
        }
    }

    /// The state, with what was decided so far.
    #[must_use]
    pub fn state(&self) -> &dyn Read {
        &self.over
    }

    /// Who decides.
    #[must_use]
    pub const fn by(&self) -> &Actor {
        &self.by
    }

    /// Decides that something happened.
    ///
    /// # Errors
    /// The event contradicts the state: a bug of the decision, told as `FOLD`.
    pub fn emit(&mut self, what: What) -> Result<(), Rejection> {
        let event = Event {
            by: self.by.clone(),
            what,
        };
        evolve(&mut self.over, &event, self.now).map_err(|problem| {
            Rejection::new(
                Code::Internal,
                "FOLD",
                "",
                problem.to_string(),
                "nothing was done; report this",
            )
        })?;
        self.outcome.events.push(event);
        Ok(())
    }

    /// Decides that another service must hear something.
    pub fn send(&mut self, to: To, message: Message) {
        self.outcome.messages.push((to, message));
    }

    /// What was decided.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.outcome
    }
}

/// The rows written in this decision, over the state.
struct Overlay<'a> {
    base: &'a dyn Read,
    rows: BTreeMap<(TableId, Vec<u8>), Option<Vec<u8>>>,
    names: HashMap<(TableId, String), Vec<u64>>,
}

impl Read for Overlay<'_> {
    fn get_raw(&self, table: TableId, key: &[u8]) -> Option<Vec<u8>> {
        match self.rows.get(&(table, key.to_vec())) {
            Some(row) => row.clone(),
            None => self.base.get_raw(table, key),
        }
    }

    fn candidates(&self, table: TableId, name: &str) -> Vec<u64> {
        let mut keys = self.base.candidates(table, name);
        if let Some(more) = self.names.get(&(table, name.to_owned())) {
            keys.extend(more);
        }
        keys
    }

    fn scan_raw(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        let mut written = self
            .rows
            .range((table, from.to_vec())..)
            .take_while(|((t, key), _)| *t == table && to.is_none_or(|to| key.as_slice() < to))
            .peekable();
        let mut stopped = false;
        self.base.scan_raw(table, from, to, &mut |key, value| {
            while let Some(((_, mine), row)) = written.next_if(|((_, k), _)| k.as_slice() <= key) {
                if let Some(row) = row
                    && visit(mine, row).is_break()
                {
                    stopped = true;
                    return ControlFlow::Break(());
                }
                if mine == key {
                    return ControlFlow::Continue(());
                }
            }
            let flow = visit(key, value);
            stopped = flow.is_break();
            flow
        });
        if stopped {
            return;
        }
        for ((_, key), row) in written {
            if let Some(row) = row
                && visit(key, row).is_break()
            {
                return;
            }
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        self.base.report_damage(table, key);
    }
}

impl Write for Overlay<'_> {
    fn put_raw(&mut self, table: TableId, key: &[u8], value: Vec<u8>, names: &[&str]) {
        if let Some(number) = u64::from_bytes(key) {
            for name in names {
                self.names
                    .entry((table, (*name).to_owned()))
                    .or_default()
                    .push(number);
            }
        }
        self.rows.insert((table, key.to_vec()), Some(value));
    }

    fn delete_raw(&mut self, table: TableId, key: &[u8]) {
        self.rows.insert((table, key.to_vec()), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::MemoryTables;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_overlay_reads_as_if_its_writes_were_in_the_base(
            base in prop::collection::btree_map(0u8..20, 0u8..9, 0..10),
            writes in prop::collection::vec((0u8..20, prop::option::of(0u8..9)), 0..12),
            from in 0u8..20, to in prop::option::of(0u8..20), most in 1usize..30,
        ) {
            let mut plain = MemoryTables::default();
            for (key, value) in &base {
                plain.put_raw(3, &[*key], vec![*value], &[]);
            }
            let under = plain.clone();
            let mut over = Overlay { base: &under, rows: BTreeMap::new(), names: HashMap::new() };
            for (key, value) in writes {
                match value {
                    Some(value) => {
                        plain.put_raw(3, &[key], vec![value], &[]);
                        over.put_raw(3, &[key], vec![value], &[]);
                    }
                    None => {
                        plain.delete_raw(3, &[key]);
                        over.delete_raw(3, &[key]);
                    }
                }
            }
            let read = |state: &dyn Read| {
                let mut rows = Vec::new();
                state.scan_raw(3, &[from], to.map(|t| [t]).as_ref().map(<[u8; 1]>::as_slice), &mut |key, value| {
                    rows.push((key.to_vec(), value.to_vec()));
                    if rows.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                rows
            };
            prop_assert_eq!(read(&over), read(&plain));
            for key in 0u8..20 {
                prop_assert_eq!(over.get_raw(3, &[key]), plain.get_raw(3, &[key]));
            }
        }
    }
}
