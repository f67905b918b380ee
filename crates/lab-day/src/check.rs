//! The end of the day: what was reported is what is true, every report was accepted exactly once per version,
//! and every invariant holds.

use crate::link::Services;
use crate::plan::{Day, Tube};
use crate::receiver::{Inbox, RECEIVER};
use anyhow::{Context as _, bail, ensure};
use futures::StreamExt as _;
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use v1::intake_client::IntakeClient;
use v1::operations_client::OperationsClient;
use v1::pooling_client::PoolingClient;
use v1::results_client::ResultsClient;

/// Questions asked at once.
const AT_ONCE: usize = 16;

/// Faults told one by one.
const TOLD: usize = 10;

/// Longest wait for the last messages between the services.
const SETTLED_MAX: Duration = Duration::from_secs(60);

/// Tubes whose newest report is not what it must be. A cancelled one may be reported by a report that was on its
/// way; then it is withdrawn by the next.
#[must_use]
pub fn missing(tubes: &[Tube], inbox: &Inbox) -> Vec<Tube> {
    let right = |tube: &&Tube| {
        let newest = inbox.newest(tube.barcode()).map(v1::Report::verdict);
        match tube.expected() {
            Some(verdict) => newest == Some(verdict),
            None => newest.is_none_or(|verdict| verdict == v1::Verdict::Withdrawn),
        }
    };
    tubes.iter().filter(|tube| !right(tube)).cloned().collect()
}

/// Where tubes are, for the message of a test that fails.
pub async fn where_they_are(services: &Services, tubes: &[Tube]) -> Vec<String> {
    let mut told = Vec::new();
    for tube in tubes.iter().take(TOLD) {
        let barcode = tube.barcode().to_owned();
        let lab = tube.lab.clone();
        let ask = v1::GetSampleRequest {
            barcode: barcode.clone(),
        };
        let intake = services.intake.call(|channel| {
            let ask = ask.clone();
            async move { IntakeClient::new(channel).get_sample(ask).await }
        });
        let ask = v1::GetTubeRequest {
            lab: lab.clone(),
            tube: barcode.clone(),
        };
        let pooling = services.pooling.call(|channel| {
            let ask = ask.clone();
            async move { PoolingClient::new(channel).get_tube(ask).await }
        });
        let (intake, pooling, results) = futures::join!(intake, pooling, result(services, tube));
        let intake = intake.map_or_else(
            |status| status.message().to_owned(),
            |sample| format!("{:?}", sample.life()),
        );
        let pooling = pooling.map_or_else(
            |status| status.message().to_owned(),
            |view| {
                let last: Vec<String> = view
                    .timeline
                    .iter()
                    .map(|step| format!("{} {}", step.kind, step.of))
                    .collect();
                format!("{:?} {:?} [{}]", view.stage(), view.holds, last.join(", "))
            },
        );
        let results = results.map_or_else(
            |status| status.message().to_owned(),
            |view| {
                let report = view.report.as_ref().map(v1::Report::verdict);
                format!(
                    "{} {report:?} orders {:?} {:?}",
                    view.standing, view.open_orders, view.receivers
                )
            },
        );
        told.push(format!(
            "{barcode} of {lab} ({:?}, {:?}, must be {:?}): intake {intake}; pooling {pooling}; results {results}",
            tube.story,
            tube.truth,
            tube.expected()
        ));
    }
    told
}

async fn result(services: &Services, tube: &Tube) -> Result<v1::ResultView, tonic::Status> {
    let ask = v1::GetResultRequest {
        lab: tube.lab.clone(),
        barcode: tube.barcode().to_owned(),
    };
    services
        .results
        .call(|channel| {
            let ask = ask.clone();
            async move { ResultsClient::new(channel).get_result(ask).await }
        })
        .await
}

