//! Bytes that nobody should send, to a lane in the middle of its day: every door refuses or takes them, nothing
//! panics, what is taken folds, and time goes on.
//!
//! A service gives its day and one of each question; what is thrown at it is the same for all.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use tenfold_domain::time::Millis;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::driver::hostile::damaged;
use tenfold_runtime::processor::Processor;

/// Cases of each property.
const CASES: u32 = 1_000;

/// Longest bytes at random.
const BYTES_MAX: usize = 119;

/// Time that passes after damaged inputs: every deadline of a sample comes and goes.
const AFTERWARDS: Millis = Millis::from_hours(30);

/// A lane in which everything is half done, played once; a case takes a fork of it.
pub struct HalfDone<P: Processor> {
    day: Mutex<Driver<P>>,
    processor: fn() -> P,
    questions: Vec<Vec<u8>>,
}

impl<P: Processor> HalfDone<P> {
    /// A day that was played, and one of each question.
    pub fn new(day: Driver<P>, processor: fn() -> P, questions: Vec<Vec<u8>>) -> Self {
        Self {
            day: Mutex::new(day),
            processor,
            questions,
        }
    }

    fn fork(&self) -> Driver<P> {
        let day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        day.fork((self.processor)())
    }

    /// Any bytes at any door are taken or refused.
    pub fn takes_or_refuses_any_bytes(&self) {
        holds(vec(any::<u8>(), 0..=BYTES_MAX), |bytes| {
            self.fork().throw(&bytes);
        });
    }

    /// Damaged inputs are taken or refused, and time goes on.
    pub fn takes_or_refuses_damaged_inputs(&self) {
        holds(plans(), |plans| {
            let mut lane = self.fork();
            let good = [lane.heard(), lane.events(), &self.questions].concat();
            for plan in plans {
                lane.throw(&damaged(&good, &plan));
            }
            lane.advance(AFTERWARDS);
        });
    }

    /// A journal of damaged events folds, or is refused.
    pub fn folds_or_refuses_damaged_journals(&self) {
        holds(plans(), |plans| {
            let lane = self.fork();
            let journal: Vec<_> = plans
                .iter()
                .map(|plan| damaged(lane.events(), plan))
                .collect();
            lane.fold_anything(&journal, &self.questions);
        });
    }

    /// The day is worth damaging: so many inputs and events and more, an event that folds, and so many
    /// questions that are answered.
    pub fn is_worth_damaging(&self, heard: usize, events: usize, answered: RangeInclusive<usize>) {
        let mut lane = self.fork();
        let journal = lane.events().to_vec();
        assert!(
            lane.heard().len() >= heard && journal.len() >= events,
            "{} inputs, {} events",
            lane.heard().len(),
            journal.len()
        );
        let first = journal.get(..1).expect("an event");
        assert!(lane.fold_anything(first, &self.questions));
        let count = self.questions.iter().filter(|q| lane.throw(q)).count();
        assert!(answered.contains(&count), "{count} questions are answered");
    }
}

/// Plans of damage, each at least long enough to choose what is damaged.
fn plans() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 2..14), 1..6)
}

/// Tries a property on many values, and tells the smallest that breaks it.
fn holds<S: Strategy>(values: S, property: impl Fn(S::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&values, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "minimal failing input")]
    fn a_property_that_breaks_is_told_with_its_smallest_value() {
        holds(vec(any::<u8>(), 0..=BYTES_MAX), |bytes| {
            assert!(bytes.len() < 3, "three bytes are too many");
        });
    }
}
