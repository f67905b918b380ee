//! What is counted: one function a step, never inlined, so that valgrind can tell it from what is prepared for it.

use crate::gate::story::{Story, intake, pooling};
use anyhow::{Context as _, bail};
use prost::Message as _;
use std::hint::black_box;
use tenfold_domain::Timestamp;
use tenfold_proto::lane::Decisions;
use tenfold_runtime::cache::LaneCache;
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::processor::{Input, Processor};

/// Services and steps, as they are named.
pub const SERVICES: [&str; 2] = ["pooling", "intake"];
/// See [`SERVICES`].
pub const STEPS: [&str; 6] = ["decide", "fold", "encode", "decode", "apply", "whole"];

/// What valgrind counts inside of.
pub const COUNTED: &str = "*tenfold_bench::gate::kernels::counted*";

/// Runs one kernel, such as `pooling-decide`.
///
/// # Errors
/// There is none of this name, or its story goes wrong.
pub fn run(name: &str) -> anyhow::Result<()> {
    let (service, step) = name.split_once('-').context("SERVICE-STEP")?;
    match service {
        "pooling" => step_of(&pooling()?, step),
        "intake" => step_of(&intake()?, step),
        _ => bail!("there is no service {service}: {}", SERVICES.join(", ")),
    }
}

fn step_of<P: Processor>(story: &Story<P>, step: &str) -> anyhow::Result<()> {
    match step {
        "decide" => counted_decide(story, &mut story.lane()?.1),
        "fold" => {
            let events = story.decoded()?;
            let (_, mut state) = story.lane()?;
            counted_fold(&story.processor, &mut state, &events, story.at)
        }
        "encode" => {
            let events = story.decoded()?;
            black_box(counted_encode(&story.processor, &events));
            Ok(())
        }
        "decode" => {
            let record = story.record();
            counted_decode(&story.processor, &record)
        }
        "apply" => {
            let (cache, mut state) = story.lane()?;
            for event in story.decoded()? {
                story.processor.evolve(&mut state, &event, story.at)?;
            }
            counted_apply(&mut state, cache.as_ref())
        }
        "whole" => {
            let (cache, mut state) = story.lane()?;
            counted_whole(story, &mut state, cache.as_ref())
        }
        _ => bail!("there is no step {step}: {}", STEPS.join(", ")),
    }
}

#[inline(never)]
fn counted_decide<P: Processor>(story: &Story<P>, state: &mut LaneState) -> anyhow::Result<()> {
    for body in &story.inputs {
        let input = Input::Message {
            level: story.processor.level(),
            body,
        };
        let input = if story.outside {
            Input::External {
                origin: "gate",
                body,
            }
        } else {
            input
        };
        let mark = state.mark();
        let decision = story.processor.decide(state, input, story.at)?;
        black_box(&decision.events);
        state.rollback(mark);
    }
    Ok(())
}

#[inline(never)]
fn counted_fold<P: Processor>(
    processor: &P,
    state: &mut LaneState,
    events: &[P::Event],
    at: Timestamp,
) -> anyhow::Result<()> {
    for event in events {
        processor.evolve(state, event, at)?;
    }
    Ok(())
}

#[inline(never)]
fn counted_encode<P: Processor>(processor: &P, events: &[P::Event]) -> Vec<u8> {
    let mut record = Decisions::default();
    for event in events {
        let mut wire = Vec::new();
        processor.encode(event, &mut wire);
        record.events.push(wire.into());
    }
    record.encode_to_vec()
}

#[inline(never)]
fn counted_decode<P: Processor>(processor: &P, record: &[u8]) -> anyhow::Result<()> {
    for bytes in Decisions::decode(record)?.events {
        black_box(&processor.decode(&bytes)?);
    }
    Ok(())
}

/// All that an owner does with its inputs, but for the log: decide, encode, fold, and the batch for the cache.
#[inline(never)]
fn counted_whole<P: Processor>(
    story: &Story<P>,
    state: &mut LaneState,
    cache: &dyn LaneCache,
) -> anyhow::Result<()> {
    for said in story.script() {
        let mark = state.mark();
        let decision = story.processor.decide(state, said.input(), story.at)?;
        for event in &decision.events {
            let mut wire = Vec::with_capacity(128);
            story.processor.encode(event, &mut wire);
            black_box(wire);
        }
        decision.fold(&story.processor, state, story.at)?;
        black_box(mark);
    }
    counted_apply(state, cache)
}

#[inline(never)]
fn counted_apply(state: &mut LaneState, cache: &dyn LaneCache) -> anyhow::Result<()> {
    let (batch, writes) = state.seal();
    cache.apply(writes)?;
    state.applied(batch);
    Ok(())
}
