//! A tube gets its seat: the one decision behind a scan, a planned rack and a plan made on arrival.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::{find, key_of, pool_id, tube_id, tube_key};
use super::super::labels::next_pool;
use super::super::tube::hold::not_over;
use super::super::tube::{Tube, TubeState, Vessel};
use super::assign::{Candidate, LimitBy, OpenPool, Wish, seat, wish};
use super::{BenchRecord, Mode, Pool, RackPools, bench_key, rack_key};
use crate::ids::{Barcode, BenchId, LabId, PoolId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Where a tube goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Into a pool.
    Pool {
        /// Which.
        pool: PoolId,
        /// The slot, from 1.
        slot: u8,
        /// Members with this one.
        members: u8,
        /// Most members.
        limit: u8,
        /// Which rule says so.
        limit_by: LimitBy,
        /// The pool is new: take a new tube for it.
        opened: bool,
    },
    /// Into a well of its own.
    Alone {
        /// Why.
        why: String,
    },
}

pub(super) fn describe(draft: &Draft<'_>, key: u64, tube: u64, opened: bool) -> Placed {
    let pool = draft.state().get_shared::<Pool>(&key);
    Placed::Pool {
        pool: pool_id(draft.state(), key),
        slot: pool
            .as_ref()
            .and_then(|pool| pool.member(tube))
            .map_or(0, |m| m.slot),
        members: pool
            .as_ref()
            .map_or(0, |p| u8::try_from(p.members.len()).unwrap_or(u8::MAX)),
        limit: pool.as_ref().map_or(0, |p| p.limit),
        limit_by: pool.as_ref().map_or(LimitBy::Assay, |p| p.limit_by),
        opened,
    }
}

/// The tube may be pooled now.
///
/// # Errors
/// Why not.
pub(super) fn may_be_pooled(
    draft: &Draft<'_>,
    policy: &Policy,
    key: u64,
    tube: &Tube,
) -> Result<(), Rejection> {
    not_over(tube)?;
    let id = || tube_id(draft.state(), key);
    if let Some(hold) = tube.holds.first() {
        let id = id();
        return Err(Rejection::precondition(
            "TUBE_HELD",
            "barcode",
            format!("tube {id} is held: {hold}"),
            "put it aside; a person must release it with a reason",
        ));
    }
    if let TubeState::Alone(Vessel::Plated { .. } | Vessel::Loaded { .. }) = tube.state {
        let id = id();
        return Err(Rejection::precondition(
            "TUBE_PLATED",
            "barcode",
            format!("tube {id} is on a plate: it does not go back to a bench"),
            "wait for its result",
        ));
    }
    if tube.sample.is_none() {
        let id = id();
        return Err(Rejection::precondition(
            "DETAILS_PENDING",
            "barcode",
            format!("the registration of tube {id} is not known yet"),
            "put it aside: it may be pooled as soon as its registration arrives",
        ));
    }
    let rules = &policy.pooling;
    if tube.volume_ul < rules.pool_take_ul {
        let id = id();
        return Err(Rejection::precondition(
            "VOLUME_LOW",
            "barcode",
            format!(
                "tube {id} has {} uL left, a pool takes {} uL",
                tube.volume_ul, rules.pool_take_ul
            ),
            "hold it and ask for a new sample",
        ));
    }
    Ok(())
}

/// Where tubes get their seats.
pub(super) struct Seats<'a> {
    /// At this bench.
    pub(super) bench: &'a BenchId,
    /// So.
    pub(super) mode: Mode,
    /// In pools of this rack, or of none.
    pub(super) rack: Option<&'a Barcode>,
    /// Its open pools, each with the members it has now: looked for once, however many tubes get a seat.
    open: Option<Vec<OpenPool>>,
}

impl<'a> Seats<'a> {
    pub(super) const fn at(bench: &'a BenchId, mode: Mode, rack: Option<&'a Barcode>) -> Self {
        Self {
            bench,
            mode,
            rack,
            open: None,
        }
    }
}

/// Gives a waiting tube its seat: the one decision of all three modes.
pub(super) fn give_seat(
    draft: &mut Draft<'_>,
    policy: &Policy,
    seats: &mut Seats<'_>,
    key: u64,
    tube: &Tube,
) -> Result<Placed, Rejection> {
    let (bench, mode, rack) = (seats.bench, seats.mode, seats.rack);
    let id = tube_id(draft.state(), key);
    let Some(sample) = &tube.sample else {
        return Err(Rejection::precondition(
            "DETAILS_PENDING",
            "barcode",
            format!("the registration of tube {id} is not known yet"),
            "put it aside until its registration arrives",
        ));
    };
    let candidate = match wish(policy, &id.lab, bench, sample, &tube.deadline) {
        Wish::Alone { why } => {
            draft.emit(What::TubeAlone {
                tube: id,
                bench: bench.clone(),
                why: why.clone(),
            })?;
            return Ok(Placed::Alone { why });
        }
        Wish::Pool(candidate) => candidate,
    };
    let open = match &mut seats.open {
        Some(open) => open,
        none => none.insert(open_pools(draft, &id.lab, bench, rack)),
    };
    let seat = seat(open, &candidate);
    let pool = match seat.pool {
        Some(pool) => pool,
        None => open_pool(draft, policy, &id.lab, bench, mode, rack, &candidate)?,
    };
    let seal_at = (mode != Mode::Rack)
        .then(|| seal_at(draft, policy, pool, &candidate))
        .flatten();
    draft.emit(What::MemberPlanned {
        pool: pool_id(draft.state(), pool),
        tube: id,
        slot: seat.slot,
        limit: seat.limit,
        limit_by: seat.limit_by,
        seal_at,
    })?;
    open.retain(|one| one.key != pool);
    open.extend(open_pool_at(draft, pool, rack));
    Ok(describe(draft, pool, key, seat.pool.is_none()))
}

