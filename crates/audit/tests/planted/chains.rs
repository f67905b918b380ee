//! Journals, inboxes and public topics that were changed, and requests that were not done once.

use crate::day::day;
use crate::log::Batch;
use crate::{assert_found, day_with, judge, told};
use bytes::Bytes;
use prost::Message as _;
use tenfold_audit::chain::hash;
use tenfold_audit::memory::MemorySource;
use tenfold_audit::told::Told;
use tenfold_audit::{Options, Rule, audit};
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{Decisions, Envelope, InboxRecord, RecordKind, Relay};

fn nothing(_: &str, _: &mut Batch) {}

fn good() -> MemorySource {
    day(nothing).source.clone()
}

/// Changes one batch of a journal, and writes all after it anew, so that the chain holds.
fn rewritten(source: &mut MemorySource, topic: &str, seq: u64, change: impl Fn(&mut Decisions)) {
    let mut last: Option<[u8; 32]> = None;
    for record in source.lane(topic, 0) {
        let mut envelope = Envelope::decode(record.value.clone()).expect("an envelope");
        if envelope.kind() != RecordKind::Decisions {
            continue;
        }
        if envelope.seq == seq {
            let mut decisions = Decisions::decode(envelope.body.clone()).expect("decisions");
            change(&mut decisions);
            envelope.body = decisions.encode_to_vec().into();
        }
        if let Some(last) = last {
            envelope.prev_hash = last.to_vec().into();
        }
        record.value = envelope.encode_to_vec().into();
        last = Some(hash(&record.value));
    }
}

/// Changes the relays of an inbox.
fn relays(source: &mut MemorySource, topic: &str, mut change: impl FnMut(&mut Relay)) {
    for record in source.lane(topic, 0) {
        let Ok(mut inbox) = InboxRecord::decode(record.value.clone()) else {
            continue;
        };
        if let Some(Content::Relay(relay)) = &mut inbox.content {
            change(relay);
            record.value = inbox.encode_to_vec().into();
        }
    }
}

#[test]
fn a_byte_of_a_journal_is_changed() {
    let mut source = good();
    let records = source.lane("pooling.journal", 0);
    let mut bytes = records[4].value.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    records[4].value = Bytes::from(bytes);
    assert_found(
        &judge(&source),
        Rule::Chain,
        "does not follow the record before it",
    );
}

#[test]
fn a_record_of_a_journal_is_missing() {
    let mut source = good();
    source.lane("results.journal", 0).remove(4);
    let report = judge(&source);
    let passed = &report.services[2].passed_over;
    assert!(
        passed.get("out of order").is_some_and(|n| *n > 0),
        "{passed:?}"
    );
    assert!(!report.is_clean(), "what was lost with it is missed");
}

#[test]
fn a_fenced_owners_late_records_change_nothing() {
    let mut source = good();
    let records = source.lane("pooling.journal", 0);
    let mut stray = Envelope::decode(records[5].value.clone()).expect("an envelope");
    stray.epoch = 0;
    let mut late = records[5].clone();
    late.value = stray.encode_to_vec().into();
    late.offset = records.len() as u64;
    records.push(late);
    let report = judge(&source);
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.services[1].passed_over["fenced owner"], 1);
}

#[test]
fn lane_time_goes_back() {
    let mut source = good();
    rewritten(&mut source, "intake.journal", 3, |d| {
        d.decided_at -= 1_000_000
    });
    assert_found(&judge(&source), Rule::Chain, "lane time went back");
}

#[test]
fn a_relayed_message_is_lost() {
    let mut source = good();
    let mut first = true;
    relays(&mut source, "pooling.inbox", |relay| {
        if std::mem::take(&mut first) {
            relay.messages.pop();
        }
    });
    assert_found(
        &judge(&source),
        Rule::Message,
        "it says that it received intake/0 up to 5",
    );
}

#[test]
fn a_relayed_message_is_another_than_was_sent() {
    let mut source = good();
    relays(&mut source, "results.inbox", |relay| {
        relay.messages[0].body = Bytes::from_static(b"something else");
    });
    assert_found(&judge(&source), Rule::Message, "of other content");
}

#[test]
fn a_message_comes_twice_and_is_applied_once() {
    let mut source = good();
    let records = source.lane("results.inbox", 0);
    let mut again = records[2].clone();
    again.offset = records.len() as u64;
    records.push(again);
    let report = judge(&source);
    assert!(report.is_clean(), "{}", told(&report));
}

