//! Hints of contamination: patterns on a plate that a person should look at before believing a weak signal. A hint
//! changes no call; what is strange is shown, and a person decides.
//!
//! | hint | what is seen |
//! |---|---|
//! | strong neighbour | a weak signal next to one that is much stronger: a drop may have jumped |
//! | row, column | suspect wells side by side in one row or column: a channel of a pipette, or a strip |
//! | same curve | wells whose amplification curves are alike to the last digit: one was copied from the other |
//! | unconfirmed pool | every member of a suspect pool was negative by a test of its own |
//!
//! An unconfirmed pool also opens a review ([`super::outcome`]).

use super::call::Call;
use super::state::{Analysis, Plate, PoolEnd, PoolRef, SuspectPool, pool_key, tube_id};
use crate::policy::Contamination;
use crate::tables::{Read, ReadExt};
use crate::well::{PlateSize, Well};
use std::collections::BTreeMap;

/// Something that should be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Hint {
    /// A weak signal beside a strong one.
    StrongNeighbour {
        /// The weak one.
        well: Well,
        /// Its lowest Ct.
        ct: f64,
        /// The strong one.
        neighbour: Well,
        /// Its lowest Ct.
        neighbour_ct: f64,
    },
    /// Suspect wells side by side in a row.
    Row(Vec<Well>),
    /// Suspect wells side by side in a column.
    Column(Vec<Well>),
    /// Wells whose amplification curves are the very same.
    SameCurve(Vec<Well>),
    /// A suspect pool all of whose members were negative afterwards.
    UnconfirmedPool(Well),
}

impl Hint {
    /// The wells whose calls are in doubt.
    #[must_use]
    pub fn wells(&self) -> &[Well] {
        match self {
            Self::StrongNeighbour { well, .. } | Self::UnconfirmedPool(well) => {
                std::slice::from_ref(well)
            }
            Self::Row(wells) | Self::Column(wells) | Self::SameCurve(wells) => wells,
        }
    }
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = |f: &mut std::fmt::Formatter<'_>, what: &str, wells: &[Well]| {
            let (first, last) = (wells.first(), wells.last());
            match (first, last) {
                (Some(first), Some(last)) => write!(
                    f,
                    "{} suspect wells side by side in one {what}, {first} to {last}: look at the pipetting before believing them",
                    wells.len()
                ),
                _ => write!(f, "no wells"),
            }
        };
        match self {
            Self::StrongNeighbour {
                well,
                ct,
                neighbour,
                neighbour_ct,
            } => write!(
                f,
                "{well} (Ct {ct}) stands next to {neighbour} (Ct {neighbour_ct}), which is much stronger: it may be a drop of that"
            ),
            Self::Row(wells) => line(f, "row", wells),
            Self::Column(wells) => line(f, "column", wells),
            Self::SameCurve(wells) => {
                let names: Vec<String> = wells.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "the curves of {} are the very same, which no two reactions are: was the file put together by hand, or a well copied?",
                    names.join(", ")
                )
            }
            Self::UnconfirmedPool(well) => write!(
                f,
                "{well} was suspect, and all of its tubes were negative by tests of their own: where did its signal come from?"
            ),
        }
    }
}

/// A well as it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Lowest Ct of the targets, without the internal control.
    pub ct: Option<f64>,
    /// Its call.
    pub call: Call,
    /// Specimens are in it, and no control.
    pub specimen: bool,
}

/// What a plate's analysis shows, and what became of its pools since.
#[must_use]
pub fn of_analysis(
    state: &dyn Read,
    (key, plate): (u64, &Plate),
    analysis: &Analysis,
    rules: &Contamination,
) -> Vec<Hint> {
    let mut found = in_wells(plate, analysis, rules);
    found.extend(unconfirmed(state, key, plate).map(Hint::UnconfirmedPool));
    found
}

