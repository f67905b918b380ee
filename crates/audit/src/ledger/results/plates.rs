//! Plates and their runs: each call is worked out anew from the Cts, by the rules of the journaled
//! policy that were in force when the instrument read the run.

use super::Results;
use crate::calls::{call, control_is_right};
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{PoolKey, TubeKey, lab_of, number_of, quadrant, well, well_name};
use crate::ledger::tubes::Test;
use std::collections::{BTreeSet, HashMap};
use tenfold_proto::v1::{
    Control, LabNumber, MemberAmended, QuadrantOrder, ResultsPlateLoaded, RunImported, WellCall,
};

/// A well of a loaded plate.
#[derive(Clone, Debug)]
pub struct PlateWell {
    /// Which.
    pub well: u16,
    /// Its pool, if it holds one.
    pub pool: Option<PoolKey>,
    /// What the analysis that counts says of it.
    pub call: WellCall,
    /// Its tubes: a part of the plate's list.
    from: u32,
    to: u32,
}

/// A loaded plate.
#[derive(Debug)]
pub struct Plate {
    /// Its barcode, for people.
    pub barcode: Box<str>,
    assay: Box<str>,
    /// How its quadrants stand, if it has any.
    quadrants: QuadrantOrder,
    /// Where each control is; `None` = it is full.
    controls: Box<[(u16, Control)]>,
    /// Its wells.
    pub wells: Box<[PlateWell]>,
    /// Numbers of its tubes in its lab: half as long as their keys.
    tubes: Box<[u32]>,
    lab: TubeKey,
    /// Run and version that count.
    pub current: Option<(u64, u32)>,
    /// The controls of that analysis are as they must be.
    pub in_control: bool,
    pub(super) void: bool,
    loaded: u64,
}

impl Plate {
    /// A well of it.
    pub fn well(&self, well: u16) -> Option<&PlateWell> {
        self.wells.iter().find(|w| w.well == well)
    }

    /// Its tubes in a well.
    pub fn tubes(&self, well: &PlateWell) -> impl Iterator<Item = TubeKey> + '_ {
        let numbers = self.tubes.get(well.from as usize..well.to as usize);
        let lab = self.lab;
        let numbers = numbers.unwrap_or_default().iter();
        numbers.map(move |number| lab | TubeKey::from(*number))
    }
}

/// A run of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    plate: u32,
    version: u32,
}

impl Results {
    pub(super) fn plate_loaded(&mut self, book: &mut Book<'_>, loaded: &ResultsPlateLoaded) {
        let Some(plate) = &loaded.plate else {
            return book.wrong(Rule::Unexplained, "a loaded plate without its map");
        };
        let number = book.labs.plate(&plate.lab, &plate.plate);
        let key = book.labs.key(&plate.lab, loaded.number);
        let (mut wells, mut tubes) = (Vec::new(), Vec::new());
        for told in &plate.wells {
            let from = tubes.len() as u32;
            let at = well(&told.well);
            for member in &told.members {
                let Some(tube) = book.labs.tube(&member.tube) else {
                    continue;
                };
                let Some(row) = self.tube(book, tube) else {
                    continue;
                };
                let results = &mut row.results;
                results.tests.push(Test {
                    plate: number,
                    well: at,
                    pooled: told.pool.is_some(),
                    recorded: member.transferred_at > 0 && told.plated_at > 0,
                });
                results.withdrawn |= member.withdrawn;
                results.due = member.due;
                results.closed = false;
                if let Some(sample) = &member.sample
                    && sample.version >= results.registration
                {
                    results.registration = sample.version;
                    results.collection |= sample.collection_pool;
                }
                // A plate's tubes are of its lab: pooling knows no others.
                let own = lab_of(tube) == lab_of(key);
                book.check(own, Rule::Inv04, |_| {
                    format!("tube {} stands on a plate of another lab", member.tube)
                });
                tubes.push(u32::try_from(number_of(tube)).unwrap_or(u32::MAX));
            }
            wells.push(PlateWell {
                well: at,
                pool: told.pool.as_deref().and_then(|pool| book.labs.pool(pool)),
                call: WellCall::Unspecified,
                from,
                to: tubes.len() as u32,
            });
        }
        let record = Plate {
            barcode: plate.plate.as_str().into(),
            assay: plate.assay.as_str().into(),
            quadrants: plate.quadrants(),
            controls: plate
                .controls
                .iter()
                .map(|c| (well(&c.well), c.control()))
                .collect(),
            wells: wells.into(),
            tubes: tubes.into(),
            lab: key - number_of(key),
            current: None,
            in_control: false,
            void: false,
            loaded: book.offset(),
        };
        let twice = self.numbers.insert(key, number).is_some();
        let again = self.plates.insert(number, record).is_some();
        book.check(!twice && !again, Rule::Inv04, |_| {
            format!("plate {} is loaded a second time", plate.plate)
        });
    }

    pub(super) fn plate_voided(&mut self, book: &mut Book<'_>, plate: Option<&LabNumber>) {
        let key = super::numbered(book, plate);
        let number = key.and_then(|key| self.numbers.get(&key));
        match number.and_then(|number| self.plates.get_mut(number)) {
            Some(plate) => plate.void = true,
            None => book.wrong(Rule::Inv04, "a plate is voided that was never loaded"),
        }
    }

    pub(super) fn member_amended(&mut self, book: &mut Book<'_>, amended: &MemberAmended) {
        let Some(key) = book.labs.tube(&amended.tube) else {
            return;
        };
        let Some(tube) = self.tube(book, key) else {
            return;
        };
        tube.results.withdrawn = amended.withdrawn;
        if let Some(sample) = &amended.sample {
            tube.results.registration = sample.version;
            tube.results.collection |= sample.collection_pool;
        }
        self.amended.insert(key);
    }

