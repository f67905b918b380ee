//! The registry of barcodes, as intake's journals say it: each accepted sample is known once, in one
//! lane, and its deadline follows from what was stated and the policy in force.

mod filing;

use super::book::Book;
use super::gone::Gone;
use super::ids::TubeKey;
use crate::about::name;
use crate::finding::Rule;
use crate::hashes::Hashes;
use crate::policy::Clock;
use std::collections::HashMap;
use tenfold_proto::v1::intake_event::Event;
use tenfold_proto::v1::{
    FinalResult, Flag, IntakeWatchChecked, SampleClosed, StatedRegistration, TubeSeen, Verdict,
};

/// What became of a barcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// A lab has a tube of it, and it is not registered.
    Seen,
    /// Registered.
    Open,
    /// Cancelled.
    Withdrawn,
    /// A final report is out.
    Closed,
}

/// A barcode in full.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What became of it.
    pub life: Life,
    /// Version of its registration.
    pub version: u32,
    /// Number of its lane.
    pub lane: u32,
    /// The lab's tube, once it is received.
    pub tube: Option<TubeKey>,
    /// Version of the report that closed it.
    pub report: u32,
    /// Offset of its newest event.
    pub offset: u64,
    received_at: i64,
    due: i64,
    at_risk: i64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Intake {
    known: HashMap<u64, Known>,
    /// Barcodes that are closed, with a tube.
    closed: Hashes,
    /// Tubes of which only a card is left, or not even that.
    pub filed: Gone,
    /// Tubes of which the card was dropped.
    pub dropped: Gone,
    /// Barcodes that were free again at least once.
    freed: Hashes,
    /// Barcodes ever registered.
    pub accepted: u64,
    /// Registrations refused.
    pub refused: u64,
    /// Re-collections that wait for a new sample.
    orders: HashMap<u64, u64>,
}

impl Intake {
    /// A barcode is, or was, registered.
    pub fn is_registered(&self, barcode: u64) -> bool {
        self.closed.has(barcode)
            || self.freed.has(barcode)
            || self
                .known
                .get(&barcode)
                .is_some_and(|known| known.life != Life::Seen)
    }

    /// The barcodes that are kept in full.
    pub fn open(&self) -> impl Iterator<Item = (u64, &Known)> {
        self.known.iter().map(|(barcode, known)| (*barcode, known))
    }

    /// Closed barcodes that are kept in short.
    pub const fn closed(&self) -> u64 {
        self.closed.len()
    }

    /// Re-collections that wait.
    pub fn recollections(&self) -> u64 {
        self.orders.len() as u64
    }

    /// Takes an event.
    pub fn event(&mut self, book: &mut Book<'_>, event: &Event) {
        match event {
            Event::PolicyActivated(policy) => {
                if let Err(why) = book.policies.activate(policy.version, &policy.content) {
                    book.wrong(Rule::Inv09, format!("the policy cannot be read: {why}"));
                }
            }
            Event::Registered(stated) => self.registered(book, stated),
            Event::Amended(stated) => self.amended(book, stated),
            Event::Withdrawn(withdrawn) => {
                self.change(book, &withdrawn.barcode, "is cancelled", |known| {
                    let open = known.life == Life::Open;
                    known.life = Life::Withdrawn;
                    known.version = withdrawn.version;
                    open
                });
            }
            Event::TubeReceived(seen) => self.received(book, seen),
            Event::CustodyDisputed(disputed) => {
                let barcode = name(&disputed.barcode);
                let held = self.closed.has(barcode)
                    || self.known.get(&barcode).is_some_and(|k| k.tube.is_some());
                book.check(held, Rule::Inv01, |_| {
                    format!(
                        "{}: its tube is disputed, and no lab has it",
                        disputed.barcode
                    )
                });
            }
            Event::Closed(closing) => self.close(book, closing),
            Event::Filed(filed) => self.file(book, filed),
            Event::CardDropped(dropped) => self.drop_card(book, dropped),
            Event::RecollectionOrdered(order) => {
                let order_key = name(&order.order);
                let twice = self.orders.insert(order_key, book.offset());
                if let Some(earlier) = twice {
                    let text = format!("re-collection {} was taken twice", order.order);
                    book.wrong_since(Rule::Inv07, earlier, text);
                }
            }
            Event::RecollectionFulfilled(fulfilled) => {
                let open = self.orders.remove(&name(&fulfilled.order)).is_some();
                book.check(open, Rule::Inv07, |_| {
                    format!(
                        "re-collection {} is fulfilled, and is not open",
                        fulfilled.order
                    )
                });
            }
            Event::ReplacementNoted(_) => {}
            Event::ResultAwaited(awaited) => {
                let stated = self.is_registered(name(&awaited.barcode));
                book.check(stated, Rule::Inv07, |_| {
                    format!(
                        "the result of {} is awaited, and it is not registered",
                        awaited.barcode
                    )
                });
            }
            Event::WatchChecked(checked) => self.checked(book, checked),
            Event::RegistrationRefused(_) => self.refused = self.refused.saturating_add(1),
        }
    }

