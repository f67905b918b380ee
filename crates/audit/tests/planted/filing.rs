//! Samples that leave the state: after a good day and a fortnight, all may be filed; too early, or with something
//! open, none.

use crate::day::day;
use crate::log::{Batch, Log};
use crate::words::*;
use crate::{assert_found, judge, told};
use tenfold_audit::Rule;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

const FORTNIGHT: i64 = 14 * 24 * HOUR;

/// A good day; so long after it, these tubes are filed.
fn filed(log: &mut Log<'_>, after: i64, numbers: &[u64]) {
    log.now += after;
    let filed = Found::SpecimensFiled(SpecimensFiled {
        tubes: tubes(numbers),
        kept: Vec::new(),
    });
    log.decide("filed", "results", Batch::default().event(&found(filed)));
}

#[test]
fn a_good_day_may_be_filed_after_the_retention() {
    let mut log = day(|_, _| {});
    filed(&mut log, FORTNIGHT + HOUR, &[1, 2, 3, 4, 5]);
    let report = judge(&log.source);
    assert!(report.findings.is_empty(), "{}", told(&report));
}

#[test]
fn a_sample_is_filed_before_the_retention_has_passed() {
    let mut log = day(|_, _| {});
    filed(&mut log, FORTNIGHT - 2 * HOUR, &[1]);
    let report = judge(&log.source);
    assert_found(&report, Rule::Inv01, "less than the retention ago");
}

#[test]
fn a_sample_is_filed_that_was_never_closed_or_is_nowhere() {
    let mut log = day(|step, batch| {
        if step == "delivered 1" {
            crate::events(batch, |event: &mut ResultsEvent| {
                if let Some(Found::SpecimensClosed(closed)) = &mut event.event {
                    closed.groups = tubes(&[2, 5]);
                }
            });
        }
    });
    filed(&mut log, FORTNIGHT + HOUR, &[1]);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "tube lab-1/T1 is filed: it was never closed",
    );
}

#[test]
fn a_sample_is_filed_twice() {
    let mut log = day(|_, _| {});
    filed(&mut log, FORTNIGHT + HOUR, &[1]);
    filed(&mut log, HOUR, &[1]);
    let report = judge(&log.source);
    assert_found(&report, Rule::Inv01, "it was filed before");
}

#[test]
fn a_filed_sample_is_reported_again() {
    let mut log = day(|_, _| {});
    filed(&mut log, FORTNIGHT + HOUR, &[1]);
    let again = Found::SpecimensClosed(TubeGroups {
        groups: tubes(&[1]),
    });
    log.decide(
        "closed",
        "results",
        Batch::default().by("cdc", "late").event(&found(again)),
    );
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv06,
        "tube lab-1/T1 is closed, and was filed before",
    );
}

/// The fortnight is over, results files these tubes and says so; then pooling and intake do as they are told here.
fn told_filed(
    log: &mut Log<'_>,
    numbers: &[u64],
    pooling_files: PoolingTubesFiled,
    intake_files: &[u64],
) {
    log.now += FORTNIGHT + HOUR;
    let filed = Found::SpecimensFiled(SpecimensFiled {
        tubes: tubes(numbers),
        kept: Vec::new(),
    });
    let sample = |number: &u64| FiledTube {
        barcode: barcode(*number),
        tube: *number,
        version: 1,
    };
    let message = |samples: Vec<FiledTube>| {
        told_as(message::Message::SamplesFiled(SamplesFiled {
            lab: "lab-1".to_owned(),
            samples,
        }))
    };
    let group = numbers.iter().map(sample).collect();
    let mut batch =
        Batch::default()
            .event(&found(filed))
            .send("pooling.inbox", "", &message(group));
    for number in numbers {
        batch = batch.send("intake.inbox", "", &message(vec![sample(number)]));
    }
    log.decide("filed", "results", batch);
    let event = pooling_event::What::TubesFiled(pooling_files);
    let batch = Batch::default().event(&pooling("results", event));
    log.decide("filed pooling", "pooling", batch);
    let mut batch = Batch::default();
    for number in intake_files {
        batch = batch.event(&intake(card_of(*number)));
    }
    log.decide("filed intake", "intake", batch);
}

