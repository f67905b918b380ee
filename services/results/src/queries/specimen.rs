//! Questions about one barcode.

use super::lists::order_view;
use tenfold_domain::Rejection;
use tenfold_domain::results::report::report_of;
use tenfold_domain::results::state::{
    Analysis, Delivery, GateVerdict, Order, Plate, PoolEnd, Receiver, Registered, Run, Sla,
    Specimen, Standing, Stuck, SuspectPool, Test, order_id, tube_id,
};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;

struct Found {
    key: u64,
    registered: Registered,
    specimen: Specimen,
}

/// The tube with a barcode; of several, the one that was registered last.
fn find(state: &dyn Read, query: &v1::GetResultRequest) -> Result<Found, Rejection> {
    state
        .find_all::<Registered>(&query.barcode)
        .into_iter()
        .filter_map(|(key, registered)| {
            let specimen = state.get::<Specimen>(&key)?;
            Some(Found {
                key,
                registered,
                specimen,
            })
        })
        .max_by_key(|found| found.registered.sample.version)
        .ok_or_else(|| {
            Rejection::not_found(
                "BARCODE_UNKNOWN",
                "barcode",
                format!(
                    "no plate with barcode {:?} was loaded in lab {:?}",
                    query.barcode, query.lab
                ),
                "ask intake and pooling where it is",
            )
        })
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Loaded => "loaded",
        Standing::AwaitingReplate => "awaiting-replate",
        Standing::PendingConfirmation => "pending-confirmation",
        Standing::AwaitingRepeat => "awaiting-repeat",
        Standing::Final => "final",
        Standing::Closed => "closed",
    }
}

const fn clock(sla: Sla) -> &'static str {
    match sla {
        Sla::InTime => "in-time",
        Sla::AtRisk => "at-risk",
        Sla::Late => "late",
    }
}

fn receivers(state: &dyn Read, specimen: &Specimen) -> Vec<v1::ReceiverState> {
    specimen
        .sent_to
        .iter()
        .filter_map(|sent| {
            let receiver = state.get::<Receiver>(&sent.receiver)?.id.to_string();
            let delivery = state.get::<Delivery>(&(sent.receiver, sent.number));
            let attempts = delivery.as_ref().map_or(0, |d| u32::from(d.attempts));
            let state = match delivery {
                None => "accepted",
                Some(Delivery {
                    stuck: Some(Stuck::Rejected),
                    ..
                }) => "rejected",
                Some(Delivery {
                    stuck: Some(Stuck::GivenUp),
                    ..
                }) => "given-up",
                Some(Delivery { attempts: 0, .. }) => "queued",
                Some(_) => "sent",
            };
            Some(v1::ReceiverState {
                receiver,
                version: sent.version,
                state: state.to_owned(),
                attempts,
            })
        })
        .collect()
}

pub(super) fn result(
    state: &dyn Read,
    query: &v1::GetResultRequest,
) -> Result<v1::ResultView, Rejection> {
    let Found {
        key,
        registered,
        specimen,
    } = find(state, query)?;
    let open = |key: &&u64| state.get::<Order>(key).is_some_and(|order| order.open());
    Ok(v1::ResultView {
        barcode: registered.sample.barcode.to_string(),
        tube: tube_id(state, key).to_string(),
        standing: standing(specimen.standing).to_owned(),
        withdrawn: specimen.withdrawn,
        clock: clock(specimen.sla).to_owned(),
        due: registered.due.0,
        report: specimen
            .report()
            .and_then(|report| report_of(state, key, report.version))
            .map(Into::into),
        receivers: receivers(state, &specimen),
        open_orders: specimen
            .orders
            .iter()
            .filter(open)
            .map(|key| order_id(state, *key).to_string())
            .collect(),
    })
}

