//! The parts of an RDML document that matter to a run's Cqs. Everything else is passed over. A value of a curve
//! that cannot be read is left out: it spoils no Cq.

use crate::bounds::{CELL_CHARS_MAX, CELLS_MAX, LINES_MAX, POINTS_MAX};
use crate::curves::whole;
use crate::opened::xml::{Element, Tag, Xml};
use crate::refusal::{Reason, Refusal};
use std::collections::BTreeMap;

/// A document.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub samples: BTreeMap<String, Sample>,
    pub targets: BTreeMap<String, Target>,
    pub runs: Vec<Run>,
}

#[derive(Debug, Default)]
pub(super) struct Sample {
    pub name: String,
    /// The type, and those for single targets.
    types: Vec<(Option<String>, String)>,
}

impl Sample {
    /// What it is for a target.
    pub fn type_for(&self, target: &str) -> &str {
        self.types
            .iter()
            .find(|(of, _)| of.as_deref() == Some(target))
            .or_else(|| self.types.first())
            .map(|(_, kind)| kind.as_str())
            .unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Target {
    pub name: String,
    pub dye: String,
}

/// One plate, or one dye of it.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub experiment: String,
    pub id: String,
    pub instrument: String,
    pub rows: Option<u32>,
    pub columns: Option<u32>,
    /// What version 1.0 writes instead of rows and columns.
    pub format: Option<String>,
    pub reacts: Vec<React>,
    pub line: u32,
}

/// A well.
#[derive(Debug, Default)]
pub(super) struct React {
    pub id: String,
    pub sample: String,
    pub data: Vec<Data>,
    pub line: u32,
}

/// A target in a well.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub target: String,
    pub cq: String,
    /// There was an element for it, even if it was empty.
    pub has_cq: bool,
    pub excluded: bool,
    pub last_cycle: Option<f64>,
    /// Cycle and fluorescence.
    pub points: Vec<(u16, f32)>,
    pub line: u32,
}

/// What is read at the moment.
#[derive(Default)]
struct Open {
    path: Vec<String>,
    text: String,
    experiment: String,
    sample: Option<(String, Sample)>,
    of_target: Option<String>,
    target: Option<(String, Target)>,
    run: Option<Run>,
    react: Option<React>,
    data: Option<Data>,
    cycle: Option<u16>,
    /// Points of all curves, so far.
    points: usize,
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Document, Refusal> {
    let mut document = Document::default();
    let mut open = Open::default();
    let mut reader = Xml::of(text);
    let mut kept = 0_usize;
    while let Some(element) = reader.next()? {
        match element {
            Element::Start(tag) => {
                kept = kept.saturating_add(usize::from(open.start(&tag)));
                open.path.push(tag.name);
                open.text.clear();
            }
            Element::Text(more) => {
                if open.text.len() <= CELL_CHARS_MAX {
                    open.text.push_str(&more);
                }
            }
            Element::End(name) => {
                open.path.pop();
                open.end(&name, &mut document);
                open.text.clear();
            }
        }
        if kept > LINES_MAX || document.runs.len() > CELLS_MAX {
            return Err(Refusal::whole(
                Reason::TooLong,
                format!("more than {LINES_MAX} samples, targets and reactions"),
            ));
        }
    }
    Ok(document)
}

impl Open {
    fn parent(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }

