//! Events of results.

use super::parts::{
    cargo, group, group_reports, numbered, one_cargo, pool_ref, uncargo, ungroup, ungroup_reports,
};
use super::run::{imported, read_imported};
use crate::convert::WireError;
use crate::convert::message::{order_id, tube_id, well};
use crate::v1;
use crate::v1::results_event::Event as Wire;
use crate::v1::results_timer_done::Timer;
use tenfold_domain::ids::ReceiverId;
use tenfold_domain::message as domain;
use tenfold_domain::results::event::{CargoRef, Event, PlacedOrder, TimerRef};
use tenfold_domain::results::state::OrderKind;
use tenfold_domain::time::Timestamp;

impl From<Event> for v1::ResultsEvent {
    fn from(event: Event) -> Self {
        Self {
            event: Some(to_wire(event)),
        }
    }
}

fn moved(receiver: ReceiverId, of: Vec<CargoRef>) -> v1::DeliveriesMoved {
    v1::DeliveriesMoved {
        receiver: receiver.to_string(),
        cargo: Some(cargo(of)),
    }
}

#[allow(clippy::too_many_lines)] // one arm an event
fn to_wire(event: Event) -> Wire {
    match event {
        Event::PolicyActivated { version, content } => {
            Wire::PolicyActivated(v1::PolicyActivated { content, version })
        }
        Event::PlateLoaded { number, plate } => Wire::PlateLoaded(v1::ResultsPlateLoaded {
            number,
            plate: Some(plate.into()),
        }),
        Event::PlateVoided { plate, reason } => Wire::PlateVoided(v1::ResultsPlateVoided {
            plate: Some(plate.into()),
            reason,
        }),
        Event::MemberAmended {
            tube,
            sample,
            withdrawn,
        } => Wire::MemberAmended(v1::MemberAmended {
            tube: tube.to_string(),
            sample: Some(sample.into()),
            withdrawn,
        }),
        Event::RunImported {
            run,
            serial,
            run_id,
            version,
            file_hash,
            plate,
            analysis,
        } => Wire::RunImported(imported(
            run,
            (serial, run_id),
            version,
            file_hash,
            plate,
            analysis,
        )),
        Event::RunParked { number, submission } => Wire::RunParked(v1::RunParked {
            number,
            submission: Some(submission.into()),
        }),
        Event::RunUnparked { parked } => Wire::RunUnparked(parked.into()),
        Event::ReleasePaused { run, version, next } => Wire::ReleasePaused(v1::ReleasePaused {
            run: Some(run.into()),
            version,
            next,
        }),
        Event::PoolSuspected {
            pool,
            plate,
            well,
            call,
            members,
            alert_due,
            receivers,
        } => Wire::PoolSuspected(v1::PoolSuspected {
            pool: pool.to_string(),
            plate: Some(plate.into()),
            well: well.to_string(),
            call: v1::WellCall::from(call).into(),
            members: group(members),
            alert_due: alert_due.0,
            receivers: receivers.iter().map(ToString::to_string).collect(),
        }),
        Event::PoolClosed { pool, end } => Wire::PoolClosed(v1::SuspectPoolClosed {
            pool: pool.to_string(),
            end: v1::SuspectPoolEnd::from(end).into(),
        }),
        Event::OrdersPlaced { lab, orders } => Wire::OrdersPlaced(v1::OrdersPlaced {
            lab: lab.to_string(),
            orders: orders.into_iter().map(placed).collect(),
        }),
        Event::OrdersEnded { orders, end } => Wire::OrdersEnded(v1::OrdersEnded {
            orders: orders.iter().map(ToString::to_string).collect(),
            end: v1::OrderEnd::from(end).into(),
        }),
        Event::RecollectionRegistered { order, barcode } => {
            Wire::RecollectionRegistered(v1::RecollectionRegistered {
                order: order.to_string(),
                barcode: barcode.to_string(),
            })
        }
        Event::RecollectionFound {
            order,
            barcode,
            finding,
        } => Wire::RecollectionFound(v1::RecollectionFound {
            order: order.to_string(),
            barcode: barcode.to_string(),
            finding: v1::FinalResult::from(finding).into(),
        }),
        Event::ReleaseSuppressed { tubes, finding } => {
            Wire::ReleaseSuppressed(v1::ReleaseSuppressed {
                tubes: group(tubes),
                finding: v1::FinalResult::from(finding).into(),
            })
        }
        Event::ReportsIssued {
            verdict,
            receivers,
            reports,
        } => Wire::ReportsIssued(v1::ReportsIssued {
            verdict: v1::Verdict::from(verdict).into(),
            receivers: receivers.iter().map(ToString::to_string).collect(),
            reports: group_reports(reports),
        }),
        Event::DeliveriesSent { receiver, cargo } => Wire::DeliveriesSent(moved(receiver, cargo)),
        Event::DeliveriesAccepted { receiver, cargo } => {
            Wire::DeliveriesAccepted(moved(receiver, cargo))
        }
        Event::DeliveryStuck {
            receiver,
            cargo: of,
            why,
        } => Wire::DeliveryStuck(v1::DeliveryStuck {
            receiver: receiver.to_string(),
            cargo: Some(cargo(vec![of])),
            why: v1::StuckReason::from(why).into(),
        }),
        Event::DeliveryRequeued { receiver, cargo } => {
            Wire::DeliveryRequeued(moved(receiver, vec![cargo]))
        }
        Event::SpecimensClosed { tubes } => Wire::SpecimensClosed(groups(tubes)),
        Event::SpecimensFiled { tubes, kept } => Wire::SpecimensFiled(v1::SpecimensFiled {
            tubes: group(tubes),
            kept: group(kept),
        }),
        Event::CardsDropped { tubes } => Wire::CardsDropped(v1::CardsDropped {
            tubes: group(tubes),
        }),
        Event::WorkOpened {
            work,
            kind,
            about,
            detail,
            delivery,
        } => {
            let (receiver, of) = delivery.unzip();
            Wire::WorkOpened(v1::ResultsWorkOpened {
                work: Some(work.into()),
                kind: v1::ResultsWorkKind::from(kind).into(),
                about,
                detail,
                receiver: receiver.map(|r| r.to_string()).unwrap_or_default(),
                cargo: of.map(|of| cargo(vec![of])),
            })
        }
        Event::WorkResolved { work, actor, note } => Wire::WorkResolved(v1::ResultsWorkResolved {
            work: Some(work.into()),
            actor: actor.to_string(),
            note,
        }),
        Event::CheckAdded {
            check,
            plate,
            at,
            tubes,
        } => Wire::CheckAdded(v1::CheckAdded {
            check: v1::ClockCheck::from(check).into(),
            plate: Some(plate.into()),
            at: at.0,
            tubes: group(tubes),
        }),
        Event::AtRisk { tubes } => Wire::AtRisk(groups(tubes)),
        Event::Late { tubes } => Wire::Late(groups(tubes)),
        Event::OrderLate { order } => Wire::OrderLate(v1::OrderName {
            order: order.to_string(),
        }),
        Event::AlertLate { pool } => Wire::AlertLate(v1::PoolName {
            pool: pool.to_string(),
        }),
        Event::TimerDone { due, timer } => Wire::TimerDone(v1::ResultsTimerDone {
            due: due.0,
            timer: Some(match timer {
                TimerRef::Check(check, plate) => Timer::Check(v1::CheckTimer {
                    check: v1::ClockCheck::from(check).into(),
                    plate: Some(plate.into()),
                }),
                TimerRef::Order(order) => Timer::Order(order.to_string()),
                TimerRef::Alert(pool) => Timer::Alert(pool.to_string()),
                TimerRef::Release(run) => Timer::Release(run.into()),
            }),
        }),
    }
}