/// Checks everything.
///
/// # Errors
/// What is wrong.
pub async fn everything(
    day: &Day,
    tubes: &[Tube],
    services: &Services,
    inbox: &Inbox,
) -> anyhow::Result<()> {
    let mut wrong = inbox.wrong.clone();
    versions(inbox, &mut wrong);
    for tube in tubes.iter().filter(|tube| tube.expected().is_none()) {
        // A report that was on its way already is withdrawn by the next version.
        if let Some(report) = inbox
            .newest(tube.barcode())
            .filter(|report| report.verdict() != v1::Verdict::Withdrawn)
        {
            wrong.push(format!(
                "{} was cancelled, and reported as {report:?}",
                tube.barcode()
            ));
        }
    }
    tell(&wrong)?;
    settled(day, tubes, services).await?;
    tell(&states(tubes, services, inbox).await)?;
    tell(&invariants(day, services).await?)
}

/// Tells what is wrong.
///
/// # Errors
/// Something is.
pub fn tell(wrong: &[String]) -> anyhow::Result<()> {
    if wrong.is_empty() {
        return Ok(());
    }
    let some: Vec<&str> = wrong.iter().take(TOLD).map(String::as_str).collect();
    bail!("{} things are wrong:\n  {}", wrong.len(), some.join("\n  "))
}

/// Versions of each barcode count from 1, and each names the one it replaces.
fn versions(inbox: &Inbox, wrong: &mut Vec<String>) {
    let mut last: Option<(&str, u32)> = None;
    for ((barcode, version), taken) in &inbox.reports {
        let before = last
            .filter(|(name, _)| name == barcode)
            .map(|(_, version)| version);
        if *version != before.unwrap_or(0) + 1 || taken.report.replaces != before {
            wrong.push(format!("after version {before:?} came {:?}", taken.report));
        }
        last = Some((barcode, *version));
    }
}

