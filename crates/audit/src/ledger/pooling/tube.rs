//! One tube, from its arrival to its end: its label, its registration, its rounds.

use super::clocks::{Times, check_clock, check_sample_clock};
use super::{Expected, Pooling, change};
use crate::about::name;
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::lab_of;
use crate::ledger::tubes::{Sample, Specimen, Stage, Tube, Vessel};
use crate::policy::Policy;
use tenfold_proto::v1::{
    PoolingClock, PoolingSampleExpected, PoolingTubeDetailed, PoolingTubeReceived,
    PoolingTubeRelabelled, RetestOrder, Sample as WireSample,
};

/// Hours of a tube whose registration is not known yet, in milliseconds.
const PENDING_MS: i64 = 24 * 3_600_000;

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

impl Pooling {
    pub(super) fn expects(&mut self, book: &mut Book<'_>, event: &PoolingSampleExpected) {
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

    pub(super) fn received(&mut self, book: &mut Book<'_>, event: &PoolingTubeReceived) {
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

    pub(super) fn detailed(&mut self, book: &mut Book<'_>, event: &PoolingTubeDetailed) {
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

    pub(super) fn relabelled(&mut self, book: &mut Book<'_>, event: &PoolingTubeRelabelled) {
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

    pub(super) fn withdrawn(&mut self, book: &mut Book<'_>, id: &str) {
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
    pub(super) fn ends(&mut self, book: &mut Book<'_>, id: &str, stage: Stage) {
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

    pub(super) fn retest(
        &mut self,
        book: &mut Book<'_>,
        order: &RetestOrder,
        clock: &PoolingClock,
    ) {
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
