//! Tubes, pools and plates, as pooling's journals say it.
//!
//! [`tubes`](self) are followed here, pools in [`pools`], plates in [`plates`].

mod plates;
mod pools;

use super::book::Book;
use super::ids::{TubeKey, lab_of};
use super::intake::{check_closing, stated_clock};
use super::tubes::{Sample, Specimen, Stage, Tube, Vessel};
use crate::about::name;
use crate::finding::Rule;
use crate::policy::Policy;
use plates::Plate;
use pools::Pool;
use std::collections::{HashMap, VecDeque};
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::{
    PoolingClock, PoolingTubeDetailed, PoolingTubeReceived, RetestOrder, TubeMark,
};
use tenfold_proto::v1::{PoolingDeadlinesChecked, PoolingTubeRelabelled, Sample as WireSample};

/// Hours of a tube whose registration is not known yet, in milliseconds.
const PENDING_MS: i64 = 24 * 3_600_000;

/// A registration whose tube is not here.
#[derive(Clone, Debug)]
pub struct Expected {
    sample: Sample,
    times: Times,
}

/// What a sample's clock is made of.
#[derive(Clone, Debug)]
struct Times {
    class: Box<str>,
    collected_at: Option<i64>,
    registered_at: i64,
}

impl Times {
    fn of(sample: &WireSample) -> Self {
        Self {
            class: sample.sampling_class.as_str().into(),
            collected_at: sample.collected_at,
            registered_at: sample.registered_at,
        }
    }
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
    /// Tubes received.
    pub received: u64,
    /// Pools sealed.
    pub sealed: u64,
    /// Pools voided.
    pub voided: u64,
    /// Plates loaded.
    pub loaded: u64,
}

/// What pooling must heed of a sample.
fn brief(sample: &WireSample, policy: Option<&Policy>) -> Sample {
    let group = policy.map_or("", |policy| policy.group(&sample.sampling_class));
    Sample {
        barcode: name(&sample.barcode),
        version: sample.version,
        kind: sample.kind,
        specimen: name(&sample.specimen_type),
        group: name(group),
        collection: sample.collection_pool,
    }
}

/// INV-09: a clock is what the policy makes of it.
fn check_clock(
    book: &mut Book<'_>,
    clock: &PoolingClock,
    about: &str,
    from_due: impl FnOnce(&Policy) -> (i64, i64),
) {
    let Some(policy) = book.policy(clock.policy, about) else {
        return;
    };
    let (from, due) = from_due(&policy);
    let check_at = policy.pooled_by(stated_clock(clock));
    let (says, is) = (
        (clock.from, clock.due, clock.check_at),
        (from, due, check_at),
    );
    book.check(says == is, Rule::Inv09, |_| {
        format!("{about}: its clock says {says:?} (from, due, look at), and it is {is:?}")
    });
}

