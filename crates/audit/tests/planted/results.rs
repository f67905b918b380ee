//! What results must never say, each said once; and events that nothing explains.

use crate::lab::append;
use crate::log::{Batch, START};
use crate::words::*;
use crate::{assert_found, day_with, events, messages};
use tenfold_audit::Rule;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

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
            known_version: 0,
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
