//! Rubbish among what sites post: it waits as dead letters until somebody has looked, and the rest goes on.

use crate::audited::{audit, ledger_file};
use crate::embedded::all_in_one;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tenfold_domain::policy::Policy;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::{Class, Log, NewRecord, Topic};
use tenfold_tests::process::{Served, program, run};

/// How long letters may take to be there.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a site posts as it should.
const GOOD: &[u8] = br#"{"barcode": "LETTER000001", "site": "s-01", "kind": "Person",
    "specimen_type": "np-swab", "sampling_class": "routine", "subjects": ["p-1"],
    "collected_at": "2026-11-26T08:00:00+08:00"}"#;

/// Posts contents into the first lane of topics.
fn post(data: &Path, contents: &[(&str, &'static [u8])]) {
    let log = EmbeddedLog::open(data.join("log"), EmbeddedOptions::default()).expect("the log");
    let (told, ended) = std::sync::mpsc::channel();
    for (topic, content) in contents {
        let told = told.clone();
        log.append(
            Class::Relay,
            &Topic::named(topic),
            0,
            NewRecord::of(*content),
            Box::new(move |end| told.send(end).expect("somebody waits")),
        );
        ended.recv().expect("an end").expect("appended");
    }
}

/// What a command prints, or its refusal.
fn ask(address: &str, arguments: &[&str]) -> Result<Value, String> {
    let arguments = [&["--json", "--server", address, "dead-letters"], arguments].concat();
    let (status, said, complained) = run(&program("tenfold"), &arguments);
    if status.success() {
        Ok(serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
    } else {
        Err(complained)
    }
}

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "in vain for {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The letters that wait, when there are so many.
fn waiting(address: &str, many: usize) -> Vec<Value> {
    let mut letters = Vec::new();
    until(&format!("{many} letters wait"), || {
        let list = ask(address, &["list"]).expect("a list");
        letters = list["letters"].as_array().cloned().unwrap_or_default();
        letters.len() == many
    });
    letters
}

/// What the process has counted.
fn counted(process: &Served) -> u64 {
    let page = process.page("/metrics").expect("a page");
    page.lines()
        .filter(|line| line.starts_with("tenfold_dead_letters_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

fn number(letter: &Value) -> String {
    // The number of the first is 0, which JSON leaves out.
    letter["number"].as_u64().unwrap_or(0).to_string()
}

#[test]
fn rubbish_waits_until_somebody_puts_it_back_or_discards_it() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let data = folder.path().join("data");
    let mut process = all_in_one(folder.path());
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, Policy::default_text()).expect("a policy");
    let policy = policy.to_string_lossy();
    let apply = ["--server", &process.address(), "policy", "apply", &policy];
    let (status, _, told) = run(&program("tenfold"), &apply);
    assert!(status.success(), "{told}");
    process.kill();
    post(
        &data,
        &[
            ("registrations", b"{\"barcode\": oops"),
            ("registrations", b"\xff\xfe\x00\x01rubbish"),
            ("pooling.inbox", b"\xff\xffno record of an inbox"),
            ("registrations", GOOD),
        ],
    );
    process.start();
    process.wait_ready();
    let at = process.address();

    let mut letters = waiting(&at, 3);
    let origin = |letter: &Value| letter["origin"].as_str().unwrap_or_default().to_owned();
    letters.sort_by_key(|letter| std::cmp::Reverse(origin(letter)));
    letters[..2].sort_by_key(origin);
    for (letter, (topic, offset)) in letters.iter().zip([
        ("registrations/0", "@0"),
        ("registrations/0", "@1"),
        ("pooling.inbox/0", ""),
    ]) {
        let origin = origin(letter);
        assert!(
            origin.starts_with(topic) && origin.ends_with(offset),
            "{letter}"
        );
    }
    assert!(counted(&process) >= 3, "a metric counts them");
    until("what came behind the rubbish is taken", || {
        let arguments = ["--json", "--server", &at, "sample", "LETTER000001"];
        let (status, said, _) = run(&program("tenfold"), &arguments);
        status.success() && said.contains("\"p-1\"")
    });
    let [text, bytes, inbox] = [0, 1, 2].map(|at| number(&letters[at]));
    let shown = ask(&at, &["show", &text]).expect("shown");
    assert_eq!(shown["text"], "{\"barcode\": oops");
    assert!(
        shown["reason"]
            .as_str()
            .is_some_and(|why| why.contains("not JSON")),
        "{shown}"
    );
    let shown = ask(&at, &["show", &bytes]).expect("shown");
    assert_eq!(shown["hex"], "fffe000172756262697368");

    // Put back, it fails again, and is there under a new number.
    let retry = ["retry", &text, "--request-id", "r-1"];
    let told = ask(&at, &retry).expect("put back");
    assert_eq!(
        (&told["how"], &told["put_back"]),
        (&"retried".into(), &"registrations/0".into())
    );
    assert_eq!(ask(&at, &retry), Ok(told), "the same request does it once");
    let refused = ask(&at, &["retry", &text]).expect_err("handled");
    assert!(refused.contains("DEAD_LETTER_HANDLED"), "{refused}");
    let letters = waiting(&at, 3);
    let numbers: Vec<String> = letters.iter().map(number).collect();
    assert!(numbers.contains(&bytes) && numbers.contains(&inbox) && !numbers.contains(&text));
    assert!(counted(&process) >= 4, "it is counted again");
    for letter in &letters {
        let why = [
            "discard",
            &number(letter),
            "--reason",
            "a test of new software",
        ];
        assert_eq!(ask(&at, &why).expect("discarded")["how"], "discarded");
    }
    waiting(&at, 0);
    let all = ask(&at, &["list", "--all"]).expect("a list");
    assert_eq!(all["letters"].as_array().map(Vec::len), Some(4), "{all}");

    process.kill();
    std::fs::write(ledger_file(folder.path()), "").expect("a ledger of no calls");
    audit(&["--data", &data.to_string_lossy()], folder.path());
}
