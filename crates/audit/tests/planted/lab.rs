//! What a laboratory must never do, each done once.

use crate::day::{opened, planned, sealed, transferred};
use crate::log::{Batch, START};
use crate::words::*;
use crate::{assert_found, day_with, events, messages};
use prost::Message as _;
use tenfold_audit::Rule;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

fn append(batch: &mut Batch, event: &impl prost::Message) {
    batch.events.push(event.encode_to_vec());
}

/// Puts an event in front of the last one.
fn before_last(batch: &mut Batch, event: &impl prost::Message) {
    let at = batch.events.len() - 1;
    batch.events.insert(at, event.encode_to_vec());
}

#[test]
fn inv_01_a_barcode_is_registered_twice() {
    let report = day_with("registered", |batch| {
        let first = batch.events[0].clone();
        batch.events.push(first);
    });
    assert_found(&report, Rule::Inv01, "AB00000001 is registered again");
}

#[test]
fn inv_01_a_sample_is_registered_and_no_lab_hears_of_it() {
    let report = day_with("registered", |batch| {
        append(batch, &intake(Registry::Registered(stated(6))));
    });
    assert_found(&report, Rule::Inv01, "no lab expects it or has it");
}

#[test]
fn inv_01_a_tube_is_closed_and_intake_never_hears() {
    let report = day_with("delivered 2", |batch| {
        batch.messages.retain(|(topic, ..)| topic != "intake.inbox");
    });
    assert_found(&report, Rule::Unexplained, "is closed");
    let mut silent = crate::day::day(|step, batch| match step {
        "delivered 2" => batch.messages.retain(|(topic, ..)| topic != "intake.inbox"),
        "delivered 2 intake" => batch.events.clear(),
        _ => {}
    });
    silent.now += 1;
    let report = crate::judge(&silent.source);
    assert_found(&report, Rule::Inv01, "intake was not told");
}

#[test]
fn inv_01_a_second_tube_with_one_label_is_not_held() {
    let report = day_with("received", |batch| {
        let twin = What::TubeReceived(PoolingTubeReceived {
            tube: tube(6),
            barcode: Some(barcode(1)),
            clock: Some(PoolingClock {
                stat: false,
                ..clock_between(START, START + 24 * HOUR)
            }),
            ..PoolingTubeReceived::default()
        });
        append(batch, &pooling("tech", twin));
    });
    assert_found(&report, Rule::Inv01, "is not held");
}

#[test]
fn inv_02_a_tube_is_in_two_pools_of_one_round() {
    let report = day_with("pool 2", |batch| {
        batch.events[1] = planned(2, 1, 1).encode_to_vec();
        batch.events[2] = transferred(2, 1).encode_to_vec();
    });
    assert_found(
        &report,
        Rule::Inv02,
        "tube lab-1/T1 is planned for pool lab-1/P2",
    );
}

#[test]
fn inv_02_two_tubes_share_a_slot() {
    let report = day_with("pool 1", |batch| {
        batch.events[3] = planned(1, 2, 1).encode_to_vec();
    });
    assert_found(&report, Rule::Inv02, "the slot is taken");
}

#[test]
fn inv_02_a_pool_is_larger_than_its_limit() {
    let report = day_with("pool 1", |batch| {
        before_last(batch, &planned(1, 5, 3));
        before_last(batch, &transferred(1, 5));
    });
    assert_found(&report, Rule::Inv02, "its member 3 of at most 2");
}

#[test]
fn inv_02_a_pool_is_sealed_before_a_member_is_in_it() {
    let report = day_with("pool 1", |batch| {
        batch.events.remove(4);
    });
    assert_found(&report, Rule::Inv02, "pool lab-1/P1 cannot change so");
}

#[test]
fn inv_02_a_pool_number_is_used_again() {
    let report = day_with("pool 2", |batch| {
        let again = [opened(1), planned(1, 5, 1), transferred(1, 5), sealed(1)];
        for event in &again {
            append(batch, event);
        }
    });
    assert_found(&report, Rule::Inv02, "its number was used before");
}

#[test]
fn inv_03_a_pool_of_persons_goes_into_a_pool() {
    let report = day_with("expected", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::SampleExpected(expected)) = &mut event.what {
                expected.sample.as_mut().expect("a sample").collection_pool = true;
            }
        });
    });
    assert_found(&report, Rule::Inv03, "a pool of pools does not exist");
}

#[test]
fn inv_03_another_kind_is_mixed_in() {
    let report = day_with("pool 1", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::PoolOpened(opened)) = &mut event.what {
                opened.mix.as_mut().expect("a mix").kind = Kind::Environment.into();
            }
        });
    });
    assert_found(&report, Rule::Inv03, "kind, specimen type or group");
}

fn in_well(batch: &mut Batch, at: usize, well: &str) {
    events(batch, |event: &mut PoolingEvent| {
        if let Some(What::WellsPlanned(planned)) = &mut event.what {
            planned.wells[at].well = well.to_owned();
        }
    });
}

