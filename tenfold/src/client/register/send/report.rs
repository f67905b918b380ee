//! What became of a file, for who sent it: how many are durable, which lines were not taken, and why.

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Most refused lines kept for the report; the rest is counted.
const REFUSED_MAX: usize = 100_000;

/// Examples of each reason in the report.
const EXAMPLES: usize = 5;

/// One line that was not taken.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Rejected {
    /// The line in the file.
    pub line: u64,
    /// The barcode, if the line could be read.
    pub barcode: String,
    /// Stable name of the reason.
    pub reason: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What became of a file.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines that state something.
    pub lines: u64,
    /// Registrations acknowledged as durable.
    pub acknowledged: u64,
    /// Lines not taken.
    pub rejected: Vec<Rejected>,
    /// Refusals that are not in `rejected`.
    pub more_rejected: u64,
    /// How long it took until the last acknowledgement.
    pub took: Duration,
    /// What the file's reader noticed.
    pub(super) warnings: Vec<String>,
    /// The line of each item sent, by its sequence number.
    pub(super) by_sequence: Vec<u32>,
}

impl Report {
    pub(super) fn reject(&mut self, rejected: Rejected) {
        if self.rejected.len() < REFUSED_MAX {
            self.rejected.push(rejected);
        } else {
            self.more_rejected += 1;
        }
    }

    /// Prints it; fails if anything was rejected.
    pub fn print(mut self, output: Output, to: Option<&Path>) -> Outcome {
        self.rejected.sort_by_key(|rejected| rejected.line);
        if let Some(path) = to {
            self.write(path)?;
        }
        let rejected = self.rejected.len() as u64 + self.more_rejected;
        let seconds = self.took.as_secs_f64().max(0.001);
        let value = serde_json::json!({
            "lines": self.lines,
            "durable": self.acknowledged,
            "rejected": rejected,
            "per_second": (self.acknowledged as f64 / seconds).round(),
            "rejected_lines": self.rejected,
        });
        if output.is_json() {
            output.value(&value);
        } else {
            for warning in &self.warnings {
                output.say(&format!("note: {warning}"));
            }
            output.say(&format!(
                "{} lines: {} registrations durable in {seconds:.1} s ({:.0} a second), {rejected} rejected",
                self.lines,
                self.acknowledged,
                self.acknowledged as f64 / seconds,
            ));
            self.examples(output);
        }
        if rejected == 0 {
            Ok(())
        } else {
            Err(Failure::Wrong(format!(
                "{rejected} line(s) were not taken; the others were. Put them right and send the file again"
            )))
        }
    }

    fn examples(&self, output: Output) {
        let mut by_reason: BTreeMap<&str, Vec<&Rejected>> = BTreeMap::new();
        for rejected in &self.rejected {
            by_reason
                .entry(&rejected.reason)
                .or_default()
                .push(rejected);
        }
        for (reason, rejected) in by_reason {
            output.say(&format!("\n{reason}: {} line(s)", rejected.len()));
            for one in rejected.iter().take(EXAMPLES) {
                output.say(&format!("  line {}: {}", one.line, one.message));
            }
            if rejected.len() > EXAMPLES {
                output.say(&format!(
                    "  and {} more (--rejected FILE lists all)",
                    rejected.len() - EXAMPLES
                ));
            }
            if let Some(help) = rejected
                .first()
                .map(|one| &one.help)
                .filter(|help| !help.is_empty())
            {
                output.say(&format!("  what to do: {help}"));
            }
        }
    }

    fn write(&self, path: &Path) -> Outcome {
        let wrong = |error: csv::Error| Failure::Usage(format!("{}: {error}", path.display()));
        let mut writer = csv::Writer::from_path(path).map_err(wrong)?;
        for rejected in &self.rejected {
            writer.serialize(rejected).map_err(wrong)?;
        }
        writer.flush()?;
        Ok(())
    }
}