/// What a plate's analysis shows by itself.
#[must_use]
pub fn in_wells(plate: &Plate, analysis: &Analysis, rules: &Contamination) -> Vec<Hint> {
    let specimen = |well: Well| plate.wells.iter().any(|known| known.well == well);
    let targets = analysis.targets.len().saturating_sub(1);
    let seen = analysis.wells.iter().map(|(well, readings, call)| {
        let cts = readings.iter().take(targets).filter_map(|one| one.ct);
        let seen = Seen {
            ct: cts.min_by(f64::total_cmp),
            call: *call,
            specimen: specimen(*well),
        };
        (*well, seen)
    });
    let mut found = hints(plate.size, &seen.collect(), rules);
    if rules.same_curves {
        let same = analysis.same_curves.iter().cloned();
        found.extend(same.map(Hint::SameCurve));
    }
    found
}

/// Wells of this plate whose suspect pool ended with nobody positive.
fn unconfirmed(state: &dyn Read, key: u64, plate: &Plate) -> impl Iterator<Item = Well> {
    plate.wells.iter().filter_map(move |well| {
        let pool = match (&well.pool, well.members.as_slice()) {
            (Some(pool), _) => PoolRef::Lab(pool.clone()),
            (None, [tube]) => PoolRef::Tube(tube_id(state, *tube)),
            (None, _) => return None,
        };
        let suspect: SuspectPool = state.get(&pool_key(state, &pool)?)?;
        // Plated again elsewhere, it was suspect there and not here.
        (suspect.plate == key && suspect.end == Some(PoolEnd::Unconfirmed)).then_some(well.well)
    })
}

/// What these wells show together.
#[must_use]
pub fn hints(size: PlateSize, wells: &BTreeMap<Well, Seen>, rules: &Contamination) -> Vec<Hint> {
    let mut hints = neighbours(wells, rules);
    for row in 0..size.rows() {
        let line = (0..size.columns()).filter_map(|column| Well::at(size, row, column));
        hints.extend(runs(wells, line, rules).map(Hint::Row));
    }
    for column in 0..size.columns() {
        let line = (0..size.rows()).filter_map(|row| Well::at(size, row, column));
        hints.extend(runs(wells, line, rules).map(Hint::Column));
    }
    hints
}

/// Suspect specimens with a neighbour, also across a corner, that is stronger by many cycles.
fn neighbours(wells: &BTreeMap<Well, Seen>, rules: &Contamination) -> Vec<Hint> {
    let suspects = wells
        .iter()
        .filter(|(_, seen)| seen.specimen && seen.call.suspect());
    suspects
        .filter_map(|(well, seen)| {
            let ct = seen.ct?;
            let strong = wells
                .iter()
                .filter(|(other, _)| beside(*well, **other))
                .filter_map(|(other, seen)| Some((*other, seen.ct?)))
                .filter(|(_, other)| {
                    *other <= rules.neighbour_ct_max && ct - other >= rules.neighbour_cycles
                })
                .min_by(|one, other| one.1.total_cmp(&other.1));
            strong.map(|(neighbour, neighbour_ct)| Hint::StrongNeighbour {
                well: *well,
                ct,
                neighbour,
                neighbour_ct,
            })
        })
        .collect()
}

fn beside(one: Well, other: Well) -> bool {
    one != other
        && one.row().abs_diff(other.row()) <= 1
        && one.column().abs_diff(other.column()) <= 1
}

