//! Tubes, pools and plates, as pooling's journals say it.
//!
//! Tubes are followed in [`tube`], pools in [`pools`], plates in [`plates`], plates that were stamped from others in
//! [`combine`]; [`clocks`] says when each is due, and [`filing`] when they may leave the state.

mod clocks;
mod combine;
mod filing;
mod plates;
mod pools;
mod tube;

use super::book::Book;
use super::gone::Gone;
use super::ids::TubeKey;
use super::intake::check_closing;
use super::tubes::{Sample, Stage, Tube};
use crate::about::name;
use crate::finding::Rule;
use clocks::Times;
use plates::Plate;
use pools::Pool;
use std::collections::{HashMap, VecDeque};
use tenfold_proto::v1::pooling_event::What;

/// A registration whose tube is not here.
#[derive(Clone, Debug)]
pub struct Expected {
    sample: Sample,
    times: Times,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pooling {
    /// By lab and barcode.
    expected: HashMap<(u64, u64), Expected>,
    /// The tube that a label of a lab is on, while it is not over.
    labels: HashMap<(u64, u64), TubeKey>,
    /// Labels received a second time in this batch, and not yet held for it.
    twins: Vec<(TubeKey, TubeKey)>,
    pools: HashMap<u64, Pool>,
    newest_pool: HashMap<u64, u64>,
    /// Numbers reserved for the new pools of a bench (lab, bench): the next one and the last one of each batch.
    reserved_pools: HashMap<(u64, u64), VecDeque<(u64, u64)>>,
    /// Last plate label a lab has reserved.
    reserved_plates: HashMap<u64, u64>,
    plates: HashMap<u32, Plate>,
    /// Tubes that were filed.
    pub gone: Gone,
    /// Tubes received.
    pub received: u64,
    /// Pools sealed.
    pub sealed: u64,
    /// Pools voided.
    pub voided: u64,
    /// Plates loaded.
    pub loaded: u64,
}

impl Pooling {
    /// Barcodes that labs expect, with the lab.
    pub fn expected(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.expected.keys().copied()
    }

    /// Takes an event.
    pub fn event(&mut self, book: &mut Book<'_>, what: &What) {
        match what {
            What::PolicyActivated(policy) => {
                if let Err(why) = book.policies.activate(policy.version, &policy.content) {
                    book.wrong(Rule::Inv09, format!("the policy cannot be read: {why}"));
                }
            }
            What::SampleExpected(event) => self.expects(book, event),
            What::ExpectedWithdrawn(event) => {
                let key = (book.labs.number(&event.lab), name(&event.barcode));
                let known = self.expected.remove(&key).is_some();
                book.check(known, Rule::Inv01, |_| {
                    format!("{} is expected no more, and was not", event.barcode)
                });
            }
            What::TubeReceived(event) => self.received(book, event),
            What::TubeDetailed(event) => self.detailed(book, event),
            What::TubeMoved(_) | What::MemberVerified(_) | What::SealDue(_) => {}
            What::TubeHeld(event) => {
                if let Some(key) = self.tube(book, &event.tube) {
                    self.twins.retain(|(twin, _)| *twin != key);
                    change(book, key, |tube| tube.holds = tube.holds.saturating_add(1));
                }
            }
            What::TubeReleased(event) => {
                if let Some(key) = self.tube(book, &event.tube) {
                    change(book, key, |tube| tube.holds = 0);
                }
            }
            What::TubeRelabelled(event) => self.relabelled(book, event),
            What::TubeDiscarded(event) => self.ends(book, &event.tube, Stage::Discarded),
            What::TubeWithdrawn(event) => self.withdrawn(book, &event.tube),
            What::SampleClosed(closing) => {
                if let Some(key) = book.labs.tube(&closing.tube) {
                    check_closing(book, key, closing);
                }
                self.ends(book, &closing.tube, Stage::Closed);
            }
            What::RetestOrdered(event) => {
                if let (Some(order), Some(clock)) = (&event.order, &event.clock) {
                    self.retest(book, order, clock);
                }
            }
            What::TubesFiled(event) => self.filed(book, event),
            What::DeadlinesChecked(checked) => clocks::deadlines(book, checked),
            _ if self.pool_event(book, what) => {}
            _ => self.plate_event(book, what),
        }
    }

    /// What must hold at the end of a batch.
    pub fn settle(&mut self, book: &mut Book<'_>) {
        for (_, first) in std::mem::take(&mut self.twins) {
            let text = format!(
                "tube {} is here, and another with its label was received and is not held",
                book.labs.tube_id(first)
            );
            book.wrong(Rule::Inv01, text);
        }
    }

    /// The key of a tube that must be there.
    fn tube(&self, book: &mut Book<'_>, id: &str) -> Option<TubeKey> {
        let key = book.labs.tube(id).filter(|key| book.tubes.has(*key));
        match key {
            None => book.wrong(Rule::Inv01, format!("tube {id} was never received")),
            Some(key) if self.gone.has(key) => {
                let text = format!("something happens to tube {id}, and it was filed before");
                book.wrong(Rule::Inv01, text);
            }
            Some(_) => {}
        }
        key
    }
}

fn change(book: &mut Book<'_>, key: TubeKey, how: impl FnOnce(&mut Tube)) {
    if let Some(tube) = book.tubes.get(key) {
        how(tube);
    }
}
