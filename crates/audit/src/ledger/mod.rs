//! The audit's own books: what the events of all journals add up to.
//!
//! [`intake`], [`pooling`] and [`results`] follow the events of one service each; [`tubes`] holds a row
//! for each tube that both labs' services write; [`explain`] asks each event for its cause; [`sums`]
//! adds up at the end.

mod book;
mod causes;
mod ends;
mod explain;
mod gone;
mod ids;
mod intake;
mod pooling;
mod results;
mod sums;
mod tubes;

use crate::finding::{Findings, Rule};
use crate::inbox::place;
use crate::lane::{Batch, Lane, Service};
use crate::pairs::Pairs;
use crate::policy::Policies;
use crate::requests::Requests;
use crate::source::{LaneName, Place};
use book::Book;
use bytes::Bytes;
use causes::Causes;
use ids::Labs;
use intake::Intake;
use pooling::Pooling;
use prost::Message;
use results::Results;
use std::collections::{BTreeMap, HashMap, HashSet};
use tenfold_proto::v1::{
    ExternalInput, IntakeEvent, PoolingEvent, ResultsEvent, external_input, intake_event,
    results_event,
};
use tubes::Tubes;

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    labs: Labs,
    tubes: Tubes,
    intake: Intake,
    pooling: Pooling,
    results: Results,
    policies: HashMap<LaneName, Policies>,
    /// Registrations that wait in inboxes.
    waiting: HashSet<u64>,
    /// Samples by place, once the books are closed.
    samples: BTreeMap<&'static str, u64>,
}

impl Ledger {
    /// Takes a batch.
    pub fn batch(
        &mut self,
        lane: &Lane,
        batch: &Batch,
        requests: &mut Requests,
        findings: &mut Findings,
    ) {
        let mut causes = Causes::of(batch, lane.service == Service::Intake);
        let policies = self.policies.entry(lane.journal.clone()).or_default();
        let events = &batch.decisions.events;
        let (labs, tubes) = (&mut self.labs, &mut self.tubes);
        match lane.service {
            Service::Intake => {
                let read = decoded::<IntakeEvent>(events, lane, batch, findings);
                let timer =
                    |e: &IntakeEvent| matches!(e.event, Some(intake_event::Event::WatchChecked(_)));
                causes.timers = read.iter().filter(|e| timer(e)).count() as u64;
                let mut book = Book {
                    lane,
                    batch,
                    causes: &causes,
                    labs,
                    tubes,
                    policies,
                    findings,
                };
                for event in read.iter().filter_map(|e| e.event.as_ref()) {
                    explain::intake(&mut book, event);
                    self.intake.event(&mut book, event);
                    if let intake_event::Event::RegistrationRefused(refused) = event {
                        let barcode = crate::about::name(&refused.barcode);
                        requests.registration_refused(barcode, lane.at(batch.offset));
                    }
                }
                explain::messages(&mut book, lane.service);
            }
            Service::Pooling => {
                let read = decoded::<PoolingEvent>(events, lane, batch, findings);
                let mut book = Book {
                    lane,
                    batch,
                    causes: &causes,
                    labs,
                    tubes,
                    policies,
                    findings,
                };
                for event in &read {
                    if let Some(what) = &event.what {
                        explain::pooling(&mut book, &event.by, what);
                        self.pooling.event(&mut book, what);
                    }
                }
                self.pooling.settle(&mut book);
                explain::messages(&mut book, lane.service);
            }
            Service::Results => {
                let read = decoded::<ResultsEvent>(events, lane, batch, findings);
                let timer =
                    |e: &ResultsEvent| matches!(e.event, Some(results_event::Event::TimerDone(_)));
                causes.timers = read.iter().filter(|e| timer(e)).count() as u64;
                let mut book = Book {
                    lane,
                    batch,
                    causes: &causes,
                    labs,
                    tubes,
                    policies,
                    findings,
                };
                for event in read.iter().filter_map(|e| e.event.as_ref()) {
                    explain::results(&mut book, event);
                    self.results.event(&mut book, event);
                }
                self.results.settle(&mut book);
                explain::messages(&mut book, lane.service);
            }
        }
    }

    /// Items of an inbox that no journal consumed.
    pub fn waits(&mut self, externals: &[Bytes]) {
        for body in externals {
            if let Ok(ExternalInput {
                input: Some(external_input::Input::Registration(item)),
            }) = ExternalInput::decode(body.clone())
                && let Some(registration) = item.registration
            {
                self.waiting
                    .insert(crate::about::name(&registration.barcode));
            }
        }
    }

    /// A barcode is registered.
    #[must_use]
    pub fn is_registered(&self, barcode: u64) -> bool {
        self.intake.is_registered(barcode)
    }

    /// A registration of this barcode waits in an inbox.
    #[must_use]
    pub fn is_waiting(&self, barcode: u64) -> bool {
        self.waiting.contains(&barcode)
    }

    /// The records that show what is known of a barcode.
    fn where_is(&self, barcode: u64) -> Vec<Place> {
        self.intake
            .open()
            .find(|(open, _)| *open == barcode)
            .map(|(_, known)| place(&LaneName::new("intake.journal", known.lane), known.offset))
            .into_iter()
            .collect()
    }

    /// The sums at the cut.
    pub fn close(&mut self, pairs: &Pairs, findings: &mut Findings) {
        self.samples = sums::close(self, pairs, findings);
    }

    /// Names and numbers of what was counted.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, u64)> {
        let mut counts: Vec<(String, u64)> = self
            .samples
            .iter()
            .map(|(place, count)| (format!("samples {place}"), *count))
            .collect();
        counts.extend(
            [
                ("samples accepted", self.intake.accepted),
                ("registrations refused", self.intake.refused),
                ("re-collections that wait", self.intake.recollections()),
                ("tubes received", self.pooling.received),
                ("pools sealed", self.pooling.sealed),
                ("pools voided", self.pooling.voided),
                ("plates loaded", self.pooling.loaded),
                ("runs read", self.results.imported),
                ("calls worked out again", self.results.wells),
                ("suspect pools that are open", self.results.open_suspects()),
                ("orders that are open", self.results.open_orders()),
                ("reports issued", self.results.reports),
                ("of these corrections", self.results.corrections),
                ("results held back", self.results.suppressed),
                ("samples filed", self.results.filed),
                ("tubes filed by pooling", self.pooling.gone.count),
                ("samples filed by intake", self.intake.filed.count),
                ("cards dropped", self.results.dropped),
                ("cards dropped by intake", self.intake.dropped.count),
            ]
            .map(|(name, count)| (name.to_owned(), count)),
        );
        counts
    }
}

fn decoded<E: Message + Default>(
    events: &[Bytes],
    lane: &Lane,
    batch: &Batch,
    findings: &mut Findings,
) -> Vec<E> {
    let mut read = Vec::with_capacity(events.len());
    for bytes in events {
        match E::decode(bytes.clone()) {
            Ok(event) => read.push(event),
            Err(error) => findings.add(
                Rule::Unexplained,
                format!("an event that nobody can read: {error}"),
                vec![lane.at(batch.offset)],
            ),
        }
    }
    read
}
