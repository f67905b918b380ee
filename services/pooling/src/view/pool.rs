//! A pool, and why it is as it is.

use super::steps;
use super::tube::well_of;
use tenfold_domain::Timestamp;
use tenfold_domain::pooling::lab::{pool_id, tube_id};
use tenfold_domain::pooling::pool::close::word;
use tenfold_domain::pooling::pool::{Mode, Pool, PoolMember, PoolState};
use tenfold_domain::pooling::tube::{Tube, Vessel};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;

/// A pool with its members and its timeline.
#[must_use]
pub fn pool(state: &dyn Read, key: u64, pool: &Pool) -> v1::PoolView {
    let name = pool_id(state, key).to_string();
    let place = match pool.state {
        PoolState::Sealed(vessel) => well_of(state, vessel),
        _ => None,
    };
    v1::PoolView {
        bench: pool.bench.to_string(),
        mode: v1::PoolingMode::from(pool.mode).into(),
        state: word(pool).to_owned(),
        kind: v1::Kind::from(pool.mix.kind).into(),
        specimen_type: pool.mix.specimen_type.clone(),
        group: pool.mix.group.clone(),
        stat: pool.mix.stat,
        limit: u32::from(pool.limit),
        limit_by: v1::PoolLimitBy::from(pool.limit_by).into(),
        due: (pool.due != Timestamp(i64::MAX)).then_some(pool.due.0),
        seal_at: pool.seal_at.map(|at| at.0),
        rack: pool.rack.as_ref().map(ToString::to_string),
        hold: pool.hold.clone(),
        volume_ul: pool.volume_ul,
        members: pool.members.iter().map(|m| member(state, m)).collect(),
        left: pool
            .left
            .iter()
            .map(|left| v1::PoolLeftView {
                tube: tube_id(state, left.tube).to_string(),
                slot: u32::from(left.slot),
                at: left.at.0,
                by: left.by.to_string(),
                reason: left.reason.clone(),
            })
            .collect(),
        plate: place.as_ref().map(|(plate, _)| plate.clone()),
        well: place.map(|(_, well)| well),
        timeline: steps(&name, &pool.steps),
        pool: name,
    }
}

fn member(state: &dyn Read, member: &PoolMember) -> v1::PoolMemberView {
    let tube: Option<Tube> = state.get(&member.tube);
    let due = tube.as_ref().map_or(0, |tube| tube.deadline.due.0);
    let barcode = tube.map(|tube| tube.label().to_owned()).unwrap_or_default();
    let transfer = member.transfer.as_ref();
    v1::PoolMemberView {
        tube: tube_id(state, member.tube).to_string(),
        barcode,
        slot: u32::from(member.slot),
        round: member.round,
        planned_at: member.planned_at.0,
        transferred_at: transfer.map(|t| t.at.0),
        transferred_by: transfer.map(|t| t.by.to_string()),
        ul: transfer.map_or(0, |t| t.ul),
        due,
    }
}

/// Why a pool is as it is, in sentences, and what keeps it from its next step.
#[must_use]
pub fn explain(state: &dyn Read, key: u64, record: &Pool) -> v1::ExplainPoolResponse {
    v1::ExplainPoolResponse {
        pool: Some(pool(state, key, record)),
        because: because(state, record),
        blocked_by: blocked_by(state, record),
    }
}

fn because(state: &dyn Read, pool: &Pool) -> Vec<String> {
    let mut because = vec![format!(
        "it takes {:?} samples of type {:?}{}{}, at most {}: {} says so",
        pool.mix.kind,
        pool.mix.specimen_type,
        if pool.mix.group.is_empty() {
            String::new()
        } else {
            format!(" and class group {:?}", pool.mix.group)
        },
        if pool.mix.stat { ", STAT only" } else { "" },
        pool.limit,
        pool.limit_by.words(),
    )];
    for member in &pool.members {
        let class = state
            .get::<Tube>(&member.tube)
            .and_then(|tube| tube.sample)
            .map_or_else(|| "closed".to_owned(), |sample| sample.class.to_string());
        let how = match (&member.transfer, pool.mode) {
            (Some(t), _) => format!("transferred at {} by {}", t.at, t.by),
            (None, Mode::Rack) => "not confirmed yet".to_owned(),
            (None, _) => "not transferred yet".to_owned(),
        };
        because.push(format!(
            "slot {}: tube {} (class {class}, round {}), planned at {}, {how}",
            member.slot,
            tube_id(state, member.tube),
            member.round,
            member.planned_at,
        ));
    }
    for left in &pool.left {
        because.push(format!(
            "tube {} left slot {} at {}: {}",
            tube_id(state, left.tube),
            left.slot,
            left.at,
            left.reason
        ));
    }
    match (&pool.sealed, pool.seal_at, &pool.state) {
        (Some(sealed), ..) => because.push(format!(
            "it sealed at {} by {}: {}",
            sealed.at,
            sealed.by,
            sealed.why.words()
        )),
        (None, Some(at), PoolState::Open) => {
            because.push(format!("it seals at {at}, or before if it is full"));
        }
        _ => {}
    }
    if let PoolState::Void { reason } = &pool.state {
        because.push(format!("it is void: {reason}"));
    }
    because
}

fn blocked_by(state: &dyn Read, pool: &Pool) -> Vec<String> {
    let mut blocked = Vec::new();
    if let Some(hold) = &pool.hold {
        blocked.push(format!("it is held: {hold}"));
    }
    if pool.is_open() {
        if pool.members.is_empty() {
            blocked.push("nobody is in it".to_owned());
        }
        for member in pool.untransferred() {
            blocked.push(format!(
                "the transfer of tube {} is not recorded",
                tube_id(state, member.tube)
            ));
        }
        if let Some(why) = pool.seal_due {
            blocked.push(format!(
                "it seals as soon as these are recorded: {}",
                why.words()
            ));
        }
    }
    if pool.state == PoolState::Sealed(Vessel::Ready) && pool.hold.is_none() {
        blocked.push("it waits for a plate".to_owned());
    }
    blocked
}
