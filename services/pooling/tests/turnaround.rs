//! Stories of deadlines, the board and the timeline.

mod lab;

use lab::Lab;
use tenfold_proto::v1::{PoolingStage, TubeMark};

#[test]
fn a_tube_that_waits_too_long_is_at_risk_and_then_late() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.wait(9 * 60);
    assert_eq!(lab.tube("T01").mark(), TubeMark::InTime);
    lab.wait(60);
    assert_eq!(
        lab.tube("T01").mark(),
        TubeMark::AtRisk,
        "40% of 24 hours are 9.6"
    );
    assert_eq!(lab.on_board(PoolingStage::Waiting).at_risk, 1);
    lab.wait(15 * 60);
    assert_eq!(lab.tube("T01").mark(), TubeMark::Late);
    let waiting = lab.on_board(PoolingStage::Waiting);
    assert_eq!((waiting.at_risk, waiting.late), (0, 1));
    assert_eq!(lab.board().bottleneck(), PoolingStage::Waiting);
}

#[test]
fn a_tube_that_gets_on_in_time_is_looked_at_again_at_its_next_stage() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01", "T02"]);
    lab.wait(10 * 60);
    assert_eq!(
        lab.tube("T01").mark(),
        TubeMark::InTime,
        "it is pooled: its budget is 12 hours"
    );
    lab.wait(2 * 60 + 5);
    assert_eq!(lab.tube("T01").mark(), TubeMark::AtRisk);
    assert_eq!(lab.on_board(PoolingStage::Pooled).at_risk, 2);
    assert_eq!(lab.work("ready")[0].mark(), TubeMark::AtRisk);
}

#[test]
fn a_minute_of_deadlines_is_one_event() {
    let mut lab = Lab::new();
    let names: Vec<String> = (0..60).map(|n| format!("T{n:02}")).collect();
    let tubes: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.here("routine", &tubes);
    let before = lab.driver.events().len();
    lab.wait(10 * 60);
    assert_eq!(lab.on_board(PoolingStage::Waiting).at_risk, 60);
    assert_eq!(lab.driver.events().len() - before, 1);
}

#[test]
fn a_clock_that_starts_at_receipt_is_set_again_when_the_tube_comes() {
    let mut lab = Lab::new();
    lab.registered("patient", &["T01"]);
    let before = lab.tube("T01").due;
    lab.wait(120);
    lab.receive(&["T01"]);
    assert_eq!(lab.tube("T01").due - before, 120 * 60_000);
}

#[test]
fn the_board_shows_how_long_stages_take_and_what_is_due_first() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.wait(12);
    lab.here("patient", &["T02"]);
    let oldest = lab.on_board(PoolingStage::Waiting).oldest_due;
    assert_eq!(oldest, Some(lab.tube("T02").due));
    lab.pool(&["T01"]);
    let waiting = lab.on_board(PoolingStage::Waiting);
    assert_eq!(waiting.p50_ms, Some(15 * 60_000));
    lab.close(1).unwrap();
    lab.wait(3);
    lab.run_plate("PL1");
    lab.wait(100);
    lab.close_sample("T01", 1);
    assert_eq!(
        lab.on_board(PoolingStage::Loaded).p95_ms,
        Some(120 * 60_000)
    );
    assert_eq!(lab.on_board(PoolingStage::Closed).count, 1);
}

#[test]
fn a_timeline_names_every_step_with_who_and_when() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.pool(&["T01"]);
    lab.wait(20);
    lab.run_plate("PL1");
    let tube = lab.tube("T01");
    let steps: Vec<(&str, &str)> = tube
        .timeline
        .iter()
        .map(|step| (step.kind.as_str(), step.by.as_str()))
        .collect();
    for wanted in [
        ("received", "tech-7"),
        ("planned", "tech-7"),
        ("transferred", "tech-7"),
        ("sealed", "timer"),
        ("plated", "tech-7"),
        ("loaded", "tech-7"),
    ] {
        assert!(
            steps.contains(&wanted),
            "{wanted:?} is missing in {steps:?}"
        );
    }
    assert_eq!(
        (tube.plate.as_deref(), tube.pool.as_deref()),
        (Some("PL1"), Some("lab-1/P1"))
    );
}
