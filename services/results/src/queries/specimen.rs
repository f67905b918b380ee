//! Questions about one barcode.

use super::filed::{FILED, card};
use tenfold_domain::Rejection;
use tenfold_domain::results::report::report_of;
use tenfold_domain::results::state::{
    Analysis, Delivery, Order, Plate, Receiver, Registered, Run, Sla, Specimen, Standing, Stuck,
    order_id, tube_id,
};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;

pub(super) struct Found {
    pub(super) key: u64,
    pub(super) registered: Registered,
    pub(super) specimen: Specimen,
}

/// The tube with a barcode; of several, the one that was registered last.
pub(super) fn find(state: &dyn Read, query: &v1::GetResultRequest) -> Result<Found, Rejection> {
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

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Loaded => "loaded",
        Standing::AwaitingReplate => "awaiting-replate",
        Standing::PendingConfirmation => "pending-confirmation",
        Standing::AwaitingRepeat => "awaiting-repeat",
        Standing::Final => "final",
        Standing::Closed => "closed",
    }
}

pub(super) const fn clock(sla: Sla) -> &'static str {
    match sla {
        Sla::InTime => "in-time",
        Sla::AtRisk => "at-risk",
        Sla::Late => "late",
    }
}

pub(super) fn receivers(state: &dyn Read, specimen: &Specimen) -> Vec<v1::ReceiverState> {
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
    let found = find(state, query);
    if let (Err(_), Some(filed)) = (&found, card(state, &query.barcode)) {
        return Ok(v1::ResultView {
            barcode: query.barcode.clone(),
            standing: FILED.to_owned(),
            tube: filed.tube.clone(),
            filed: Some(filed),
            ..v1::ResultView::default()
        });
    }
    let Found {
        key,
        registered,
        specimen,
    } = found?;
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
        filed: None,
    })
}

pub(super) fn timeline(
    state: &dyn Read,
    query: &v1::GetResultRequest,
) -> Result<v1::ResultTimeline, Rejection> {
    let found = find(state, query);
    if let (Err(_), Some(filed)) = (&found, card(state, &query.barcode)) {
        return Ok(v1::ResultTimeline {
            barcode: query.barcode.clone(),
            filed: Some(filed),
            ..v1::ResultTimeline::default()
        });
    }
    let Found {
        registered,
        specimen,
        ..
    } = found?;
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
        filed: None,
    })
}

/// The analysis of a plate that counts: its run, its version, itself.
pub(super) fn current(state: &dyn Read, plate: &Plate) -> Option<(Run, u32, Analysis)> {
    let (key, version) = plate.current?;
    let run = state.get::<Run>(&key)?;
    Some((run, version, state.get(&(key, u64::from(version)))?))
}
