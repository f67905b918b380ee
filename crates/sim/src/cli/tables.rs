//! What many seeds came to, for people and for machines.

use super::many::Report;
use crate::faults::{APPEND_FAULTS, APPEND_STEPS, Counts, Fault, PROCESS_FAULTS, Step};
use crate::run::Outcome;
use serde_json::{Value, json};

/// Tables for people.
pub fn print(report: &Report) {
    let [
        events,
        seconds,
        tubes,
        reports,
        requests,
        records,
        cards,
        gone,
        filed,
        cards_gone,
        dropped,
        trimmed,
    ] = report.sums;
    println!(
        "{} seeds from {} in {:.0} s: {:.1} seeds/s; {} failed",
        report.seeds,
        report.from,
        report.took.as_secs_f64(),
        report.rate(),
        report.failures
    );
    println!(
        "{events} events, {:.0} h simulated, {tubes} tubes, {reports} reports, {requests} requests answered, {records} records decided, {filed} samples filed by results, {gone} by pooling, {cards} by intake; {dropped} cards dropped by results, {cards_gone} by intake; {trimmed} records trimmed, and read from the store",
        seconds as f64 / 3_600.0
    );
    println!("\nfaults by kind:");
    for line in Fault::ALL.chunks(4) {
        let cells = line.iter().map(|fault| {
            let count = report.counts.kinds.get(fault).copied().unwrap_or(0);
            format!("{:>24} {count:<8}", fault.name())
        });
        println!("{}", cells.collect::<String>().trim_end());
    }
    println!("\nprocess faults by step of the loop:");
    matrix(&report.counts, &PROCESS_FAULTS, Step::ALL);
    println!("\nfaults of appends by what was appended:");
    matrix(&report.counts, &APPEND_FAULTS, &APPEND_STEPS);
    let missing = report.counts.missing();
    if missing.is_empty() {
        println!("\nevery fault and every pair of fault and step happened");
    } else {
        println!("\nnever happened: {}", missing.join(", "));
    }
}

fn matrix(counts: &Counts, faults: &[Fault], steps: &[Step]) {
    let head: String = faults.iter().map(|f| format!("{:>16}", f.name())).collect();
    println!("{:>18}{head}", "");
    for step in steps {
        let cells: String = faults
            .iter()
            .map(|fault| {
                let count = counts.at.get(&(*fault, *step)).copied().unwrap_or(0);
                format!("{count:>16}")
            })
            .collect();
        println!("{:>18}{cells}", step.name());
    }
}

fn counted(counts: &Counts) -> (Value, Value) {
    let kinds = Fault::ALL
        .iter()
        .map(|fault| {
            let count = counts.kinds.get(fault).copied().unwrap_or(0);
            (fault.name().to_owned(), json!(count))
        })
        .collect::<serde_json::Map<_, _>>();
    let at = Counts::pairs()
        .map(|(fault, step)| {
            let count = counts.at.get(&(fault, step)).copied().unwrap_or(0);
            (format!("{} x {}", fault.name(), step.name()), json!(count))
        })
        .collect::<serde_json::Map<_, _>>();
    (Value::Object(kinds), Value::Object(at))
}

/// The same as JSON.
#[must_use]
pub fn json(report: &Report) -> Value {
    let (kinds, at) = counted(&report.counts);
    json!({
        "from": report.from,
        "seeds": report.seeds,
        "failures": report.failures,
        "seconds": report.took.as_secs_f64(),
        "seeds_per_second": report.rate(),
        "faults": kinds,
        "coverage": at,
        "never": report.counts.missing(),
        "failed": report.failed.iter().map(outcome).collect::<Vec<_>>(),
    })
}

/// One run as JSON.
#[must_use]
pub fn outcome(outcome: &Outcome) -> Value {
    json!({
        "seed": outcome.seed,
        "hash": format!("{:016x}", outcome.hash),
        "events": outcome.events,
        "tubes": outcome.tubes,
        "reports": outcome.reports,
        "requests": outcome.requests,
        "records": outcome.records,
        "filed": outcome.filed,
        "dropped": outcome.dropped,
        "trimmed": outcome.trimmed,
        "problems": outcome.problems,
    })
}
