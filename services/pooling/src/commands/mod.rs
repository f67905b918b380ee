//! Calls that change something: from the wire to a decision, and its answer back.

use bytes::Bytes;
use std::collections::BTreeMap;
use tenfold_domain::ids::PoolId;
use tenfold_domain::policy::Policy;
use tenfold_domain::pooling::draft::Draft;
use tenfold_domain::pooling::event::PlateRef;
use tenfold_domain::pooling::plate::{self, confirm, fill, load, place, start};
use tenfold_domain::pooling::pool::rack::Performed;
use tenfold_domain::pooling::pool::scan::Placed;
use tenfold_domain::pooling::pool::seal::SealedPool;
use tenfold_domain::pooling::pool::{close, rack, scan, undo, void};
use tenfold_domain::pooling::tube::receive::{Arrival, Found, Received, Verdict, receive};
use tenfold_domain::pooling::tube::{hold, relabel};
use tenfold_domain::well::{PlateSize, Well};
use tenfold_domain::{Barcode, LabId, Rejection};
use tenfold_proto::v1;
use v1::pooling_command::Command;

/// Decides a command. The answer is the response message of the call of the same name.
///
/// # Errors
/// The rules' refusal.
pub fn decide(
    draft: &mut Draft<'_>,
    policy: &Policy,
    command: Command,
) -> Result<Bytes, Rejection> {
    let lab = LabId::from(lab_of(&command));
    if !policy.labs.contains_key(&lab) {
        return Err(Rejection::invalid(
            "LAB_UNKNOWN",
            "lab",
            format!("lab {lab:?} is not in the policy"),
            "name one of the policy's labs, or add it there",
        ));
    }
    match command {
        Command::Receive(c) => received(draft, policy, &lab, c),
        Command::Relabel(c) => {
            let new = Barcode::from(c.new_barcode);
            let tube = relabel::relabel(draft, policy, &lab, &c.tube, &new, &c.reason)?;
            done(&tube_response(tube))
        }
        Command::HoldTube(c) => {
            let tube = hold::hold(draft, &lab, &c.tube, &c.reason)?;
            done(&tube_response(tube))
        }
        Command::ReleaseHold(c) => {
            hold::release(draft, policy, &lab, &c.what, &c.reason)?;
            done(&v1::ReleaseHoldResponse {})
        }
        Command::DiscardTube(c) => {
            let tube = hold::discard(draft, &lab, &c.tube, &c.reason)?;
            done(&tube_response(tube))
        }
        Command::Scan(c) => {
            let scanned = scan::scan(draft, policy, &lab, &c.bench.into(), &c.barcode)?;
            done(&v1::ScanResponse {
                tube: scanned.tube.to_string(),
                placement: Some(placement(scanned.placed)),
                transferred: scanned
                    .transferred
                    .map(|(pool, tube)| transfer(&pool, &tube)),
                sealed: scanned.sealed.iter().map(sealed).collect(),
            })
        }
        Command::ConfirmTransfer(c) => {
            let failed = c.failed.as_deref();
            let (pool, tube, closed) =
                scan::confirm_transfer(draft, policy, &lab, &c.bench.into(), failed)?;
            done(&v1::ConfirmTransferResponse {
                transfer: Some(transfer(&pool, &tube)),
                failed: c.failed.is_some(),
                sealed: closed.as_ref().map(sealed),
            })
        }
        Command::UndoScan(c) => {
            let (tube, closed) = undo::undo(draft, &lab, &c.tube, &c.reason)?;
            done(&v1::UndoScanResponse {
                tube: tube.to_string(),
                sealed: closed.as_ref().map(sealed),
            })
        }
        Command::PlanRack(c) => {
            let tubes = rack::plan(draft, policy, &lab, &c.bench.into(), &c.rack.into())?;
            done(&v1::PlanRackResponse {
                tubes: tubes.into_iter().map(planned).collect(),
            })
        }
        Command::ConfirmRack(c) => confirmed_rack(draft, policy, &lab, c),
        Command::ClosePool(c) => {
            let pool = close::close(draft, policy, &pool_of(&lab, &c.pool)?)?;
            done(&v1::ClosePoolResponse {
                sealed: Some(sealed(&pool)),
            })
        }
        Command::VoidPool(c) => {
            let tubes = void::void(draft, &pool_of(&lab, &c.pool)?, &c.reason)?;
            done(&v1::VoidPoolResponse {
                tubes: tubes.iter().map(ToString::to_string).collect(),
            })
        }
        plates => plate_command(draft, policy, lab, plates),
    }
}