fn groups(tubes: Vec<tenfold_domain::ids::TubeId>) -> v1::TubeGroups {
    v1::TubeGroups {
        groups: group(tubes),
    }
}

fn placed(order: PlacedOrder) -> v1::PlacedOrder {
    let (kind, subject) = match order.kind {
        OrderKind::Residual => (v1::ResultsOrderKind::Residual, String::new()),
        OrderKind::Reextraction => (v1::ResultsOrderKind::Reextraction, String::new()),
        OrderKind::Recollection { subject } => {
            (v1::ResultsOrderKind::Recollection, subject.to_string())
        }
    };
    v1::PlacedOrder {
        number: order.number,
        kind: kind.into(),
        subject,
        tube: order.tube.to_string(),
        round: order.round,
        reason: v1::RetestReason::from(order.reason).into(),
        due: order.due.0,
    }
}

fn read_placed(order: v1::PlacedOrder) -> Result<PlacedOrder, WireError> {
    let kind = match order.kind() {
        v1::ResultsOrderKind::Residual => OrderKind::Residual,
        v1::ResultsOrderKind::Reextraction => OrderKind::Reextraction,
        v1::ResultsOrderKind::Recollection => OrderKind::Recollection {
            subject: order.subject.as_str().into(),
        },
        v1::ResultsOrderKind::Unspecified => return Err(WireError::missing("kind")),
    };
    Ok(PlacedOrder {
        number: order.number,
        kind,
        reason: order.reason().try_into()?,
        tube: tube_id(&order.tube, "tube")?,
        round: order.round,
        due: Timestamp(order.due),
    })
}

