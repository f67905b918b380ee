//! Receiving: what is said to have come, and the verdict on each tube.

use super::done;
use bytes::Bytes;
use std::collections::BTreeMap;
use tenfold_domain::policy::Policy;
use tenfold_domain::pooling::draft::Draft;
use tenfold_domain::pooling::tube::receive;
use tenfold_domain::pooling::tube::receive::{Arrival, Found, Received, Verdict, check_label};
use tenfold_domain::well::{PlateSize, Well};
use tenfold_domain::{LabId, Rejection};
use tenfold_proto::v1;

pub(super) fn receive(
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
    let tubes = receive::receive(draft, policy, lab, &arrival)?;
    done(&v1::ReceiveResponse {
        tubes: tubes.into_iter().map(received_tube).collect(),
    })
}

fn rack_arrival(rack: v1::RackContains) -> Result<Arrival, Rejection> {
    let mut positions = BTreeMap::new();
    for (index, stated) in rack.positions.into_iter().enumerate() {
        let field = || format!("arrival.rack.positions[{index}].position");
        let Some(position) = Well::parse(PlateSize::P96, &stated.position) else {
            return Err(Rejection::invalid(
                "POSITION_UNKNOWN",
                &field(),
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
                &field(),
                format!("position {position} is named twice"),
                "scan the rack again",
            ));
        }
    }
    let problem = check_label(&rack.rack.clone().into());
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
        position: tube.position.map(|p| p.text()),
        barcode: tube.barcode.map(|b| b.text()),
        tube: tube.tube.map(|t| t.text()),
        verdict: verdict.into(),
        why,
    }
}