fn card_of(number: u64) -> intake_event::Event {
    intake_event::Event::Filed(IntakeFiled {
        barcode: barcode(number),
        tube: tube(number),
    })
}

fn told_as(message: message::Message) -> Message {
    Message {
        message: Some(message),
    }
}

fn rows(tubes: &[u64], pools: &[u64], plates: &[&str]) -> PoolingTubesFiled {
    PoolingTubesFiled {
        lab: "lab-1".to_owned(),
        tubes: tubes.to_vec(),
        pools: pools.to_vec(),
        plates: plates.iter().map(|plate| plate_name(plate)).collect(),
    }
}

const ALL: &[u64] = &[1, 2, 3, 4, 5];

#[test]
fn what_results_has_filed_may_leave_pooling_and_intake_with_its_pools_and_plates() {
    let mut log = day(|_, _| {});
    let everything = rows(ALL, &[1, 2], &["plate-1", "plate-2"]);
    told_filed(&mut log, ALL, everything, ALL);
    let report = judge(&log.source);
    assert!(report.findings.is_empty(), "{}", told(&report));
    for name in [
        "samples filed",
        "tubes filed by pooling",
        "samples filed by intake",
    ] {
        assert_eq!(report.count(name), 5, "{name}");
    }
    assert_eq!(report.count("samples final"), 5, "they are known for ever");
}

#[test]
fn a_tube_leaves_pooling_that_results_has_not_filed() {
    let mut log = day(|_, _| {});
    told_filed(&mut log, &[1], rows(&[1, 2], &[], &[]), &[1]);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "lab-1/T2 leaves pooling: results has not filed it",
    );
    assert_found(&report, Rule::Unexplained, "tubes of lab lab-1 are filed");
}

#[test]
fn a_tube_leaves_pooling_twice_or_was_never_there() {
    let mut log = day(|_, _| {});
    told_filed(&mut log, &[1], rows(&[1, 1, 9], &[], &[]), &[]);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "lab-1/T1 leaves pooling: it was filed before",
    );
    assert_found(
        &report,
        Rule::Inv01,
        "lab-1/T9 leaves pooling: it was never received",
    );
}

#[test]
fn something_happens_in_pooling_to_a_tube_that_was_filed() {
    let mut log = day(|_, _| {});
    told_filed(&mut log, &[1], rows(&[1], &[], &[]), &[1]);
    let closed = pooling_event::What::SampleClosed(SampleClosed {
        barcode: barcode(1),
        tube: tube(1),
        report_version: 1,
        result: FinalResult::Negative.into(),
        reported_at: log.now,
    });
    let batch = Batch::default().event(&pooling("results", closed));
    log.decide("late", "pooling", batch);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "something happens to tube lab-1/T1, and it was filed",
    );
}

#[test]
fn an_open_pool_or_a_plate_with_somebody_on_it_leaves_pooling() {
    let mut log = day(|step, batch| {
        // Tube 5 was never closed in pooling: it stands on its plate still.
        if step.ends_with(" pooling") {
            batch.events.retain(|bytes| {
                let event = <PoolingEvent as prost::Message>::decode(bytes.as_slice());
                !matches!(
                    event.expect("an event").what,
                    Some(pooling_event::What::SampleClosed(closed)) if closed.tube == tube(5)
                )
            });
        }
    });
    told_filed(
        &mut log,
        ALL,
        rows(ALL, &[1, 2], &["plate-1", "plate-2"]),
        ALL,
    );
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "lab-1/T5 leaves pooling: it is not over",
    );
    assert_found(&report, Rule::Inv04, "T5 stands on it");
}

