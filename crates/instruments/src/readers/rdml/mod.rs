//! RDML 1.0 to 1.4, of any maker: a zip with one XML, or the XML alone. Where wells are numbers, they count
//! row by row from 1. A file of several plates is refused: one plate, one run.

mod document;

use super::{Format, RunReader};
use crate::bounds::{NAME_CHARS_MAX, REACTIONS_MAX};
use crate::collect::join;
use crate::curves::Gathering;
use crate::number::reading;
use crate::opened::{Opened, xml};
use crate::place::Place;
use crate::refusal::{Faults, Reason, Refusal, shown};
use crate::table::{About, Reaction, Role, RunTable};
use crate::wells::{Block, canonical};
use document::{Document, React, Run};
use std::collections::BTreeSet;
use tenfold_domain::results::run::Reading;

const NAME: &str = "RDML";

/// RDML files.
pub(super) struct Rdml;

impl RunReader for Rdml {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "an XML whose root is rdml, alone or in a zip",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        opened
            .xml
            .as_deref()
            .and_then(xml::root)
            .is_some_and(|root| root == "rdml")
    }

    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal> {
        let text = opened.xml.as_deref().unwrap_or_default();
        let document = document::read(text)?;
        let runs: Vec<&Run> = document
            .runs
            .iter()
            .filter(|run| !run.reacts.is_empty())
            .collect();
        if runs.is_empty() {
            return Err(Refusal::whole(
                Reason::NoTable,
                "it holds no run with reactions",
            ));
        }
        let told = |run: &&Run| {
            run.reacts
                .iter()
                .flat_map(|react| &react.data)
                .any(|d| d.has_cq)
        };
        if !runs.iter().any(told) {
            return Err(Refusal::at(
                Reason::NoTable,
                line(runs.first().map_or(0, |run| run.line)),
                "it holds curves and no Cq at all: it was not analysed",
            ));
        }
        one_plate(&runs)?;
        let mut tables = Vec::new();
        for run in runs {
            tables.push(table(&document, run)?);
        }
        join(tables)
    }
}

/// Some makers write one run a dye of the same plate: the same experiment, the same wells, other targets.
/// Anything else is several plates.
fn one_plate(runs: &[&Run]) -> Result<(), Refusal> {
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for run in runs {
        let same_experiment = runs
            .first()
            .is_some_and(|first| first.experiment == run.experiment);
        let mut apart = same_experiment && runs.first().is_some_and(|first| same_wells(first, run));
        for react in &run.reacts {
            for data in &react.data {
                apart &= seen.insert((&react.id, &data.target));
            }
        }
        if !apart {
            let names: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
            return Err(Refusal::at(
                Reason::SeveralPlates,
                line(run.line),
                format!(
                    "the file holds {} runs, of several plates: {}",
                    runs.len(),
                    shown(&names.join(", "))
                ),
            ));
        }
    }
    Ok(())
}

/// The same samples in the same wells, in any order.
fn same_wells(a: &Run, b: &Run) -> bool {
    let wells = |run: &Run| -> BTreeSet<(String, String)> {
        let reacts = run.reacts.iter();
        reacts
            .map(|react| (react.id.clone(), react.sample.clone()))
            .collect()
    };
    wells(a) == wells(b)
}

