//! Registering over gRPC: a stream of batches, acknowledged when they are durable.
//!
//! Ours is `tenfold run` on the broker of this run: one stream, batches of 500, eight under way, until the last is acknowledged.
//! What it decides meanwhile is its own business, and takes from the same cores; a run ends only when pooling knows them all,
//! but the clock stops at the last acknowledgement.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::lab::{Lab, register};
use crate::peers::sink::{self, Sink};
use crate::tubes::now_ms;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tenfold_proto::v1;

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "registering",
    ours: "one gRPC stream of registrations to `tenfold run` on the broker, batches of 500, eight under way, until the last one \
           is acknowledged as durable",
    metrics: &[Metric::rate("registrations/s")],
    start: |bed| {
        Ok(Box::new(Ours {
            bed: Arc::clone(bed),
            lab: bed.lab()?,
        }))
    },
    yardsticks: &[Yardstick {
        name: "sink",
        how: "the same stream to a tonic server that decodes each batch, counts it and acknowledges it, and does nothing else; one \
              thread of its own, the same client",
        aims: &[Some(0.4)],
        start: |bed| {
            Ok(Box::new(Counted {
                bed: Arc::clone(bed),
                sink: sink::start()?,
                lab: bed.lab()?,
            }))
        },
    }],
    bounds: &[],
};

/// Registrations of a run.
fn count(bed: &Bed) -> usize {
    bed.size.load().tubes()
}

fn registrations(lab: &mut Lab, count: usize) -> Vec<v1::Registration> {
    let first = lab.strangers(count);
    let lanes = lab.load.labs.len();
    (first..first + count)
        .map(|number| lab.load.registration_at(number % lanes, number, now_ms()))
        .collect()
}

struct Ours {
    bed: Arc<Bed>,
    lab: Arc<Mutex<Lab>>,
}

impl Contestant for Ours {
    fn run(&mut self) -> anyhow::Result<Took> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count(&self.bed);
        let all = registrations(&mut lab, count);
        let rate = lab.block_on(async {
            let channel = lab.connect().await?;
            let began = Instant::now();
            register(channel, "registering", all, None).await?;
            anyhow::Ok(count as f64 / began.elapsed().as_secs_f64())
        })?;
        // The next run must find it idle.
        lab.bring(1)?;
        Ok(Took::all(&[rate], format!("{count} registrations a run")))
    }
}

struct Counted {
    bed: Arc<Bed>,
    sink: Sink,
    lab: Arc<Mutex<Lab>>,
}

impl Contestant for Counted {
    fn run(&mut self) -> anyhow::Result<Took> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count(&self.bed);
        let all = registrations(&mut lab, count);
        let before = self.sink.counted();
        let rate = lab.block_on(async {
            let channel = self.sink.connect().await?;
            let began = Instant::now();
            register(channel, "registering", all, None).await?;
            anyhow::Ok(count as f64 / began.elapsed().as_secs_f64())
        })?;
        anyhow::ensure!(
            self.sink.counted() - before == count,
            "the sink did not count all"
        );
        Ok(Took::all(&[rate], format!("{count} registrations a run")))
    }
}
