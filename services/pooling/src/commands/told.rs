//! What a decision told, as the wire says it.

use tenfold_domain::ids::{PoolId, TubeId};
use tenfold_domain::pooling::pool::rack::PlannedTube;
use tenfold_domain::pooling::pool::seal::SealedPool;
use tenfold_domain::pooling::pool::seating::Placed;
use tenfold_proto::v1;

pub(super) fn planned(tube: PlannedTube) -> v1::PlannedTube {
    v1::PlannedTube {
        position: tube.position.text(),
        tube: tube.tube.text(),
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

pub(super) fn placement(placed: Placed) -> v1::TubePlacement {
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
                pool: pool.text(),
                slot: u32::from(slot),
                members: u32::from(members),
                limit: u32::from(limit),
                limit_by: v1::PoolLimitBy::from(limit_by).into(),
                opened,
            }),
        }),
    }
}

pub(super) fn sealed(pool: &SealedPool) -> v1::PoolSealedTold {
    v1::PoolSealedTold {
        pool: pool.pool.text(),
        reason: v1::PoolSealReason::from(pool.why).into(),
        why: pool.why.words().to_owned(),
        members: u32::from(pool.members),
    }
}

pub(super) fn transfer(pool: &PoolId, tube: &TubeId) -> v1::PoolTransfer {
    v1::PoolTransfer {
        pool: pool.text(),
        tube: tube.text(),
    }
}

pub(super) fn tube_response(tube: TubeId) -> v1::TubeResponse {
    v1::TubeResponse { tube: tube.text() }
}
