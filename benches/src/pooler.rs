//! The work of a pooling service in its lab: registrations are heard, racks are received, planned and confirmed; and what
//! its journal says of it afterwards.

use crate::robot::Way;
use crate::tubes::{BENCH, Load, RACK, arrival, barcode};
use anyhow::{Context as _, anyhow, ensure};
use futures::StreamExt as _;
use prost::Message as _;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use tenfold_proto::lane::Decisions;
use tenfold_proto::v1;
use tenfold_runtime::lane::record;
use tenfold_runtime::log::{Log, Topic, Wake};
use v1::pooling_event::What;

/// Racks of a lab that are under way at the same time: a gateway's callers do not wait for each other. With 16 the lane
/// waited for callers for a quarter of the time.
pub const RACKS_AT_ONCE: usize = 64;

/// Between two questions whether the registrations are in.
const LOOK: Duration = Duration::from_millis(5);

/// Between two plans of a rack whose registrations are still on their way.
const AGAIN: Duration = Duration::from_millis(20);

/// Longest time for the registrations, and for the journal to be read.
const WORK_MAX: Duration = Duration::from_secs(600);

/// How long the parts took.
#[derive(Clone, Copy, Debug)]
pub struct Phases {
    /// Until every registration was decided.
    pub registered: Duration,
    /// From there until every rack was confirmed.
    pub racked: Duration,
}

/// What a journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pooled {
    /// Registrations.
    pub expected: usize,
    /// Tubes with a seat, each counted once.
    pub assigned: usize,
    /// Pools that sealed.
    pub sealed: usize,
}

/// Does a load's work, all labs at once, with so many racks of a lab under way at the same time; `way` says whom a lab calls.
///
/// # Errors
/// Something is refused, or does not come.
pub async fn work<'a>(
    load: &Load,
    at_once: usize,
    way: impl Fn(usize) -> &'a Way,
) -> anyhow::Result<Phases> {
    let began = Instant::now();
    let last = load.tubes_a_lab().saturating_sub(1);
    let known = load
        .labs
        .iter()
        .enumerate()
        .map(async |(lane, lab)| until_known(way(lane), lab, &barcode(lane, last)).await);
    futures::future::try_join_all(known).await?;
    let registered = began.elapsed();
    let labs = load
        .labs
        .iter()
        .enumerate()
        .map(|(lane, lab)| racks(way(lane), lane, lab, load.racks, at_once));
    futures::future::try_join_all(labs).await?;
    Ok(Phases {
        registered,
        racked: began.elapsed().saturating_sub(registered),
    })
}