    pub(super) fn run_imported(&mut self, book: &mut Book<'_>, run: &RunImported) {
        self.imported = self.imported.saturating_add(1);
        let Some(id) = &run.run else { return };
        let key = book.labs.key(&id.lab, id.number);
        let plate_key = book.labs.key(&id.lab, run.plate);
        let Some(number) = self.numbers.get(&plate_key).copied() else {
            return book.wrong(
                Rule::Result,
                "a run is read of a plate that was never loaded",
            );
        };
        let before = self.runs.insert(
            key,
            Run {
                plate: number,
                version: run.version,
            },
        );
        let follows = before.map_or(run.version == 1, |before| {
            before.plate == number && run.version == before.version.saturating_add(1)
        });
        book.check(follows, Rule::Result, |_| {
            format!(
                "run {} comes as version {} after {before:?}",
                run.run_id, run.version
            )
        });
        let calls = self.recompute(book, run, number);
        let Some(plate) = self.plates.get_mut(&number) else {
            return;
        };
        if !run.set_aside.is_empty() {
            return;
        }
        plate.current = Some((key, run.version));
        plate.in_control = run.failures.is_empty() || !run.quadrants_out.is_empty();
        let order = plate.quadrants;
        for well in &mut plate.wells {
            // Of a quadrant that failed alone nothing is known.
            let out = quadrant(order, well.well).is_some_and(|of| run.quadrants_out.contains(&of));
            well.call = if out {
                WellCall::Unspecified
            } else {
                calls.get(&well.well).copied().unwrap_or_default()
            };
        }
        self.wells = self.wells.saturating_add(plate.wells.len() as u64);
    }

    /// The calls of a run, worked out anew; those in the journal must be the same.
    fn recompute(
        &mut self,
        book: &mut Book<'_>,
        run: &RunImported,
        number: u32,
    ) -> HashMap<u16, WellCall> {
        let mut calls = HashMap::new();
        let (Some(plate), Some(policy)) = (
            self.plates.get(&number),
            book.policy(run.policy, &run.run_id),
        ) else {
            return calls;
        };
        let Some(reading) = policy
            .assays
            .get(&*plate.assay)
            .and_then(|assay| assay.at(run.read_at))
        else {
            let text = format!(
                "run {}: policy {} has no rules for kit {} at {}",
                run.run_id, run.policy, plate.assay, run.read_at
            );
            book.wrong(Rule::Result, text);
            return calls;
        };
        let same_targets = reading.targets().eq(run.targets.iter().map(String::as_str));
        let used = run
            .rules
            .iter()
            .map(|rule| (rule.target.as_str(), rule.name.as_str(), rule.version));
        let same_rules = reading.used().eq(used);
        book.check(same_targets && same_rules, Rule::Result, |_| {
            format!(
                "run {} was read by other targets or rules than were in force",
                run.run_id
            )
        });
        let mut wrong = Vec::new();
        let mut cts_of = HashMap::new();
        for result in &run.wells {
            let cts: Vec<Option<f64>> = result.readings.iter().map(|r| r.ct).collect();
            let is = call(&reading, &cts);
            if is != result.call() {
                wrong.push(format!(
                    "{} is {is:?}, not {:?}",
                    result.well,
                    result.call()
                ));
            }
            calls.insert(well(&result.well), is);
            cts_of.insert(well(&result.well), cts);
        }
        let kinds = [Control::Positive, Control::Negative];
        let complete = kinds
            .iter()
            .all(|kind| plate.controls.iter().any(|(_, is)| is == kind));
        let failed: Vec<(u16, Control)> = plate
            .controls
            .iter()
            .filter(|(at, control)| {
                cts_of
                    .get(at)
                    .is_none_or(|cts| !control_is_right(&reading, *control, cts))
            })
            .copied()
            .collect();
        let right = complete && failed.is_empty();
        let alone = if complete {
            failed_alone(plate.quadrants, &failed)
        } else {
            Vec::new()
        };
        let unread = plate
            .wells
            .iter()
            .find(|w| !cts_of.contains_key(&w.well))
            .map(|w| well_name(w.well));
        let loaded = plate.loaded;
        if !wrong.is_empty() {
            let text = format!("run {}: {}", run.run_id, wrong.join("; "));
            book.wrong_since(Rule::Result, loaded, text);
        }
        if alone != run.quadrants_out {
            let text = format!(
                "run {}: quadrants {:?} are said to have failed alone, and {alone:?} have",
                run.run_id, run.quadrants_out
            );
            book.wrong_since(Rule::Result, loaded, text);
        }
        if right != run.failures.is_empty() {
            let text = format!(
                "run {}: its controls are {} as they must be",
                run.run_id,
                if right { "all" } else { "not" }
            );
            book.wrong_since(Rule::Result, loaded, text);
        }
        if let Some(well) = unread {
            let text = format!("run {} has nothing of well {well}", run.run_id);
            book.wrong_since(Rule::Result, loaded, text);
        }
        calls
    }
}

/// Quadrants whose extraction control failed, if nothing else did.
fn failed_alone(order: QuadrantOrder, failed: &[(u16, Control)]) -> Vec<u32> {
    let out: Option<BTreeSet<u32>> = failed
        .iter()
        .map(|(at, control)| quadrant(order, *at).filter(|_| *control == Control::Extraction))
        .collect();
    out.unwrap_or_default().into_iter().collect()
}
