//! Runs, boards, and what waits.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use tenfold_domain::Rejection;
use tenfold_domain::ids::LabId;
use tenfold_domain::policy::Contamination;
use tenfold_domain::results::event::LabNumber;
use tenfold_domain::results::hints;
use tenfold_domain::results::invariants;
use tenfold_domain::results::state::{
    Analysis, Board, Histogram, OpenOrder, Order, OrderKind, OrderState, Plate, Receiver,
    Registered, Run, Submission, Work, key_of, lab_id, lab_no, lab_no_of, number_of, order_id,
    tube_id,
};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::convert::results::run::imported;
use tenfold_proto::v1;

/// Most items of a list.
const LIMIT_MAX: usize = 1_000;

/// Items of a list that asks for no number.
const LIMIT_DEFAULT: usize = 100;

fn limit(asked: u32) -> usize {
    match asked as usize {
        0 => LIMIT_DEFAULT,
        asked => asked.min(LIMIT_MAX),
    }
}

/// Keys of one lab, or of all if none is named; none if it is unknown here.
fn range(state: &dyn Read, lab: &str) -> Option<(u64, u64)> {
    if lab.is_empty() {
        return Some((0, u64::MAX));
    }
    lab_no(state, &LabId::from(lab)).map(|no| (key_of(no, 0), key_of(no.saturating_add(1), 0)))
}

pub(super) fn run(
    rules: &Contamination,
    state: &dyn Read,
    query: &v1::GetRunRequest,
) -> Result<v1::RunView, Rejection> {
    let unknown = || {
        Rejection::not_found(
            "RUN_UNKNOWN",
            "run",
            format!(
                "lab {:?} has no run {} version {}",
                query.lab, query.run, query.version
            ),
            "use the numbers that the import answered",
        )
    };
    let no = lab_no(state, &LabId::from(query.lab.as_str())).ok_or_else(unknown)?;
    let key = key_of(no, query.run);
    let run: Run = state.get(&key).ok_or_else(unknown)?;
    let newest = u32::try_from(run.files.len()).unwrap_or(u32::MAX);
    let version = if query.version == 0 {
        newest
    } else {
        query.version
    };
    let plate: Plate = state.get(&run.plate).ok_or_else(unknown)?;
    if plate.filed {
        return Err(Rejection::precondition(
            "RUN_FILED",
            "run",
            format!(
                "run {} is of plate {:?}, whose samples are final and filed",
                query.run, plate.barcode
            ),
            "`tenfold explain BARCODE` reads from the journal what it said of a sample; `tenfold export` has its file",
        ));
    }
    let analysis: Analysis = state.get(&(key, u64::from(version))).ok_or_else(unknown)?;
    let file = usize::try_from(version)
        .ok()
        .and_then(|version| run.files.get(version.checked_sub(1)?).cloned())
        .unwrap_or_default();
    let (serial, run_id) = run.name.split_once('\u{1f}').unwrap_or((&run.name, ""));
    let name = (serial.to_owned(), run_id.to_owned());
    let number = LabNumber::new(plate.lab.clone(), query.run);
    let hints = hints::of_analysis(state, (run.plate, &plate), &analysis, rules);
    Ok(v1::RunView {
        lab: plate.lab.to_string(),
        run: query.run,
        version,
        plate: plate.barcode.to_string(),
        current: plate.current == Some((key, version)),
        analysis: Some(imported(
            number,
            name,
            version,
            file,
            number_of(run.plate),
            analysis,
        )),
        hints: hints.into_iter().map(Into::into).collect(),
    })
}

/// The newest runs of a lab. Keys count up, so the last ones of the walk are the newest.
pub(super) fn runs(state: &dyn Read, query: &v1::ListRunsRequest) -> v1::ListRunsReply {
    let Some((from, to)) = range(state, &query.lab) else {
        return v1::ListRunsReply::default();
    };
    let most = limit(query.limit);
    let mut newest: VecDeque<(u64, Run)> = VecDeque::with_capacity(most);
    state.scan_range::<Run>(&from, &to, |key, run| {
        if newest.len() == most {
            newest.pop_front();
        }
        newest.push_back((key, run));
        ControlFlow::Continue(())
    });
    let runs = newest.into_iter().rev();
    v1::ListRunsReply {
        runs: runs
            .filter_map(|(key, run)| run_summary(state, key, &run))
            .collect(),
    }
}

fn run_summary(state: &dyn Read, key: u64, run: &Run) -> Option<v1::RunSummary> {
    let version = u32::try_from(run.files.len()).ok()?;
    let analysis: Analysis = state.get(&(key, u64::from(version)))?;
    let plate: Plate = state.get(&run.plate)?;
    Some(v1::RunSummary {
        run: number_of(key),
        version,
        plate: plate.barcode.to_string(),
        current: plate.current == Some((key, version)),
        imported_at: analysis.imported_at.0,
        failures: u32::try_from(analysis.gate.failures().len()).unwrap_or(u32::MAX),
    })
}