fn seal_at(
    draft: &Draft<'_>,
    policy: &Policy,
    pool: u64,
    candidate: &Candidate,
) -> Option<crate::Timestamp> {
    let pool = draft.state().get_shared::<Pool>(&pool)?;
    let rules = &policy.pooling;
    let by_deadline = candidate
        .seal_by
        .max(pool.opened_at.plus(rules.linger_least()));
    let at = pool
        .seal_at
        .unwrap_or_else(|| pool.opened_at.plus(rules.linger()));
    Some(at.min(by_deadline))
}

fn open_pools(
    draft: &Draft<'_>,
    lab: &LabId,
    bench: &BenchId,
    rack: Option<&Barcode>,
) -> Vec<OpenPool> {
    open_at(draft, lab, bench, rack)
        .into_iter()
        .filter_map(|key| open_pool_at(draft, key, rack))
        .collect()
}

/// Keys of the open pools at a bench that are for a rack, or for none.
pub(super) fn open_at(
    draft: &Draft<'_>,
    lab: &LabId,
    bench: &BenchId,
    rack: Option<&Barcode>,
) -> Vec<u64> {
    let Some(rack) = rack else {
        return bench_record(draft, lab, bench).open;
    };
    let pools: Option<RackPools> = draft.state().get(&rack_key(lab, bench, rack));
    pools.unwrap_or_default().open
}

/// What the decision sees of a pool, if it is for this rack.
fn open_pool_at(draft: &Draft<'_>, key: u64, rack: Option<&Barcode>) -> Option<OpenPool> {
    let pool = draft.state().get_shared::<Pool>(&key)?;
    (pool.rack.as_ref() == rack).then(|| OpenPool {
        key,
        mix: pool.mix.clone(),
        limit: pool.limit,
        limit_by: pool.limit_by,
        slots: pool.members.iter().map(|m| m.slot).collect(),
        closing: pool.seal_due.is_some() || pool.hold.is_some(),
    })
}

fn open_pool(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    mode: Mode,
    rack: Option<&Barcode>,
    candidate: &Candidate,
) -> Result<u64, Rejection> {
    let most = policy.pooling.open_pools_max;
    let open = match mode {
        Mode::Scan => open_at(draft, lab, bench, None),
        Mode::Rack | Mode::Plan => Vec::new(),
    };
    if mode == Mode::Scan && open.len() >= usize::from(most) {
        let names: Vec<String> = open
            .iter()
            .map(|key| pool_id(draft.state(), *key).to_string())
            .collect();
        return Err(Rejection::precondition(
            "BENCH_FULL",
            "bench",
            format!(
                "bench {bench:?} has {} open pools, at most {most} may be: {}",
                open.len(),
                names.join(", ")
            ),
            "close one of them, or scan the tube at another bench",
        ));
    }
    let (number, pools) =
        find(draft.state(), lab).map_or((0, 0), |(number, lab)| (number, lab.pools));
    // A bench with a roll of printed labels takes the next one of it.
    let reserved = next_pool(draft.state(), lab, bench);
    let next = reserved.unwrap_or_else(|| pools.saturating_add(1));
    let id = PoolId::new(lab.clone(), next);
    let key = key_of(number, id.number);
    draft.emit(What::PoolOpened {
        pool: id,
        bench: bench.clone(),
        mode,
        mix: candidate.mix.clone(),
        rack: rack.cloned(),
    })?;
    Ok(key)
}

pub(super) fn bench_record(draft: &Draft<'_>, lab: &LabId, bench: &BenchId) -> BenchRecord {
    draft
        .state()
        .get(&bench_key(lab, bench))
        .unwrap_or_default()
}

/// If the lab has a planning bench, a tube that may be pooled gets its seat as it arrives. A tube that
/// is not there holds up no pool: so the plan begins at receipt, not at registration.
pub(crate) fn plan_on_arrival(
    draft: &mut Draft<'_>,
    policy: &Policy,
    id: &TubeId,
) -> Result<(), Rejection> {
    let Some(bench) = policy.pooling.plan_bench(&id.lab) else {
        return Ok(());
    };
    let Some(key) = tube_key(draft.state(), id) else {
        return Ok(());
    };
    let Some(tube) = draft.state().get_shared::<Tube>(&key) else {
        return Ok(());
    };
    if tube.state != TubeState::Waiting || may_be_pooled(draft, policy, key, &tube).is_err() {
        return Ok(());
    }
    let mut seats = Seats::at(&bench, Mode::Plan, None);
    give_seat(draft, policy, &mut seats, key, &tube).map(|_| ())
}
