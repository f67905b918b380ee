//! What pooling's journal keeps, to the wire.

use crate::v1;
use crate::v1::pooling_event::What as Wire;
use crate::v1::pooling_tube_held::Hold;
use tenfold_domain::ids::{Barcode, PoolId, TubeId};
use tenfold_domain::message::Message;
use tenfold_domain::pooling::event::{Check, Clock, Event, PlateRef, What};
use tenfold_domain::pooling::plate::combine::Sources;
use tenfold_domain::pooling::pool::SealReason;
use tenfold_domain::pooling::pool::assign::Mix;
use tenfold_domain::pooling::tube::{RackPlace, TubeHold};

impl From<&Event> for v1::PoolingEvent {
    fn from(event: &Event) -> Self {
        Self {
            by: event.by.text(),
            what: what(&event.what),
        }
    }
}

fn what(what: &What) -> Option<Wire> {
    Some(match what {
        What::PolicyActivated { version, content } => Wire::PolicyActivated(v1::PolicyActivated {
            content: content.clone(),
            version: *version,
        }),
        What::SampleExpected { sample, clock: c } => {
            Wire::SampleExpected(v1::PoolingSampleExpected {
                sample: Some(sample.as_ref().into()),
                clock: Some(clock(c)),
            })
        }
        What::ExpectedWithdrawn {
            lab,
            barcode,
            version,
            reason,
        } => Wire::ExpectedWithdrawn(v1::PoolingExpectedWithdrawn {
            lab: lab.text(),
            barcode: barcode.text(),
            version: *version,
            reason: reason.clone(),
        }),
        What::TubeReceived {
            tube,
            barcode,
            place: p,
            clock: c,
            volume_ul,
            expected,
        } => Wire::TubeReceived(v1::PoolingTubeReceived {
            tube: tube.text(),
            barcode: barcode.as_ref().map(Barcode::text),
            place: p.as_ref().map(place),
            clock: Some(clock(c)),
            volume_ul: *volume_ul,
            expected: *expected,
        }),
        What::TubeDetailed {
            tube,
            sample,
            clock: c,
        } => Wire::TubeDetailed(v1::PoolingTubeDetailed {
            tube: tube.text(),
            sample: Some(sample.as_ref().into()),
            clock: Some(clock(c)),
        }),
        What::TubeMoved { tube, place: p } => Wire::TubeMoved(v1::PoolingTubeMoved {
            tube: tube.text(),
            place: p.as_ref().map(place),
        }),
        What::TubeHeld { tube, hold: h } => Wire::TubeHeld(v1::PoolingTubeHeld {
            tube: tube.text(),
            hold: Some(hold(h)),
        }),
        What::TubeReleased { tube, reason } => Wire::TubeReleased(tube_reason(tube, reason)),
        What::TubeRelabelled {
            tube,
            barcode,
            dropped,
            reason,
            expected,
        } => Wire::TubeRelabelled(v1::PoolingTubeRelabelled {
            tube: tube.text(),
            barcode: barcode.text(),
            dropped: dropped.as_ref().map(Barcode::text),
            reason: reason.clone(),
            expected: expected.as_ref().map(clock),
        }),
        What::TubeDiscarded { tube, reason } => Wire::TubeDiscarded(tube_reason(tube, reason)),
        What::TubeWithdrawn {
            tube,
            version,
            reason,
        } => Wire::TubeWithdrawn(v1::PoolingTubeWithdrawn {
            tube: tube.text(),
            version: *version,
            reason: reason.clone(),
        }),
        What::PoolOpened {
            pool,
            bench,
            mode,
            mix: m,
            rack,
        } => Wire::PoolOpened(v1::PoolingPoolOpened {
            pool: pool.text(),
            bench: bench.text(),
            mode: v1::PoolingMode::from(*mode).into(),
            mix: Some(mix(m)),
            rack: rack.as_ref().map(Barcode::text),
        }),
        What::MemberPlanned {
            pool,
            tube,
            slot,
            limit,
            limit_by,
            seal_at,
        } => Wire::MemberPlanned(v1::PoolingMemberPlanned {
            pool: pool.text(),
            tube: tube.text(),
            slot: u32::from(*slot),
            limit: u32::from(*limit),
            limit_by: v1::PoolLimitBy::from(*limit_by).into(),
            seal_at: seal_at.map(|at| at.0),
        }),
        What::MemberVerified { pool, tube } => Wire::MemberVerified(v1::PoolTransfer {
            pool: pool.text(),
            tube: tube.text(),
        }),
        What::MemberTransferred { pool, tube, ul } => {
            Wire::MemberTransferred(v1::PoolingMemberTransferred {
                pool: pool.text(),
                tube: tube.text(),
                ul: *ul,
            })
        }
        What::MemberLeft { pool, tube, reason } => Wire::MemberLeft(v1::PoolMemberFailed {
            pool: pool.text(),
            tube: tube.text(),
            reason: reason.clone(),
        }),
        What::SealDue { pool, why } => Wire::SealDue(seal(pool, *why)),
        What::PoolSealed { pool, why } => Wire::PoolSealed(seal(pool, *why)),
        What::PoolVoided { pool, reason } => Wire::PoolVoided(pool_reason(pool, reason)),
        What::PoolHeld { pool, reason } => Wire::PoolHeld(pool_reason(pool, reason)),
        What::PoolReleased { pool, reason } => Wire::PoolReleased(pool_reason(pool, reason)),
        What::TubeAlone { tube, bench, why } => Wire::TubeAlone(v1::PoolingTubeAlone {
            tube: tube.text(),
            bench: bench.text(),
            why: why.clone(),
        }),
        What::AloneUndone { tube, reason } => Wire::AloneUndone(tube_reason(tube, reason)),
        What::PlateStarted {
            plate: p,
            size,
            assay,
            layout,
            seed,
            controls,
        } => Wire::PlateStarted(v1::PoolingPlateStarted {
            plate: plate(p),
            size: v1::PlateSize::from(*size).into(),
            assay: assay.text(),
            layout: layout.clone(),
            seed: *seed,
            controls: controls
                .iter()
                .map(|(well, control)| v1::ControlWell {
                    well: well.text(),
                    control: v1::Control::from(*control).into(),
                })
                .collect(),
        }),
        What::LotBound {
            plate: p,
            lot,
            kind,
        } => {
            let mut bound = v1::PoolingLotBound {
                plate: plate(p),
                lot: lot.clone(),
                ..v1::PoolingLotBound::default()
            };
            bound.set_kind((*kind).into());
            Wire::LotBound(bound)
        }
        What::LotUnbound { plate: p, lot } => Wire::LotUnbound(v1::PoolingLotUnbound {
            plate: plate(p),
            lot: lot.clone(),
        }),
        What::PlateCombined { plate: p, sources } => {
            let mut combined = v1::PoolingPlateCombined {
                plate: plate(p),
                sources: quadrants(sources),
                ..v1::PoolingPlateCombined::default()
            };
            combined.set_order(sources.order.into());
            Wire::PlateCombined(combined)
        }
        What::WellsPlanned { plate: p, wells } => Wire::WellsPlanned(v1::PoolingWellsPlanned {
            plate: plate(p),
            wells: wells
                .iter()
                .map(|(well, content)| v1::PlateWellContent {
                    well: well.text(),
                    content: content.to_string(),
                })
                .collect(),
        }),
        What::WellsTransferred {
            plate: p,
            wells,
            ul,
        } => Wire::WellsTransferred(v1::PoolingWellsTransferred {
            plate: plate(p),
            wells: wells.iter().map(|well| well.text()).collect(),
            ul: *ul,
        }),
        What::WellFailed {
            plate: p,
            well,
            reason,
        } => Wire::WellFailed(v1::PoolingWellFailed {
            plate: plate(p),
            well: well.text(),
            reason: reason.clone(),
        }),
        What::PlateSealed { plate: p } => Wire::PlateSealed(v1::PoolingPlate {
            lab: p.lab.text(),
            plate: p.barcode.text(),
        }),
        What::PlateVoided { plate: p, reason } => Wire::PlateVoided(v1::PlateVoided {
            lab: p.lab.text(),
            plate: p.barcode.text(),
            reason: reason.clone(),
        }),
        What::PoolLabelsReserved { lab, bench, batch } => {
            Wire::PoolLabelsReserved(v1::PoolingLabelsReserved {
                lab: lab.text(),
                bench: bench.text(),
                first: batch.first,
                last: batch.last,
            })
        }
        What::PlateLabelsReserved { lab, batch } => {
            Wire::PlateLabelsReserved(v1::PoolingLabelsReserved {
                lab: lab.text(),
                bench: String::new(),
                first: batch.first,
                last: batch.last,
            })
        }
        What::PlateLoaded {
            plate: p,
            instrument,
        } => Wire::PlateLoaded(v1::PoolingPlateLoaded {
            plate: plate(p),
            instrument: instrument.clone(),
        }),
        What::RetestOrdered { order, clock: c } => {
            match v1::Message::from(Message::RetestOrdered(order.clone())).message {
                Some(v1::message::Message::RetestOrdered(order)) => {
                    Wire::RetestOrdered(v1::PoolingRetestOrdered {
                        order: Some(order),
                        clock: Some(clock(c)),
                    })
                }
                _ => return None,
            }
        }
        What::ReplateOrdered(order) => {
            match v1::Message::from(Message::ReplateOrdered(order.clone())).message {
                Some(v1::message::Message::ReplateOrdered(order)) => Wire::ReplateOrdered(order),
                _ => return None,
            }
        }
        What::SampleClosed(closed) => {
            match v1::Message::from(Message::SampleClosed(closed.clone())).message {
                Some(v1::message::Message::SampleClosed(closed)) => Wire::SampleClosed(closed),
                _ => return None,
            }
        }
        What::TubesFiled {
            lab,
            tubes,
            pools,
            plates,
        } => Wire::TubesFiled(v1::PoolingTubesFiled {
            lab: lab.text(),
            tubes: tubes.clone(),
            pools: pools.clone(),
            plates: plates.iter().map(Barcode::text).collect(),
        }),
        What::DeadlinesChecked(checks) => Wire::DeadlinesChecked(v1::PoolingDeadlinesChecked {
            checks: checks.iter().map(check).collect(),
        }),
    })
}

