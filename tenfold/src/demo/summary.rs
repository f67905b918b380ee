//! What came of the day: truth against result, counts, retests, time per stage, invariants; and what to try.

use super::lab::{Lab, look};
use super::reporting::{Shared, told};
use super::truth::Truth;
use crate::client::register::send;
use crate::client::sla;
use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tenfold_proto::v1::{CheckResultsInvariantsRequest, ResultsWorkKind, Verdict};

/// Work item of a report that its receiver rejected.
pub const REJECTED: ResultsWorkKind = ResultsWorkKind::DeliveryRejected;

/// Most differences that are told one by one.
const DIFFERENCES: usize = 10;

/// What happened, as far as the players know.
#[derive(Default)]
pub struct Story {
    /// The registrations.
    pub register: Option<send::Report>,
    /// How long each scan took.
    pub scans: Vec<Duration>,
    /// Dirty cases and how they ended.
    pub dirty: Vec<String>,
    /// Plates run.
    pub plates: u32,
    /// Wells with specimens.
    pub wells: u64,
    /// Wells by call: negative, positive, single target, grey, invalid.
    pub calls: [u64; 5],
    /// New tubes of people swabbed again.
    pub recollected: u32,
    /// How long the day took.
    pub took: Duration,
    /// The labs.
    pub labs: Vec<Lab>,
}

/// Tells it; fails if a result is not the truth or an invariant is violated.
pub async fn tell(
    session: &Session,
    output: Output,
    mut story: Story,
    truth: &Truth,
    reports: &Shared,
) -> Outcome {
    let mut wrong = differences(truth, reports);
    let right = truth.expected().len() - wrong.len();
    wrong.extend(told(reports, |told| {
        told.twice
            .iter()
            .map(|barcode| format!("{barcode}: one version accepted twice"))
            .collect::<Vec<_>>()
    }));
    let (checked, violations) = invariants(session, &mut story.labs).await?;
    let verdicts = told(reports, |told| {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (_, verdict) in told.reports.values() {
            *counts.entry(verdict.as_str_name()).or_default() += 1;
        }
        counts
    });
    let alerts = told(reports, |told| told.alerts);
    let (p50, p99) = percentiles(&mut story.scans);
    if output.is_json() {
        output.value(&serde_json::json!({
            "tubes": truth.expected().len(),
            "right": right,
            "wrong": wrong,
            "verdicts": verdicts,
            "plates": story.plates,
            "wells": story.wells,
            "recollected": story.recollected,
            "pool_alerts": alerts,
            "scan_ms_p50": p50,
            "scan_ms_p99": p99,
            "invariants_checked": checked,
            "violations": violations,
            "dirty": story.dirty,
            "seconds": story.took.as_secs_f64(),
        }));
    } else {
        let mut text = format!("\nThe day took {:.1} s.\n", story.took.as_secs_f64());
        if let Some(register) = &story.register {
            let _ = writeln!(
                text,
                "Registered    {} durable, {} bad lines refused, in {:.2} s",
                register.acknowledged,
                register.rejected.len(),
                register.took.as_secs_f64()
            );
        }
        let _ = writeln!(
            text,
            "Scans         {}: half within {p50:.1} ms, 99 of 100 within {p99:.1} ms",
            story.scans.len()
        );
        let [negative, positive, single, grey, invalid] = story.calls;
        let _ = writeln!(
            text,
            "Plates        {} with {} wells: {negative} negative, {positive} positive, {grey} grey, {single} single target, {invalid} invalid",
            story.plates, story.wells
        );
        let _ = writeln!(
            text,
            "Swabbed again {} people of positive collection pools; {alerts} pool alerts",
            story.recollected
        );
        let _ = writeln!(text, "Went wrong, and was dealt with:");
        for case in &story.dirty {
            let _ = writeln!(text, "  - {case}");
        }
        let counts: Vec<String> = verdicts
            .iter()
            .map(|(name, count)| {
                let name = name.trim_start_matches("VERDICT_").to_lowercase();
                format!("{count} {name}")
            })
            .collect();
        let _ = writeln!(text, "Reports       {}", counts.join(", "));
        let _ = writeln!(
            text,
            "Truth         {right} of {} tubes reported as they are",
            truth.expected().len()
        );
        let _ = write!(
            text,
            "Invariants    {checked} tubes and lanes checked, {} violated",
            violations.len()
        );
        output.say(&text);
        let labs: Vec<String> = story.labs.iter().map(|lab| lab.id.clone()).collect();
        sla::print(session, output, &labs).await?;
    }
    wrong.extend(violations);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(first(&wrong)))
    }
}