#[test]
fn inv_04_a_well_holds_two_things_or_a_control() {
    let report = day_with("plate-1", |batch| in_well(batch, 1, "A1"));
    assert_found(
        &report,
        Rule::Inv04,
        "well A1 of plate plate-1 holds something",
    );
    let report = day_with("plate-1", |batch| in_well(batch, 1, "H12"));
    assert_found(
        &report,
        Rule::Inv04,
        "well H12 of plate plate-1 holds something",
    );
}

#[test]
fn inv_04_a_sealed_plate_changes() {
    let report = day_with("load 1", |batch| {
        let failed = What::WellFailed(PoolingWellFailed {
            plate: Some(plate("plate-1")),
            well: "A1".to_owned(),
            reason: "spilled".to_owned(),
        });
        batch
            .events
            .insert(0, pooling("tech", failed).encode_to_vec());
    });
    assert_found(&report, Rule::Inv04, "is Sealed, and wells of it are lost");
}

#[test]
fn inv_04_one_pool_stands_in_two_wells() {
    let report = day_with("plate-2", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::WellsPlanned(planned)) = &mut event.what {
                planned.wells[1].content = pool(1);
            }
        });
    });
    assert_found(&report, Rule::Inv04, "lab-1/P1 is planned for well B1");
}

fn verdicts(batch: &mut Batch, number: u64, verdict: Verdict) {
    events(batch, |event: &mut ResultsEvent| {
        if let Some(Found::ReportsIssued(issued)) = &mut event.event
            && issued.reports[0].numbers.contains(&number)
        {
            issued.verdict = verdict.into();
        }
    });
    messages(batch, "reports", |published: &mut PublishedReport| {
        if let Some(published_report::Cargo::Report(report)) = &mut published.cargo
            && report.tube == tube(number)
        {
            report.verdict = verdict.into();
        }
    });
}

#[test]
fn inv_05_a_positive_well_is_reported_negative() {
    let report = day_with("run 1", |batch| verdicts(batch, 5, Verdict::Negative));
    assert_found(&report, Rule::Inv05, "tube lab-1/T5 is reported Negative");
}

#[test]
fn inv_05_a_negative_rests_on_no_recorded_transfer() {
    let forget = |plate: &mut LoadedPlate| plate.wells[0].members[0].transferred_at = 0;
    let log = crate::day::day(|step, batch| match step {
        "load 1" => messages(batch, "results.inbox", |message: &mut Message| {
            if let Some(Told::PlateLoaded(plate)) = &mut message.message {
                forget(plate);
            }
        }),
        "load 1 told" => events(batch, |event: &mut ResultsEvent| {
            if let Some(Found::PlateLoaded(loaded)) = &mut event.event {
                forget(loaded.plate.as_mut().expect("a plate"));
            }
        }),
        _ => {}
    });
    let report = crate::judge(&log.source);
    assert_found(
        &report,
        Rule::Inv05,
        "no transfer of it into that well is recorded",
    );
}

#[test]
fn inv_05_a_member_of_a_suspect_pool_is_negative_without_a_test_of_its_own() {
    let report = day_with("run 1", |batch| {
        append(batch, &issued(Verdict::Negative, &[3], 1));
    });
    assert_found(&report, Rule::Inv05, "tube lab-1/T3 is reported Negative");
}

#[test]
fn inv_06_a_version_is_reported_twice() {
    let report = day_with("run 2", |batch| {
        append(batch, &issued(Verdict::Positive, &[5], 1));
    });
    assert_found(
        &report,
        Rule::Inv06,
        "tube lab-1/T5: report 1 that replaces 0 follows report 1",
    );
}

#[test]
fn inv_06_something_else_is_published_than_was_issued() {
    let report = day_with("run 1", |batch| {
        messages(batch, "reports", |published: &mut PublishedReport| {
            if let Some(published_report::Cargo::Report(report)) = &mut published.cargo {
                report.verdict = Verdict::Negative.into();
            }
        });
    });
    assert_found(
        &report,
        Rule::Inv06,
        "is published as Negative, and was not issued so",
    );
}

#[test]
fn inv_06_a_sample_is_closed_by_a_report_that_was_never_issued() {
    let report = day_with("delivered 1 intake", |batch| {
        events(batch, |event: &mut IntakeEvent| {
            if let Some(Registry::Closed(closed)) = &mut event.event {
                closed.report_version = 2;
            }
        });
    });
    assert_found(&report, Rule::Inv06, "is closed by report 2");
}

fn orders(batch: &mut Batch, change: impl Fn(&mut Vec<PlacedOrder>)) {
    events(batch, |event: &mut ResultsEvent| {
        if let Some(Found::OrdersPlaced(placed)) = &mut event.event {
            change(&mut placed.orders);
        }
    });
}

#[test]
fn inv_07_a_member_of_a_positive_pool_has_no_order_or_two() {
    let report = day_with("run 1", |batch| {
        orders(batch, |placed| {
            placed.pop();
        });
    });
    assert_found(
        &report,
        Rule::Inv07,
        "tube lab-1/T4 waits for a test of its own and has 0",
    );
    let report = day_with("run 1", |batch| {
        orders(batch, |placed| {
            let mut more = placed[1].clone();
            more.number = 3;
            placed.push(more);
        });
    });
    assert_found(
        &report,
        Rule::Inv07,
        "tube lab-1/T4 waits for a test of its own and has 2",
    );
}

