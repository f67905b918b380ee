//! A tube, and where it is.

use super::steps;
use tenfold_domain::ids::TubeId;
use tenfold_domain::pooling::board::Stage;
use tenfold_domain::pooling::event::Mark;
use tenfold_domain::pooling::lab::{pool_id, tube_id};
use tenfold_domain::pooling::plate::Plate;
use tenfold_domain::pooling::pool::{Pool, PoolState};
use tenfold_domain::pooling::tube::{Expected, Tube, TubeState, Vessel};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;

/// A tube with its timeline: its own steps, and those of its pool since it joined.
#[must_use]
pub fn tube(state: &dyn Read, key: u64, tube: &Tube) -> v1::TubeView {
    let id: TubeId = tube_id(state, key);
    let mut timeline = steps(&id.to_string(), &tube.steps);
    let mut vessel = match tube.state {
        TubeState::Alone(vessel) => Some(vessel),
        _ => None,
    };
    let mut stage = tube.stage();
    let mut pool_name = None;
    if let TubeState::Pooled { pool: pool_key } = tube.state {
        let name = pool_id(state, pool_key).to_string();
        if let Some(pool) = state.get::<Pool>(&pool_key) {
            stage = pool.stage();
            if let PoolState::Sealed(at) = pool.state {
                vessel = Some(at);
            }
            timeline.extend(steps(&name, &pool.steps));
        }
        pool_name = Some(name);
    }
    timeline.sort_by_key(|step| step.at);
    let place = vessel.and_then(|vessel| well_of(state, vessel));
    v1::TubeView {
        tube: Some(id.to_string()),
        barcodes: tube.barcodes.iter().map(ToString::to_string).collect(),
        stage: v1::PoolingStage::from(stage.unwrap_or(Stage::Pooled)).into(),
        sample: tube.sample.as_deref().map(Into::into),
        received_at: Some(tube.received_at.0),
        rack: tube.place.as_ref().map(|p| p.rack.to_string()),
        position: tube.place.as_ref().map(|p| p.position.to_string()),
        due: tube.deadline.due.0,
        policy: tube.deadline.policy,
        mark: v1::TubeMark::from(tube.mark).into(),
        stat: tube.stat,
        volume_ul: tube.volume_ul,
        round: tube.round,
        holds: tube.holds.iter().map(ToString::to_string).collect(),
        pool: pool_name,
        plate: place.as_ref().map(|(plate, _)| plate.clone()),
        well: place.map(|(_, well)| well),
        order: tube.order.as_ref().map(ToString::to_string),
        withdrawn: tube.withdrawn || tube.state == TubeState::Withdrawn,
        timeline,
    }
}

/// A sample whose tube is not here.
#[must_use]
pub fn expected(expected: &Expected) -> v1::TubeView {
    v1::TubeView {
        tube: None,
        barcodes: vec![expected.sample.barcode.to_string()],
        stage: v1::PoolingStage::Expected.into(),
        sample: Some(expected.sample.as_ref().into()),
        due: expected.clock.deadline.due.0,
        policy: expected.clock.deadline.policy,
        mark: v1::TubeMark::from(Mark::InTime).into(),
        stat: expected.clock.stat,
        ..v1::TubeView::default()
    }
}

/// Plate and well of a vessel that is on a plate.
pub(super) fn well_of(state: &dyn Read, vessel: Vessel) -> Option<(String, String)> {
    match vessel {
        Vessel::Ready => None,
        Vessel::Plated { plate, well } | Vessel::Loaded { plate, well } => {
            let plate = state.get::<Plate>(&plate)?;
            Some((plate.barcode.to_string(), well.to_string()))
        }
    }
}
