//! INV-09: clocks of samples and tubes are what the policy makes of them, and late is what is over its time.

use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::intake::stated_clock;
use crate::policy::Policy;
use tenfold_proto::v1::{PoolingClock, PoolingDeadlinesChecked, Sample as WireSample, TubeMark};

/// What a sample's clock is made of.
#[derive(Clone, Debug)]
pub(super) struct Times {
    class: Box<str>,
    collected_at: Option<i64>,
    registered_at: i64,
}

impl Times {
    pub(super) fn of(sample: &WireSample) -> Self {
        Self {
            class: sample.sampling_class.as_str().into(),
            collected_at: sample.collected_at,
            registered_at: sample.registered_at,
        }
    }
}

/// INV-09: a clock is what the policy makes of it.
pub(super) fn check_clock(
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

pub(super) fn check_sample_clock(
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

/// INV-09: late is late, and what is not late is not.
pub(super) fn deadlines(book: &mut Book<'_>, checked: &PoolingDeadlinesChecked) {
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
