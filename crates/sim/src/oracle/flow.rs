//! Messages between lanes: what was sent was taken, once, and nothing is on its way any more.

use super::fold::Followers;
use crate::cluster::SERVICES;
use crate::shared::Shared;
use tenfold_domain::tables::ReadExt as _;
use tenfold_runtime::lane::rows::{ReceivedRow, SentRow};

/// Pairs of lanes with messages that were sent and not taken yet.
#[must_use]
pub fn under_way(followers: &Followers) -> Vec<String> {
    let mut found = Vec::new();
    for from in &followers.0 {
        for ((topic, lane), sent) in from.state.all::<SentRow>() {
            let Some(service) = topic.strip_suffix(".inbox") else {
                continue;
            };
            let to = SERVICES.iter().position(|name| *name == service);
            let lane = u32::try_from(lane).unwrap_or(u32::MAX);
            let taken: Option<ReceivedRow> = to
                .and_then(|to| followers.of(to, lane))
                .and_then(|to| to.state.get(&from.stream.to_string()));
            let taken = taken.map_or((0, Default::default()), |row| (row.n, row.digest));
            if taken != (sent.n, sent.digest) {
                found.push(format!(
                    "{}/{} sent {} to {topic}/{lane}, {} were taken",
                    SERVICES[from.service], from.lane, sent.n, taken.0
                ));
            }
        }
    }
    found
}

/// Inboxes whose records were not all consumed.
#[must_use]
pub fn unread(followers: &Followers, shared: &Shared) -> Vec<String> {
    let log = shared.log();
    followers
        .0
        .iter()
        .filter_map(|to| {
            let topic = tenfold_runtime::log::Topic::inbox(SERVICES[to.service]);
            let end = log.lane(&topic, to.lane)?.records.len() as u64;
            (to.inbox_next() < end).then(|| {
                format!(
                    "{topic}/{} is read below {} of {end}",
                    to.lane,
                    to.inbox_next()
                )
            })
        })
        .collect()
}