fn clock(clock: &Clock) -> v1::PoolingClock {
    v1::PoolingClock {
        from: clock.deadline.from.0,
        due: clock.deadline.due.0,
        policy: clock.deadline.policy,
        stat: clock.stat,
        check_at: clock.check_at.0,
    }
}

fn place(place: &RackPlace) -> v1::PoolingRackPlace {
    v1::PoolingRackPlace {
        rack: place.rack.text(),
        position: place.position.text(),
    }
}

fn hold(hold: &TubeHold) -> Hold {
    match hold {
        TubeHold::CountMismatch {
            registered,
            observed,
        } => Hold::CountMismatch(v1::CountMismatch {
            registered: *registered,
            observed: *observed,
        }),
        TubeHold::DuplicateBarcode { other } => Hold::DuplicateBarcode(other.text()),
        TubeHold::Unreadable => Hold::Unreadable(true),
        TubeHold::CustodyConflict { holder, epoch } => {
            Hold::CustodyConflict(v1::PoolingCustodyHold {
                holder: holder.text(),
                epoch: *epoch,
            })
        }
        TubeHold::ByPerson { reason } => Hold::ByPerson(reason.clone()),
    }
}

fn mix(mix: &Mix) -> v1::PoolingMix {
    v1::PoolingMix {
        kind: v1::Kind::from(mix.kind).into(),
        specimen_type: mix.specimen_type.clone(),
        group: mix.group.clone(),
        stat: mix.stat,
    }
}

