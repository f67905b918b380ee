//! What every ledger is given with a batch: where it is, when it was decided, what it consumed; and
//! where to write down what is wrong.

use super::causes::Causes;
use super::ids::Labs;
use super::tubes::Tubes;
use crate::finding::{Findings, Rule};
use crate::inbox::place;
use crate::lane::{Batch, Lane};
use crate::policy::{Policies, Policy};
use crate::source::Place;
use std::sync::Arc;

/// A batch on its way through the ledgers.
pub struct Book<'a> {
    /// Whose it is.
    pub lane: &'a Lane,
    /// The batch.
    pub batch: &'a Batch,
    /// What it consumed.
    pub causes: &'a Causes,
    /// Names of labs.
    pub labs: &'a mut Labs,
    /// All tubes.
    pub tubes: &'a mut Tubes,
    /// The lane's policies.
    pub policies: &'a mut Policies,
    /// What is wrong.
    pub findings: &'a mut Findings,
}

impl Book<'_> {
    /// Lane time of the batch.
    pub const fn at(&self) -> i64 {
        self.batch.decisions.decided_at
    }

    /// Its offset in the journal.
    pub const fn offset(&self) -> u64 {
        self.batch.offset
    }

    /// Something is wrong with this batch.
    pub fn wrong(&mut self, rule: Rule, text: impl Into<String>) {
        let shown = self.lane.shown_by(self.batch);
        self.findings.add(rule, text, shown);
    }

    /// Something is wrong between this batch and an earlier record of the same journal.
    pub fn wrong_since(&mut self, rule: Rule, earlier: u64, text: impl Into<String>) {
        let mut shown: Vec<Place> = vec![place(&self.lane.journal, earlier)];
        shown.extend(self.lane.shown_by(self.batch));
        shown.dedup();
        self.findings.add(rule, text, shown);
    }

    /// Wrong unless it holds.
    pub fn check(&mut self, holds: bool, rule: Rule, text: impl FnOnce(&Labs) -> String) {
        if !holds {
            let text = text(self.labs);
            self.wrong(rule, text);
        }
    }

    /// The policy that a decision names; it must be the active one (INV-09).
    pub fn policy(&mut self, version: u32, about: &str) -> Option<Arc<Policy>> {
        let Some((active, policy)) = self.policies.active() else {
            // Messages may come before the first policy: the services then go by their built-in one.
            return None;
        };
        if active != version {
            self.wrong(
                Rule::Inv09,
                format!("{about}: decided under policy {version}, and {active} was in force"),
            );
            return self.policies.version(version);
        }
        Some(policy)
    }
}
