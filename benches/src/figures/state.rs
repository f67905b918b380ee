//! What a sample costs in one lane: decided, folded, and written to the cache.
//!
//! Ours is what a lane does with a registration in pooling's inbox, without log and threads: decide, encode, fold into the overlay,
//! and every 512 samples one atomic batch to sled. The yardstick is sled alone: one look whether the sample is there, and the
//! very same batches.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::tubes::{Load, policy_input};
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tenfold_domain::Timestamp;
use tenfold_pooling::PoolingProcessor;
use tenfold_runtime::cache::{Cache as _, LaneCache, SledCache, Writes};
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::processor::{Input, Processor as _};

/// Samples of a batch to the cache.
const BATCH: usize = 512;

/// Memory of either sled.
const CACHE_BYTES: usize = 64 << 20;

/// Entries of a leaf, as in our cache.
const LEAF: usize = 1024;

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "state",
    ours: "one lane of pooling in one thread: each registration decided, encoded, folded into the overlay; every 512 one batch to \
           sled (64 MiB of memory)",
    metrics: &[Metric::cost("us a sample")],
    start: |bed| {
        Ok(Box::new(Ours {
            bodies: bodies(bed),
        }))
    },
    yardsticks: &[Yardstick {
        name: "sled",
        how: "sled alone, one thread: one get a sample (of a key that is not there), and the very same batches with apply_batch; \
              the same release, leaves of 1,024, 64 MiB, flushed every 200 ms by its own thread",
        aims: &[Some(1.2)],
        start: |bed| {
            Ok(Box::new(Sled {
                batches: recorded(&bodies(bed))?,
                samples: bodies(bed).len(),
            }))
        },
    }],
    bounds: &[],
};

fn bodies(bed: &Arc<Bed>) -> Vec<Bytes> {
    let load = Load::new(1, bed.size.racks * 2);
    (0..load.tubes_a_lab())
        .map(|number| load.details(0, number))
        .collect()
}

struct Ours {
    bodies: Vec<Bytes>,
}

impl Contestant for Ours {
    fn run(&mut self) -> anyhow::Result<Took> {
        let folder = tempfile::tempdir()?;
        let took = lane(&self.bodies, folder.path(), |cache, writes| {
            Ok(cache.apply(writes)?)
        })?;
        Ok(Took::all(
            &[took],
            format!("{} samples a run", self.bodies.len()),
        ))
    }
}

/// The batches that a lane makes of these registrations.
fn recorded(bodies: &[Bytes]) -> anyhow::Result<Vec<Writes>> {
    let folder = tempfile::tempdir()?;
    let mut batches = Vec::new();
    lane(bodies, folder.path(), |cache, writes| {
        batches.push(writes.clone());
        Ok(cache.apply(writes)?)
    })?;
    Ok(batches)
}

/// Microseconds a sample.
fn lane(
    bodies: &[Bytes],
    folder: &Path,
    mut apply: impl FnMut(&dyn LaneCache, Writes) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let processor = PoolingProcessor::new();
    let cache = SledCache::open(folder, CACHE_BYTES)?;
    let lane = cache.open(0)?;
    let mut state = LaneState::load(cache.open(0)?, processor.tables())?;
    let now = Timestamp(crate::tubes::now_ms());
    let policy = policy_input(&Load::new(1, 0));
    let decide = |state: &mut LaneState, input: Input<'_>| -> anyhow::Result<usize> {
        let mark = state.mark();
        let decision = processor.decide(state, input, now)?;
        if !decision.folded {
            state.rollback(mark);
        }
        let mut wire = Vec::new();
        for event in &decision.events {
            processor.encode(event, &mut wire);
        }
        decision.fold(&processor, state, now)?;
        Ok(black_box(wire).len())
    };
    decide(
        &mut state,
        Input::External {
            origin: "bench",
            body: &policy,
        },
    )?;
    let began = Instant::now();
    let mut bytes = 0;
    for part in bodies.chunks(BATCH) {
        for body in part {
            bytes += decide(&mut state, Input::Message { level: 1, body })?;
        }
        let (batch, writes) = state.seal();
        apply(lane.as_ref(), writes)?;
        state.applied(batch);
    }
    let took = began.elapsed().as_secs_f64() * 1e6 / bodies.len() as f64;
    ensure!(bytes > bodies.len() * 40, "most samples made no event");
    Ok(took)
}

struct Sled {
    batches: Vec<Writes>,
    samples: usize,
}

impl Contestant for Sled {
    fn run(&mut self) -> anyhow::Result<Took> {
        let folder = tempfile::tempdir()?;
        let config = sled::Config::new()
            .path(folder.path())
            .cache_capacity_bytes(CACHE_BYTES);
        let database: sled::Db<LEAF> = config.open()?;
        let tree = database.open_tree("lane-0")?;
        let began = Instant::now();
        let mut number = 0_u64;
        for writes in &self.batches {
            let mut batch = sled::Batch::default();
            for (key, value) in writes {
                match value {
                    Some(value) => batch.insert(&key[..], &value[..]),
                    None => batch.remove(&key[..]),
                }
            }
            for _ in 0..BATCH {
                number += 1;
                black_box(tree.get(number.to_be_bytes())?);
            }
            tree.apply_batch(batch)?;
        }
        let took = began.elapsed().as_secs_f64() * 1e6 / self.samples as f64;
        let (key, value) = self
            .batches
            .iter()
            .flatten()
            .rev()
            .find_map(|(key, value)| Some((key, value.as_ref()?)))
            .context("nothing was written")?;
        ensure!(
            tree.get(&key[..])?.is_some_and(|is| is[..] == value[..]),
            "the last row is not there"
        );
        let rows: usize = self.batches.iter().map(Vec::len).sum();
        Ok(Took::all(
            &[took],
            format!("{:.1} rows a sample", rows as f64 / self.samples as f64),
        ))
    }
}
