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
