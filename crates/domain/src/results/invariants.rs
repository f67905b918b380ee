//! What must hold after every event. One predicate each; tests, operators and the auditor use the same.

use super::call::Call;
use super::report::Verdict;
use super::state::{
    Analysis, Board, Delivery, Filed, Order, OrderKind, Plate, PlateState, Receiver, Registered,
    Specimen, Standing, SuspectPool, Test, ToDrop, ToFile, lab_no_of, order_id, tube_id,
};
use crate::tables::{Read, ReadExt, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Most violations told: a broken lane has one in every row.
const VIOLATIONS_MAX: usize = 100;

/// Checks this service's part of all invariants. Answers with what is violated, and the number of tubes seen.
#[must_use]
pub fn check(state: &dyn Read) -> (Vec<String>, u64) {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut boards: BTreeMap<u64, Board> = BTreeMap::new();
    let waiting = waiting(state, |row: ToFile| row.tubes);
    state.scan::<Specimen>(&0, |key, specimen| {
        seen += 1;
        boards.entry(lab_no_of(key)).or_default().enter(&specimen);
        let name = || tube_id(state, key).to_string();
        for (id, holds) in [
            (
                "INV-01",
                has_registration(state, key)
                    && closed_is_final(&specimen)
                    && (specimen.standing != Standing::Closed || waiting.contains(&key)),
            ),
            ("INV-05", negative_is_earned(state, &specimen)),
            ("INV-06", one_report_a_version(&specimen)),
            ("INV-07", one_order_while_waiting(state, &specimen)),
        ] {
            if !holds && found.len() < VIOLATIONS_MAX {
                found.push(format!("{id}: tube {} is {:?}", name(), specimen.standing));
            }
        }
        ControlFlow::Continue(())
    });
    found.extend(filed_leave_nothing(state, &mut boards));
    found.extend(boards_add_up(state, &boards));
    found.extend(pools_are_worked_on(state));
    found.extend(queues_add_up(state));
    found.truncate(VIOLATIONS_MAX);
    (found, seen)
}

fn has_registration(state: &dyn Read, key: u64) -> bool {
    state.get::<Registered>(&key).is_some()
}

/// INV-01: a closed tube has a result, and waits for nobody.
#[must_use]
pub fn closed_is_final(specimen: &Specimen) -> bool {
    specimen.standing != Standing::Closed
        || specimen.withdrawn
        || (specimen.finding.is_some() && specimen.accepted_by_all())
}

/// Tubes in the rows of a table that something becomes of when their time comes.
fn waiting<R: Record<Key = (i64, u64)>>(
    state: &dyn Read,
    tubes: fn(R) -> Vec<u64>,
) -> BTreeSet<u64> {
    let mut waiting = BTreeSet::new();
    state.scan::<R>(&(i64::MIN, 0), |_, row| {
        waiting.extend(tubes(row));
        ControlFlow::Continue(())
    });
    waiting
}

/// INV-01: a filed tube is nowhere else, nothing of it or for it is left, and its card is dropped one day.
fn filed_leave_nothing(state: &dyn Read, boards: &mut BTreeMap<u64, Board>) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = waiting(state, |row: ToDrop| row.tubes);
    state.scan::<Filed>(&0, |key, _| {
        if !waiting.remove(&key) {
            found.push(format!(
                "INV-01: the card of tube {} would stay for ever",
                tube_id(state, key)
            ));
        }
        let board = boards.entry(lab_no_of(key)).or_default();
        board.filed = board.filed.saturating_add(1);
        if has_registration(state, key) || state.get::<Specimen>(&key).is_some() {
            found.push(format!(
                "INV-01: tube {} is filed and at hand",
                tube_id(state, key)
            ));
        }
        ControlFlow::Continue(())
    });
    for key in waiting {
        found.push(format!(
            "INV-01: tube {} waits for its card to be dropped, and has none",
            tube_id(state, key)
        ));
    }
    let at_hand = |key: &u64| state.get::<Specimen>(key).is_some();
    state.scan::<Order>(&0, |key, order| {
        if !at_hand(&order.specimen) {
            found.push(format!(
                "INV-07: order {} is left of a tube that is not at hand",
                order_id(state, key)
            ));
        }
        ControlFlow::Continue(())
    });
    state.scan::<Plate>(&0, |_, plate| {
        if plate.filed && !plate.wells.is_empty() {
            found.push(format!(
                "INV-01: plate {} is filed, and has wells",
                plate.barcode
            ));
        }
        ControlFlow::Continue(())
    });
    found
}