    /// Takes a start tag; tells whether something is kept of it.
    fn start(&mut self, tag: &Tag) -> bool {
        let id = || {
            let id = tag.get("id").unwrap_or_default();
            id.chars().take(CELL_CHARS_MAX).collect::<String>()
        };
        match (self.parent(), tag.name.as_str()) {
            ("rdml", "sample") => self.sample = Some((id(), Sample::default())),
            ("sample", "type") => self.of_target = tag.get("targetId").map(str::to_owned),
            ("rdml", "target") => self.target = Some((id(), Target::default())),
            ("target", "dyeId") => {
                if let Some((_, target)) = &mut self.target {
                    target.dye = id();
                }
            }
            ("rdml", "experiment") => self.experiment = id(),
            ("experiment", "run") => {
                self.run = Some(Run {
                    experiment: self.experiment.clone(),
                    id: id(),
                    line: tag.line,
                    ..Run::default()
                });
            }
            ("run", "react") => {
                self.react = Some(React {
                    id: id(),
                    line: tag.line,
                    ..React::default()
                });
            }
            ("react", "sample") => {
                if let Some(react) = &mut self.react {
                    react.sample = id();
                }
            }
            ("react", "data") => {
                self.data = Some(Data {
                    line: tag.line,
                    ..Data::default()
                });
            }
            ("data", "tar") => {
                if let Some(data) = &mut self.data {
                    data.target = id();
                }
            }
            _ => return false,
        }
        true
    }

    fn end(&mut self, name: &str, document: &mut Document) {
        let parent = self.path.last().cloned().unwrap_or_default();
        let text = self.text.trim().to_owned();
        match (parent.as_str(), name) {
            ("rdml", "sample") => document.samples.extend(self.sample.take()),
            ("sample", "description") => {
                if let Some((_, sample)) = &mut self.sample {
                    sample.name = text;
                }
            }
            ("sample", "type") => {
                let of = self.of_target.take();
                if let Some((_, sample)) = &mut self.sample {
                    sample.types.push((of, text));
                }
            }
            ("rdml", "target") => document.targets.extend(self.target.take()),
            ("target", "description") => {
                if let Some((_, target)) = &mut self.target {
                    target.name = text;
                }
            }
            ("experiment", "run") => document.runs.extend(self.run.take()),
            ("run", "instrument") => self.in_run(|run| run.instrument = text),
            ("run", "pcrFormat") if !text.is_empty() => self.in_run(|run| run.format = Some(text)),
            ("pcrFormat", "rows") => self.in_run(|run| run.rows = text.parse().ok()),
            ("pcrFormat", "columns") => self.in_run(|run| run.columns = text.parse().ok()),
            ("run", "react") => {
                if let (Some(run), Some(react)) = (&mut self.run, self.react.take()) {
                    run.reacts.push(react);
                }
            }
            ("react", "data") => {
                if let (Some(react), Some(data)) = (&mut self.react, self.data.take()) {
                    react.data.push(data);
                }
            }
            ("data", "cq") => self.in_data(|data| {
                data.cq = text;
                data.has_cq = true;
            }),
            // Present, with any text but a plain "no": the operator took it out.
            ("data", "excl") => {
                let out = !matches!(text.to_lowercase().as_str(), "false" | "0");
                self.in_data(|data| data.excluded = out);
            }
            ("adp", "cyc") => {
                self.cycle = whole(&text);
                if let Ok(cycle) = text.parse::<f64>() {
                    self.in_data(|data| {
                        let last = data.last_cycle.unwrap_or(cycle);
                        data.last_cycle = Some(last.max(cycle));
                    });
                }
            }
            ("adp", "fluor") => self.point(&text),
            _ => {}
        }
    }

    /// A point of a curve, as far as the bounds go.
    fn point(&mut self, fluorescence: &str) {
        let cycle = self.cycle.take();
        let value = fluorescence.parse().ok().filter(|f: &f32| f.is_finite());
        let (Some(cycle), Some(value)) = (cycle, value) else {
            return;
        };
        if self.points < POINTS_MAX {
            self.points = self.points.saturating_add(1);
            self.in_data(|data| data.points.push((cycle, value)));
        }
    }

    fn in_run(&mut self, change: impl FnOnce(&mut Run)) {
        if let Some(run) = &mut self.run {
            change(run);
        }
    }

    fn in_data(&mut self, change: impl FnOnce(&mut Data)) {
        if let Some(data) = &mut self.data {
            change(data);
        }
    }
}
