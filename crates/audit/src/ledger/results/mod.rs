//! Runs, calls, orders and reports, as results' journals say it: [`plates`] recomputes every call,
//! [`orders`] follows retests, [`verdicts`] asks of every report what it rests on.

mod filing;
mod orders;
mod plates;
mod verdicts;

use super::book::Book;
use super::ids::TubeKey;
use super::tubes::Tube;
use crate::finding::Rule;
use crate::hashes::Hashes;
use orders::{Order, Suspect};
use plates::{Plate, Run};
use std::collections::{HashMap, HashSet};
use tenfold_proto::v1::results_event::Event;
use tenfold_proto::v1::results_timer_done::Timer;
use tenfold_proto::v1::{Cargo, LabNumber, ResultsTimerDone, TubeGroup, TubeGroups, Verdict};

/// See the module.
#[derive(Debug, Default)]
pub struct Results {
    plates: HashMap<u32, Plate>,
    /// Number of a plate in the audit, by its number in the lab.
    numbers: HashMap<u64, u32>,
    runs: HashMap<u64, Run>,
    orders: HashMap<u64, Order>,
    suspects: HashMap<u64, Suspect>,
    /// Pools that were suspect, and are closed.
    suspects_ended: Hashes,
    /// Tubes that were in an invalid well once, until they are closed.
    invalid: HashSet<TubeKey>,
    /// Tubes that an event of this batch is about.
    touched: HashSet<TubeKey>,
    /// Tubes amended in this batch.
    amended: HashSet<TubeKey>,
    /// Reports of this batch: what was issued, and how often it must be published.
    issued: HashMap<(TubeKey, u32), (Verdict, u32)>,
    /// Runs read.
    pub imported: u64,
    /// Wells whose call was worked out again.
    pub wells: u64,
    /// Reports issued.
    pub reports: u64,
    /// Of these, corrections.
    pub corrections: u64,
    /// Results that were not released.
    pub suppressed: u64,
    /// Tubes that were filed.
    pub filed: u64,
    /// Cards of filed tubes that were dropped.
    pub dropped: u64,
}

/// Keys of tubes.
fn keys(book: &mut Book<'_>, groups: &[TubeGroup]) -> Vec<TubeKey> {
    let mut keys = Vec::new();
    for group in groups {
        for number in &group.numbers {
            keys.push(book.labs.key(&group.lab, *number));
        }
    }
    keys
}

fn numbered(book: &mut Book<'_>, of: Option<&LabNumber>) -> Option<u64> {
    of.map(|of| book.labs.key(&of.lab, of.number))
}

impl Results {
    /// Orders that are open.
    pub fn open_orders(&self) -> u64 {
        self.orders.len() as u64
    }

    /// Suspect pools that are not closed.
    pub fn open_suspects(&self) -> u64 {
        self.suspects.len() as u64
    }