/// Runs of suspect specimens, side by side along a line. A control between two ends no run: it is none of the lab's tubes.
fn runs<'a>(
    wells: &'a BTreeMap<Well, Seen>,
    line: impl Iterator<Item = Well> + 'a,
    rules: &'a Contamination,
) -> impl Iterator<Item = Vec<Well>> + 'a {
    let mut runs = vec![Vec::new()];
    for well in line {
        match wells.get(&well) {
            Some(seen) if !seen.specimen => {}
            Some(seen) if seen.call.suspect() => {
                if let Some(run) = runs.last_mut() {
                    run.push(well);
                }
            }
            _ => runs.push(Vec::new()),
        }
    }
    let least = usize::from(rules.line_wells);
    runs.into_iter().filter(move |run| run.len() >= least)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plate in words: `A1 20.5` is positive, `A2 -` negative, `A3 38 grey`, `A4 39 neg` negative by its rule, `H12 PC 25`
    /// and `H11 NC -` controls.
    fn plate(text: &str) -> BTreeMap<Well, Seen> {
        let one = |words: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let well = Well::parse(PlateSize::P96, words[0]).expect("a well");
            let specimen = !["PC", "NC"].contains(&words[1]);
            let ct = words.iter().skip(1).find_map(|word| word.parse().ok());
            let call = match (ct, words.last()) {
                (_, Some(&"grey")) => Call::Grey,
                (_, Some(&"neg")) => Call::Negative,
                (Some(_), _) => Call::Positive,
                (None, _) => Call::Negative,
            };
            (well, Seen { ct, call, specimen })
        };
        text.split(',').map(one).collect()
    }

    #[test]
    fn plates_are_looked_at_as_the_table_says() {
        let table = [
            ("A1 18.5, A2 31, A3 -", vec!["A2 by A1"]),
            ("A1 18.5, B2 38 grey", vec!["B2 by A1"]),
            ("A1 18.5, A3 31", vec![]),
            ("A1 25, A2 31", vec![]),
            ("A1 25, A2 35", vec!["A2 by A1"]),
            ("A1 25.5, A2 36", vec![]),
            ("A1 18.5, A2 -", vec![]),
            ("H11 PC 20, H12 33, A1 -", vec!["H12 by H11"]),
            ("A1 30, A2 31", vec![]),
            // A negative is in no doubt, and a control is judged by the gate.
            ("A1 18.5, A2 39 neg", vec![]),
            ("H11 18.5, H12 PC 31", vec![]),
            ("B1 30, B2 31, B3 NC -, B4 32, B5 30", vec!["row B1-B5"]),
            ("B1 30, B2 31, B3 30, B4 32", vec!["row B1-B4"]),
            ("B1 30, B2 31, B3 -, B4 32, B5 30", vec![]),
            ("B1 30, B2 31, B4 32, B5 30", vec![]),
            ("B1 30, B2 31, B3 PC 29, B4 32, B5 30", vec!["row B1-B5"]),
            ("C3 30, D3 31, E3 30, F3 32, G3 33", vec!["column C3-G3"]),
            (
                "A1 18, B1 30, C1 31, D1 30",
                vec!["B1 by A1", "column A1-D1"],
            ),
            ("A1 18, A2 17, B1 31", vec!["B1 by A2"]),
        ];
        for (text, expected) in table {
            let found = hints(PlateSize::P96, &plate(text), &Contamination::default());
            let told: Vec<String> = found
                .iter()
                .map(|hint| match hint {
                    Hint::StrongNeighbour {
                        well, neighbour, ..
                    } => format!("{well} by {neighbour}"),
                    Hint::Row(wells) => format!("row {}-{}", wells[0], wells[wells.len() - 1]),
                    Hint::Column(wells) => {
                        format!("column {}-{}", wells[0], wells[wells.len() - 1])
                    }
                    Hint::SameCurve(wells) => format!("same {wells:?}"),
                    Hint::UnconfirmedPool(well) => format!("unconfirmed {well}"),
                })
                .collect();
            assert_eq!(told, expected, "{text}");
        }
    }

    #[test]
    fn a_hint_says_what_was_seen() {
        let wells = plate("A1 18.5, A2 31");
        let found = hints(PlateSize::P96, &wells, &Contamination::default());
        assert_eq!(found.len(), 1);
        assert!(
            found[0]
                .to_string()
                .starts_with("A2 (Ct 31) stands next to A1 (Ct 18.5)")
        );
        assert_eq!(
            found[0].wells(),
            [Well::parse(PlateSize::P96, "A2").expect("a well")]
        );
    }
}
