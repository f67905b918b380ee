//! Scan to slot: a technician scans a tube, and is told its place. One gRPC call, durable before it is answered.
//!
//! Ours is `tenfold run` (all three services) as a process of its own on the broker: 2,000 scans a second, over eight
//! connections, one lab each, on a schedule (`openloop`); times count from the moment a scan was due. Every answer must name
//! a seat. Client, service and broker share this machine's cores.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::lab::{LABS, Lab, register};
use crate::openloop::{Times, calls};
use crate::peers::append;
use crate::scans::{RATE, scan, scanned};
use crate::tubes::{BENCH, RACK, arrival, barcode, now_ms};
use anyhow::{Context as _, ensure};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tenfold_proto::v1;
use v1::pooling_client::PoolingClient;

/// Registrations a second, beside the scans of the busy figure.
const STREAM: u32 = 20_000;

/// Racks of a run: each is planned alone, one after another.
const RACKS: usize = 40;

/// See the module.
pub const SCAN: Figure = Figure {
    name: "scan",
    ours: "2,000 scans/s over 8 connections to `tenfold run` (a process of its own, all services), open loop, times from the \
           moment each scan was due; every answer is durable and names a seat",
    metrics: &[Metric::cost("p50 ms"), Metric::cost("p99 ms")],
    start: |bed| {
        Ok(Box::new(Scans {
            bed: Arc::clone(bed),
            lab: bed.lab()?,
            stream: false,
        }))
    },
    yardsticks: &[
        Yardstick {
            name: "append",
            how: "one acks=all append of the size of a scan's journal record, each alone after the last one's acknowledgement, \
                  on the same broker, nothing else running (idempotent, linger 0, no Nagle)",
            aims: &[Some(2.0), Some(2.0)],
            start: append::alone,
        },
        Yardstick {
            name: "append-paced",
            how: "2,000 such appends a second over 8 partitions of one producer, open loop as the scans are: times from the moment \
                  each was due, so that a pause of the broker counts for all that were due in it; nothing else running",
            aims: &[None, None],
            start: append::paced,
        },
        Yardstick {
            name: "transaction",
            how: "one Kafka transaction of the same record, each alone, 30 ms apart (back to back librdkafka would stall for \
                  20 ms), acknowledged before the commit is asked for; linger 0, no Nagle",
            aims: &[Some(1.0), Some(1.0)],
            start: append::transaction,
        },
    ],
    bounds: &[],
};

/// The same while registrations stream in.
pub const BUSY: Figure = Figure {
    name: "scan-busy",
    ours: "the same 2,000 scans/s while 20,000 registrations/s stream in beside them over gRPC and are decided, passed on to \
           pooling and decided there",
    metrics: &[Metric::cost("p50 ms"), Metric::cost("p99 ms")],
    start: |bed| {
        Ok(Box::new(Scans {
            bed: Arc::clone(bed),
            lab: bed.lab()?,
            stream: true,
        }))
    },
    yardsticks: &[Yardstick {
        name: "quiet",
        how: "the same 2,000 scans/s without the registrations: Tenfold against itself, the same process, \
              in turn",
        aims: &[None, Some(1.5)],
        start: SCAN.start,
    }],
    bounds: &[],
};

/// A rack against a tube.
pub const RACK_PLAN: Figure = Figure {
    name: "rack",
    ours: "one call that plans a rack of 96 tubes (PlanRack), each alone after the last one's answer, tubes registered and \
           received before; all 96 must get a seat",
    metrics: &[Metric::cost("p50 ms")],
    start: |bed| Ok(Box::new(Racks { lab: bed.lab()? })),
    yardsticks: &[Yardstick {
        name: "one-scan",
        how: "one scan, each alone after the last one's answer, of the same process: Tenfold against itself, in turn, \
              with the same load of nothing else",
        aims: &[Some(3.0)],
        start: |bed| Ok(Box::new(OneByOne { lab: bed.lab()? })),
    }],
    bounds: &[],
};

struct Scans {
    bed: Arc<Bed>,
    lab: Arc<Mutex<Lab>>,
    stream: bool,
}