/// INV-05: no final negative without a run in control, a well, and a recorded transfer; and for a
/// member of a suspect pool, without a test of its own.
#[must_use]
pub fn negative_is_earned(state: &dyn Read, specimen: &Specimen) -> bool {
    let newest = specimen.report().map(|report| report.verdict);
    if !specimen.is_final() || newest != Some(Verdict::Negative) {
        return true;
    }
    let alone = match specimen.pool {
        None => false,
        Some((0, _)) => true,
        // A collection pool can never be tested alone: it gets no negative once suspect.
        Some(_) => return false,
    };
    specimen.tests.iter().any(|test| {
        test.transferred_at.0 > 0 && !(alone && test.pooled) && is_negative(state, test)
    })
}

fn is_negative(state: &dyn Read, test: &Test) -> bool {
    let Some(plate) = state.get::<Plate>(&test.plate) else {
        return false;
    };
    // What was reported before its plate was voided stays so until a person decides.
    let valid = matches!(plate.state, PlateState::Released | PlateState::Voided);
    let Some((run, version)) = plate.current.filter(|_| valid) else {
        return false;
    };
    state
        .get::<Analysis>(&(run, u64::from(version)))
        .filter(|analysis| !plate.is_out(&analysis.gate, test.well))
        .and_then(|analysis| {
            analysis
                .well(test.well)
                .map(|well| well.2 == Call::Negative)
        })
        .unwrap_or(false)
}

/// INV-06: versions count from 1 without gaps, and each names the one before.
#[must_use]
pub fn one_report_a_version(specimen: &Specimen) -> bool {
    specimen
        .reports
        .iter()
        .zip(1_u32..)
        .all(|(report, version)| {
            report.version == version
                && report.replaces == version.checked_sub(1).filter(|v| *v > 0)
        })
}

/// INV-07: a tube that waits for a test of its own has exactly one open order for it.
#[must_use]
pub fn one_order_while_waiting(state: &dyn Read, specimen: &Specimen) -> bool {
    let open = specimen
        .orders
        .iter()
        .filter_map(|key| state.get::<Order>(key))
        .filter(|order| order.open() && !matches!(order.kind, OrderKind::Recollection { .. }))
        .count();
    match specimen.standing {
        Standing::PendingConfirmation | Standing::AwaitingRepeat => open == 1,
        Standing::Loaded | Standing::AwaitingReplate => open <= 1,
        Standing::Final | Standing::Closed => open == 0,
    }
}

/// INV-07: an open suspect pool has for each member a final result, or an order that leads to one.
fn pools_are_worked_on(state: &dyn Read) -> Vec<String> {
    let mut found = Vec::new();
    state.scan::<SuspectPool>(&(0, 0), |_, pool| {
        let idle = pool
            .members
            .iter()
            .filter_map(|key| state.get::<Specimen>(key))
            .any(|member| {
                member.pool.is_none() || (!member.is_final() && member.orders.is_empty())
            });
        if pool.end.is_none() && idle {
            found.push(format!(
                "INV-07: a member of pool {} has no order",
                pool.pool
            ));
        }
        ControlFlow::Continue(())
    });
    found
}

/// INV-01: the counts of the boards are those of the tubes.
fn boards_add_up(state: &dyn Read, counted: &BTreeMap<u64, Board>) -> Vec<String> {
    let none = Board::default();
    state
        .all::<Board>()
        .into_iter()
        .filter(|(no, board)| {
            let counted = counted.get(no).unwrap_or(&none);
            (board.count, board.at_risk, board.late, board.filed)
                != (counted.count, counted.at_risk, counted.late, counted.filed)
        })
        .map(|(no, board)| {
            format!(
                "INV-01: the board of lab number {no} says {:?}, its tubes another",
                board.count
            )
        })
        .collect()
}

/// INV-06: what was not accepted yet is still in its receiver's queue, and nothing else is.
fn queues_add_up(state: &dyn Read) -> Vec<String> {
    let mut open: BTreeMap<u64, u64> = BTreeMap::new();
    state.scan::<Delivery>(&(0, 0), |(no, _), delivery| {
        *open.entry(no).or_default() += u64::from(delivery.stuck.is_none());
        ControlFlow::Continue(())
    });
    state
        .all::<Receiver>()
        .into_iter()
        .filter(|(no, receiver)| open.get(no).copied().unwrap_or(0) != receiver.open)
        .map(|(_, receiver)| {
            format!(
                "INV-06: the queue of receiver {} does not hold what it counts",
                receiver.id
            )
        })
        .collect()
}