pub(super) fn board(state: &dyn Read, query: &v1::ResultsBoardRequest) -> v1::LaneBoard {
    let mut sum = Board::default();
    let wanted = LabId::from(query.lab.as_str());
    for (no, board) in state.all::<Board>() {
        if wanted.is_empty() || lab_id(state, no) == wanted {
            sum.add(&board);
        }
    }
    let (mut open_orders, mut late_orders, mut open_work) = (0, 0, 0);
    let Some((from, to)) = range(state, &query.lab) else {
        return v1::LaneBoard::default();
    };
    state.scan::<OpenOrder>(&(i64::MIN, 0), |(_, key), _| {
        if (from..to).contains(&key) {
            open_orders += 1;
            late_orders += u64::from(state.get::<Order>(&key).is_some_and(|order| order.late));
        }
        ControlFlow::Continue(())
    });
    state.scan_range::<Work>(&from, &to, |_, _| {
        open_work += 1;
        ControlFlow::Continue(())
    });
    let counts = |histogram: &Histogram| histogram.counts().to_vec();
    v1::LaneBoard {
        count: sum.count.to_vec(),
        at_risk: sum.at_risk.to_vec(),
        late: sum.late.to_vec(),
        run: counts(&sum.run),
        report: counts(&sum.report),
        delivery: counts(&sum.delivery),
        retest: counts(&sum.retest),
        verdicts: sum.verdicts.to_vec(),
        open_orders,
        late_orders,
        open_work,
        waiting_deliveries: state
            .all::<Receiver>()
            .iter()
            .map(|(_, receiver)| receiver.open)
            .sum(),
    }
}

pub(super) fn orders(state: &dyn Read, query: &v1::ListOrdersRequest) -> v1::ListOrdersReply {
    let mut reply = v1::ListOrdersReply::default();
    let Some((from, to)) = range(state, &query.lab) else {
        return reply;
    };
    let most = limit(query.limit);
    state.scan::<OpenOrder>(&(i64::MIN, 0), |(_, key), _| {
        if (from..to).contains(&key) {
            reply.orders.extend(order_view(state, key));
        }
        if reply.orders.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    reply
}

pub(super) fn order_view(state: &dyn Read, key: u64) -> Option<v1::OrderView> {
    let order: Order = state.get(&key)?;
    let barcode = state
        .get::<Registered>(&order.specimen)
        .map(|r| r.sample.barcode)?;
    let (kind, subject) = match &order.kind {
        OrderKind::Residual => (v1::ResultsOrderKind::Residual, String::new()),
        OrderKind::Reextraction => (v1::ResultsOrderKind::Reextraction, String::new()),
        OrderKind::Recollection { subject } => {
            (v1::ResultsOrderKind::Recollection, subject.to_string())
        }
    };
    let stands = match &order.state {
        OrderState::Open => "open",
        OrderState::Registered { .. } => "registered",
    };
    Some(v1::OrderView {
        order: order_id(state, key).to_string(),
        kind: kind.into(),
        barcode: barcode.to_string(),
        tube: tube_id(state, order.specimen).to_string(),
        subject,
        round: order.round,
        reason: v1::RetestReason::from(order.reason).into(),
        ordered_at: order.at.0,
        due: order.due.0,
        late: order.late,
        state: stands.to_owned(),
    })
}

pub(super) fn work(
    state: &dyn Read,
    query: &v1::ListResultsWorkRequest,
) -> v1::ListResultsWorkReply {
    let mut reply = v1::ListResultsWorkReply::default();
    let Some((from, to)) = range(state, &query.lab) else {
        return reply;
    };
    let most = limit(query.limit);
    state.scan_range::<Work>(&from, &to, |key, work| {
        reply.items.push(v1::WorkView {
            work: Some(v1::LabNumber {
                lab: lab_id(state, lab_no_of(key)).to_string(),
                number: number_of(key),
            }),
            kind: v1::ResultsWorkKind::from(work.kind).into(),
            about: work.about,
            detail: work.detail,
            at: work.at.0,
        });
        if reply.items.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    state.scan_range::<Submission>(&from, &to, |_, parked| {
        reply.parked.push(v1::ParkedView {
            lab: parked.lab.to_string(),
            plate: parked.plate.to_string(),
            run: format!("{}/{}", parked.serial, parked.run_id),
            file_name: parked.file_name,
        });
        if reply.parked.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    reply
}

pub(super) fn invariants(state: &dyn Read) -> v1::CheckResultsInvariantsReply {
    let (violations, specimens) = invariants::check(state);
    v1::CheckResultsInvariantsReply {
        violations,
        specimens,
    }
}
