//! What pooling's journal keeps, from the wire.

use crate::convert::WireError;
use crate::convert::message::{pool_id, tube_id, well};
use crate::v1;
use crate::v1::pooling_event::What as Wire;
use crate::v1::pooling_tube_held::Hold;
use std::sync::Arc;
use tenfold_domain::Timestamp;
use tenfold_domain::ids::{PoolId, TubeId};
use tenfold_domain::message::Message;
use tenfold_domain::pooling::event::{Check, Clock, Content, Event, PlateRef, What};
use tenfold_domain::pooling::labels::Batch;
use tenfold_domain::pooling::plate::combine::Sources;
use tenfold_domain::pooling::pool::assign::Mix;
use tenfold_domain::pooling::tube::{RackPlace, TubeHold};
use tenfold_domain::turnaround::Deadline;
use tenfold_domain::well::Well;

impl TryFrom<v1::PoolingEvent> for Event {
    type Error = WireError;
    fn try_from(event: v1::PoolingEvent) -> Result<Self, WireError> {
        Ok(Self {
            by: event.by.into(),
            what: what(event.what.ok_or(WireError::missing("what"))?)?,
        })
    }
}

fn what(wire: Wire) -> Result<What, WireError> {
    Ok(match wire {
        Wire::PolicyActivated(e) => What::PolicyActivated {
            version: e.version,
            content: e.content,
        },
        Wire::SampleExpected(e) => What::SampleExpected {
            sample: Arc::new(e.sample.ok_or(WireError::missing("sample"))?.try_into()?),
            clock: clock(e.clock)?,
        },
        Wire::ExpectedWithdrawn(e) => What::ExpectedWithdrawn {
            lab: e.lab.into(),
            barcode: e.barcode.into(),
            version: e.version,
            reason: e.reason,
        },
        Wire::TubeReceived(e) => What::TubeReceived {
            tube: tube(&e.tube)?,
            barcode: e.barcode.map(Into::into),
            place: e.place.map(place).transpose()?,
            clock: clock(e.clock)?,
            volume_ul: e.volume_ul,
            expected: e.expected,
        },
        Wire::TubeDetailed(e) => What::TubeDetailed {
            tube: tube(&e.tube)?,
            sample: Arc::new(e.sample.ok_or(WireError::missing("sample"))?.try_into()?),
            clock: clock(e.clock)?,
        },
        Wire::TubeMoved(e) => What::TubeMoved {
            tube: tube(&e.tube)?,
            place: e.place.map(place).transpose()?,
        },
        Wire::TubeHeld(e) => What::TubeHeld {
            tube: tube(&e.tube)?,
            hold: hold(e.hold)?,
        },
        Wire::TubeReleased(e) => What::TubeReleased {
            tube: tube(&e.tube)?,
            reason: e.reason,
        },
        Wire::TubeRelabelled(e) => What::TubeRelabelled {
            tube: tube(&e.tube)?,
            barcode: e.barcode.into(),
            dropped: e.dropped.map(Into::into),
            reason: e.reason,
            expected: e.expected.map(|c| clock(Some(c))).transpose()?,
        },
        Wire::TubeDiscarded(e) => What::TubeDiscarded {
            tube: tube(&e.tube)?,
            reason: e.reason,
        },
        Wire::TubeWithdrawn(e) => What::TubeWithdrawn {
            tube: tube(&e.tube)?,
            version: e.version,
            reason: e.reason,
        },
        Wire::PoolOpened(e) => What::PoolOpened {
            mode: e.mode().try_into()?,
            pool: pool(&e.pool)?,
            bench: e.bench.into(),
            mix: mix(e.mix)?,
            rack: e.rack.map(Into::into),
        },
        Wire::MemberPlanned(e) => What::MemberPlanned {
            limit_by: e.limit_by().try_into()?,
            pool: pool(&e.pool)?,
            tube: tube(&e.tube)?,
            slot: small(e.slot, "slot")?,
            limit: small(e.limit, "limit")?,
            seal_at: e.seal_at.map(Timestamp),
        },
        Wire::MemberVerified(e) => What::MemberVerified {
            pool: pool(&e.pool)?,
            tube: tube(&e.tube)?,
        },
        Wire::MemberTransferred(e) => What::MemberTransferred {
            pool: pool(&e.pool)?,
            tube: tube(&e.tube)?,
            ul: e.ul,
        },
        Wire::MemberLeft(e) => What::MemberLeft {
            pool: pool(&e.pool)?,
            tube: tube(&e.tube)?,
            reason: e.reason,
        },
        Wire::SealDue(e) => What::SealDue {
            why: e.why().try_into()?,
            pool: pool(&e.pool)?,
        },
        Wire::PoolSealed(e) => What::PoolSealed {
            why: e.why().try_into()?,
            pool: pool(&e.pool)?,
        },
        Wire::PoolVoided(e) => What::PoolVoided {
            pool: pool(&e.pool)?,
            reason: e.reason,
        },
        Wire::PoolHeld(e) => What::PoolHeld {
            pool: pool(&e.pool)?,
            reason: e.reason,
        },
        Wire::PoolReleased(e) => What::PoolReleased {
            pool: pool(&e.pool)?,
            reason: e.reason,
        },
        Wire::TubeAlone(e) => What::TubeAlone {
            tube: tube(&e.tube)?,
            bench: e.bench.into(),
            why: e.why,
        },
        Wire::AloneUndone(e) => What::AloneUndone {
            tube: tube(&e.tube)?,
            reason: e.reason,
        },
        Wire::PlateStarted(e) => What::PlateStarted {
            size: e.size().try_into()?,
            plate: plate(e.plate)?,
            assay: e.assay.into(),
            layout: e.layout,
            seed: e.seed,
            controls: e
                .controls
                .iter()
                .map(|c| Ok((well(&c.well)?, c.control().try_into()?)))
                .collect::<Result<_, WireError>>()?,
        },
        Wire::LotBound(e) => What::LotBound {
            kind: e.kind().try_into()?,
            plate: plate(e.plate)?,
            lot: e.lot,
        },
        Wire::LotUnbound(e) => What::LotUnbound {
            plate: plate(e.plate)?,
            lot: e.lot,
        },
        Wire::PlateCombined(e) => What::PlateCombined {
            sources: Sources {
                order: e.order().try_into()?,
                plates: e
                    .sources
                    .into_iter()
                    .map(|source| Ok((small(source.quadrant, "quadrant")?, source.plate.into())))
                    .collect::<Result<_, WireError>>()?,
            },
            plate: plate(e.plate)?,
        },
        Wire::WellsPlanned(e) => What::WellsPlanned {
            plate: plate(e.plate)?,
            wells: e
                .wells
                .iter()
                .map(|w| Ok((well(&w.well)?, content(&w.content)?)))
                .collect::<Result<_, WireError>>()?,
        },
        Wire::WellsTransferred(e) => What::WellsTransferred {
            plate: plate(e.plate)?,
            wells: e
                .wells
                .iter()
                .map(|w| well(w))
                .collect::<Result<Vec<Well>, WireError>>()?,
            ul: e.ul,
        },
        Wire::WellFailed(e) => What::WellFailed {
            plate: plate(e.plate)?,
            well: well(&e.well)?,
            reason: e.reason,
        },
        Wire::PlateSealed(e) => What::PlateSealed {
            plate: plate(Some(e))?,
        },
        Wire::PlateVoided(e) => What::PlateVoided {
            plate: PlateRef {
                lab: e.lab.into(),
                barcode: e.plate.into(),
            },
            reason: e.reason,
        },
        Wire::PoolLabelsReserved(e) => What::PoolLabelsReserved {
            batch: Batch {
                first: e.first,
                last: e.last,
            },
            lab: e.lab.into(),
            bench: e.bench.into(),
        },
        Wire::PlateLabelsReserved(e) => What::PlateLabelsReserved {
            batch: Batch {
                first: e.first,
                last: e.last,
            },
            lab: e.lab.into(),
        },
        Wire::PlateLoaded(e) => What::PlateLoaded {
            plate: plate(e.plate)?,
            instrument: e.instrument,
        },
        Wire::RetestOrdered(e) => {
            let order = e.order.ok_or(WireError::missing("order"))?;
            match message(v1::message::Message::RetestOrdered(order))? {
                Message::RetestOrdered(order) => What::RetestOrdered {
                    order,
                    clock: clock(e.clock)?,
                },
                _ => return Err(WireError::missing("order")),
            }
        }
        Wire::ReplateOrdered(e) => match message(v1::message::Message::ReplateOrdered(e))? {
            Message::ReplateOrdered(order) => What::ReplateOrdered(order),
            _ => return Err(WireError::missing("order")),
        },
        Wire::SampleClosed(e) => match message(v1::message::Message::SampleClosed(e))? {
            Message::SampleClosed(closed) => What::SampleClosed(closed),
            _ => return Err(WireError::missing("sample_closed")),
        },
        Wire::TubesFiled(e) => What::TubesFiled {
            lab: e.lab.into(),
            tubes: e.tubes,
            pools: e.pools,
            plates: e.plates.into_iter().map(Into::into).collect(),
        },
        Wire::DeadlinesChecked(e) => What::DeadlinesChecked(
            e.checks
                .into_iter()
                .map(|c| {
                    Ok(Check {
                        mark: c.mark().try_into()?,
                        tube: tube(&c.tube)?,
                        next: c.next.map(Timestamp),
                    })
                })
                .collect::<Result<_, WireError>>()?,
        ),
    })
}

