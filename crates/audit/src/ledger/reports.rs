//! One report for each sample and version (INV-06).

use super::ids::Labs;
use crate::finding::{Findings, Rule};
use crate::lane::{Batch, Lane};
use std::collections::HashMap;
use tenfold_proto::v1::ResultsEvent;
use tenfold_proto::v1::results_event::Event;

#[derive(Debug, Default)]
pub struct Reports {
    newest: HashMap<u64, u32>,
    pub issued: u64,
}

impl Reports {
    pub fn event(
        &mut self,
        event: &ResultsEvent,
        labs: &mut Labs,
        lane: &Lane,
        batch: &Batch,
        findings: &mut Findings,
    ) {
        let Some(Event::ReportsIssued(issued)) = &event.event else {
            return;
        };
        for group in &issued.reports {
            for number in &group.numbers {
                self.issued += 1;
                let key = labs.key(&group.lab, *number);
                let newest = self.newest.entry(key).or_default();
                if group.version != *newest + 1 || group.replaces != *newest {
                    let text = format!(
                        "tube {}: report version {} that replaces {} follows version {newest}",
                        labs.tube_id(key),
                        group.version,
                        group.replaces
                    );
                    findings.add(Rule::Inv06, text, lane.shown_by(batch));
                }
                *newest = group.version;
            }
        }
    }
}