pub(super) fn timeline(
    state: &dyn Read,
    query: &v1::GetResultRequest,
) -> Result<v1::ResultTimeline, Rejection> {
    let Found {
        registered,
        specimen,
        ..
    } = find(state, query)?;
    let mut stages = Vec::new();
    let mut stage = |stage: &str, at: i64, detail: String| {
        stages.push(v1::StageTime {
            stage: stage.to_owned(),
            at,
            detail,
        });
    };
    for test in &specimen.tests {
        let Some(plate) = state.get::<Plate>(&test.plate) else {
            continue;
        };
        let place = format!(
            "plate {}, well {}, round {}",
            plate.barcode, test.well, test.round
        );
        stage("loaded", plate.loaded_at.0, place.clone());
        if let Some((_, _, analysis)) = current(state, &plate) {
            stage("read", analysis.read_at.0, place.clone());
            stage("interpreted", analysis.imported_at.0, place);
        }
    }
    for report in &specimen.reports {
        let verdict = format!("version {}: {:?}", report.version, report.verdict).to_lowercase();
        stage("reported", report.at.0, verdict);
    }
    if let Some(at) = specimen.closed_at.filter(|_| !specimen.reports.is_empty()) {
        stage("delivered", at.0, "accepted by every receiver".to_owned());
    }
    stages.sort_by_key(|stage| stage.at);
    Ok(v1::ResultTimeline {
        barcode: registered.sample.barcode.to_string(),
        received_at: registered.received_at.0,
        due: registered.due.0,
        stages,
    })
}

fn current(state: &dyn Read, plate: &Plate) -> Option<(Run, u32, Analysis)> {
    let (key, version) = plate.current?;
    let run = state.get::<Run>(&key)?;
    Some((run, version, state.get(&(key, u64::from(version)))?))
}

pub(super) fn explain(
    state: &dyn Read,
    query: &v1::GetResultRequest,
) -> Result<v1::ResultExplanation, Rejection> {
    let Found {
        key,
        registered,
        specimen,
    } = find(state, query)?;
    let pool = specimen
        .pool
        .and_then(|pool| state.get::<SuspectPool>(&pool));
    let end = pool.as_ref().map(|pool| match pool.end {
        None => "open",
        Some(PoolEnd::Confirmed) => "confirmed",
        Some(PoolEnd::Unconfirmed) => "unconfirmed pool positive",
        Some(PoolEnd::Unresolved) => "unresolved",
    });
    Ok(v1::ResultExplanation {
        barcode: registered.sample.barcode.to_string(),
        tube: tube_id(state, key).to_string(),
        tests: specimen
            .tests
            .iter()
            .filter_map(|test| explain_test(state, test))
            .collect(),
        pool: pool.map(|pool| pool.pool.to_string()).unwrap_or_default(),
        pool_end: end.unwrap_or_default().to_owned(),
        reports: specimen
            .reports
            .iter()
            .map(|report| v1::IssuedVersion {
                version: report.version,
                verdict: v1::Verdict::from(report.verdict).into(),
                replaces: report.replaces.unwrap_or(0),
                at: report.at.0,
            })
            .collect(),
        receivers: receivers(state, &specimen),
        orders: specimen
            .orders
            .iter()
            .filter_map(|key| order_view(state, *key))
            .collect(),
    })
}

fn explain_test(state: &dyn Read, test: &Test) -> Option<v1::ExplainedTest> {
    let plate = state.get::<Plate>(&test.plate)?;
    let pool = plate
        .wells
        .iter()
        .find(|well| well.well == test.well)
        .and_then(|well| well.pool.clone());
    let mut explained = v1::ExplainedTest {
        plate: plate.barcode.to_string(),
        well: test.well.to_string(),
        round: test.round,
        pool: pool.map(|pool| pool.to_string()).unwrap_or_default(),
        controls: "not-run".to_owned(),
        transferred_at: test.transferred_at.0,
        ..v1::ExplainedTest::default()
    };
    let Some((run, version, analysis)) = current(state, &plate) else {
        return Some(explained);
    };
    let in_control = analysis.gate == GateVerdict::InControl;
    explained.controls = if in_control {
        "in-control"
    } else {
        "out-of-control"
    }
    .to_owned();
    explained.run = run.name.replace('\u{1f}', "/");
    explained.version = version;
    explained.file_hash = usize::try_from(version)
        .ok()
        .and_then(|version| run.files.get(version.checked_sub(1)?).cloned())
        .unwrap_or_default();
    explained.file_name.clone_from(&analysis.file_name);
    explained.read_at = analysis.read_at.0;
    explained.imported_at = analysis.imported_at.0;
    explained.policy = analysis.policy;
    if let Some((_, readings, call)) = analysis.well(test.well) {
        explained.call = v1::WellCall::from(*call).into();
        for (target, reading) in analysis.targets.iter().zip(readings) {
            let rule = analysis.rules.iter().find(|rule| rule.target == *target);
            explained.targets.push(v1::ExplainedTarget {
                target: target.clone(),
                reading: Some(reading.clone().into()),
                rule: rule.map_or_else(|| "internal control".to_owned(), |rule| rule.name.clone()),
                rule_version: rule.map_or(0, |rule| rule.version),
            });
        }
    }
    Some(explained)
}