fn message(message: v1::message::Message) -> Result<Message, WireError> {
    v1::Message {
        message: Some(message),
    }
    .try_into()
}

fn tube(text: &str) -> Result<TubeId, WireError> {
    tube_id(text, "tube")
}

fn pool(text: &str) -> Result<PoolId, WireError> {
    pool_id(text, "pool")
}

fn small(number: u32, field: &'static str) -> Result<u8, WireError> {
    u8::try_from(number).map_err(|_| WireError::new(field, format!("{number} is above 255")))
}

fn content(text: &str) -> Result<Content, WireError> {
    PoolId::parse(text)
        .map(Content::Pool)
        .or_else(|| TubeId::parse(text).map(Content::Tube))
        .ok_or_else(|| WireError::new("content", format!("{text:?} is no pool and no tube")))
}

fn clock(clock: Option<v1::PoolingClock>) -> Result<Clock, WireError> {
    let clock = clock.ok_or(WireError::missing("clock"))?;
    Ok(Clock {
        deadline: Deadline {
            from: Timestamp(clock.from),
            due: Timestamp(clock.due),
            policy: clock.policy,
        },
        stat: clock.stat,
        check_at: Timestamp(clock.check_at),
    })
}

fn place(place: v1::PoolingRackPlace) -> Result<RackPlace, WireError> {
    Ok(RackPlace {
        position: well(&place.position)?,
        rack: place.rack.into(),
    })
}