fn receivers(names: Vec<String>) -> Vec<ReceiverId> {
    names.into_iter().map(Into::into).collect()
}

impl TryFrom<v1::ResultsEvent> for Event {
    type Error = WireError;
    #[allow(clippy::too_many_lines)] // one arm an event
    fn try_from(event: v1::ResultsEvent) -> Result<Self, WireError> {
        Ok(match event.event.ok_or(WireError::missing("event"))? {
            Wire::PolicyActivated(e) => Self::PolicyActivated {
                version: e.version,
                content: e.content,
            },
            Wire::PlateLoaded(e) => Self::PlateLoaded {
                number: e.number,
                plate: e.plate.ok_or(WireError::missing("plate"))?.try_into()?,
            },
            Wire::PlateVoided(e) => Self::PlateVoided {
                plate: numbered(e.plate, "plate")?,
                reason: e.reason,
            },
            Wire::MemberAmended(e) => Self::MemberAmended {
                tube: tube_id(&e.tube, "tube")?,
                sample: e.sample.ok_or(WireError::missing("sample"))?.try_into()?,
                withdrawn: e.withdrawn,
            },
            Wire::RunImported(e) => read_imported(e)?,
            Wire::RunParked(e) => Self::RunParked {
                number: e.number,
                submission: e
                    .submission
                    .ok_or(WireError::missing("submission"))?
                    .try_into()?,
            },
            Wire::RunUnparked(e) => Self::RunUnparked { parked: e.into() },
            Wire::ReleasePaused(e) => Self::ReleasePaused {
                run: numbered(e.run, "run")?,
                version: e.version,
                next: e.next,
            },
            Wire::PoolSuspected(e) => Self::PoolSuspected {
                call: e.call().try_into()?,
                pool: pool_ref(&e.pool)?,
                plate: numbered(e.plate, "plate")?,
                well: well(&e.well)?,
                members: ungroup(e.members),
                alert_due: Timestamp(e.alert_due),
                receivers: receivers(e.receivers),
            },
            Wire::PoolClosed(e) => Self::PoolClosed {
                end: e.end().try_into()?,
                pool: pool_ref(&e.pool)?,
            },
            Wire::OrdersPlaced(e) => Self::OrdersPlaced {
                lab: e.lab.into(),
                orders: e
                    .orders
                    .into_iter()
                    .map(read_placed)
                    .collect::<Result<_, _>>()?,
            },
            Wire::OrdersEnded(e) => Self::OrdersEnded {
                end: e.end().try_into()?,
                orders: e
                    .orders
                    .iter()
                    .map(|order| order_id(order, "orders"))
                    .collect::<Result<_, _>>()?,
            },
            Wire::RecollectionRegistered(e) => Self::RecollectionRegistered {
                order: order_id(&e.order, "order")?,
                barcode: e.barcode.into(),
            },
            Wire::RecollectionFound(e) => Self::RecollectionFound {
                finding: domain::FinalResult::try_from(e.finding())?,
                order: order_id(&e.order, "order")?,
                barcode: e.barcode.into(),
            },
            Wire::ReleaseSuppressed(e) => Self::ReleaseSuppressed {
                finding: domain::FinalResult::try_from(e.finding())?,
                tubes: ungroup(e.tubes),
            },
            Wire::ReportsIssued(e) => Self::ReportsIssued {
                verdict: e.verdict().try_into()?,
                receivers: receivers(e.receivers),
                reports: ungroup_reports(e.reports),
            },
            Wire::DeliveriesSent(e) => Self::DeliveriesSent {
                receiver: e.receiver.into(),
                cargo: uncargo(e.cargo)?,
            },
            Wire::DeliveriesAccepted(e) => Self::DeliveriesAccepted {
                receiver: e.receiver.into(),
                cargo: uncargo(e.cargo)?,
            },
            Wire::DeliveryStuck(e) => Self::DeliveryStuck {
                why: e.why().try_into()?,
                receiver: e.receiver.into(),
                cargo: one_cargo(e.cargo)?,
            },
            Wire::DeliveryRequeued(e) => Self::DeliveryRequeued {
                receiver: e.receiver.into(),
                cargo: one_cargo(e.cargo)?,
            },
            Wire::SpecimensClosed(e) => Self::SpecimensClosed {
                tubes: ungroup(e.groups),
            },
            Wire::SpecimensFiled(e) => Self::SpecimensFiled {
                tubes: ungroup(e.tubes),
                kept: ungroup(e.kept),
            },
            Wire::CardsDropped(e) => Self::CardsDropped {
                tubes: ungroup(e.tubes),
            },
            Wire::WorkOpened(e) => Self::WorkOpened {
                kind: e.kind().try_into()?,
                work: numbered(e.work, "work")?,
                about: e.about,
                detail: e.detail,
                delivery: match e.cargo {
                    Some(cargo) => Some((e.receiver.into(), one_cargo(Some(cargo))?)),
                    None => None,
                },
            },
            Wire::WorkResolved(e) => Self::WorkResolved {
                work: numbered(e.work, "work")?,
                actor: e.actor.into(),
                note: e.note,
            },
            Wire::CheckAdded(e) => Self::CheckAdded {
                check: e.check().try_into()?,
                plate: numbered(e.plate, "plate")?,
                at: Timestamp(e.at),
                tubes: ungroup(e.tubes),
            },
            Wire::AtRisk(e) => Self::AtRisk {
                tubes: ungroup(e.groups),
            },
            Wire::Late(e) => Self::Late {
                tubes: ungroup(e.groups),
            },
            Wire::OrderLate(e) => Self::OrderLate {
                order: order_id(&e.order, "order")?,
            },
            Wire::AlertLate(e) => Self::AlertLate {
                pool: pool_ref(&e.pool)?,
            },
            Wire::TimerDone(e) => Self::TimerDone {
                due: Timestamp(e.due),
                timer: match e.timer.ok_or(WireError::missing("timer"))? {
                    Timer::Check(t) => {
                        TimerRef::Check(t.check().try_into()?, numbered(t.plate, "plate")?)
                    }
                    Timer::Order(order) => TimerRef::Order(order_id(&order, "order")?),
                    Timer::Alert(pool) => TimerRef::Alert(pool_ref(&pool)?),
                    Timer::Release(run) => TimerRef::Release(run.into()),
                },
            },
        })
    }
}