fn plate_command(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: LabId,
    command: Command,
) -> Result<Bytes, Rejection> {
    let plate = |barcode: String| PlateRef {
        lab: lab.clone(),
        barcode: barcode.into(),
    };
    match command {
        Command::StartPlate(c) => {
            let seed = c.seed.unwrap_or_default();
            let at = plate(c.plate);
            start::start(draft, policy, at.clone(), &c.assay.into(), &c.layout, seed)?;
            done(&crate::view::plate(draft.state(), &lab, &at.barcode)?)
        }
        Command::FillPlate(c) => {
            let most = c
                .wells_max
                .map(|most| u16::try_from(most).unwrap_or(u16::MAX));
            let filled = fill::fill(draft, policy, &plate(c.plate), most)?;
            done(&v1::FillPlateResponse {
                wells: filled
                    .wells
                    .into_iter()
                    .map(|(well, content)| well_content(well, &content))
                    .collect(),
                passed_over: filled
                    .passed
                    .into_iter()
                    .map(|(content, why)| v1::PlatePassedOver {
                        content: content.to_string(),
                        why,
                    })
                    .collect(),
                free: u32::from(filled.free),
            })
        }
        Command::Place(c) => {
            let at = plate(c.plate);
            let (well, content) = place::place(draft, policy, &at, &c.well, &c.content)?;
            done(&v1::PlaceResponse {
                well: Some(well_content(well, &content)),
            })
        }
        Command::ConfirmPlate(c) => {
            let failed: Vec<(String, String)> =
                c.failed.into_iter().map(|f| (f.well, f.reason)).collect();
            let at = plate(c.plate);
            let told = confirm::confirm(draft, policy, &at, &c.done, &failed, c.rest_done)?;
            done(&v1::ConfirmPlateResponse {
                transferred: texts(&told.transferred),
                failed: texts(&told.failed),
                missing: texts(&told.missing),
            })
        }
        Command::SealPlate(c) => {
            let wells = plate::seal::seal(draft, &plate(c.plate))?;
            done(&v1::SealPlateResponse {
                wells: u32::from(wells),
            })
        }
        Command::VoidPlate(c) => {
            plate::void::void(draft, &plate(c.plate), &c.reason)?;
            done(&v1::VoidPlateResponse {})
        }
        Command::LoadPlate(c) => {
            let (wells, tubes) = load::load(draft, &plate(c.plate), &c.instrument)?;
            done(&v1::LoadPlateResponse {
                wells: u32::from(wells),
                tubes,
            })
        }
        _ => Err(Rejection::invalid(
            "COMMAND_UNKNOWN",
            "",
            "the command is not known here",
            "send it to an instance of the same release",
        )),
    }
}

