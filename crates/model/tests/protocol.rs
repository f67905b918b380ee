//! The protocol holds to a small bound, and every planted flaw is found. `make model` looks further.

use tenfold_model::configurations::{AnyModel, Configuration, Size, all, refutation};
use tenfold_model::flaw::Flaw;

fn holds(name: &str) {
    let configurations = all(Size::Small);
    let found = configurations.iter().find(|c| c.name == name);
    let checked = found.expect("it is one of them").check();
    assert!(checked.fails.is_empty(), "{:#?}", checked.fails);
    assert!(checked.unique > 1_000, "only {} states", checked.unique);
}

/// The property that falls, and the length of the shortest run.
fn refuted(flaw: Flaw, steps: usize) {
    let run = refutation(flaw).expect("the model is strong enough to see it");
    assert_eq!(run.property, flaw.falls());
    assert_eq!(run.steps.len(), steps, "{:#?}", run.steps);
    let page = include_str!("../../../docs/lane-protocol.md").replace('`', "");
    let row = page
        .lines()
        .find(|line| line.starts_with(&format!("| {} |", flaw.words())));
    let row = row.expect("docs/lane-protocol.md tells it");
    assert!(row.ends_with(&format!("| {steps} |")), "{row}");
}

#[test]
fn three_may_take_the_lane_and_one_at_a_time_counts() {
    holds("taking");
}

#[test]
fn what_is_committed_counts_though_reports_are_lost_or_wrong() {
    holds("committing");
}

#[test]
fn every_kind_of_fault_at_once_breaks_nothing() {
    holds("everything");
}

#[test]
fn an_inbox_is_consumed_once_over_takeovers_of_the_receiver() {
    holds("receiving");
}

#[test]
fn messages_arrive_once_over_takeovers_of_the_sender() {
    holds("relaying");
}

#[test]
fn messages_packed_into_one_record_arrive_once() {
    holds("packing");
}

#[test]
fn every_configuration_has_a_test_here() {
    let names: Vec<&str> = all(Size::Small).iter().map(|c| c.name).collect();
    let tested = [
        "taking",
        "committing",
        "everything",
        "receiving",
        "relaying",
        "packing",
    ];
    assert_eq!(names, tested);
}

/// A full configuration is the small one looked at further, never something else.
#[test]
fn the_full_bounds_contain_the_small_ones() {
    for (small, full) in all(Size::Small).iter().zip(all(Size::Full)) {
        assert_eq!(small.name, full.name);
        let wider = |Configuration { model, .. }: &Configuration| match model {
            AnyModel::Lane(m) => (m.faults, m.window, m.kinds.len()),
            AnyModel::Relay(m) => (m.faults, m.window, m.kinds.len()),
        };
        assert!(wider(small) <= wider(&full), "{}", full.name);
    }
}

#[test]
fn acknowledging_without_comparing_the_offset_loses_a_decision() {
    refuted(Flaw::OffsetIgnored, 8);
}

#[test]
fn acknowledgements_out_of_order_lose_a_decision() {
    refuted(Flaw::ReportsOutOfOrder, 8);
}

#[test]
fn owning_without_folding_loses_a_decision() {
    refuted(Flaw::OwnedUnread, 8);
}

#[test]
fn a_name_used_twice_stops_the_lane() {
    refuted(Flaw::NameReused, 12);
}

#[test]
fn a_gap_in_seq_makes_decisions_count_on_nothing() {
    refuted(Flaw::SeqGapIgnored, 6);
}

#[test]
fn answering_a_repeat_at_once_promises_what_may_never_count() {
    refuted(Flaw::RepeatUncommitted, 5);
}

#[test]
fn relaying_before_the_commit_tells_what_never_was() {
    refuted(Flaw::RelayedUncommitted, 6);
}

#[test]
fn accepting_a_gap_takes_messages_out_of_order() {
    refuted(Flaw::GapAccepted, 6);
}

#[test]
fn waiting_for_what_is_missing_waits_for_ever() {
    refuted(Flaw::GapAwaited, 14);
}

#[test]
fn sending_again_only_what_failed_loses_what_was_behind_it() {
    refuted(Flaw::OnlyFailedResent, 10);
}

#[test]
fn relaying_from_its_own_start_loses_its_predecessors_messages() {
    refuted(Flaw::RelayedFromOwnStart, 11);
}

#[test]
fn counting_what_landed_too_early_loses_it() {
    refuted(Flaw::RelayOffsetIgnored, 10);
}