impl Contestant for Scans {
    fn run(&mut self) -> anyhow::Result<Took> {
        let count = usize::try_from(self.bed.size.seconds)? * RATE as usize;
        let each = count.div_ceil(LABS as usize);
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lab.bring(each)?;
        let registrations = if self.stream {
            beside(&mut lab, self.bed.size.seconds)
        } else {
            Vec::new()
        };
        let lab = &*lab;
        let (times, streamed) = lab.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..LABS {
                clients.push(PoolingClient::new(lab.connect().await?));
            }
            let channel = lab.connect().await?;
            let began = Instant::now();
            let many = registrations.len();
            let streaming = tokio::spawn(async move {
                if many > 0 {
                    register(channel, "beside", registrations, Some(STREAM)).await?;
                }
                anyhow::Ok(began.elapsed().as_secs_f64())
            });
            let times = calls(LABS as usize, RATE, count, |line, number| {
                let request = scan(&lab.load.labs, line, first + number / LABS as usize);
                let client = clients.get(line).cloned();
                async move { scanned(&mut client.context("a connection")?, request).await }
            })
            .await?;
            let took = streaming.await??;
            anyhow::Ok((times, many as f64 / took))
        })?;
        let beside = if self.stream {
            format!(", beside {streamed:.0} registrations/s")
        } else {
            String::new()
        };
        Ok(told(&times, &format!("scans{beside}")))
    }
}

/// Registrations of tubes that never come, as many as the scans' time needs.
fn beside(lab: &mut Lab, seconds: u64) -> Vec<v1::Registration> {
    let count = usize::try_from(seconds).unwrap_or(1) * STREAM as usize;
    let first = lab.strangers(count);
    let lanes = lab.load.labs.len();
    (first..first + count)
        .map(|number| lab.load.registration_at(number % lanes, number, now_ms()))
        .collect()
}

pub(super) fn told(times: &Times, what: &str) -> Took {
    let (p50, p99) = (times.percentile(50), times.percentile(99));
    Took::all(
        &[p50, p99],
        format!(
            "{} {what}, longest {:.1} ms",
            times.count(),
            times.percentile(100)
        ),
    )
}

struct OneByOne {
    lab: Arc<Mutex<Lab>>,
}

impl Contestant for OneByOne {
    fn run(&mut self) -> anyhow::Result<Took> {
        let count = RACKS * 10;
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lab.bring(count)?;
        let lab = &*lab;
        let times = lab.block_on(async {
            let mut client = PoolingClient::new(lab.connect().await?);
            let mut ms = Vec::new();
            for number in first..first + count {
                let request = scan(&lab.load.labs, 0, number);
                let began = Instant::now();
                scanned(&mut client, request).await?;
                ms.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            Times::of(ms)
        })?;
        Ok(Took::all(&[times.percentile(50)], String::new()))
    }
}

struct Racks {
    lab: Arc<Mutex<Lab>>,
}

impl Contestant for Racks {
    fn run(&mut self) -> anyhow::Result<Took> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lab.bring(RACKS * RACK)?;
        let lab = &*lab;
        let times = lab.block_on(async {
            let mut client = PoolingClient::new(lab.connect().await?);
            let mut ms = Vec::new();
            for rack in 0..RACKS {
                let name = format!("RACK{:09}", first + rack * RACK);
                let barcodes: Vec<String> = (0..RACK)
                    .map(|index| barcode(0, first + rack * RACK + index))
                    .collect();
                let of = lab.load.labs.first().cloned().unwrap_or_default();
                client.receive(arrival(&of, &name, &barcodes)).await?;
                let request = v1::PlanRackRequest {
                    lab: lab.load.labs.first().cloned().unwrap_or_default(),
                    actor: "bench".to_owned(),
                    request_id: format!("plan-{name}"),
                    bench: BENCH.to_owned(),
                    rack: name,
                };
                let began = Instant::now();
                let planned = client.plan_rack(request).await?.into_inner();
                ms.push(began.elapsed().as_secs_f64() * 1_000.0);
                let seated = planned.tubes.iter().filter(|tube| {
                    matches!(&tube.planned, Some(v1::planned_tube::Planned::Placement(_)))
                });
                ensure!(
                    seated.count() == RACK,
                    "not every tube of a rack got a seat"
                );
            }
            Times::of(ms)
        })?;
        Ok(Took::all(
            &[times.percentile(50)],
            format!("{RACKS} racks a run"),
        ))
    }
}