fn table(document: &Document, run: &Run) -> Result<RunTable, Refusal> {
    let block = match (run.rows, run.columns) {
        (Some(8), Some(12)) => Some(Block::Of96),
        (Some(16), Some(24)) => Some(Block::Of384),
        (None, None) => run.format.as_deref().and_then(Block::named),
        _ => {
            return Err(Refusal::at(
                Reason::Unsupported,
                line(run.line),
                format!(
                    "run {} has a format of neither 8 by 12 nor 16 by 24 wells",
                    shown(&run.id)
                ),
            ));
        }
    };
    let mut table = RunTable {
        format: NAME,
        about: About {
            run: run.id.chars().take(NAME_CHARS_MAX).collect(),
            instrument: run.instrument.chars().take(NAME_CHARS_MAX).collect(),
            wells: block.map(Block::wells),
            ..About::default()
        },
        ..RunTable::default()
    };
    // The last cycle that was measured anywhere in the run.
    let last_cycle = run
        .reacts
        .iter()
        .flat_map(|react| &react.data)
        .filter_map(|data| data.last_cycle)
        .fold(None, |last: Option<f64>, cycle| {
            Some(last.map_or(cycle, |last| last.max(cycle)))
        });
    let mut faults = Faults::default();
    let mut past = 0_u32;
    let mut curves = Gathering::default();
    for react in &run.reacts {
        let well = match canonical(&react.id, block) {
            Ok(well) => well,
            Err(why) => {
                faults.add(Reason::BadWell, line(react.line), why);
                continue;
            }
        };
        for data in &react.data {
            if data.target.chars().nth(NAME_CHARS_MAX).is_some() {
                faults.add(
                    Reason::BadRow,
                    line(data.line),
                    format!("the target is longer than {NAME_CHARS_MAX} characters"),
                );
                continue;
            }
            match cq(&data.cq, data.last_cycle.or(last_cycle)) {
                Ok((reading, is_past)) => {
                    past = past.saturating_add(u32::from(is_past));
                    let reaction = reaction(document, react, data, &well, reading);
                    for point in &data.points {
                        curves.add(&well, &reaction.target, *point)?;
                    }
                    table.reactions.push(reaction);
                }
                Err(why) => faults.add(
                    Reason::BadNumber,
                    line(data.line),
                    format!("react {}: {why}", shown(&react.id)),
                ),
            }
        }
        if table.reactions.len() > REACTIONS_MAX {
            return Err(Refusal::at(
                Reason::TooLong,
                line(react.line),
                format!("more than {REACTIONS_MAX} reactions"),
            ));
        }
    }
    faults.into_result()?;
    table.curves = curves.curves();
    if past > 0 {
        table.warnings.push(format!(
            "{past} Cqs at or past the last measured cycle are no Cq"
        ));
    }
    Ok(table)
}

fn reaction(
    document: &Document,
    react: &React,
    data: &document::Data,
    well: &str,
    reading: Reading,
) -> Reaction {
    let sample = document.samples.get(&react.sample);
    let task = sample
        .map(|sample| sample.type_for(&data.target))
        .unwrap_or_default();
    let target = document.targets.get(&data.target);
    let named = |id: &str, name: Option<&str>| -> String {
        match name {
            Some(name) if !name.is_empty() && is_guid(id) => name.to_owned(),
            _ => id.to_owned(),
        }
    };
    Reaction {
        place: line(data.line),
        well: well.to_owned(),
        target: named(&data.target, target.map(|target| target.name.as_str())),
        dye: target.map(|target| target.dye.clone()).unwrap_or_default(),
        sample: named(&react.sample, sample.map(|sample| sample.name.as_str())),
        role: role(task),
        task: task.to_owned(),
        reading,
        omitted: data.excluded,
    }
}

fn role(task: &str) -> Role {
    match task.to_lowercase().as_str() {
        "opt" => Role::Unstated,
        other => Role::of(other),
    }
}

/// A Cq; also no Cq at or past the last cycle, as some makers write "none" so. Tells whether that rule fired.
fn cq(text: &str, last_cycle: Option<f64>) -> Result<(Reading, bool), String> {
    let text = text.trim();
    let number = text.parse::<f64>().ok();
    let past = matches!((number, last_cycle), (Some(cq), Some(last)) if cq >= last);
    if past || number.is_some_and(|cq| cq.is_nan() || cq < 0.0) {
        let reading = Reading {
            text: text.to_owned(),
            ct: None,
        };
        return Ok((reading, past));
    }
    Ok((reading(text, false)?, false))
}

/// Ids that say nothing to a person: the description is shown instead.
fn is_guid(id: &str) -> bool {
    let tail: String = id.chars().rev().take(36).collect();
    tail.len() == 36
        && tail.chars().filter(|c| *c == '-').count() == 4
        && tail.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

const fn line(line: u32) -> Place {
    Place {
        sheet: String::new(),
        line,
    }
}
