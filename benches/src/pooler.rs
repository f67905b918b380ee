//! The work of a pooling service in its lab: registrations are heard, racks are received, planned and confirmed; and what
//! its journal says of it afterwards.

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
use tenfold_runtime::gateway::Gateway;
use tenfold_runtime::lane::record;
use tenfold_runtime::log::{Log, Topic, Wake};
use v1::pooling_command::Command;
use v1::pooling_event::What;

/// Racks of a lab that are under way at the same time: a gateway's callers do not wait for each other. With 16 the lane
/// waited for callers for a quarter of the time.
const RACKS_AT_ONCE: usize = 64;

/// Between two questions whether the registrations are in.
const LOOK: Duration = Duration::from_millis(5);

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

/// Does a load's work, all labs at once.
///
/// # Errors
/// Something is refused, or does not come.
pub async fn work(gateway: &Gateway, load: &Load) -> anyhow::Result<Phases> {
    let began = Instant::now();
    for (lane, lab) in load.labs.iter().enumerate() {
        let last = barcode(lane, load.tubes_a_lab().saturating_sub(1));
        while !known(gateway, lab, &last).await? {
            ensure!(began.elapsed() < WORK_MAX, "{last} is never registered");
            tokio::time::sleep(LOOK).await;
        }
    }
    let registered = began.elapsed();
    let labs = load
        .labs
        .iter()
        .enumerate()
        .map(|(lane, lab)| racks(gateway, lane, lab, load.racks));
    futures::future::try_join_all(labs).await?;
    Ok(Phases {
        registered,
        racked: began.elapsed().saturating_sub(registered),
    })
}

async fn known(gateway: &Gateway, lab: &str, tube: &str) -> anyhow::Result<bool> {
    let ask = v1::GetTubeRequest {
        lab: lab.to_owned(),
        tube: tube.to_owned(),
    };
    let query = v1::PoolingQuery {
        query: Some(v1::pooling_query::Query::Tube(ask)),
    };
    match gateway.query(lab, query.encode_to_vec().into()).await {
        Ok(_) => Ok(true),
        Err(tenfold_runtime::gateway::CallError::Rejected(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn racks(gateway: &Gateway, lane: usize, lab: &str, count: usize) -> anyhow::Result<()> {
    let mut under_way = futures::stream::iter(0..count)
        .map(|number| rack(gateway, lane, lab, number))
        .buffer_unordered(RACKS_AT_ONCE);
    while let Some(done) = under_way.next().await {
        done?;
    }
    Ok(())
}

/// One rack: three calls, each after the answer to the one before.
async fn rack(gateway: &Gateway, lane: usize, lab: &str, number: usize) -> anyhow::Result<()> {
    let name = format!("RACK{lane:02}{number:06}");
    let barcodes: Vec<String> = (0..RACK)
        .map(|index| barcode(lane, number * RACK + index))
        .collect();
    let call = async |step: &str, command: Command| -> anyhow::Result<bytes::Bytes> {
        let body = v1::PoolingCommand {
            command: Some(command),
        }
        .encode_to_vec();
        let id = format!("{step}-{name}");
        let answered = gateway.command(lab, "robot", &id, body.into()).await;
        Ok(answered.with_context(|| id.clone())?.body)
    };
    call("receive", Command::Receive(arrival(lab, &name, &barcodes))).await?;
    let plan = v1::PlanRackRequest {
        lab: lab.to_owned(),
        bench: BENCH.to_owned(),
        rack: name.clone(),
        ..Default::default()
    };
    let planned = v1::PlanRackResponse::decode(call("plan", Command::PlanRack(plan)).await?)?;
    for tube in &planned.tubes {
        if let Some(v1::planned_tube::Planned::Refused(refusal)) = &tube.planned {
            return Err(anyhow!("{}: {}", tube.tube, refusal.message));
        }
    }
    let confirm = v1::ConfirmRackRequest {
        lab: lab.to_owned(),
        bench: BENCH.to_owned(),
        rack: name.clone(),
        rest_done: true,
        ..Default::default()
    };
    let confirmed =
        v1::ConfirmRackResponse::decode(call("confirm", Command::ConfirmRack(confirm)).await?)?;
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
