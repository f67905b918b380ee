//! Allocations of each step, a sample: the other gate that does not depend on the machine's mood.
//!
//! Who counts is given from outside: an allocator that counts is the whole program's, so it lives in a test binary of its own
//! (`benches/tests/allocations.rs`), and neither in `tenfold-bench` nor in `tenfold-gate`. A step is what a lane does with it:
//! pooling's sample is a tube registered, received in a rack of 96, planned and confirmed; intake's is its registration.
//!
//! | step | what is counted |
//! |---|---|
//! | decode | the journal record's events, read |
//! | decide | every input, decided on the state before it; its events and messages with it |
//! | fold | every event, folded into a lane's state |
//! | encode | every event to bytes, into a buffer of its own, as a lane does |

use crate::gate::story::{Story, intake, pooling};
use anyhow::{Context as _, bail, ensure};
use prost::Message as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use tenfold_proto::lane::Decisions;
use tenfold_runtime::processor::Processor;

/// Runs what it is given once, and answers how many allocations that took. A buffer that grows counts as one more.
pub type Count = fn(&mut dyn FnMut()) -> u64;

/// Most that a step may take more than the baseline says.
const GROWTH_MAX: f64 = 1.05;

/// Below this share of the baseline, the baseline is out of date and guards little.
const SHRUNK: f64 = 0.95;

/// What a lane gives an event's bytes room for before it knows how many they are.
const WIRE_BYTES: usize = 128;

/// Allocations a sample, by `SERVICE-STEP`.
pub type Counts = BTreeMap<String, f64>;

/// Where the baseline is.
#[must_use]
pub fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("allocations.json")
}

/// Counts all steps of both services.
///
/// # Errors
/// The rules refuse something.
pub fn counts(count: Count) -> anyhow::Result<Counts> {
    let mut all = Counts::new();
    of(&pooling()?, count, &mut all)?;
    of(&intake()?, count, &mut all)?;
    Ok(all)
}

fn of<P: Processor>(story: &Story<P>, count: Count, all: &mut Counts) -> anyhow::Result<()> {
    let service = story.processor.service();
    let samples = story.inputs.len() as f64;
    let steps = [
        ("decode", decode(story, count)?),
        ("decide", decide(story, count)?),
        ("fold", fold(story, count)?),
        ("encode", encode(story, count)?),
    ];
    for (step, allocations) in steps {
        all.insert(format!("{service}-{step}"), allocations as f64 / samples);
    }
    Ok(())
}

/// Counts fallible work: what went wrong is told after the counting.
fn counted(count: Count, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let mut outcome = Ok(());
    let allocations = count(&mut || outcome = work());
    outcome.map(|()| allocations)
}

fn decode<P: Processor>(story: &Story<P>, count: Count) -> anyhow::Result<u64> {
    let record = story.record();
    counted(count, || {
        for bytes in Decisions::decode(&record[..])?.events {
            black_box(&story.processor.decode(&bytes)?);
        }
        Ok(())
    })
}

/// With what a decision folds as it goes. What it leaves to be folded is folded in between, which is not counted: each input
/// is decided on the state that those before it left.
fn decide<P: Processor>(story: &Story<P>, count: Count) -> anyhow::Result<u64> {
    let (_cache, mut state) = story.lane()?;
    let mut allocations = 0;
    for said in story.script() {
        let mark = state.mark();
        let mut decided = None;
        allocations += counted(count, || {
            decided = Some(story.processor.decide(&mut state, said.input(), story.at)?);
            Ok(())
        })?;
        let decision = decided.context("it was decided")?;
        if !decision.folded {
            state.rollback(mark);
        }
        ensure!(!decision.events.is_empty(), "an input caused nothing");
        decision.fold(&story.processor, &mut state, story.at)?;
    }
    Ok(allocations)
}

fn fold<P: Processor>(story: &Story<P>, count: Count) -> anyhow::Result<u64> {
    let events = story.decoded()?;
    let (_cache, mut state) = story.lane()?;
    counted(count, || {
        for event in &events {
            story.processor.evolve(&mut state, event, story.at)?;
        }
        Ok(())
    })
}

fn encode<P: Processor>(story: &Story<P>, count: Count) -> anyhow::Result<u64> {
    let events = story.decoded()?;
    counted(count, || {
        for event in &events {
            let mut wire = Vec::with_capacity(WIRE_BYTES);
            story.processor.encode(event, &mut wire);
            black_box(wire);
        }
        Ok(())
    })
}

/// What is more than the baseline allows, in words; and for each step a line that tells it.
///
/// # Errors
/// A step takes more than it may, or is not in the baseline.
pub fn compare(baseline: &Value, counts: &Counts) -> anyhow::Result<String> {
    ensure!(
        baseline["build"] == build(),
        "the baseline is of a build that is {}, this one is {}: run the test in the same kind of build",
        baseline["build"],
        build()
    );
    let (mut told, mut worse) = (String::new(), Vec::new());
    for (name, is) in counts {
        let Some(was) = baseline["allocations"][name].as_f64() else {
            worse.push(format!("{name} is not in the baseline: `make baseline`"));
            continue;
        };
        let line = format!("{name:16} {is:8.2} allocations a sample, {was:.2} before");
        if *is > was * GROWTH_MAX {
            worse.push(line);
            continue;
        }
        let old = if *is < was * SHRUNK {
            ": `make baseline`, so that it is kept so"
        } else {
            ""
        };
        told += &format!("  {line}{old}\n");
    }
    if !worse.is_empty() {
        bail!(
            "more allocations than before:\n  {}\nMake it fewer; or, if it must be, say why in the commit that renews the baseline \
             (`make baseline`).",
            worse.join("\n  ")
        );
    }
    Ok(told)
}

/// The baseline that these counts are.
#[must_use]
pub fn baseline(counts: &Counts) -> Value {
    // Two digits: what is kept is for people, too.
    let rounded: BTreeMap<&String, f64> = counts
        .iter()
        .map(|(name, count)| (name, (count * 100.0).round() / 100.0))
        .collect();
    json!({ "build": build(), "allocations": rounded })
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "unoptimised"
    } else {
        "optimised"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(fold: f64) -> Counts {
        [("pooling-fold".to_owned(), fold)].into()
    }

    #[test]
    fn five_per_cent_more_pass_and_six_do_not() {
        let was = baseline(&counts(100.0));
        compare(&was, &counts(105.0)).expect("within the bound");
        let error = compare(&was, &counts(106.0)).expect_err("beyond it");
        assert!(error.to_string().contains("pooling-fold"), "{error}");
    }

    #[test]
    fn from_nothing_a_single_allocation_is_too_many() {
        let was = baseline(&counts(0.0));
        compare(&was, &counts(0.0)).expect("still none");
        compare(&was, &counts(0.01)).expect_err("one in a hundred samples");
    }

    #[test]
    fn a_step_without_a_baseline_fails_and_far_fewer_ask_for_a_new_one() {
        let was = baseline(&counts(100.0));
        let other: Counts = [("pooling-sing".to_owned(), 1.0)].into();
        compare(&was, &other).expect_err("it is not there");
        let told = compare(&was, &counts(50.0)).expect("fewer");
        assert!(told.contains("make baseline"), "{told}");
    }
}
