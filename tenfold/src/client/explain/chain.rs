//! The chain in words: pure, so that the page a person reads is tested as text.

use crate::output::{spoken, table};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tenfold_proto::v1::{
    ExplainedPool, ExplainedTest, FiledSample, IntakeSample, PlateView, PlateWellView,
    PoolMemberView, PoolView, ResultExplanation, TubeView, WellCall,
};

/// Letters of a file's hash that a person compares; the whole is in the JSON.
const HASH_SHOWN: usize = 12;

/// Steps of a tube that are not told by its rounds.
const OWN_STEPS: &[&str] = &[
    "received",
    "detailed",
    "amended",
    "moved",
    "held",
    "released",
    "relabelled",
    "discarded",
    "withdrawn",
    "retest",
    "replated",
];

/// What the services said of one barcode.
#[derive(Default)]
pub struct Chain {
    pub barcode: String,
    pub lab: String,
    pub sample: Option<IntakeSample>,
    pub tube: Option<TubeView>,
    pub result: Option<ResultExplanation>,
    /// Pools it was in, by id.
    pub pools: BTreeMap<String, PoolView>,
    /// Plates it was on, by barcode.
    pub plates: BTreeMap<String, PlateView>,
}

impl Chain {
    /// A well as pooling knows it.
    pub fn well(&self, plate: &str, well: &str) -> Option<&PlateWellView> {
        let wells = &self.plates.get(plate)?.wells;
        wells.iter().find(|known| known.well == well)
    }

    /// The whole chain, for a person.
    pub fn words(&self) -> String {
        let mut text = self.headline();
        self.arrival(&mut text);
        let result = self.result.as_ref();
        if let Some(card) = result.and_then(|result| result.filed.as_ref()) {
            filed(&mut text, card);
        }
        for test in result.iter().flat_map(|result| &result.tests) {
            self.round(&mut text, test);
        }
        match result {
            Some(result) => {
                if let Some(pool) = &result.suspect {
                    suspect(&mut text, pool);
                }
                orders(&mut text, result);
                reports(&mut text, result);
            }
            None => text.push_str("\nNo plate with it was loaded yet: there is no result.\n"),
        }
        text.trim_end().to_owned()
    }

    fn headline(&self) -> String {
        let mut words = vec![self.barcode.clone()];
        let tube = self.result.as_ref().map(|result| result.tube.clone());
        words.extend(tube.or_else(|| self.tube.as_ref().and_then(|tube| tube.tube.clone())));
        match &self.result {
            Some(result) => {
                let reported =
                    |what: &str, version: u32| format!("{} (version {version})", spoken(what));
                let card = result.filed.as_ref().filter(|card| card.report_version > 0);
                words.push(match (result.reports.last(), card) {
                    (Some(report), _) => reported(report.verdict().as_str_name(), report.version),
                    (None, Some(card)) => {
                        reported(card.result().as_str_name(), card.report_version)
                    }
                    (None, None) => "not reported".to_owned(),
                });
                words.push(result.standing.replace('-', " "));
                if result.withdrawn {
                    words.push("withdrawn".to_owned());
                }
                if result.due > 0 {
                    words.push(format!("{}, due {}", result.clock, moment(result.due)));
                }
            }
            None => {
                words.extend(
                    self.tube
                        .as_ref()
                        .map(|tube| spoken(tube.stage().as_str_name())),
                );
            }
        }
        format!("{}\n", words.join("  "))
    }

    fn arrival(&self, text: &mut String) {
        let mut rows = Vec::new();
        if let Some(sample) = self.sample.as_ref().and_then(|known| known.sample.as_ref()) {
            rows.push(row(
                "registered",
                sample.registered_at,
                "",
                format!("version {}, site {}", sample.version, sample.site),
            ));
        }
        if let Some(tube) = &self.tube {
            let own = |of: &str| tube.tube.as_deref() == Some(of);
            for step in &tube.timeline {
                if own(&step.of) && OWN_STEPS.contains(&step.kind.as_str()) {
                    rows.push(row(&step.kind, step.at, &step.by, step.note.clone()));
                }
            }
        }
        // A closed tube keeps no steps: that it came is still known.
        if !rows
            .iter()
            .any(|row| row.first().is_some_and(|step| step == "received"))
        {
            let tube = self.tube.as_ref().and_then(|tube| tube.received_at);
            let custody = self
                .sample
                .as_ref()
                .and_then(|known| known.custody.as_ref());
            // Nor that, once it is filed.
            let custody = custody.map(|custody| custody.received_at);
            if let Some(at) = tube.or(custody.filter(|at| *at > 0)) {
                rows.push(row("received", at, "", format!("lab {}", self.lab)));
            }
        }
        section(text, "Arrival", &["step", "when", "who", "what"], rows);
    }