    /// Takes an event.
    pub fn event(&mut self, book: &mut Book<'_>, event: &Event) {
        match event {
            Event::PolicyActivated(policy) => {
                if let Err(why) = book.policies.activate(policy.version, &policy.content) {
                    book.wrong(Rule::Inv09, format!("the policy cannot be read: {why}"));
                }
            }
            Event::PlateLoaded(loaded) => self.plate_loaded(book, loaded),
            Event::PlateVoided(voided) => self.plate_voided(book, voided.plate.as_ref()),
            Event::MemberAmended(amended) => self.member_amended(book, amended),
            Event::RunImported(run) => self.run_imported(book, run),
            Event::PoolSuspected(suspected) => self.suspected(book, suspected),
            Event::PoolClosed(closed) => self.pool_closed(book, closed),
            Event::OrdersPlaced(placed) => self.placed(book, placed),
            Event::OrdersEnded(ended) => {
                for order in &ended.orders {
                    self.ended(book, order);
                }
            }
            Event::RecollectionRegistered(registered) => {
                self.recollected(book, &registered.order);
            }
            Event::RecollectionFound(found) => self.recollection_found(book, &found.order),
            Event::ReleaseSuppressed(suppressed) => {
                let finding = super::intake::verdict_of(suppressed.finding());
                for key in keys(book, &suppressed.tubes) {
                    self.suppress(book, key, finding);
                }
            }
            Event::ReportsIssued(issued) => {
                for group in &issued.reports {
                    for number in &group.numbers {
                        let key = book.labs.key(&group.lab, *number);
                        let receivers = issued.receivers.len();
                        self.report(book, key, group, issued.verdict(), receivers);
                    }
                }
            }
            Event::SpecimensClosed(TubeGroups { groups }) => {
                for key in keys(book, groups) {
                    self.is_at_hand(book, key, "closed");
                    let at = book.at();
                    let Some(tube) = self.tube(book, key) else {
                        continue;
                    };
                    tube.results.closed = true;
                    let is_final = tube.results.is_final();
                    book.tubes.ends.close(key, at);
                    book.check(is_final, Rule::Inv06, |labs| {
                        format!("tube {} is closed, and has no result", labs.tube_id(key))
                    });
                }
            }
            Event::SpecimensFiled(filed) => self.filed(book, filed),
            Event::CardsDropped(dropped) => self.dropped(book, dropped),
            Event::DeliveriesAccepted(moved) | Event::DeliveriesSent(moved) => {
                self.delivered(book, moved.cargo.as_ref());
            }
            Event::Late(TubeGroups { groups }) => {
                let at = book.at();
                for key in keys(book, groups) {
                    let Some(tube) = self.tube(book, key) else {
                        continue;
                    };
                    let (due, thawed) = (tube.results.due, tube.thawed);
                    book.check(thawed || due <= at, Rule::Inv09, |labs| {
                        format!(
                            "tube {} is late at {at}, and is due at {due}",
                            labs.tube_id(key)
                        )
                    });
                }
            }
            Event::TimerDone(done) => timer(book, done),
            Event::RunParked(_)
            | Event::RunUnparked(_)
            | Event::ReleasePaused(_)
            | Event::DeliveryStuck(_)
            | Event::DeliveryRequeued(_)
            | Event::WorkOpened(_)
            | Event::WorkResolved(_)
            | Event::CheckAdded(_)
            | Event::AtRisk(_)
            | Event::OrderLate(_)
            | Event::AlertLate(_) => {}
        }
    }

    /// What must hold at the end of a batch.
    pub fn settle(&mut self, book: &mut Book<'_>) {
        self.published(book);
        let touched = std::mem::take(&mut self.touched);
        for key in touched {
            self.orders_fit(book, key);
            book.tubes.settle(key);
            if book.tubes.is_cold(key) {
                self.invalid.remove(&key);
            }
        }
        self.amended.clear();
    }

    /// A tube of an event.
    fn tube<'b>(&mut self, book: &'b mut Book<'_>, key: TubeKey) -> Option<&'b mut Tube> {
        self.touched.insert(key);
        if !book.tubes.has(key) {
            let text = format!("tube {} was received by no lab", book.labs.tube_id(key));
            book.wrong(Rule::Result, text);
            return None;
        }
        book.tubes.get(key)
    }

    fn delivered(&mut self, book: &mut Book<'_>, cargo: Option<&Cargo>) {
        for group in cargo.iter().flat_map(|cargo| &cargo.reports) {
            for number in &group.numbers {
                let key = book.labs.key(&group.lab, *number);
                let version = book.tubes.report(key).map_or(0, |(version, ..)| version);
                book.check(group.version <= version, Rule::Inv06, |labs| {
                    format!(
                        "report {} of tube {} is delivered, and {version} were issued",
                        group.version,
                        labs.tube_id(key)
                    )
                });
            }
        }
    }
}

/// INV-09: a timer is done when its time has come.
fn timer(book: &mut Book<'_>, done: &ResultsTimerDone) {
    // A paused release is due at once.
    let due = done.due;
    let at = book.at();
    let what = match &done.timer {
        Some(Timer::Check(_)) => "a check",
        Some(Timer::Order(_)) => "an order's deadline",
        Some(Timer::Alert(_)) => "an alert's deadline",
        Some(Timer::Release(_)) => "a release",
        None => "a timer of no kind",
    };
    book.check(due <= at, Rule::Inv09, |_| {
        format!("{what} of {due} is done at {at}, before its time")
    });
}