/// Waits until the last messages arrived: intake and pooling have let go of every tube.
async fn settled(day: &Day, tubes: &[Tube], services: &Services) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let why = match unsettled(day, tubes, services).await? {
            None => return Ok(()),
            Some(why) => why,
        };
        if began.elapsed() > SETTLED_MAX {
            let open = not_closed(tubes, services).await;
            let told = where_they_are(services, &open).await;
            bail!(
                "all is reported, but {why}; {} tubes are not closed in intake:\n  {}",
                open.len(),
                told.join("\n  ")
            );
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Tubes that intake does not know to be closed.
async fn not_closed(tubes: &[Tube], services: &Services) -> Vec<Tube> {
    let reported = tubes.iter().filter(|tube| tube.expected().is_some());
    futures::stream::iter(reported.map(async |tube| {
        let ask = v1::GetSampleRequest {
            barcode: tube.barcode().to_owned(),
        };
        let sample = services
            .intake
            .call(|channel| {
                let ask = ask.clone();
                async move { IntakeClient::new(channel).get_sample(ask).await }
            })
            .await;
        let closed = sample.is_ok_and(|sample| sample.life() == v1::BarcodeLife::Closed);
        (!closed).then(|| tube.clone())
    }))
    .buffer_unordered(AT_ONCE)
    .filter_map(|open| async { open })
    .collect()
    .await
}

async fn unsettled(
    day: &Day,
    tubes: &[Tube],
    services: &Services,
) -> anyhow::Result<Option<String>> {
    let ask = v1::IntakeBoardRequest::default();
    let board = services
        .intake
        .call(|channel| {
            let ask = ask.clone();
            async move { IntakeClient::new(channel).get_board(ask).await }
        })
        .await
        .context("intake's board")?;
    if board.recollections_open > 0 {
        return Ok(Some(format!(
            "{} persons must be swabbed again",
            board.recollections_open
        )));
    }
    for lab in &day.labs {
        let all = tubes.iter().filter(|tube| tube.lab == *lab).count() as u64;
        let Some(seen) = board.labs.iter().find(|seen| seen.lab == *lab) else {
            return Ok(Some(format!("intake knows nothing of {lab}")));
        };
        let sum = seen.pending
            + seen.expected
            + seen.at_risk
            + seen.late
            + seen.received
            + seen.withdrawn
            + seen.closed;
        ensure!(
            sum == all,
            "INV-01: intake counts {sum} tubes of {lab}, there are {all}: {seen:?}"
        );
        if seen.closed + seen.withdrawn != all {
            return Ok(Some(format!(
                "intake has not closed all of {all} tubes: {seen:?}"
            )));
        }
        let ask = v1::PoolingBoardRequest { lab: lab.clone() };
        let board = services
            .pooling
            .call(|channel| {
                let ask = ask.clone();
                async move { PoolingClient::new(channel).get_board(ask).await }
            })
            .await
            .context("pooling's board")?;
        let over = [
            v1::PoolingStage::Closed,
            v1::PoolingStage::Withdrawn,
            v1::PoolingStage::Discarded,
        ];
        let open = board
            .stages
            .iter()
            .find(|stage| stage.count > 0 && !over.contains(&stage.stage()));
        if let Some(stage) = open {
            return Ok(Some(format!(
                "pooling of {lab} has {} tubes {:?}",
                stage.count,
                stage.stage()
            )));
        }
    }
    Ok(None)
}

/// Every tube stands in results as the receiver was told, and the receiver's answer is known there.
async fn states(tubes: &[Tube], services: &Services, inbox: &Inbox) -> Vec<String> {
    let reported = tubes.iter().filter(|tube| tube.expected().is_some());
    futures::stream::iter(reported.map(|tube| state(tube, services, inbox)))
        .buffer_unordered(AT_ONCE)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await
}

async fn state(tube: &Tube, services: &Services, inbox: &Inbox) -> Option<String> {
    let began = Instant::now();
    loop {
        let view = match result(services, tube).await {
            Ok(view) => view,
            Err(status) => return Some(format!("{}: {status}", tube.barcode())),
        };
        let told = inbox.newest(tube.barcode());
        if view.report.as_ref() != told {
            return Some(format!(
                "{}: told {told:?}, stands as {view:?}",
                tube.barcode()
            ));
        }
        let version = told.map_or(0, |report| report.version);
        let accepted = view.receivers.iter().any(|receiver| {
            receiver.receiver == RECEIVER
                && receiver.version == version
                && receiver.state == "accepted"
        });
        if accepted && view.open_orders.is_empty() {
            return None;
        }
        if began.elapsed() > SETTLED_MAX {
            return Some(format!(
                "{} is not accepted, or has open orders: {view:?}",
                tube.barcode()
            ));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Every invariant, of every lab and every lane.
///
/// # Errors
/// A service does not answer.
pub async fn invariants(day: &Day, services: &Services) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for lab in &day.labs {
        let ask = v1::PoolingInvariantsRequest { lab: lab.clone() };
        let answer = services
            .pooling
            .call(|channel| {
                let ask = ask.clone();
                async move { PoolingClient::new(channel).check_invariants(ask).await }
            })
            .await
            .with_context(|| format!("invariants of pooling in {lab}"))?;
        wrong.extend(
            answer
                .violations
                .into_iter()
                .map(|one| format!("pooling of {lab}: {} {}", one.invariant, one.what)),
        );
    }
    let status = services
        .results
        .call(|channel| async move {
            OperationsClient::new(channel)
                .get_status(v1::GetStatusRequest {})
                .await
        })
        .await
        .context("status of results")?;
    let lanes = status
        .services
        .iter()
        .find(|service| service.service == "results")
        .map_or(0, |service| service.lanes);
    ensure!(lanes > 0, "results has no lanes: {status:?}");
    for lane in 0..lanes {
        let answer = services
            .results
            .call(|channel| async move {
                let ask = v1::CheckResultsInvariantsRequest { lane };
                ResultsClient::new(channel)
                    .check_results_invariants(ask)
                    .await
            })
            .await
            .with_context(|| format!("invariants of lane {lane} of results"))?;
        wrong.extend(
            answer
                .violations
                .into_iter()
                .map(|one| format!("results, lane {lane}: {one}")),
        );
    }
    Ok(wrong)
}