    /// One test: tube, pool, well, run, Cts, call.
    fn round(&self, text: &mut String, test: &ExplainedTest) {
        let mut rows = Vec::new();
        let pool = self.pools.get(&test.pool);
        if let Some(member) = pool.and_then(|pool| self.member(pool)) {
            rows.push(row(
                "into pool",
                member.transferred_at.unwrap_or_default(),
                member.transferred_by.as_deref().unwrap_or_default(),
                format!("{}, slot {}, {} ul", test.pool, member.slot, member.ul),
            ));
        }
        for step in pool.iter().flat_map(|pool| &pool.timeline) {
            if step.kind == "sealed" {
                let note = format!("{} {}", test.pool, step.note);
                rows.push(row("sealed", step.at, &step.by, note));
            }
        }
        if let Some(well) = self.well(&test.plate, &test.well) {
            let mut what = format!("{} {}, {} ul", test.plate, test.well, well.ul);
            if let Some(lost) = &well.lost {
                let _ = write!(what, ", lost: {lost}");
            }
            rows.push(row(
                "into well",
                well.transferred_at.unwrap_or_default(),
                well.transferred_by.as_deref().unwrap_or_default(),
                what,
            ));
        }
        rows.push(row("loaded", test.loaded_at, "", test.instrument.clone()));
        if test.version > 0 {
            rows.push(row("read", test.read_at, "", format!("run {}", test.run)));
            for earlier in &test.earlier {
                let mut what = format!(
                    "analysis {}: {}, hash {}, called {}",
                    earlier.version,
                    earlier.file_name,
                    hash(&earlier.file_hash),
                    call_words(earlier.call()),
                );
                if !earlier.set_aside.is_empty() {
                    let _ = write!(what, ", set aside: {}", earlier.set_aside);
                }
                rows.push(row(
                    "handed in",
                    earlier.imported_at,
                    &earlier.imported_by,
                    what,
                ));
            }
            rows.push(row(
                "handed in",
                test.imported_at,
                &test.imported_by,
                format!(
                    "analysis {}: {}, hash {}",
                    test.version,
                    test.file_name,
                    hash(&test.file_hash)
                ),
            ));
        }
        let title = format!(
            "Round {}: plate {}, well {}",
            test.round, test.plate, test.well
        );
        section(text, &title, &["step", "when", "who", "what"], rows);
        readings(text, test);
    }

    /// It as a member of a pool; by tube, and by barcode if the tube is not known any more.
    fn member<'a>(&self, pool: &'a PoolView) -> Option<&'a PoolMemberView> {
        let tube = self.result.as_ref().map(|result| result.tube.as_str());
        pool.members
            .iter()
            .find(|member| Some(member.tube.as_str()) == tube || member.barcode == self.barcode)
    }
}