fn plate(plate: &PlateRef) -> Option<v1::PoolingPlate> {
    Some(v1::PoolingPlate {
        lab: plate.lab.text(),
        plate: plate.barcode.text(),
    })
}

/// The plate of each quadrant.
#[must_use]
pub fn quadrants(sources: &Sources) -> Vec<v1::PlateQuadrant> {
    let plates = sources.plates.iter();
    plates
        .map(|(quadrant, plate)| v1::PlateQuadrant {
            quadrant: u32::from(*quadrant),
            plate: plate.text(),
        })
        .collect()
}

fn seal(pool: &PoolId, why: SealReason) -> v1::PoolingSeal {
    v1::PoolingSeal {
        pool: pool.text(),
        why: v1::PoolSealReason::from(why).into(),
    }
}

fn tube_reason(tube: &TubeId, reason: &str) -> v1::PoolingTubeReason {
    v1::PoolingTubeReason {
        tube: tube.text(),
        reason: reason.to_owned(),
    }
}

fn pool_reason(pool: &PoolId, reason: &str) -> v1::PoolingPoolReason {
    v1::PoolingPoolReason {
        pool: pool.text(),
        reason: reason.to_owned(),
    }
}

fn check(check: &Check) -> v1::PoolingDeadlineCheck {
    v1::PoolingDeadlineCheck {
        tube: check.tube.text(),
        mark: v1::TubeMark::from(check.mark).into(),
        next: check.next.map(|at| at.0),
    }
}
