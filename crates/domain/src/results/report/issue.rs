//! Issuing reports and alerts.

use super::{AlertNotice, Report, Verdict};
use crate::ids::{ReceiverId, SiteId};
use crate::policy::Policy;
use crate::results::draft::{Draft, Outgoing};
use crate::results::event::{Event, Issued};
use crate::results::outcome::{lab_of, tell_closed};
use crate::results::state::{
    PoolRef, Receiver, Registered, Specimen, SuspectPool, lab_id, lab_no_of, pool_key, tube_id,
};
use crate::tables::{Read, ReadExt};
use std::collections::{BTreeMap, BTreeSet};

/// The receivers that take reports (or alerts) of any of these sites, in order.
pub fn receivers_of<'s>(
    policy: &Policy,
    sites: impl Iterator<Item = &'s SiteId>,
    alerts: bool,
) -> Vec<ReceiverId> {
    let sites: BTreeSet<&SiteId> = sites.collect();
    policy
        .receivers
        .iter()
        .filter(|(_, receiver)| !alerts || receiver.alerts)
        .filter(|(_, receiver)| sites.iter().any(|site| receiver.takes(policy, site)))
        .map(|(id, _)| id.clone())
        .collect()
}

/// Issues a report for each tube: version 1, or the correction of the version before, which goes to
/// everybody who was sent that one too.
pub fn issue(draft: &mut Draft<'_>, keys: &[u64], verdict: Verdict) {
    let state = draft.state();
    let mut groups: BTreeMap<Vec<ReceiverId>, Vec<(u64, Issued)>> = BTreeMap::new();
    for key in keys {
        let (Some(specimen), Some(registered)) =
            (state.get::<Specimen>(key), state.get::<Registered>(key))
        else {
            continue;
        };
        let site = &registered.sample.site;
        let mut receivers: BTreeSet<ReceiverId> =
            receivers_of(draft.policy, [site].into_iter(), false)
                .into_iter()
                .collect();
        receivers.extend(specimen.sent_to.iter().filter_map(|sent| {
            state
                .get::<Receiver>(&sent.receiver)
                .map(|receiver| receiver.id)
        }));
        let replaces = specimen.report().map(|report| report.version);
        let issued = Issued {
            tube: tube_id(state, *key),
            version: replaces.unwrap_or(0).saturating_add(1),
            replaces,
        };
        groups
            .entry(receivers.into_iter().collect())
            .or_default()
            .push((*key, issued));
    }
    for (receivers, group) in groups {
        let reports = group.iter().map(|(_, issued)| issued.clone()).collect();
        draft.emit(Event::ReportsIssued {
            verdict,
            receivers: receivers.clone(),
            reports,
        });
        for (key, issued) in &group {
            publish(draft, *key, issued.version, &receivers);
            if receivers.is_empty() {
                close_unsent(draft, *key, issued, verdict);
            }
        }
    }
}

/// Takes back what was reported: a result follows.
pub fn retract(draft: &mut Draft<'_>, keys: &[u64]) {
    issue(draft, keys, Verdict::Retracted);
}

fn publish(draft: &mut Draft<'_>, key: u64, version: u32, receivers: &[ReceiverId]) {
    for receiver in receivers {
        if let Some(report) = report_of(draft.state(), key, version) {
            draft.send(Outgoing::Report(receiver.clone(), Box::new(report)));
        }
    }
}

/// Nobody takes this report: the sample is closed with it.
fn close_unsent(draft: &mut Draft<'_>, key: u64, issued: &Issued, verdict: Verdict) {
    let Some(result) = verdict.result() else {
        return;
    };
    draft.emit(Event::SpecimensClosed {
        tubes: vec![issued.tube.clone()],
    });
    tell_closed(draft, key, issued.version, result);
}

/// A version of a tube's report, as a receiver gets it.
pub fn report_of(state: &dyn Read, key: u64, version: u32) -> Option<Report> {
    let specimen: Specimen = state.get(&key)?;
    let made = specimen
        .reports
        .iter()
        .find(|made| made.version == version)?;
    let Registered {
        sample,
        received_at,
        due,
        ..
    } = match &made.registered {
        Some(then) => then.as_ref().clone(),
        None => state.get(&key)?,
    };
    Some(Report {
        lab: lab_of(state, key, &specimen),
        barcode: sample.barcode,
        tube: tube_id(state, key),
        version,
        replaces: made.replaces,
        verdict: made.verdict,
        issued_at: made.at,
        site: sample.site,
        kind: sample.kind,
        specimen_type: sample.specimen_type,
        class: sample.class.to_string(),
        sample_version: sample.version,
        subjects: sample.subjects,
        collection_pool: sample.collection_pool,
        pooled: made.pooled,
        collected_at: sample.collected_at,
        received_at,
        due,
        recollection_of: sample.recollection_of,
    })
}

/// Publishes a suspect pool's alert to those who take alerts.
pub fn alert(draft: &mut Draft<'_>, pool: &PoolRef) {
    let Some(key) = pool_key(draft.state(), pool) else {
        return;
    };
    let Some(notice) = alert_notice(draft.state(), key) else {
        return;
    };
    let state = draft.state();
    let receivers: Vec<ReceiverId> = state
        .get::<SuspectPool>(&key)
        .map(|pool| pool.alerts)
        .unwrap_or_default()
        .iter()
        .filter_map(|(receiver, _)| state.get::<Receiver>(receiver).map(|r| r.id))
        .collect();
    for receiver in receivers {
        draft.send(Outgoing::Alert(receiver, Box::new(notice.clone())));
    }
}

/// A suspect pool's alert, as a receiver gets it.
pub fn alert_notice(state: &dyn Read, key: (u64, u64)) -> Option<AlertNotice> {
    let pool: SuspectPool = state.get(&key)?;
    let barcodes = pool
        .members
        .iter()
        .filter_map(|key| state.get::<Registered>(key).map(|r| r.sample.barcode))
        .collect();
    Some(AlertNotice {
        lab: lab_id(state, lab_no_of(pool.plate)),
        pool: pool.pool,
        call: pool.call,
        at: pool.since,
        due: pool.alert_due,
        barcodes,
    })
}