fn readings(text: &mut String, test: &ExplainedTest) {
    if test.version == 0 {
        text.push_str("No run of this plate counts yet.\n");
        return;
    }
    let rows = test.targets.iter().map(|target| {
        let reading = target.reading.clone().unwrap_or_default();
        // As the file wrote it.
        let ct = match (reading.ct, reading.text.as_str()) {
            (Some(ct), "") => ct.to_string(),
            (Some(_), text) => text.to_owned(),
            (None, "") => "no Ct".to_owned(),
            (None, text) => format!("no Ct ({text})"),
        };
        let rule = if target.rule_version == 0 {
            target.rule.clone()
        } else {
            format!("{} version {}", target.rule, target.rule_version)
        };
        vec![target.target.clone(), ct, rule]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{}", table(&["target", "Ct", "rule"], rows));
    }
    let _ = write!(text, "\nControls: {}", test.controls.replace('-', " "));
    for failure in &test.failures {
        let _ = write!(text, "; {} {}", failure.well, failure.why);
    }
    let call = match test.call() {
        WellCall::Unspecified => "none: the run says nothing of this well".to_owned(),
        call => call_words(call),
    };
    let _ = writeln!(text, "\nCall:     {call} (policy version {})", test.policy);
    if !test.pool.is_empty() {
        let _ = writeln!(
            text,
            "          It is the call of pool {} with {} tubes; its Cts are nobody's own.",
            test.pool, test.members
        );
    }
    for hint in &test.hints {
        let _ = writeln!(text, "Look:     {}", hint.text);
    }
}

/// What is kept at hand of a sample whose results were filed, and what cannot be told of it any more.
fn filed(text: &mut String, card: &FiledSample) {
    let _ = writeln!(
        text,
        "\nFiled by lab {}: its records are of {} to {}",
        card.lab,
        moment(card.from),
        moment(card.until)
    );
    if card.missing.is_empty() {
        return;
    }
    let last = match card.report_version {
        0 => "It had no report".to_owned(),
        version => format!(
            "Its last report was version {version} of {}",
            moment(card.reported_at)
        ),
    };
    let _ = writeln!(
        text,
        "Its rounds, orders, reports and receivers cannot be told any more: {}\n{last}: {}.",
        card.missing,
        spoken(card.result().as_str_name()),
    );
}

fn suspect(text: &mut String, pool: &ExplainedPool) {
    let outcome = match pool.end.as_str() {
        "open" => "open: it waits for its members' own tests",
        "confirmed" => "confirmed: a member was found positive by a test of its own",
        "unconfirmed pool positive" => {
            "unconfirmed pool positive: all members were negative by tests of their own; what the pool showed stays"
        }
        other => other,
    };
    let _ = writeln!(
        text,
        "\nSuspect pool {}\n  {} since {} (plate {}, well {}), {} tubes: none is negative by this pool\n  alert due {}{}\n  {outcome}",
        pool.pool,
        call_words(pool.call()),
        moment(pool.since),
        pool.plate,
        pool.well,
        pool.members,
        moment(pool.alert_due),
        if pool.alert_late {
            ", and it was late"
        } else {
            ""
        },
    );
}

fn orders(text: &mut String, result: &ResultExplanation) {
    let rows = result.orders.iter().map(|order| {
        vec![
            order.order.clone(),
            spoken(order.kind().as_str_name()),
            spoken(order.reason().as_str_name()),
            order.round.to_string(),
            moment(order.ordered_at),
            moment(order.due),
            order.state.clone(),
        ]
    });
    let headings = [
        "order", "kind", "reason", "round", "ordered", "due", "state",
    ];
    section(text, "Orders", &headings, rows.collect());
}

fn reports(text: &mut String, result: &ResultExplanation) {
    let rows = result.reports.iter().map(|report| {
        let replaces = match report.replaces {
            0 => String::new(),
            version => format!("replaces version {version}"),
        };
        vec![
            report.version.to_string(),
            spoken(report.verdict().as_str_name()),
            moment(report.at),
            if report.pooled {
                "its pool"
            } else {
                "its own test"
            }
            .to_owned(),
            replaces,
        ]
    });
    let headings = ["version", "says", "issued", "from", ""];
    section(text, "Reports", &headings, rows.collect());
    let rows = result.receivers.iter().map(|receiver| {
        vec![
            receiver.receiver.clone(),
            receiver.version.to_string(),
            receiver.state.clone(),
            receiver.attempts.to_string(),
        ]
    });
    let headings = ["receiver", "version", "state", "tries so far"];
    section(text, "Receivers", &headings, rows.collect());
    if result.closed_at > 0 {
        let why = if result.reports.is_empty() {
            "suppressed: nothing is told"
        } else {
            "accepted by every receiver"
        };
        let _ = writeln!(text, "\nClosed {}: {why}", moment(result.closed_at));
    }
}

fn section(text: &mut String, title: &str, headings: &[&str], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{title}\n{}", table(headings, rows));
    }
}

fn row(step: &str, at: i64, who: &str, what: String) -> Vec<String> {
    let when = if at == 0 {
        "not recorded".to_owned()
    } else {
        moment(at)
    };
    vec![step.to_owned(), when, who.to_owned(), what]
}

fn moment(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| format!("{at:.0}"))
}

fn call_words(call: WellCall) -> String {
    match call {
        WellCall::Unspecified => "nothing".to_owned(),
        call => spoken(call.as_str_name()),
    }
}

fn hash(hash: &str) -> &str {
    hash.get(..HASH_SHOWN).unwrap_or(hash)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