/// The lab a command is for: the key of its lane.
#[must_use]
pub fn lab_of(command: &Command) -> &str {
    match command {
        Command::Receive(c) => &c.lab,
        Command::Relabel(c) => &c.lab,
        Command::HoldTube(c) => &c.lab,
        Command::ReleaseHold(c) => &c.lab,
        Command::DiscardTube(c) => &c.lab,
        Command::Scan(c) => &c.lab,
        Command::ConfirmTransfer(c) => &c.lab,
        Command::UndoScan(c) => &c.lab,
        Command::PlanRack(c) => &c.lab,
        Command::ConfirmRack(c) => &c.lab,
        Command::ClosePool(c) => &c.lab,
        Command::VoidPool(c) => &c.lab,
        Command::StartPlate(c) => &c.lab,
        Command::FillPlate(c) => &c.lab,
        Command::Place(c) => &c.lab,
        Command::ConfirmPlate(c) => &c.lab,
        Command::SealPlate(c) => &c.lab,
        Command::VoidPlate(c) => &c.lab,
        Command::LoadPlate(c) => &c.lab,
    }
}

fn received(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    c: v1::ReceiveRequest,
) -> Result<Bytes, Rejection> {
    let arrival = match c.arrival {
        Some(v1::receive_request::Arrival::Tubes(tubes)) => Arrival::Tubes {
            labels: tubes.barcodes.into_iter().map(Into::into).collect(),
            another: tubes.another,
        },
        Some(v1::receive_request::Arrival::Rack(rack)) => rack_arrival(rack)?,
        None => {
            return Err(Rejection::invalid(
                "ARRIVAL_MISSING",
                "arrival",
                "neither tubes nor a rack are named",
                "name what came",
            ));
        }
    };
    let tubes = receive(draft, policy, lab, &arrival)?;
    done(&v1::ReceiveResponse {
        tubes: tubes.into_iter().map(received_tube).collect(),
    })
}

fn rack_arrival(rack: v1::RackContains) -> Result<Arrival, Rejection> {
    let mut positions = BTreeMap::new();
    for (index, stated) in rack.positions.into_iter().enumerate() {
        let field = format!("arrival.rack.positions[{index}].position");
        let Some(position) = Well::parse(PlateSize::P96, &stated.position) else {
            return Err(Rejection::invalid(
                "POSITION_UNKNOWN",
                &field,
                format!("{:?} is no position of a rack", stated.position),
                "positions are A1 to H12",
            ));
        };
        let found = match stated.found {
            Some(v1::rack_position::Found::Barcode(label)) => Found::Label(label.into()),
            Some(v1::rack_position::Found::Unreadable(_)) => Found::Unreadable,
            Some(v1::rack_position::Found::Nothing(_)) | None => Found::Nothing,
        };
        if positions.insert(position, found).is_some() {
            return Err(Rejection::invalid(
                "POSITION_TWICE",
                &field,
                format!("position {position} is named twice"),
                "scan the rack again",
            ));
        }
    }
    let problem = tenfold_domain::pooling::tube::receive::check_label(&rack.rack.clone().into());
    problem.map_err(|problem| {
        Rejection::invalid(
            "RACK_MALFORMED",
            "arrival.rack.rack",
            problem,
            "scan the rack's barcode again",
        )
    })?;
    Ok(Arrival::Rack {
        rack: rack.rack.into(),
        positions,
    })
}

fn received_tube(tube: Received) -> v1::ReceivedTube {
    use v1::ReceiveVerdict as Wire;
    let (verdict, why) = match tube.verdict {
        Verdict::Known => (Wire::Known, String::new()),
        Verdict::DetailsPending => (
            Wire::DetailsPending,
            "its registration is not known yet".to_owned(),
        ),
        Verdict::BelongsElsewhere(lab) => (
            Wire::BelongsElsewhere,
            format!("it was registered for lab {lab}"),
        ),
        Verdict::Conflict(other) => (
            Wire::Conflict,
            format!("tube {other} bears the same barcode: both are held"),
        ),
        Verdict::Held(why) => (Wire::Held, why),
        Verdict::AlreadyReceived => (Wire::AlreadyReceived, String::new()),
        Verdict::Unreadable(why) => (Wire::Unreadable, why),
    };
    v1::ReceivedTube {
        position: tube.position.map(|p| p.to_string()),
        barcode: tube.barcode.map(|b| b.to_string()),
        tube: tube.tube.map(|t| t.to_string()),
        verdict: verdict.into(),
        why,
    }
}