    fn registered(&mut self, book: &mut Book<'_>, stated: &StatedRegistration) {
        let Some(sample) = &stated.sample else {
            return book.wrong(Rule::Unexplained, "a registration without a sample");
        };
        let barcode = name(&sample.barcode);
        let before = self.known.get(&barcode).copied();
        if self.closed.has(barcode) {
            let text = format!("{} is registered again, and was reported", sample.barcode);
            book.wrong(Rule::Inv01, text);
            return;
        }
        let after_receipt = sample
            .flags
            .contains(&i32::from(Flag::RegisteredAfterReceipt));
        if let Some(known) = before
            && (known.life != Life::Seen || !after_receipt)
        {
            let text = format!("{} is registered again", sample.barcode);
            book.wrong_since(Rule::Inv01, known.offset, text);
        }
        self.accepted = self.accepted.saturating_add(1);
        let tube = before.and_then(|known| known.tube);
        let received_at = before.map_or(0, |known| known.received_at);
        let mut known = Known {
            life: Life::Open,
            version: sample.version,
            lane: book.lane.journal.lane,
            tube,
            report: 0,
            offset: book.offset(),
            received_at,
            due: 0,
            at_risk: 0,
        };
        times(book, stated, &mut known);
        self.known.insert(barcode, known);
    }

    fn amended(&mut self, book: &mut Book<'_>, stated: &StatedRegistration) {
        let Some(sample) = &stated.sample else {
            return book.wrong(Rule::Unexplained, "an amendment without a sample");
        };
        let barcode = name(&sample.barcode);
        if self.closed.has(barcode) {
            return;
        }
        let Some(mut known) = self.known.get(&barcode).copied() else {
            let text = format!("{} is amended, and is not registered", sample.barcode);
            return book.wrong(Rule::Inv01, text);
        };
        let open = matches!(known.life, Life::Open | Life::Closed);
        if !open || sample.version <= known.version {
            let text = format!(
                "{} is amended to version {}, and is {:?} at version {}",
                sample.barcode, sample.version, known.life, known.version
            );
            book.wrong_since(Rule::Inv01, known.offset, text);
        }
        known.version = sample.version;
        known.offset = book.offset();
        times(book, stated, &mut known);
        self.known.insert(barcode, known);
    }

    fn received(&mut self, book: &mut Book<'_>, seen: &TubeSeen) {
        let barcode = name(&seen.barcode);
        let Some(tube) = book.labs.tube(&seen.tube) else {
            return book.wrong(Rule::Inv01, format!("{:?} is no tube", seen.tube));
        };
        book.check(book.tubes.has(tube), Rule::Inv01, |_| {
            format!("tube {} was received by no lab", seen.tube)
        });
        let mut known = self.known.get(&barcode).copied().unwrap_or(Known {
            life: Life::Seen,
            version: 0,
            lane: book.lane.journal.lane,
            tube: None,
            report: 0,
            offset: book.offset(),
            received_at: 0,
            due: 0,
            at_risk: 0,
        });
        if let Some(other) = known.tube.filter(|other| *other != tube) {
            let text = format!(
                "{}: tube {} has it, and {} takes it silently",
                seen.barcode,
                book.labs.tube_id(other),
                seen.tube
            );
            book.wrong_since(Rule::Inv01, known.offset, text);
        }
        known.tube = Some(tube);
        known.received_at = seen.received_at;
        known.offset = book.offset();
        self.known.insert(barcode, known);
        self.settle(barcode);
    }

    fn close(&mut self, book: &mut Book<'_>, closing: &SampleClosed) {
        let barcode = name(&closing.barcode);
        if let Some(tube) = book.labs.tube(&closing.tube) {
            check_closing(book, tube, closing);
        }
        if self.closed.has(barcode) {
            let tube = book.labs.tube(&closing.tube);
            let filed = tube.is_some_and(|tube| self.filed.has(tube));
            book.check(!filed, Rule::Inv01, |_| {
                format!("{} is closed, and was filed before", closing.barcode)
            });
            return;
        }
        self.change(book, &closing.barcode, "is closed", |known| {
            let fits = match known.life {
                Life::Open | Life::Withdrawn => true,
                Life::Closed => closing.report_version > known.report,
                Life::Seen => false,
            };
            known.life = Life::Closed;
            known.report = closing.report_version;
            fits
        });
        self.settle(barcode);
    }