fn plate(plate: Option<v1::PoolingPlate>) -> Result<PlateRef, WireError> {
    let plate = plate.ok_or(WireError::missing("plate"))?;
    Ok(PlateRef {
        lab: plate.lab.into(),
        barcode: plate.plate.into(),
    })
}

fn mix(mix: Option<v1::PoolingMix>) -> Result<Mix, WireError> {
    let mix = mix.ok_or(WireError::missing("mix"))?;
    Ok(Mix {
        kind: mix.kind().try_into()?,
        specimen_type: mix.specimen_type,
        group: mix.group,
        stat: mix.stat,
    })
}

fn hold(hold: Option<Hold>) -> Result<TubeHold, WireError> {
    Ok(match hold.ok_or(WireError::missing("hold"))? {
        Hold::CountMismatch(m) => TubeHold::CountMismatch {
            registered: m.registered,
            observed: m.observed,
        },
        Hold::DuplicateBarcode(other) => TubeHold::DuplicateBarcode {
            other: tube(&other)?,
        },
        Hold::Unreadable(_) => TubeHold::Unreadable,
        Hold::CustodyConflict(c) => TubeHold::CustodyConflict {
            holder: c.holder.into(),
            epoch: c.epoch,
        },
        Hold::ByPerson(reason) => TubeHold::ByPerson { reason },
    })
}
