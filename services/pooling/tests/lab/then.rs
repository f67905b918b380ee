//! What is asked afterwards.

use super::{LAB, Lab};
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::pooling_query::Query;

impl Lab {
    pub fn tube(&self, tube: &str) -> v1::TubeView {
        self.ask(Query::Tube(v1::GetTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
        }))
        .expect("a tube")
    }

    pub fn stage(&self, tube: &str) -> v1::PoolingStage {
        self.tube(tube).stage()
    }

    pub fn pool_view(&self, pool: u64) -> v1::PoolView {
        self.ask(Query::Pool(v1::GetPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
        }))
        .expect("a pool")
    }

    pub fn explain(&self, pool: u64) -> v1::ExplainPoolResponse {
        self.ask(Query::ExplainPool(v1::GetPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
        }))
        .expect("a pool")
    }

    pub fn plate_view(&self, plate: &str) -> v1::PlateView {
        self.ask(Query::Plate(v1::GetPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
        }))
        .expect("a plate")
    }

    pub fn work(&self, queue: &str) -> Vec<v1::WorkItem> {
        self.ask::<v1::ListWorkResponse>(Query::Work(v1::ListWorkRequest {
            lab: LAB.to_owned(),
            queue: queue.to_owned(),
            most: 0,
        }))
        .expect("a work list")
        .items
    }

    pub fn board(&self) -> v1::PoolingBoard {
        self.ask(Query::Board(v1::PoolingBoardRequest {
            lab: LAB.to_owned(),
        }))
        .expect("a board")
    }

    pub fn on_board(&self, stage: v1::PoolingStage) -> v1::PoolingStageView {
        self.board()
            .stages
            .into_iter()
            .find(|view| view.stage() == stage)
            .expect("every stage is on the board")
    }
}

pub fn pool_name(pool: u64) -> String {
    format!("{LAB}/P{pool}")
}

pub fn seat_of(scanned: &v1::ScanResponse) -> String {
    placement(scanned.placement.as_ref().expect("a placement"))
}

pub fn placement(placement: &v1::TubePlacement) -> String {
    match placement.placement.as_ref().expect("a placement") {
        v1::tube_placement::Placement::Pool(seat) => {
            let pool = seat.pool.rsplit('/').next().unwrap_or_default();
            format!("{pool}/{}", seat.slot)
        }
        v1::tube_placement::Placement::Alone(_) => "alone".to_owned(),
    }
}

pub fn verdicts(tubes: &[v1::ReceivedTube]) -> Vec<v1::ReceiveVerdict> {
    tubes.iter().map(v1::ReceivedTube::verdict).collect()
}

pub fn reason<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> String {
    answer.expect_err("a refusal").reason
}
