//! Bad logs, made by hand out of a good one: the auditor must refuse each, and say which rule is broken.

mod chains;
mod day;
mod filing;
mod lab;
mod log;
mod quadrants;
mod results;
mod surge;
mod words;

use log::Batch;
use tenfold_audit::memory::MemorySource;
use tenfold_audit::{Options, Report, Rule, audit};

/// Audits a log.
fn judge(source: &MemorySource) -> Report {
    audit(source, Options::default(), &mut |_| {}).expect("it can be read")
}

/// What was found, for a failed test to tell.
fn told(report: &Report) -> String {
    let findings = report.findings.iter();
    findings
        .map(|f| format!("{}: {} {:?}\n", f.rule, f.text, f.records))
        .collect()
}

/// The rule is found broken, with records that show it, and a text that says so.
fn assert_found(report: &Report, rule: Rule, says: &str) {
    let found = report
        .findings
        .iter()
        .any(|f| f.rule == rule && f.text.contains(says) && !f.records.is_empty());
    assert!(found, "no {rule} that says {says:?}:\n{}", told(report));
}

/// A day in which one step is written otherwise.
fn day_with(step: &'static str, change: impl Fn(&mut Batch)) -> Report {
    let mut found = false;
    let log = day::day(|name, batch| {
        if name == step {
            found = true;
            change(batch);
        }
    });
    let report = judge(&log.source);
    drop(log);
    assert!(found, "the day has no step {step:?}");
    report
}

/// Changes the events of a batch.
fn events<E: prost::Message + Default>(batch: &mut Batch, mut change: impl FnMut(&mut E)) {
    for bytes in &mut batch.events {
        let mut event = E::decode(bytes.as_slice()).expect("an event");
        change(&mut event);
        *bytes = event.encode_to_vec();
    }
}

/// Changes the messages of a batch to one topic.
fn messages<M: prost::Message + Default>(
    batch: &mut Batch,
    to: &str,
    mut change: impl FnMut(&mut M),
) {
    for (_, _, body) in batch.messages.iter_mut().filter(|(topic, ..)| topic == to) {
        let mut message = M::decode(body.as_slice()).expect("a message");
        change(&mut message);
        *body = message.encode_to_vec();
    }
}

#[test]
fn a_good_day_is_clean() {
    let log = day::day(|_, _| {});
    let report = judge(&log.source);
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.count("samples accepted"), 5);
    assert_eq!(report.count("samples final"), 5);
    assert_eq!(report.count("reports issued"), 5);
    assert_eq!(report.count("calls worked out again"), 5);
    assert_eq!(report.messages.in_flight, 0);
    assert_eq!(report.messages.public_records, 5);
}

#[test]
fn days_of_many_tubes_are_clean_and_closed_tubes_stay_known() {
    words::set_day(0, surge::SIZES);
    let mut log = log::Log::new(Box::new(|_, _| {}));
    day::policies(&mut log);
    surge::surge(&mut log);
    words::set_day(1, surge::SIZES);
    surge::surge(&mut log);
    let report = judge(&log.source);
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.count("samples final"), 1_800);
    assert_eq!(report.count("suspect pools that are open"), 0);

    // A barcode of the first day comes again, long after it was closed.
    words::set_day(0, surge::SIZES);
    let again = Batch::default().event(&words::intake(
        tenfold_proto::v1::intake_event::Event::Registered(words::stated(7)),
    ));
    log.outside("intake", &[words::registration_input(7)]);
    log.decide("again", "intake", again);
    words::set_day(0, words::SMALL);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Inv01,
        "AB00000007 is registered again, and was reported",
    );
}
