//! The audit's own books: what the events of all journals add up to.

mod ids;
mod reports;

use crate::finding::Findings;
use crate::lane::{Batch, Lane, Service};
use crate::pairs::Pairs;
use crate::requests::Requests;
use ids::Labs;
use prost::Message as _;
use reports::Reports;
use std::collections::BTreeMap;
use tenfold_proto::v1::ResultsEvent;

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    labs: Labs,
    reports: Reports,
}

impl Ledger {
    /// Takes a batch.
    pub fn batch(
        &mut self,
        lane: &Lane,
        batch: &Batch,
        _requests: &mut Requests,
        findings: &mut Findings,
    ) {
        if lane.service == Service::Results {
            for bytes in &batch.decisions.events {
                if let Ok(event) = ResultsEvent::decode(bytes.clone()) {
                    self.reports
                        .event(&event, &mut self.labs, lane, batch, findings);
                }
            }
        }
    }

    /// A barcode is registered.
    #[must_use]
    pub fn is_registered(&self, _barcode: u64) -> bool {
        false
    }

    /// A registration of this barcode waits in an inbox.
    #[must_use]
    pub fn is_waiting(&self, _barcode: u64) -> bool {
        false
    }

    /// The sums at the cut.
    pub fn close(&mut self, _pairs: &Pairs, _findings: &mut Findings) {}

    /// Names and numbers of what was counted.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([("reports issued", self.reports.issued)])
    }
}
