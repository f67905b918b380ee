//! A plan against a log: what became of each transfer.

use super::{Move, RobotLog, Spot};
use crate::worklist::{Place, Step, Worklist};
use tenfold_domain::well::{PlateSize, Well};

/// A transfer counts as done if no more than this is missing, in microlitres: robots write rounded volumes.
const MISSING_UL_MAX: f64 = 0.5;

/// What became of a planned transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it was moved.
    Done,
    /// It failed, and why.
    Failed(String),
    /// The log does not speak of it: it stays planned.
    NotSaid,
}

/// What became of each transfer of a plan, in its order; and movements of the log that no plan asked for.
#[must_use]
pub fn compare<'a>(worklist: &Worklist, log: &'a RobotLog) -> (Vec<Verdict>, Vec<&'a Move>) {
    let verdicts = worklist
        .steps()
        .iter()
        .map(|step| {
            let mine: Vec<&Move> = log.moves.iter().filter(|one| is_of(one, step)).collect();
            verdict(step, &mine)
        })
        .collect();
    let strange = log.moves.iter();
    let strange = strange
        .filter(|one| !worklist.steps().iter().any(|step| is_of(one, step)))
        .collect();
    (verdicts, strange)
}

fn is_of(one: &Move, step: &Step) -> bool {
    is(&one.from, &step.from) && one.to.as_ref().is_none_or(|to| is(to, &step.to))
}

/// A place is named by its well, or by its number down the columns.
fn is(spot: &Spot, place: &Place) -> bool {
    let grid = place.labware.size;
    let named = Well::parse(PlateSize::P384, &spot.at) == Some(place.at);
    let numbered = spot.at.parse().ok() == grid.number(place.at);
    spot.labware == place.labware.name && (named || (numbered && grid.number(place.at).is_some()))
}

fn verdict(step: &Step, moves: &[&Move]) -> Verdict {
    let failed = |which: fn(&Move) -> bool| {
        let mut of = moves.iter().filter(|one| which(one));
        of.find_map(|one| one.failed.clone())
    };
    // Nobody knows how much came there.
    if let Some(why) = failed(|one| one.to.is_some()) {
        return Verdict::Failed(why);
    }
    let good = moves.iter().filter(|one| one.failed.is_none());
    let moved: f64 = good.map(|one| one.ul).sum();
    if moved + MISSING_UL_MAX >= f64::from(step.ul) {
        // What could not be taken up was taken up in the end.
        Verdict::Done
    } else if let Some(why) = failed(|one| one.to.is_none()) {
        Verdict::Failed(why)
    } else if moves.is_empty() {
        Verdict::NotSaid
    } else {
        Verdict::Failed(format!("only {moved} of {} ul were moved", step.ul))
    }
}