fn first(wrong: &[String]) -> String {
    let mut text = wrong
        .iter()
        .take(DIFFERENCES)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n  ");
    if wrong.len() > DIFFERENCES {
        let _ = write!(text, "\n  and {} more", wrong.len() - DIFFERENCES);
    }
    text
}

fn differences(truth: &Truth, reports: &Shared) -> Vec<String> {
    told(reports, |told| {
        let mut wrong: Vec<String> = truth
            .expected()
            .iter()
            .filter_map(|(barcode, expected)| {
                let got = told.reports.get(barcode).map(|(_, verdict)| *verdict);
                (got != Some(*expected)).then(|| {
                    let got = got.map_or("nothing", |verdict: Verdict| verdict.as_str_name());
                    format!(
                        "{barcode}: {got} was reported, the truth is {}",
                        expected.as_str_name()
                    )
                })
            })
            .collect();
        wrong.sort();
        wrong
    })
}

/// What is still missing when nothing moves any more.
pub fn stuck(truth: &Truth, reports: &Shared) -> String {
    let missing: Vec<String> = told(reports, |told| {
        let mut missing: Vec<String> = truth
            .expected()
            .keys()
            .filter(|barcode| !told.reports.contains_key(*barcode))
            .cloned()
            .collect();
        missing.sort();
        missing
    });
    format!(
        "{} tubes have no report:\n  {}",
        missing.len(),
        first(&missing)
    )
}

/// Asks every service to check itself. Returns how much was looked at, and what is violated.
async fn invariants(session: &Session, labs: &mut [Lab]) -> Outcome<(u64, Vec<String>)> {
    let mut checked = 0;
    let mut violations = Vec::new();
    for lab in labs.iter_mut() {
        checked += 1;
        let found = look!(lab, check_invariants, PoolingInvariantsRequest {})?;
        for violation in found.violations {
            violations.push(format!(
                "{}: {}: {}",
                lab.id, violation.invariant, violation.what
            ));
        }
    }
    if let Some(lab) = labs.first_mut() {
        for lane in 0..session.config.lanes.results {
            let request = CheckResultsInvariantsRequest { lane };
            let found = lab
                .results
                .check_results_invariants(session.ask(request))
                .await?
                .into_inner();
            checked += found.specimens;
            violations.extend(found.violations);
        }
    }
    Ok((checked, violations))
}

/// The 50th and 99th percentile, in milliseconds.
fn percentiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times
            .get(index)
            .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    (at(50), at(99))
}

/// Ends the demonstration's story.
pub fn what_to_try(output: Output, session: &Session) {
    let config = &session.config;
    output.say(&format!(
        "
The services go on serving at {} (Ctrl-C ends them).
{}
Try, in another terminal:
  tenfold status
  tenfold sample D0010000193 --lab lab-1      a positive: from the scan to the report
  tenfold sla --lab lab-1
  tenfold pool explain lab-1/P1 --lab lab-1
  tenfold plate get PL001LAB1N001 --lab lab-1
  tenfold orders
  grpcurl -plaintext -d '{{\"barcode\":\"D0010000193\"}}' {} tenfold.v1.Intake/GetSample
  curl -s http://{}/metrics | grep tenfold_
Kill it with -9 in the middle, start `tenfold run`: nothing that was acknowledged is lost.",
        config.client.intake,
        crate::console::told(config),
        config.client.intake.trim_start_matches("http://"),
        config.listen.all.http,
    ));
}
