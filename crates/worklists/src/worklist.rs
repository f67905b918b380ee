//! A plan of transfers, and the checks every robot needs.

use std::collections::{BTreeMap, BTreeSet};
use tenfold_domain::well::{PlateSize, Well};

/// Most transfers of one worklist: a full 384-well plate with its controls.
pub const WORKLIST_STEPS_MAX: usize = 384;

/// A rack or plate with places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labware {
    /// What its label says: a rack's or plate's barcode.
    pub name: String,
    /// How many places it has, and how they are named.
    pub size: Grid,
}

/// How places lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grid {
    /// A rack of 24 tubes, A1 to D6.
    Rack24,
    /// 96 places, A1 to H12.
    Of96,
    /// 384 wells, A1 to P24.
    Of384,
}

impl Grid {
    /// Rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        match self {
            Self::Rack24 => 4,
            Self::Of96 => 8,
            Self::Of384 => 16,
        }
    }

    /// Places.
    #[must_use]
    pub const fn places(self) -> u16 {
        match self {
            Self::Rack24 => 24,
            Self::Of96 => 96,
            Self::Of384 => 384,
        }
    }

    /// The place with a number, down the columns, from 1.
    #[must_use]
    pub fn nth(self, number: u16) -> Option<Well> {
        let index = number.checked_sub(1).filter(|at| *at < self.places())?;
        let row = u8::try_from(index % self.rows()).ok()?;
        let column = u8::try_from(index / self.rows()).ok()?;
        // 24 places are a corner of 384.
        Well::at(PlateSize::P384, row, column)
    }

    /// The number of a place, down the columns, from 1; `None` = there is no such place.
    #[must_use]
    pub fn number(self, place: Well) -> Option<u16> {
        let (row, column) = (u16::from(place.row()), u16::from(place.column()));
        let number = column * self.rows() + row + 1;
        (row < self.rows() && number <= self.places()).then_some(number)
    }
}

/// A place in a labware.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which labware.
    pub labware: Labware,
    /// Which place.
    pub at: Well,
}

/// One transfer: all of it with a new tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the liquid is.
    pub from: Place,
    /// What stands there: a tube's barcode, a pool's id, a control. Robots with a scanner compare it.
    pub what: String,
    /// Where it goes.
    pub to: Place,
    /// What stands there, if it has a label of its own: a pool tube.
    pub into: String,
    /// Microlitres.
    pub ul: u32,
}

/// Why there is no worklist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum WorklistError {
    #[error("nothing is left to be transferred: it was all recorded, or nothing is planned")]
    Nothing,
    #[error("{steps} transfers: a worklist has at most {WORKLIST_STEPS_MAX}; take fewer pools")]
    TooMany { steps: usize },
    #[error("{what}: {labware:?} has no place {at}")]
    NoPlace {
        what: String,
        labware: String,
        at: String,
    },
    #[error("{labware:?} {at} would hold both {one} and {other}")]
    TwoThings {
        labware: String,
        at: String,
        one: String,
        other: String,
    },
    #[error("{what}: 0 microlitres")]
    NoVolume { what: String },
    #[error("{0}")]
    DoesNotFit(String),
}

/// What a robot shall do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worklist {
    title: String,
    steps: Vec<Step>,
}

impl Worklist {
    /// A worklist whose every place exists and holds one thing.
    ///
    /// # Errors
    /// It is empty, too long, or contradicts itself.
    pub fn new(title: impl Into<String>, steps: Vec<Step>) -> Result<Self, WorklistError> {
        if steps.is_empty() {
            return Err(WorklistError::Nothing);
        }
        if steps.len() > WORKLIST_STEPS_MAX {
            return Err(WorklistError::TooMany { steps: steps.len() });
        }
        let mut stands: BTreeMap<&Place, &str> = BTreeMap::new();
        for step in &steps {
            if step.ul == 0 {
                return Err(WorklistError::NoVolume {
                    what: step.what.clone(),
                });
            }
            for (place, what) in [(&step.from, &step.what), (&step.to, &step.into)] {
                if place.labware.size.number(place.at).is_none() {
                    return Err(WorklistError::NoPlace {
                        what: what.clone(),
                        labware: place.labware.name.clone(),
                        at: place.at.to_string(),
                    });
                }
                if let Some(other) = stands.insert(place, what).filter(|other| other != what) {
                    return Err(WorklistError::TwoThings {
                        labware: place.labware.name.clone(),
                        at: place.at.to_string(),
                        one: other.to_owned(),
                        other: what.clone(),
                    });
                }
            }
        }
        Ok(Self {
            title: title.into(),
            steps,
        })
    }

    /// What it is for, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its transfers.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Labware liquid is taken from, and labware it goes to, each once and in the order of use.
    #[must_use]
    pub fn labware(&self) -> (Vec<&Labware>, Vec<&Labware>) {
        (
            once(self.steps.iter().map(|step| &step.from.labware)),
            once(self.steps.iter().map(|step| &step.to.labware)),
        )
    }

    /// What a person puts where before the robot starts: labware, place, thing.
    #[must_use]
    pub fn loading(&self) -> Vec<(&str, String, &str)> {
        let mut list: Vec<(&str, String, &str)> = Vec::new();
        let both = self
            .steps
            .iter()
            .flat_map(|step| [(&step.from, &step.what), (&step.to, &step.into)].into_iter());
        for (place, what) in both.filter(|(_, what)| !what.is_empty()) {
            let row = (
                place.labware.name.as_str(),
                place.at.to_string(),
                what.as_str(),
            );
            if !list.contains(&row) {
                list.push(row);
            }
        }
        list
    }
}

/// Each labware once, in the order of use.
fn once<'a>(all: impl Iterator<Item = &'a Labware>) -> Vec<&'a Labware> {
    let mut seen = BTreeSet::new();
    all.filter(|labware| seen.insert(*labware)).collect()
}