fn confirmed_rack(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    c: v1::ConfirmRackRequest,
) -> Result<Bytes, Rejection> {
    let named: Vec<(String, Performed)> = c
        .tubes
        .into_iter()
        .map(|t| (t.tube, t.failed.map_or(Performed::Done, Performed::Failed)))
        .collect();
    let (bench, rack) = (c.bench.into(), c.rack.into());
    let told = rack::confirm(draft, policy, lab, &bench, &rack, &named, c.rest_done)?;
    done(&v1::ConfirmRackResponse {
        transferred: told.transferred,
        failed: told
            .failed
            .into_iter()
            .map(|(pool, tube, reason)| v1::PoolMemberFailed {
                pool: pool.to_string(),
                tube: tube.to_string(),
                reason,
            })
            .collect(),
        sealed: told.sealed.iter().map(sealed).collect(),
        missing: told.missing.iter().map(ToString::to_string).collect(),
    })
}

fn planned(tube: rack::PlannedTube) -> v1::PlannedTube {
    v1::PlannedTube {
        position: tube.position.to_string(),
        tube: tube.tube.to_string(),
        planned: Some(match tube.placed {
            Ok(placed) => v1::planned_tube::Planned::Placement(placement(placed)),
            Err(why) => v1::planned_tube::Planned::Refused(v1::PlanRefusal {
                reason: why.reason,
                message: why.message,
                help: why.help,
            }),
        }),
    }
}

fn placement(placed: Placed) -> v1::TubePlacement {
    use v1::tube_placement::Placement;
    v1::TubePlacement {
        placement: Some(match placed {
            Placed::Alone { why } => Placement::Alone(v1::OwnWell { why }),
            Placed::Pool {
                pool,
                slot,
                members,
                limit,
                limit_by,
                opened,
            } => Placement::Pool(v1::PoolSeat {
                pool: pool.to_string(),
                slot: u32::from(slot),
                members: u32::from(members),
                limit: u32::from(limit),
                limit_by: v1::PoolLimitBy::from(limit_by).into(),
                opened,
            }),
        }),
    }
}

fn sealed(pool: &SealedPool) -> v1::PoolSealedTold {
    v1::PoolSealedTold {
        pool: pool.pool.to_string(),
        reason: v1::PoolSealReason::from(pool.why).into(),
        why: pool.why.words().to_owned(),
        members: u32::from(pool.members),
    }
}

fn transfer(pool: &PoolId, tube: &tenfold_domain::ids::TubeId) -> v1::PoolTransfer {
    v1::PoolTransfer {
        pool: pool.to_string(),
        tube: tube.to_string(),
    }
}

fn tube_response(tube: tenfold_domain::ids::TubeId) -> v1::TubeResponse {
    v1::TubeResponse {
        tube: tube.to_string(),
    }
}

fn well_content(
    well: Well,
    content: &tenfold_domain::pooling::event::Content,
) -> v1::PlateWellContent {
    v1::PlateWellContent {
        well: well.to_string(),
        content: content.to_string(),
    }
}

fn texts(wells: &[Well]) -> Vec<String> {
    wells.iter().map(ToString::to_string).collect()
}

/// Reads a pool's id, of this lab.
///
/// # Errors
/// It is none.
pub fn pool_of(lab: &LabId, text: &str) -> Result<PoolId, Rejection> {
    PoolId::parse(text)
        .filter(|id| id.lab == *lab)
        .ok_or_else(|| {
            Rejection::invalid(
                "POOL_MALFORMED",
                "pool",
                format!("{text:?} is no pool of lab {lab}"),
                format!("pools of this lab are written {lab}/P17"),
            )
        })
}

#[allow(clippy::unnecessary_wraps)]
fn done(message: &impl prost::Message) -> Result<Bytes, Rejection> {
    Ok(message.encode_to_vec().into())
}
