//! Bytes that nobody should send, to a lab in the middle of its day: every door refuses or takes them,
//! nothing panics, what is taken folds, and time goes on.

mod lab;

use lab::{LAB, Lab};
use prost::Message as _;
use std::sync::LazyLock;
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_tests::hostile::HalfDone;
use v1::pooling_query::Query;

/// One of each question.
fn questions() -> Vec<Vec<u8>> {
    let lab = || LAB.to_owned();
    let tube = "T02".to_owned();
    let pool = || v1::GetPoolRequest {
        lab: lab(),
        pool: lab::pool_name(1),
    };
    let plate = v1::GetPlateRequest {
        lab: lab(),
        plate: "PL0".to_owned(),
    };
    let plates = v1::ListPlatesRequest {
        lab: lab(),
        page_size: 10,
        ..Default::default()
    };
    let work = v1::ListWorkRequest {
        lab: lab(),
        queue: "waiting".to_owned(),
        most: 10,
    };
    let pools = v1::ListOpenPoolsRequest {
        lab: lab(),
        ..Default::default()
    };
    [
        Query::Tube(v1::GetTubeRequest { lab: lab(), tube }),
        Query::OpenPools(pools),
        Query::Pool(pool()),
        Query::ExplainPool(pool()),
        Query::Plate(plate),
        Query::Plates(plates),
        Query::Work(work),
        Query::Board(v1::PoolingBoardRequest { lab: lab() }),
        Query::Invariants(v1::PoolingInvariantsRequest { lab: lab() }),
    ]
    .into_iter()
    .map(|query| v1::PoolingQuery { query: Some(query) }.encode_to_vec())
    .collect()
}

/// A day in which everything is half done.
fn day() -> Driver<PoolingProcessor> {
    let mut lab = Lab::with(|policy| policy.pooling.pool_max = 4);
    for tube in 0..14 {
        let class = ["routine", "patient"][usize::from(tube % 5 == 0)];
        let sample = lab.sample(&format!("T{tube:02}"), class);
        lab.register(sample);
    }
    lab.receive(&["T00", "T01", "T02", "T03", "T04", "T05", "T06", "XX"]);
    lab.receive_rack("R0", &[("A1", "T07"), ("A2", "T08"), ("A3", "?")]);
    for tube in ["T01", "T02", "T03", "T04", "T00"] {
        let _ = lab.scan(tube);
        let _ = lab.confirm();
    }
    let _ = lab.close(1);
    let _ = lab.plan_rack("R0");
    lab.run_plate("PL0");
    let _ = lab.order_retest(2, 1, 2);
    let _ = lab.order_replate("PL0", &["B1"]);
    let _ = lab.start_plate("PL1");
    let _ = lab.fill("PL1");
    let _ = lab.scan("T06");
    let _ = lab.hold("T05");
    lab.cancel("T09");
    lab.custody_conflict("T04");
    let _ = lab.relabel("T06", "N01");
    lab.close_sample("T03", 3);
    lab.driver
}

/// The day, played once; a case takes a fork of it.
static DAY: LazyLock<HalfDone<PoolingProcessor>> =
    LazyLock::new(|| HalfDone::new(day(), PoolingProcessor::new, questions()));

#[test]
fn hostile_bytes_at_any_door_are_taken_or_refused() {
    DAY.takes_or_refuses_any_bytes();
}

#[test]
fn hostile_inputs_are_taken_or_refused_and_time_goes_on() {
    DAY.takes_or_refuses_damaged_inputs();
}

#[test]
fn a_hostile_journal_folds_or_is_refused() {
    DAY.folds_or_refuses_damaged_journals();
}

#[test]
fn the_day_is_worth_damaging_by_hostile_bytes() {
    DAY.is_worth_damaging(41, 51, 6..=9);
}