    fn settle(&mut self, barcode: u64) {
        if self
            .known
            .get(&barcode)
            .is_some_and(|known| known.life == Life::Closed && known.tube.is_some())
        {
            self.known.remove(&barcode);
            self.closed.insert(barcode);
        }
    }

    fn change(
        &mut self,
        book: &mut Book<'_>,
        barcode: &str,
        what: &str,
        how: impl FnOnce(&mut Known) -> bool,
    ) {
        let Some(known) = self.known.get_mut(&name(barcode)) else {
            let text = format!("{barcode} {what}, and is not registered");
            return book.wrong(Rule::Inv01, text);
        };
        let (before, lane) = (*known, known.lane);
        let fits = how(known);
        known.offset = book.offset();
        if !fits {
            let text = format!("{barcode} {what}, and was {:?} before", before.life);
            book.wrong_since(Rule::Inv01, before.offset, text);
        }
        if lane != book.lane.journal.lane {
            let text = format!("{barcode} is in lane {lane}, and in this one too");
            book.wrong(Rule::Inv01, text);
        }
    }

    fn checked(&mut self, book: &mut Book<'_>, checked: &IntakeWatchChecked) {
        book.check(checked.due <= book.at(), Rule::Inv09, |_| {
            format!("a watch of {} is looked at before its time", checked.due)
        });
        for (barcodes, late) in [(&checked.at_risk, false), (&checked.late, true)] {
            for barcode in barcodes {
                let due = self
                    .known
                    .get(&name(barcode))
                    .map(|known| if late { known.due } else { known.at_risk });
                let right = due.is_some_and(|due| due <= checked.due);
                book.check(right, Rule::Inv09, |_| {
                    let word = if late { "late" } else { "at risk" };
                    format!(
                        "{barcode} is called {word} at {}, its time is {due:?}",
                        checked.due
                    )
                });
            }
        }
    }
}

/// INV-09: the deadline is what the policy makes of the stated times.
fn times(book: &mut Book<'_>, stated: &StatedRegistration, known: &mut Known) {
    (known.due, known.at_risk) = (stated.due, stated.at_risk);
    let Some(sample) = &stated.sample else { return };
    let Some(policy) = book.policy(stated.policy, &sample.barcode) else {
        return;
    };
    let received_at = known.tube.map(|_| known.received_at);
    let clock = policy.clock(
        &sample.sampling_class,
        sample.collected_at,
        sample.registered_at,
        received_at,
    );
    let says = (stated.due_from, stated.due, stated.at_risk);
    let is = (clock.from, clock.due, policy.transported_by(clock));
    book.check(says == is, Rule::Inv09, |_| {
        format!(
            "{}: due from {} until {}, at risk at {}; by policy {} from {} until {}, at {}",
            sample.barcode, says.0, says.1, says.2, stated.policy, is.0, is.1, is.2
        )
    });
}

/// What closes a sample is the report that results issued, or the silence that it decided.
pub fn check_closing(book: &mut Book<'_>, tube: TubeKey, closing: &SampleClosed) {
    let report = book.tubes.report(tube);
    let result = verdict_of(closing.result());
    let right = match report {
        None => false,
        Some((_, _, is_final)) if closing.report_version == 0 => {
            is_final && closing.result() == FinalResult::Withdrawn
        }
        Some((version, verdict, _)) => {
            version > closing.report_version
                || version == closing.report_version && verdict == result
        }
    };
    book.check(right, Rule::Inv06, |_| {
        format!(
            "{} is closed by report {} ({result:?}), and results issued {report:?}",
            closing.tube, closing.report_version
        )
    });
}

/// A final result as a verdict.
pub const fn verdict_of(result: FinalResult) -> Verdict {
    match result {
        FinalResult::Negative => Verdict::Negative,
        FinalResult::Positive => Verdict::Positive,
        FinalResult::Inconclusive => Verdict::Inconclusive,
        FinalResult::Recollect => Verdict::Recollect,
        FinalResult::Withdrawn => Verdict::Withdrawn,
        FinalResult::Unspecified => Verdict::Unspecified,
    }
}

/// A clock as an event states it.
pub const fn stated_clock(clock: &tenfold_proto::v1::PoolingClock) -> Clock {
    Clock {
        from: clock.from,
        due: clock.due,
    }
}
