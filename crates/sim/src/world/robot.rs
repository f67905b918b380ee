//! The robot: plans a rack, moves what was planned, and says of each tube whether it did.

use super::Person;
use super::bench::{pipette, put_aside, spill};
use crate::faults::Fault;
use crate::shared::SECOND;
use std::collections::BTreeSet;
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::planned_tube::Planned;
use v1::pooling_command::Command;
use v1::tube_placement::Placement;

const ROBOT: &str = "robot";

/// Pools racks until the day is over.
pub async fn work(person: Person) {
    while !person.is_over() {
        let rack = person.desk(|desk| desk.racks.pop_front());
        match rack {
            Some(rack) => pool(&person, &rack).await,
            None => person.hand.pause(2 * SECOND..10 * SECOND).await,
        }
    }
}

async fn pool(person: &Person, rack: &str) {
    let request = v1::PlanRackRequest {
        lab: person.lab.clone(),
        bench: ROBOT.to_owned(),
        rack: rack.to_owned(),
        ..Default::default()
    };
    let planned = match person
        .pooling::<v1::PlanRackResponse>(Command::PlanRack(request))
        .await
    {
        Ok(planned) => planned.tubes,
        // All its tubes are done with already: they came here by mistake.
        Err(refused) if refused.reason == "RACK_UNKNOWN" => return,
        Err(refused) => return person.unexpected(&format!("planning {rack}"), &refused),
    };
    let mut moved = Vec::new();
    let mut failed = Vec::new();
    let mut pools = BTreeSet::new();
    for tube in planned {
        match tube.planned {
            Some(Planned::Placement(placement)) => {
                if let Some(Placement::Pool(seat)) = placement.placement {
                    pools.insert(seat.pool.clone());
                    if person.hand.strikes(Fault::TransferFailed) {
                        failed.push(tube.tube);
                    } else {
                        moved.push((seat.pool, tube.tube));
                    }
                }
            }
            Some(Planned::Refused(why)) => {
                let refused = Rejection::invalid(&why.reason, "", why.message, why.help);
                put_aside(person, &tube.tube, &refused);
            }
            None => {}
        }
    }
    if pools.is_empty() {
        return;
    }
    person.hand.pause(SECOND..20 * SECOND).await;
    let half = if person.hand.strikes(Fault::WalkedAway) {
        moved.len() / 2
    } else {
        moved.len()
    };
    let (now, later) = moved.split_at(half);
    for (pool, tube) in now {
        pipette(person, pool, tube);
    }
    confirm(person, rack, now, &failed, &pools).await;
    if !later.is_empty() {
        person.hand.pause(60 * SECOND..300 * SECOND).await;
        if person.hand.likely(0.5) {
            for (pool, tube) in later {
                pipette(person, pool, tube);
            }
            confirm(person, rack, later, &[], &pools).await;
        } else {
            let never: Vec<String> = later.iter().map(|(_, tube)| tube.clone()).collect();
            confirm(person, rack, &[], &never, &pools).await;
            failed.extend(never);
        }
    }
    for tube in failed {
        person.scan_later(&tube, 5 * SECOND);
    }
}

/// Says what was done, tube by tube: never "the rest".
async fn confirm(
    person: &Person,
    rack: &str,
    moved: &[(String, String)],
    failed: &[String],
    pools: &BTreeSet<String>,
) {
    if moved.is_empty() && failed.is_empty() {
        return;
    }
    let done = moved.iter().map(|(_, tube)| v1::TubePerformed {
        tube: tube.clone(),
        failed: None,
    });
    let not = failed.iter().map(|tube| v1::TubePerformed {
        tube: tube.clone(),
        failed: Some("clogged tip".to_owned()),
    });
    let request = v1::ConfirmRackRequest {
        lab: person.lab.clone(),
        bench: ROBOT.to_owned(),
        rack: rack.to_owned(),
        tubes: done.chain(not).collect(),
        rest_done: false,
        ..Default::default()
    };
    match person
        .pooling::<v1::ConfirmRackResponse>(Command::ConfirmRack(request))
        .await
    {
        Ok(_) => {}
        // Some tube was held or cancelled since it was planned: what is in these pools is not what is
        // recorded. They are thrown away.
        Err(refused)
            if [
                "NOT_PLANNED",
                "NOTHING_TO_CONFIRM",
                "TUBE_UNKNOWN",
                "TUBE_FILED",
                "BARCODE_AMBIGUOUS",
            ]
            .contains(&refused.reason.as_str()) =>
        {
            for pool in pools {
                spill(person, pool).await;
            }
        }
        Err(refused) => person.unexpected(&format!("confirming {rack}"), &refused),
    }
}