#[test]
fn inv_07_a_suspect_pool_ends_otherwise_than_its_members() {
    let report = day_with("run 2", |batch| {
        events(batch, |event: &mut ResultsEvent| {
            if let Some(Found::PoolClosed(closed)) = &mut event.event {
                closed.end = SuspectPoolEnd::Unconfirmed.into();
            }
        });
    });
    assert_found(&report, Rule::Inv07, "is closed as Unconfirmed");
}

#[test]
fn inv_09_deadlines_are_not_what_the_policy_makes_of_them() {
    let report = day_with("registered", |batch| {
        events(batch, |event: &mut IntakeEvent| {
            if let Some(Registry::Registered(stated)) = &mut event.event {
                stated.due += 1;
            }
        });
    });
    assert_found(&report, Rule::Inv09, "AB00000001: due from");
    let report = day_with("received", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::TubeReceived(received)) = &mut event.what {
                received.clock.as_mut().expect("a clock").policy = 2;
            }
        });
    });
    assert_found(&report, Rule::Inv09, "under policy 2, and 1 was in force");
    let report = day_with("run 1", |batch| {
        orders(batch, |placed| placed[0].due += HOUR);
    });
    assert_found(&report, Rule::Inv09, "an order of lab-1/T3 is due at");
}

#[test]
fn inv_09_a_timer_is_done_before_its_time() {
    let report = day_with("run 1", |batch| {
        let done = Found::TimerDone(ResultsTimerDone {
            due: START + HOUR,
            timer: Some(results_timer_done::Timer::Order(order(9))),
        });
        append(batch, &found(done));
    });
    assert_found(&report, Rule::Inv09, "before its time");
}

fn run_of(batch: &mut Batch, change: impl Fn(&mut RunImported)) {
    events(batch, |event: &mut ResultsEvent| {
        if let Some(Found::RunImported(run)) = &mut event.event {
            change(run);
        }
    });
}

#[test]
fn a_call_is_not_what_its_cts_say() {
    let report = day_with("run 1", |batch| {
        run_of(batch, |run| run.wells[1].call = WellCall::Negative.into());
    });
    assert_found(&report, Rule::Result, "B1 is Positive, not Negative");
}

#[test]
fn a_run_is_released_though_its_controls_failed() {
    let report = day_with("run 1", |batch| {
        run_of(batch, |run| {
            let water = run.wells.iter_mut().find(|w| w.well == "H12");
            water.expect("water").readings[0].ct = Some(39.0);
        });
    });
    assert_found(
        &report,
        Rule::Result,
        "its controls are not as they must be",
    );
}

#[test]
fn a_run_is_read_by_other_rules() {
    let report = day_with("run 1", |batch| {
        run_of(batch, |run| run.rules[0].version = 2);
    });
    assert_found(&report, Rule::Result, "other targets or rules");
}

#[test]
fn results_is_told_of_other_tubes_than_were_transferred() {
    let report = day_with("load 1", |batch| {
        messages(batch, "results.inbox", |message: &mut Message| {
            if let Some(Told::PlateLoaded(plate)) = &mut message.message {
                plate.wells[0].members.swap_remove(0);
            }
        });
    });
    assert_found(
        &report,
        Rule::Result,
        "well A1: results is told of other tubes",
    );
    assert_found(
        &report,
        Rule::Unexplained,
        "a plate is loaded as nobody told it",
    );
}

#[test]
fn a_person_is_positive_by_a_well_with_others_in_it() {
    let report = day_with("run 1", |batch| {
        append(batch, &issued(Verdict::Positive, &[4], 1));
    });
    assert_found(&report, Rule::Result, "and others were in it");
}

#[test]
fn events_that_nothing_explains() {
    let report = day_with("seen", |batch| {
        let seen = TubeSeen {
            barcode: barcode(7),
            lab: LAB.to_owned(),
            tube: tube(1),
            received_at: START,
        };
        append(batch, &intake(Registry::TubeReceived(seen)));
    });
    assert_found(&report, Rule::Unexplained, "the tube of AB00000007 is seen");
    let report = day_with("alone", |batch| batch.outcomes.clear());
    assert_found(&report, Rule::Unexplained, "TubeAlone by \"tech\"");
    let report = day_with("run 1", |batch| batch.outcomes[0].2 = None);
    assert_found(&report, Rule::Unexplained, "run run-1 is read");
    let report = day_with("expected", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::SampleExpected(expected)) = &mut event.what {
                expected.sample.as_mut().expect("a sample").site = "s-02".to_owned();
            }
        });
    });
    assert_found(&report, Rule::Unexplained, "AB00000001 is expected");
    let report = day_with("registered", |batch| {
        let mut other = policy();
        other.version = 2;
        append(batch, &intake(Registry::PolicyActivated(other)));
    });
    assert_found(&report, Rule::Unexplained, "policy 2 becomes active");
}