#[test]
fn a_receiver_says_that_it_took_more_than_was_sent() {
    let mut source = good();
    rewritten(&mut source, "results.journal", 2, |d| d.received[0].n = 7);
    assert_found(
        &judge(&source),
        Rule::Message,
        "up to 7, and its inbox brought 1",
    );
}

#[test]
fn a_receiver_consumes_a_message_and_does_not_say_so() {
    let mut source = good();
    rewritten(&mut source, "results.journal", 2, |d| d.received.clear());
    assert_found(&judge(&source), Rule::Message, "and does not say so");
}

#[test]
fn a_journal_consumes_what_its_inbox_does_not_hold() {
    let mut source = good();
    rewritten(&mut source, "results.journal", 2, |d| d.inbox_next = 900);
    assert_found(&judge(&source), Rule::Message, "the inbox ends at");
}

#[test]
fn a_sender_leaves_out_a_number() {
    let mut source = good();
    rewritten(&mut source, "pooling.journal", 3, |d| d.messages[1].n += 1);
    assert_found(
        &judge(&source),
        Rule::Message,
        "message 3 to intake.inbox/0 follows message 1",
    );
}

#[test]
fn a_sender_forgets_a_message_that_was_applied() {
    let mut source = good();
    rewritten(&mut source, "pooling.journal", 3, |d| {
        d.messages.pop();
    });
    assert_found(
        &judge(&source),
        Rule::Message,
        "it received message 5 of pooling/0",
    );
}

#[test]
fn a_report_is_said_to_have_arrived_and_is_not_there() {
    let mut log = day(nothing);
    log.arrived("results", "reports", 5);
    log.source.lane("reports", 0).remove(2);
    let report = judge(&log.source);
    assert_found(
        &report,
        Rule::Message,
        "a public record arrived, and it is not there",
    );
    let mut log = day(nothing);
    log.arrived("results", "reports", 9);
    assert_found(
        &judge(&log.source),
        Rule::Message,
        "message 9 arrived at reports/0",
    );
}

#[test]
fn a_report_is_in_the_topic_that_nobody_sent() {
    let mut source = good();
    let records = source.lane("reports", 0);
    let mut other = records[0].clone();
    other.offset = records.len() as u64;
    other.value = Bytes::from_static(b"forged");
    records.push(other);
    assert_found(
        &judge(&source),
        Rule::Unexplained,
        "no journal sent this record of reports",
    );
}

#[test]
fn a_request_is_decided_twice() {
    let report = day_with("pool 2", |batch| batch.outcomes[0].1 = "pool-1".to_owned());
    assert_found(
        &report,
        Rule::Request,
        "request \"pool-1\" of \"tech\" was decided twice",
    );
}

fn with_ledger(lines: &str) -> tenfold_audit::Report {
    let mut told = Told::default();
    told.read(lines.as_bytes()).expect("a ledger");
    audit(&good(), Options { told }, &mut |_| {}).expect("it can be read")
}

#[test]
fn clients_were_answered_what_the_journals_hold() {
    let report = with_ledger(concat!(
        r#"{"service":"pooling","actor":"tech","request_id":"pool-1","command":"scan","answer":"done"}"#,
        "\n",
        r#"{"service":"pooling","actor":"tech","request_id":"never","command":"scan","answer":"unknown"}"#,
        "\n",
        r#"{"service":"intake","barcode":"AB00000001","version":1,"answer":"done"}"#,
    ));
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.requests.told, 3);
}

#[test]
fn a_client_was_answered_and_no_journal_knows() {
    let says = |line: &str, says: &str| {
        let report = with_ledger(line);
        let found = report
            .findings
            .iter()
            .any(|f| f.rule == Rule::Request && f.text.contains(says));
        assert!(found, "{}", told(&report));
    };
    says(
        r#"{"service":"pooling","actor":"tech","request_id":"lost","command":"scan","answer":"done"}"#,
        "was answered, and no journal has it",
    );
    says(
        r#"{"service":"pooling","actor":"tech","request_id":"pool-1","command":"scan","answer":"refused"}"#,
        "was refused, and took effect",
    );
    says(
        r#"{"service":"intake","barcode":"AB00000009","version":1,"answer":"done"}"#,
        "is neither registered nor refused",
    );
}

#[test]
fn a_log_that_begins_in_its_middle_is_not_judged() {
    let mut source = good();
    source.lane("pooling.journal", 0).remove(0);
    let error = audit(&source, Options::default(), &mut |_| {}).expect_err("not judged");
    assert!(error.to_string().contains("begins at offset 1"), "{error}");
}
