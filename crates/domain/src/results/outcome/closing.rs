//! The end of a tube's way: its result stands, and with the last member's its pool is closed.

use crate::ids::{LabId, Subject};
use crate::message::{FinalResult, Message, SampleClosed};
use crate::results::draft::{Draft, Outgoing};
use crate::results::event::Event;
use crate::results::filing::{finding_of, key_of_barcode};
use crate::results::report::{Verdict, issue};
use crate::results::state::{
    Filed, Order, OrderKind, OrderState, Plate, PoolEnd, PoolRef, Registered, Specimen,
    SuspectPool, WorkKind, lab_id, lab_no_of, tube_id,
};
use crate::results::work::NewWork;
use crate::tables::{Read, ReadExt};
use std::collections::BTreeSet;

/// Gives tubes their result: reports for those still registered, silence for those withdrawn. A tube
/// that has this result already gets nothing.
pub fn finalize(draft: &mut Draft<'_>, keys: &[u64], finding: FinalResult) {
    let mut release = Vec::new();
    let mut suppress = Vec::new();
    for key in keys {
        let Some(specimen) = draft.state().get::<Specimen>(key) else {
            continue;
        };
        if specimen.is_final() && specimen.finding == Some(finding) {
            continue;
        }
        if specimen.withdrawn {
            suppress.push(*key);
        } else {
            release.push(*key);
        }
    }
    suppressed(draft, &suppress, finding);
    issue(draft, &release, Verdict::of(finding));
    close_pools(draft, keys);
}

fn suppressed(draft: &mut Draft<'_>, keys: &[u64], finding: FinalResult) {
    if keys.is_empty() {
        return;
    }
    let tubes = keys
        .iter()
        .map(|key| tube_id(draft.state(), *key))
        .collect();
    draft.emit(Event::ReleaseSuppressed { tubes, finding });
    // Who was told something before is told that nothing will follow; the others hear nothing.
    let (told, untold): (Vec<u64>, Vec<u64>) = keys.iter().partition(|key| {
        let specimen = draft.state().get::<Specimen>(*key);
        specimen.is_some_and(|specimen| specimen.report().is_some())
    });
    for key in untold {
        tell_closed(draft, key, 0, FinalResult::Withdrawn);
    }
    issue(draft, &told, Verdict::Withdrawn);
}

/// Tells pooling and intake that a sample needs nothing more.
pub fn tell_closed(draft: &mut Draft<'_>, key: u64, version: u32, result: FinalResult) {
    let state = draft.state();
    let Some(registered) = state.get::<Registered>(&key) else {
        return;
    };
    let specimen = state.get::<Specimen>(&key);
    let lab = specimen
        .as_ref()
        .map_or_else(LabId::default, |specimen| lab_of(state, key, specimen));
    let at = specimen.and_then(|specimen| specimen.report().map(|report| report.at));
    let barcode = registered.sample.barcode;
    let closed = SampleClosed {
        barcode: barcode.clone(),
        tube: tube_id(state, key),
        report_version: version,
        result,
        reported_at: at.unwrap_or(draft.now),
    };
    draft.send(Outgoing::Pooling(
        lab,
        Message::SampleClosed(closed.clone()),
    ));
    draft.send(Outgoing::Intake(barcode, Message::SampleClosed(closed)));
}

/// Tells pooling and intake once more that a sample needs nothing more: it was filed.
pub fn tell_filed(draft: &mut Draft<'_>, key: u64, filed: &Filed) {
    let closed = SampleClosed {
        barcode: filed.barcode.clone(),
        tube: tube_id(draft.state(), key),
        report_version: filed.report,
        result: filed.result,
        reported_at: filed.reported_at,
    };
    let lab = lab_id(draft.state(), filed.lab);
    draft.send(Outgoing::Pooling(
        lab,
        Message::SampleClosed(closed.clone()),
    ));
    draft.send(Outgoing::Intake(
        filed.barcode.clone(),
        Message::SampleClosed(closed),
    ));
}

/// The lab that tests a tube: that of its newest plate.
pub fn lab_of(state: &dyn Read, key: u64, specimen: &Specimen) -> LabId {
    specimen
        .test()
        .and_then(|test| state.get::<Plate>(&test.plate))
        .map_or_else(|| lab_id(state, lab_no_of(key)), |plate| plate.lab)
}

/// Looks at the pools these tubes are of, and at those of the tubes that they replace.
pub(crate) fn close_pools(draft: &mut Draft<'_>, keys: &[u64]) {
    let state = draft.state();
    let mut pools = BTreeSet::new();
    for key in keys {
        pools.extend(
            state
                .get::<Specimen>(key)
                .and_then(|specimen| specimen.pool),
        );
        let old = state
            .get::<Registered>(key)
            .and_then(|registered| registered.sample.recollection_of)
            .and_then(|old| state.find::<Registered>(old.as_str()))
            .and_then(|(key, _)| state.get::<Specimen>(&key));
        pools.extend(old.and_then(|specimen| specimen.pool));
    }
    for key in pools {
        close(draft, key);
    }
}

fn close(draft: &mut Draft<'_>, key: (u64, u64)) {
    let state = draft.state();
    let Some(pool) = state
        .get::<SuspectPool>(&key)
        .filter(|pool| pool.end.is_none())
    else {
        return;
    };
    let findings: Option<Vec<FinalResult>> = match &pool.pool {
        PoolRef::Lab(_) => pool
            .members
            .iter()
            .map(|key| finding_of(state, *key))
            .collect(),
        PoolRef::Tube(_) => pool.members.first().and_then(|key| of_persons(state, *key)),
    };
    let Some(findings) = findings else { return };
    let end = if findings.contains(&FinalResult::Positive) {
        PoolEnd::Confirmed
    } else if findings
        .iter()
        .all(|finding| *finding == FinalResult::Negative)
    {
        PoolEnd::Unconfirmed
    } else {
        PoolEnd::Unresolved
    };
    let lab = lab_id(state, lab_no_of(pool.plate));
    draft.emit(Event::PoolClosed {
        pool: pool.pool.clone(),
        end,
    });
    if end == PoolEnd::Unconfirmed {
        let item = NewWork {
            kind: WorkKind::ContaminationReview,
            about: pool.pool.to_string(),
            detail: format!(
                "unconfirmed pool positive: well {} was {}, and all {} members are negative",
                pool.well,
                pool.call.name(),
                findings.len()
            ),
            delivery: None,
        };
        draft.open_work(&lab, item);
    }
}

/// What the persons of a collection pool were found to be by their new samples.
fn of_persons(state: &dyn Read, key: u64) -> Option<Vec<FinalResult>> {
    let tube: Specimen = state.get(&key)?;
    let mut persons: BTreeSet<&Subject> = BTreeSet::new();
    let orders: Vec<Order> = tube
        .orders
        .iter()
        .filter_map(|order| state.get(order))
        .collect();
    let mut findings = Vec::new();
    for order in &orders {
        let OrderKind::Recollection { subject } = &order.kind else {
            continue;
        };
        let OrderState::Registered {
            barcode, finding, ..
        } = &order.state
        else {
            return None;
        };
        // What is tested in this lane is known before intake tells.
        let own = || {
            let key = key_of_barcode(state, barcode.as_str())?;
            finding_of(state, key)
        };
        let finding = (*finding).or_else(own)?;
        if persons.insert(subject) {
            findings.push(finding);
        }
    }
    (!findings.is_empty()).then_some(findings)
}