/// Waits until a tube's registration has come to its lab: those before it have then, too.
///
/// # Errors
/// It does not come.
pub async fn until_known(way: &Way, lab: &str, tube: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while !way.knows(lab, tube).await? {
        ensure!(
            began.elapsed() < WORK_MAX,
            "{tube} of {lab} is never registered"
        );
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Waits until each of these tubes of these labs is known; asks for some of them at a time.
///
/// # Errors
/// One is never.
pub async fn all_known<'a>(
    way: &Way,
    tubes: impl Iterator<Item = (&'a str, String)>,
) -> anyhow::Result<()> {
    let mut asked = futures::stream::iter(tubes)
        .map(async |(lab, tube)| until_known(way, lab, &tube).await)
        .buffer_unordered(RACKS_AT_ONCE);
    while let Some(known) = asked.next().await {
        known?;
    }
    Ok(())
}

async fn racks(
    way: &Way,
    lane: usize,
    lab: &str,
    count: usize,
    at_once: usize,
) -> anyhow::Result<()> {
    let mut under_way = futures::stream::iter(0..count)
        .map(|number| rack(way, lane, lab, number * RACK, Duration::ZERO))
        .buffer_unordered(at_once);
    while let Some(done) = under_way.next().await {
        done?;
    }
    Ok(())
}

/// One rack of the tubes from this number on: three calls, each after the answer to the one before. Tubes that cannot be planned
/// yet are planned again and again for so long.
///
/// # Errors
/// Something is refused, or a tube not transferred.
pub async fn rack(
    way: &Way,
    lane: usize,
    lab: &str,
    first: usize,
    patience: Duration,
) -> anyhow::Result<()> {
    planned(way, lane, lab, first, patience).await?;
    confirmed(way, lane, lab, first).await
}

fn rack_name(lane: usize, first: usize) -> String {
    format!("RACK{lane:02}{:06}", first / RACK)
}

/// The first two of those calls. Answers where each tube goes.
///
/// # Errors
/// Something is refused.
pub async fn planned(
    way: &Way,
    lane: usize,
    lab: &str,
    first: usize,
    patience: Duration,
) -> anyhow::Result<Vec<v1::PlannedTube>> {
    let name = rack_name(lane, first);
    let barcodes: Vec<String> = (first..first + RACK)
        .map(|number| barcode(lane, number))
        .collect();
    way.receive(&format!("receive-{name}"), arrival(lab, &name, &barcodes))
        .await?;
    let began = Instant::now();
    for again in 0_u32.. {
        let plan = v1::PlanRackRequest {
            lab: lab.to_owned(),
            bench: BENCH.to_owned(),
            rack: name.clone(),
            ..Default::default()
        };
        let planned = way.plan(&format!("plan-{name}-{again}"), plan).await?;
        let refused = planned.tubes.iter().find_map(|tube| match &tube.planned {
            Some(v1::planned_tube::Planned::Refused(refusal)) => {
                Some(anyhow!("{}: {}", tube.tube, refusal.message))
            }
            _ => None,
        });
        match refused {
            None => return Ok(planned.tubes),
            Some(refused) if began.elapsed() >= patience => return Err(refused),
            Some(_) => tokio::time::sleep(AGAIN).await,
        }
    }
    Ok(Vec::new())
}

/// The last of them: every tube was put where it was planned.
///
/// # Errors
/// It is refused, or a tube was not transferred.
pub async fn confirmed(way: &Way, lane: usize, lab: &str, first: usize) -> anyhow::Result<()> {
    let name = rack_name(lane, first);
    let confirm = v1::ConfirmRackRequest {
        lab: lab.to_owned(),
        bench: BENCH.to_owned(),
        rack: name.clone(),
        rest_done: true,
        ..Default::default()
    };
    let confirmed = way.confirm(&format!("confirm-{name}"), confirm).await?;
    ensure!(
        confirmed.transferred as usize == RACK,
        "{} tubes of {name} were transferred",
        confirmed.transferred
    );
    Ok(())
}

/// Counts what the journals of all lanes hold.
///
/// # Errors
/// A journal cannot be read.
pub fn count(log: &dyn Log, lanes: u32) -> anyhow::Result<Pooled> {
    let mut pooled = Pooled::default();
    let mut seated = HashSet::new();
    for lane in 0..lanes {
        each(log, lane, |what| match what {
            What::SampleExpected(_) => pooled.expected += 1,
            What::MemberPlanned(planned) => {
                seated.insert(planned.tube);
            }
            What::PoolSealed(_) => pooled.sealed += 1,
            _ => {}
        })?;
    }
    pooled.assigned = seated.len();
    Ok(pooled)
}

fn each(log: &dyn Log, lane: u32, mut visit: impl FnMut(What)) -> anyhow::Result<()> {
    let journal = Topic::journal("pooling");
    let end = log.extent(&journal, lane)?.end;
    let (sender, woken) = sync_channel(1);
    let wake: Wake = Arc::new(move || {
        // Full = it is being woken already.
        let _ = sender.try_send(());
    });
    let mut reader = log.reader(&journal, lane, 0, wake)?;
    let (mut next, began) = (0, Instant::now());
    while next < end {
        ensure!(
            began.elapsed() < WORK_MAX,
            "lane {lane} ends at {next} of {end}"
        );
        let records = reader.poll(1 << 20)?;
        if records.is_empty() {
            let _ = woken.recv_timeout(Duration::from_millis(100));
        }
        for stored in records {
            next = stored.offset + 1;
            let envelope = record::read(&stored.value).context("a record that is no envelope")?;
            if envelope.kind() != tenfold_proto::lane::RecordKind::Decisions {
                continue;
            }
            for event in Decisions::decode(envelope.body)?.events {
                if let Some(what) = v1::PoolingEvent::decode(event)?.what {
                    visit(what);
                }
            }
        }
    }
    Ok(())
}
