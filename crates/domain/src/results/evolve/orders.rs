//! Orders.

use super::{Boards, change, change_key};
use crate::ids::{Barcode, LabId, OrderId};
use crate::message::{FinalResult, RetestReason};
use crate::results::clock::timer_key;
use crate::results::event::{OrderEnd, PlacedOrder, TimerRef};
use crate::results::state::{
    Lab, OpenOrder, Order, OrderKind, OrderState, SpanKind, Specimen, Standing, Timer, ensure_lab,
    key_of, order_key,
};
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

pub(super) fn placed(
    state: &mut dyn Write,
    lab: &LabId,
    orders: &[PlacedOrder],
    at: Timestamp,
) -> Result<(), String> {
    let no = ensure_lab(state, lab);
    let mut record: Lab = state.get(&no).unwrap_or_default();
    let mut boards = Boards::default();
    for placed in orders {
        record.orders = record.orders.max(placed.number);
        let key = key_of(no, placed.number);
        let (specimen, _) = change(state, &mut boards, &placed.tube, |specimen| {
            specimen.orders.push(key);
            follow(specimen, placed);
        })?;
        let order = Order {
            kind: placed.kind.clone(),
            specimen,
            round: placed.round,
            reason: placed.reason,
            at,
            due: placed.due,
            state: OrderState::Open,
            late: false,
        };
        state.put(&key, &order);
        state.put(&(placed.due.0, key), &OpenOrder);
        let timer = TimerRef::Order(OrderId::new(lab.clone(), placed.number));
        if let Some(timer) = timer_key(state, placed.due, &timer) {
            state.put(&timer, &Timer::OrderDue(key));
        }
    }
    boards.store(state);
    state.put(&no, &record);
    Ok(())
}

/// What an order says about its tube.
fn follow(specimen: &mut Specimen, placed: &PlacedOrder) {
    match (&placed.kind, placed.reason) {
        (OrderKind::Recollection { .. }, _) => {}
        (OrderKind::Reextraction, _) => {
            specimen.standing = Standing::AwaitingReplate;
            specimen.invalids = specimen.invalids.saturating_add(1);
        }
        (OrderKind::Residual, RetestReason::Inconclusive) => {
            specimen.standing = Standing::AwaitingRepeat;
            specimen.inconclusives = specimen.inconclusives.saturating_add(1);
        }
        (OrderKind::Residual, RetestReason::Invalid | RetestReason::PoolInvalid) => {
            specimen.standing = Standing::AwaitingRepeat;
            specimen.invalids = specimen.invalids.saturating_add(1);
        }
        (OrderKind::Residual, RetestReason::PoolPositive | RetestReason::PoolSuspect) => {
            specimen.standing = Standing::PendingConfirmation;
        }
    }
}

pub(super) fn ended(
    state: &mut dyn Write,
    orders: &[OrderId],
    end: OrderEnd,
    at: Timestamp,
) -> Result<(), String> {
    let mut boards = Boards::default();
    for id in orders {
        let (key, order) = known(state, id)?;
        close(state, id, key, &order);
        // Nobody asks for it any more: its tube does not name it, and its number is not given again.
        state.delete::<Order>(&key);
        if end == OrderEnd::Fulfilled {
            let length = at.since(order.at);
            boards
                .of(state, order.specimen)
                .span(SpanKind::Retest, length);
        }
        change_key(state, &mut boards, order.specimen, |specimen| {
            specimen.orders.retain(|open| *open != key);
        })?;
    }
    boards.store(state);
    Ok(())
}

/// A registered re-collection stays with its tube: its pool is closed by the new sample's result.
pub(super) fn registered(
    state: &mut dyn Write,
    id: &OrderId,
    barcode: &Barcode,
    at: Timestamp,
) -> Result<(), String> {
    let (key, mut order) = known(state, id)?;
    order.state = OrderState::Registered {
        barcode: barcode.clone(),
        at,
        finding: None,
    };
    close(state, id, key, &order);
    Ok(())
}

/// Its new sample has a result.
pub(super) fn found(
    state: &mut dyn Write,
    id: &OrderId,
    barcode: &Barcode,
    found: FinalResult,
    at: Timestamp,
) -> Result<(), String> {
    let (key, mut order) = known(state, id)?;
    let (open, at) = match order.state {
        OrderState::Open => (true, at),
        OrderState::Registered { at, .. } => (false, at),
    };
    order.state = OrderState::Registered {
        barcode: barcode.clone(),
        at,
        finding: Some(found),
    };
    if open {
        close(state, id, key, &order);
    } else {
        state.put(&key, &order);
    }
    Ok(())
}

pub(super) fn late(state: &mut dyn Write, id: &OrderId) -> Result<(), String> {
    let (key, mut order) = known(state, id)?;
    order.late = true;
    state.put(&key, &order);
    Ok(())
}

fn close(state: &mut dyn Write, id: &OrderId, key: u64, order: &Order) {
    state.put(&key, order);
    state.delete::<OpenOrder>(&(order.due.0, key));
    if let Some(timer) = timer_key(state, order.due, &TimerRef::Order(id.clone())) {
        state.delete::<Timer>(&timer);
    }
}

fn known(state: &dyn Write, id: &OrderId) -> Result<(u64, Order), String> {
    order_key(state, id)
        .and_then(|key| Some((key, state.get::<Order>(&key)?)))
        .ok_or_else(|| format!("order {id} is unknown"))
}
