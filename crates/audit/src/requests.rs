//! Each request takes effect once: no request id has two outcomes in a lane while it is remembered, and
//! what a client was told is what the journals hold.

use crate::finding::{Findings, Rule};
use crate::hashes::hash64;
use crate::lane::{Batch, Lane};
use crate::ledger::Ledger;
use crate::source::Place;
use crate::told::{Answered, Told, key};
use std::collections::{HashMap, HashSet, VecDeque};
use tenfold_proto::lane::{Outcome, answer};

/// How long a lane answers a repeated request with its first answer.
const REMEMBERED_MS: i64 = 72 * 3_600_000;

/// Outcomes are kept in groups of so much lane time.
const GROUP_MS: i64 = 8 * 3_600_000;

/// The request ids of one lane.
#[derive(Debug, Default)]
struct Ids(VecDeque<(i64, HashSet<u64>)>);

impl Ids {
    /// Adds one; false if it is remembered.
    fn insert(&mut self, id: u64, at: i64) -> bool {
        while self
            .0
            .front()
            .is_some_and(|(from, _)| *from < at.saturating_sub(REMEMBERED_MS))
        {
            self.0.pop_front();
        }
        if self.0.iter().any(|(_, ids)| ids.contains(&id)) {
            return false;
        }
        let group = at.div_euclid(GROUP_MS).saturating_mul(GROUP_MS);
        match self.0.back_mut() {
            Some((from, ids)) if *from == group => ids.insert(id),
            _ => {
                self.0.push_back((group, HashSet::from([id])));
                true
            }
        }
    }
}

/// What the journals hold of a request that a client told of.
#[derive(Debug, Default)]
struct Held {
    done: u64,
    refused: u64,
    places: Vec<Place>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Requests {
    told: Told,
    held: HashMap<u64, Held>,
    refused_registrations: HashMap<u64, Place>,
    by_lane: HashMap<crate::source::LaneName, Ids>,
    /// Outcomes with an answer.
    pub done: u64,
    /// Outcomes with a refusal.
    pub refused: u64,
}

/// The outcome is a reply, not a refusal.
#[must_use]
pub fn is_done(outcome: &Outcome) -> bool {
    let answer = outcome.answer.as_ref().and_then(|a| a.answer.as_ref());
    matches!(answer, Some(answer::Answer::Reply(_)))
}

impl Requests {
    /// With what clients were told.
    #[must_use]
    pub fn new(told: Told) -> Self {
        Self {
            told,
            ..Self::default()
        }
    }

    /// Lines of clients' ledger files.
    #[must_use]
    pub fn told(&self) -> u64 {
        (self.told.requests.len() + self.told.registrations.len()) as u64
    }

    /// Takes the outcomes of a batch.
    pub fn batch(&mut self, lane: &Lane, batch: &Batch, findings: &mut Findings) {
        let ids = self.by_lane.entry(lane.journal.clone()).or_default();
        for outcome in &batch.decisions.outcomes {
            let done = is_done(outcome);
            if done {
                self.done = self.done.saturating_add(1);
            } else {
                self.refused = self.refused.saturating_add(1);
            }
            let id = hash64(&[outcome.actor.as_bytes(), outcome.request_id.as_bytes()]);
            if !ids.insert(id, batch.decisions.decided_at) {
                let text = format!(
                    "request {:?} of {:?} was decided twice",
                    outcome.request_id, outcome.actor
                );
                findings.add(Rule::Request, text, vec![lane.at(batch.offset)]);
            }
            let key = key(lane.service.name(), &outcome.actor, &outcome.request_id);
            if self.told.requests.contains_key(&key) {
                let held = self.held.entry(key).or_default();
                if done {
                    held.done = held.done.saturating_add(1);
                } else {
                    held.refused = held.refused.saturating_add(1);
                }
                held.places.push(lane.at(batch.offset));
            }
        }
    }

    /// A registration that nobody waited for was refused.
    pub fn registration_refused(&mut self, barcode: u64, at: Place) {
        if self.told.registrations.contains_key(&barcode) {
            self.refused_registrations.insert(barcode, at);
        }
    }

    /// Compares what clients were told with what was found. `behind` = the log goes on behind the cut,
    /// so that what is missing may come there.
    pub fn close(&self, behind: bool, ledger: &Ledger, findings: &mut Findings) {
        let none = Held::default();
        for (key, line) in &self.told.requests {
            let held = self.held.get(key).unwrap_or(&none);
            let text = match line.answer {
                Answered::Done if held.done == 0 && !behind => {
                    "was answered, and no journal has it"
                }
                Answered::Done | Answered::Unknown if held.done > 1 => "took effect more than once",
                Answered::Done if held.refused > 0 => "was answered, and a journal refused it",
                // That another request bore its id is no word about itself.
                Answered::Refused if held.done > 0 && line.reason != "REQUEST_ID_REUSED" => {
                    "was refused, and took effect"
                }
                _ => continue,
            };
            let text = format!(
                "request {:?} of {:?} ({} {}) {text}",
                line.request_id, line.actor, line.service, line.command
            );
            findings.add(Rule::Request, text, held.places.clone());
        }
        for (barcode, line) in &self.told.registrations {
            let known = line.answer != Answered::Done
                || self.refused_registrations.contains_key(barcode)
                || ledger.is_registered(*barcode)
                || ledger.is_waiting(*barcode)
                || behind;
            if !known {
                let text = format!(
                    "the registration of {} was acknowledged, and is neither registered nor refused",
                    line.barcode
                );
                findings.add(Rule::Request, text, Vec::new());
            }
        }
    }
}
