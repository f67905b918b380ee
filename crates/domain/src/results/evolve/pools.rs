//! Suspect pools.

use super::{Boards, change};
use crate::results::clock::timer_key;
use crate::results::event::{Event, TimerRef};
use crate::results::state::{
    Cargo, Delivery, PoolEnd, PoolRef, Specimen, Standing, SuspectPool, Timer, ensure_receiver,
    key_of, lab_no, pool_key,
};
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

pub(super) fn suspected(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    let Event::PoolSuspected {
        pool,
        plate,
        well,
        call,
        members,
        alert_due,
        receivers,
    } = event
    else {
        return Ok(());
    };
    let key = known(state, pool)?;
    let plate_no = lab_no(state, &plate.lab).ok_or("the plate's lab is unknown")?;
    let mut boards = Boards::default();
    let mut keys = Vec::with_capacity(members.len());
    for tube in members {
        let (member, _) = change(state, &mut boards, tube, |specimen: &mut Specimen| {
            specimen.pool = Some(key);
            specimen.standing = Standing::PendingConfirmation;
            specimen.invalids = 0;
            specimen.finding = None;
        })?;
        keys.push(member);
    }
    boards.store(state);
    let mut alerts = Vec::with_capacity(receivers.len());
    for id in receivers {
        let (no, mut receiver) = ensure_receiver(state, id);
        receiver.last += 1;
        receiver.open += 1;
        state.put(&no, &receiver);
        let delivery = Delivery {
            cargo: Cargo::Alert { pool: key },
            attempts: 0,
            sent_at: Timestamp(0),
            stuck: None,
        };
        state.put(&(no, receiver.last), &delivery);
        alerts.push((no, receiver.last));
    }
    let record = SuspectPool {
        pool: pool.clone(),
        plate: key_of(plate_no, plate.number),
        well: *well,
        call: *call,
        members: keys,
        since: at,
        alert_due: *alert_due,
        alerts,
        alert_late: false,
        end: None,
        ended_at: None,
    };
    state.put(&key, &record);
    if let Some(timer) = timer_key(state, *alert_due, &TimerRef::Alert(pool.clone())) {
        state.put(&timer, &Timer::AlertDue(key));
    }
    Ok(())
}

pub(super) fn closed(
    state: &mut dyn Write,
    pool: &PoolRef,
    end: PoolEnd,
    at: Timestamp,
) -> Result<(), String> {
    let key = known(state, pool)?;
    let mut record: SuspectPool = state.get(&key).ok_or("the pool was never suspect")?;
    record.end = Some(end);
    record.ended_at = Some(at);
    state.put(&key, &record);
    Ok(())
}

pub(super) fn alert_late(state: &mut dyn Write, pool: &PoolRef) -> Result<(), String> {
    let key = known(state, pool)?;
    let mut record: SuspectPool = state.get(&key).ok_or("the pool was never suspect")?;
    record.alert_late = true;
    state.put(&key, &record);
    Ok(())
}

fn known(state: &dyn Write, pool: &PoolRef) -> Result<(u64, u64), String> {
    pool_key(state, pool).ok_or_else(|| format!("the lab of pool {pool} is unknown"))
}
