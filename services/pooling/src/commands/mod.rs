//! Calls that change something: from the wire to a decision, and its answer back.

mod labels;
mod plates;
mod receiving;
mod told;

use bytes::Bytes;
use tenfold_domain::ids::PoolId;
use tenfold_domain::policy::Policy;
use tenfold_domain::pooling::draft::Draft;
use tenfold_domain::pooling::pool::rack::Performed;
use tenfold_domain::pooling::pool::{close, rack, scan, undo, void};
use tenfold_domain::pooling::tube::{hold, relabel};
use tenfold_domain::{Barcode, LabId, Rejection};
use tenfold_proto::v1;
use told::{placement, planned, sealed, transfer, tube_response};
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
        Command::Receive(c) => receiving::receive(draft, policy, &lab, c),
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
                tube: scanned.tube.text(),
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
                tube: tube.text(),
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
        Command::ReserveLabels(c) => labels::reserve(draft, &lab, &c),
        on_a_plate => plates::decide(draft, policy, lab, on_a_plate),
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
        Command::CombinePlates(c) => &c.lab,
        Command::BindLot(c) => &c.lab,
        Command::UnbindLot(c) => &c.lab,
        Command::SealPlate(c) => &c.lab,
        Command::VoidPlate(c) => &c.lab,
        Command::LoadPlate(c) => &c.lab,
        Command::ReserveLabels(c) => &c.lab,
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
                pool: pool.text(),
                tube: tube.text(),
                reason,
            })
            .collect(),
        sealed: told.sealed.iter().map(sealed).collect(),
        missing: told.missing.iter().map(ToString::to_string).collect(),
    })
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
