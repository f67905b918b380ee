//! What was checked and what came of it, for people and for programs.

use crate::check::{Checked, Run};
use crate::configurations::{Configuration, Size, all, refutation};
use crate::flaw::Flaw;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::{self, Write};

/// Everything that came out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Of the protocol, configuration by configuration.
    pub configurations: Vec<Checked>,
    /// Of the planted flaws.
    pub flaws: Vec<Refuted>,
}

/// What came of a planted flaw.
#[derive(Clone, Debug, Serialize)]
pub struct Refuted {
    /// Which.
    pub flaw: Flaw,
    /// What is done wrong.
    pub words: &'static str,
    /// The shortest run that shows it; `None` = the model is too weak to see it.
    pub run: Option<Run>,
}

impl Report {
    /// All properties hold, and all flaws are refuted.
    pub fn is_good(&self) -> bool {
        self.configurations.iter().all(|c| c.fails.is_empty())
            && self.flaws.iter().all(|f| f.run.is_some())
    }
}

/// Checks all configurations and all flaws, or the one configuration named; `told` hears of each when it
/// is done.
pub fn run(size: Size, only: Option<&str>, told: &mut dyn FnMut(&str)) -> Report {
    let mut report = Report::default();
    let wanted = |c: &Configuration| only.is_none_or(|only| only == c.name);
    for configuration in all(size).into_iter().filter(wanted) {
        let checked = configuration.check();
        told(&format!(
            "{}: {} states, {:.1} s",
            checked.name, checked.unique, checked.seconds
        ));
        report.configurations.push(checked);
    }
    for flaw in Flaw::ALL.into_iter().filter(|_| only.is_none()) {
        let words = flaw.words();
        let run = refutation(flaw);
        told(&format!("flaw: {words}"));
        report.flaws.push(Refuted { flaw, words, run });
    }
    report
}

/// Prints it for people.
///
/// # Errors
/// Nobody reads.
pub fn print(report: &Report, size: Size, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "configuration",
        "bound",
        "states",
        "unique",
        "depth",
        "time",
    ]);
    for c in &report.configurations {
        table.add_row([
            c.name.to_owned(),
            c.bound.clone(),
            c.states.to_string(),
            c.unique.to_string(),
            c.depth.to_string(),
            format!("{:.1} s", c.seconds),
        ]);
    }
    writeln!(out, "{table}\n")?;
    for Configuration { name, about, .. } in all(size) {
        let found = report.configurations.iter().find(|c| c.name == name);
        if let Some(c) = found {
            writeln!(out, "{name}: {about}")?;
            for property in &c.holds {
                writeln!(out, "  holds    {property}")?;
            }
            for property in &c.happens {
                writeln!(out, "  happens  {property}")?;
            }
            for run in &c.fails {
                writeln!(out, "  FAILS    {}", run.property)?;
                steps(run, out)?;
            }
        }
    }
    if report.flaws.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nPlanted flaws, each with the shortest run that shows it:"
    )?;
    for flaw in &report.flaws {
        match &flaw.run {
            None => writeln!(out, "\n{}\n  NOT REFUTED", flaw.words)?,
            Some(run) => {
                let length = run.steps.len();
                writeln!(
                    out,
                    "\n{}\n  after {length} steps falls: {}",
                    flaw.words, run.property
                )?;
                steps(run, out)?;
            }
        }
    }
    Ok(())
}

fn steps(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    for (number, step) in (1..).zip(&run.steps) {
        writeln!(out, "    {number:>2}. {step}")?;
    }
    Ok(())
}