fn check_sample_clock(
    book: &mut Book<'_>,
    clock: &PoolingClock,
    about: &str,
    times: &Times,
    received_at: Option<i64>,
) {
    let stat = book
        .policies
        .version(clock.policy)
        .is_none_or(|policy| policy.is_stat(&times.class) == clock.stat);
    book.check(stat, Rule::Inv09, |_| {
        format!("{about}: whether it is urgent is not as its class says")
    });
    check_clock(book, clock, about, |policy| {
        let (collected_at, registered_at) = (times.collected_at, times.registered_at);
        let clock = policy.clock(&times.class, collected_at, registered_at, received_at);
        (clock.from, clock.due)
    });
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
            What::SampleExpected(event) => {
                let (Some(sample), Some(clock)) = (&event.sample, &event.clock) else {
                    return book.wrong(Rule::Unexplained, "an expectation without a sample");
                };
                let times = Times::of(sample);
                check_sample_clock(book, clock, &sample.barcode, &times, None);
                let policy = book.policies.active();
                let brief = brief(sample, policy.as_ref().map(|(_, p)| p.as_ref()));
                let key = (book.labs.number(&sample.lab), brief.barcode);
                let old = self.expected.insert(
                    key,
                    Expected {
                        sample: brief,
                        times,
                    },
                );
                let newer = old.is_none_or(|old| old.sample.version < brief.version);
                book.check(newer, Rule::Inv01, |_| {
                    format!("{} is expected again at no newer version", sample.barcode)
                });
            }
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
            What::DeadlinesChecked(checked) => deadlines(book, checked),
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
        if key.is_none() {
            book.wrong(Rule::Inv01, format!("tube {id} was never received"));
        }
        key
    }

    fn received(&mut self, book: &mut Book<'_>, event: &PoolingTubeReceived) {
        let (Some(key), Some(clock)) = (book.labs.tube(&event.tube), &event.clock) else {
            return book.wrong(Rule::Inv01, format!("{:?} is no tube", event.tube));
        };
        let at = book.at();
        let label = event.barcode.as_deref().map(name);
        let mut sample = None;
        if let Some(barcode) = label.filter(|_| event.expected) {
            sample = self.expected.remove(&(lab_of(key), barcode));
            book.check(sample.is_some(), Rule::Inv01, |_| {
                format!("tube {} is received as expected, and was not", event.tube)
            });
        }
        if let Some(expected) = &sample {
            check_sample_clock(book, clock, &event.tube, &expected.times, Some(at));
        } else {
            check_clock(book, clock, &event.tube, |_| {
                (at, at.saturating_add(PENDING_MS))
            });
        }
        if let Some(barcode) = label {
            match self.labels.get(&(lab_of(key), barcode)) {
                Some(first) => self.twins.push((key, *first)),
                None => {
                    self.labels.insert((lab_of(key), barcode), key);
                }
            }
        }
        let tube = Tube {
            received: book.offset(),
            received_at: at,
            label,
            sample: sample.map(|expected| expected.sample),
            stage: Stage::Waiting,
            holds: 0,
            round: 1,
            order: None,
            withdrawn: false,
            due: clock.due,
            results: Specimen::default(),
            thawed: false,
        };
        self.received = self.received.saturating_add(1);
        let next = book.tubes.receive(key, tube);
        book.check(next, Rule::Inv01, |_| {
            format!(
                "tube {}: its number does not follow the last one of its lab",
                event.tube
            )
        });
    }

    fn detailed(&mut self, book: &mut Book<'_>, event: &PoolingTubeDetailed) {
        let (Some(sample), Some(clock)) = (&event.sample, &event.clock) else {
            return book.wrong(Rule::Unexplained, "details without a sample");
        };
        let Some(key) = self.tube(book, &event.tube) else {
            return;
        };
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let received_at = tube.received_at;
        check_sample_clock(
            book,
            clock,
            &event.tube,
            &Times::of(sample),
            Some(received_at),
        );
        let policy = book.policies.active();
        let new = brief(sample, policy.as_ref().map(|(_, p)| p.as_ref()));
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let old = tube.sample.replace(new);
        if tube.order.is_none() {
            tube.due = clock.due;
        }
        let newer = old.is_none_or(|old| old.version < new.version && old.barcode == new.barcode);
        book.check(newer, Rule::Inv01, |_| {
            format!(
                "tube {} is given registration {} version {} over one that is not older",
                event.tube, sample.barcode, sample.version
            )
        });
    }

    fn relabelled(&mut self, book: &mut Book<'_>, event: &PoolingTubeRelabelled) {
        let Some(key) = self.tube(book, &event.tube) else {
            return;
        };
        let (lab, label) = (lab_of(key), name(&event.barcode));
        if let Some(dropped) = event.dropped.as_deref().map(name)
            && self.labels.get(&(lab, dropped)) == Some(&key)
        {
            self.labels.remove(&(lab, dropped));
        }
        self.labels.insert((lab, label), key);
        let taken = event
            .expected
            .as_ref()
            .and_then(|clock| Some((self.expected.remove(&(lab, label))?, clock)));
        if let Some((expected, clock)) = &taken {
            let received_at = book.tubes.get(key).map(|tube| tube.received_at);
            check_sample_clock(book, clock, &event.tube, &expected.times, received_at);
        }
        change(book, key, |tube| {
            tube.label = Some(label);
            tube.holds = 0;
            if let Some((expected, clock)) = taken {
                tube.sample = Some(expected.sample);
                tube.due = clock.due;
            }
        });
    }

    fn withdrawn(&mut self, book: &mut Book<'_>, id: &str) {
        let Some(key) = self.tube(book, id) else {
            return;
        };
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let unmixed = matches!(tube.stage, Stage::Waiting | Stage::Alone(Vessel::Ready));
        if unmixed && tube.order.is_none() {
            self.ends(book, id, Stage::Withdrawn);
        } else {
            tube.withdrawn = true;
        }
    }

    /// A tube is over; it leaves its pool's count, and its label is free.
    fn ends(&mut self, book: &mut Book<'_>, id: &str, stage: Stage) {
        let Some(key) = self.tube(book, id) else {
            return;
        };
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let before = std::mem::replace(&mut tube.stage, stage);
        let label = tube.label.take();
        tube.sample = None;
        if before.is_over() && !tube.thawed {
            let text = format!("tube {id} ends as {stage:?}, and was {before:?} already");
            let earlier = tube.received;
            book.wrong_since(Rule::Inv01, earlier, text);
        }
        if let Some(label) = label
            && self.labels.get(&(lab_of(key), label)) == Some(&key)
        {
            self.labels.remove(&(lab_of(key), label));
        }
        if let Stage::Pooled(pool) = before {
            self.part(pool, key);
        }
        book.tubes.settle(key);
    }

    fn retest(&mut self, book: &mut Book<'_>, order: &RetestOrder, clock: &PoolingClock) {
        let Some(key) = self.tube(book, &order.tube) else {
            return;
        };
        let at = book.at();
        check_clock(book, clock, &order.tube, |_| (at.min(order.due), order.due));
        let number = book.labs.order(&order.order);
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let right = !tube.stage.is_over() && order.round > tube.round;
        let before = std::mem::replace(&mut tube.stage, Stage::Alone(Vessel::Ready));
        tube.order = number;
        tube.round = order.round;
        tube.due = clock.due;
        if let Stage::Pooled(pool) = before {
            self.part(pool, key);
        }
        book.check(right, Rule::Inv07, |_| {
            format!(
                "tube {} is to be tested again in round {}, and is {before:?}",
                order.tube, order.round
            )
        });
    }
}

fn change(book: &mut Book<'_>, key: TubeKey, how: impl FnOnce(&mut Tube)) {
    if let Some(tube) = book.tubes.get(key) {
        how(tube);
    }
}

/// INV-09: late is late, and what is not late is not.
fn deadlines(book: &mut Book<'_>, checked: &PoolingDeadlinesChecked) {
    let at = book.at();
    for check in &checked.checks {
        let Some(key) = book.labs.tube(&check.tube) else {
            continue;
        };
        let Some(tube) = book.tubes.get(key) else {
            book.wrong(
                Rule::Inv09,
                format!("tube {} was never received", check.tube),
            );
            continue;
        };
        if tube.thawed {
            book.tubes.settle(key);
            continue;
        }
        let due = tube.due;
        let late = check.mark() == TubeMark::Late;
        book.check(late == (at >= due), Rule::Inv09, |_| {
            format!(
                "tube {} is {:?} at {at}, and is due at {due}",
                check.tube,
                check.mark()
            )
        });
    }
}