#[test]
fn a_sample_leaves_intake_that_results_has_not_filed_or_that_is_not_closed() {
    let mut log = day(|step, batch| {
        if step.ends_with(" intake") {
            batch.events.retain(|bytes| {
                let event = <IntakeEvent as prost::Message>::decode(bytes.as_slice());
                !matches!(
                    event.expect("an event").event,
                    Some(intake_event::Event::Closed(closed)) if closed.tube == tube(1)
                )
            });
        }
    });
    told_filed(&mut log, &[1, 2], rows(&[2], &[], &[]), &[1, 2, 2, 3]);
    let report = judge(&log.source);
    for says in [
        "leaves intake: it is not closed",
        "leaves intake: results has not filed its tube",
        "leaves intake: it was filed before",
    ] {
        assert_found(&report, Rule::Inv01, says);
    }
    assert_found(
        &report,
        Rule::Unexplained,
        "is filed: nothing that its batch consumed",
    );
}

/// So many days as the policy keeps cards.
const CARDS: i64 = 400 * 24 * HOUR;

/// A good day, all of it filed; so long after it results drops these cards and says so; then intake does as it is told
/// here.
fn told_dropped(after: i64, results_drops: &[u64], intake_drops: &[u64]) -> Log<'static> {
    let mut log = day(|_, _| {});
    let everything = rows(ALL, &[1, 2], &["plate-1", "plate-2"]);
    told_filed(&mut log, ALL, everything, ALL);
    drop_cards(&mut log, after, results_drops, intake_drops);
    log
}

fn drop_cards(log: &mut Log<'_>, after: i64, results_drops: &[u64], intake_drops: &[u64]) {
    log.now += after;
    let dropped = Found::CardsDropped(CardsDropped {
        tubes: tubes(results_drops),
    });
    let mut batch = Batch::default().event(&found(dropped));
    for number in results_drops {
        let message = told_as(message::Message::CardDropped(CardDropped {
            barcode: barcode(*number),
            tube: tube(*number),
        }));
        batch = batch.send("intake.inbox", "", &message);
    }
    log.decide("dropped", "results", batch);
    let mut batch = Batch::default();
    for number in intake_drops {
        let dropped = intake_event::Event::CardDropped(IntakeCardDropped {
            barcode: barcode(*number),
            tube: tube(*number),
        });
        batch = batch.event(&intake(dropped));
    }
    log.decide("dropped intake", "intake", batch);
}

#[test]
fn cards_may_be_dropped_after_their_time_and_the_samples_still_count() {
    let log = told_dropped(CARDS + HOUR, ALL, ALL);
    let report = judge(&log.source);
    assert!(report.findings.is_empty(), "{}", told(&report));
    for name in ["cards dropped", "cards dropped by intake"] {
        assert_eq!(report.count(name), 5, "{name}");
    }
    assert_eq!(report.count("samples final"), 5, "they are known for ever");
}

#[test]
fn a_card_is_dropped_before_its_time() {
    let log = told_dropped(CARDS - 2 * HOUR, &[1], &[1]);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "T1 is dropped: it was filed less than its time ago",
    );
}

#[test]
fn a_card_is_dropped_twice_or_of_a_tube_that_was_never_filed() {
    let mut log = told_dropped(CARDS + HOUR, &[1, 9], &[1]);
    drop_cards(&mut log, HOUR, &[1], &[]);
    let report = judge(&log.source);
    assert_found(&report, Rule::Inv01, "T1 is dropped: it was dropped before");
    assert_found(
        &report,
        Rule::Inv01,
        "T9 is dropped: the tube was never filed",
    );
}

#[test]
fn intake_drops_a_card_that_results_has_or_twice_or_without_a_message() {
    let log = told_dropped(CARDS + HOUR, &[1], &[1, 1, 2]);
    let report = judge(&log.source);
    for says in [
        "is dropped: results has its card",
        "is dropped: it was dropped before",
    ] {
        assert_found(&report, Rule::Inv01, says);
    }
    assert_found(
        &report,
        Rule::Unexplained,
        "is dropped: nothing that its batch consumed",
    );
}
