//! Every tube there is: in full while something may happen to it, in eight bytes when it is closed.
//!
//! Pooling's and results' books of a tube stand in one row. A closed tube keeps what a later correction
//! must be judged by: its last test, its newest report, and whether it was withdrawn.

use super::ends::Ends;
use super::ids::{PoolKey, TubeKey, lab_of, number_of};
use std::collections::HashMap;
use tenfold_proto::v1::Verdict;

/// Closed tubes of one page.
const PAGE: usize = 4_096;

/// Where a tube is, as pooling's journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Received; may be pooled unless it is held or unknown.
    Waiting,
    /// In a pool.
    Pooled(PoolKey),
    /// On its way to a well of its own, or in one.
    Alone(Vessel),
    /// Done with.
    Closed,
    /// Cancelled before it was mixed.
    Withdrawn,
    /// Thrown away.
    Discarded,
}

impl Stage {
    /// Nothing more happens to it in pooling.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn | Self::Discarded)
    }
}

/// Where the liquid of a pool, or of a tube alone, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vessel {
    /// Waits for a well.
    Ready,
    /// In a well: number of the plate in the audit, the well, and whether an instrument has it.
    In(u32, u16, bool),
}

/// What a registration says that pooling must heed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Hash of the barcode.
    pub barcode: u64,
    /// Version.
    pub version: u32,
    /// Person, object, environment.
    pub kind: i32,
    /// Hash of the type of specimen.
    pub specimen: u64,
    /// Hash of the group in which its class may be mixed.
    pub group: u64,
    /// Several persons' swabs are in it.
    pub collection: bool,
}

/// One test of a tube: a well of a plate that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// Number of the plate in the audit.
    pub plate: u32,
    /// The well.
    pub well: u16,
    /// With others, in a pool.
    pub pooled: bool,
    /// Its transfers are recorded, all the way.
    pub recorded: bool,
}

/// What results' journal says of a tube.
#[derive(Clone, Debug, Default)]
pub struct Specimen {
    /// It was on a plate that was loaded.
    pub tests: Vec<Test>,
    /// Cancelled: its release is suppressed.
    pub withdrawn: bool,
    /// It is a collection pool.
    pub collection: bool,
    /// Version of the registration.
    pub registration: u32,
    /// Newest report's version; 0 = none.
    pub version: u32,
    /// What the newest report says.
    pub verdict: Verdict,
    /// The result that stands, reported or suppressed.
    pub finding: Option<Verdict>,
    /// A pool that it was in was suspect.
    pub suspect: Option<PoolKey>,
    /// Orders for a test of its own, or to plate its pool again, that are open.
    pub orders: Vec<u64>,
    /// Re-collections that were ordered.
    pub recollections: u32,
    /// Orders after an invalid well, ever.
    pub invalid: u32,
    /// Orders after an inconclusive well, ever.
    pub inconclusive: u32,
    /// When its report is due.
    pub due: i64,
    /// All that was to be delivered was accepted.
    pub closed: bool,
}

impl Specimen {
    /// A result stands.
    pub const fn is_final(&self) -> bool {
        self.finding.is_some()
    }
}

/// A tube in full.
#[derive(Clone, Debug)]
pub struct Tube {
    /// Offset of its receipt.
    pub received: u64,
    /// When it was received.
    pub received_at: i64,
    /// Hash of its newest label; `None` = it cannot be read.
    pub label: Option<u64>,
    /// Its registration.
    pub sample: Option<Sample>,
    /// Where it is.
    pub stage: Stage,
    /// Why it is held: how many reasons.
    pub holds: u32,
    /// Test round.
    pub round: u32,
    /// The retest order it is tested for.
    pub order: Option<u64>,
    /// Cancelled after it was mixed.
    pub withdrawn: bool,
    /// When its report is due, as pooling sees it.
    pub due: i64,
    /// What results says.
    pub results: Specimen,
    /// It was closed before: of what it was then, only the last test is known.
    pub thawed: bool,
}

/// A closed tube.
#[derive(Clone, Copy, Debug, Default)]
struct Cold {
    plate: u32,
    well: u16,
    version: u8,
    flags: u8,
}

const USED: u8 = 1;
const POOLED: u8 = 2;
const WITHDRAWN: u8 = 4;
const COLLECTION: u8 = 8;
/// The verdict stands in the three bits between.
const SUSPECT: u8 = 128;

/// Stands for a suspect pool of which only that is known.
const SOME_POOL: PoolKey = PoolKey::MAX >> 1;

impl Cold {
    fn of(tube: &Tube) -> Option<Self> {
        let results = &tube.results;
        let (Stage::Closed, true, [.., test]) = (tube.stage, results.closed, &results.tests[..])
        else {
            return None;
        };
        let verdict = u8::try_from(results.verdict as i32)
            .ok()
            .filter(|v| *v < 8)?;
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let may = results.orders.is_empty()
            && test.recorded
            && results.version > 0
            && results.finding == Some(results.verdict);
        may.then_some(Self {
            plate: test.plate,
            well: test.well,
            version: u8::try_from(results.version).ok()?,
            flags: USED
                | flag(test.pooled, POOLED)
                | flag(results.withdrawn, WITHDRAWN)
                | flag(results.collection, COLLECTION)
                | flag(results.suspect.is_some(), SUSPECT)
                | verdict << 4,
        })
    }

    fn thaw(self) -> Tube {
        let verdict = Verdict::try_from(i32::from(self.flags >> 4 & 7)).unwrap_or_default();
        Tube {
            received: 0,
            received_at: 0,
            label: None,
            sample: None,
            stage: Stage::Closed,
            holds: 0,
            round: 1,
            order: None,
            withdrawn: false,
            due: 0,
            results: Specimen {
                tests: vec![Test {
                    plate: self.plate,
                    well: self.well,
                    pooled: self.flags & POOLED != 0,
                    recorded: true,
                }],
                withdrawn: self.flags & WITHDRAWN != 0,
                collection: self.flags & COLLECTION != 0,
                version: u32::from(self.version),
                verdict,
                finding: Some(verdict),
                suspect: (self.flags & SUSPECT != 0).then_some(SOME_POOL),
                closed: true,
                ..Specimen::default()
            },
            thawed: true,
        }
    }
}

type Page = Box<[Cold; PAGE]>;

/// See the module.
#[derive(Debug, Default)]
pub struct Tubes {
    hot: HashMap<TubeKey, Box<Tube>>,
    cold: HashMap<u64, Vec<Option<Page>>>,
    /// Closed tubes that are kept in short.
    pub closed: u64,
    /// Highest number met in each lab.
    newest: HashMap<u64, u64>,
    /// When they were closed, and whether they were filed.
    pub ends: Ends,
}

impl Tubes {
    fn slot(key: TubeKey) -> (u64, usize, usize) {
        let number = usize::try_from(number_of(key)).unwrap_or(usize::MAX);
        (lab_of(key), number / PAGE, number % PAGE)
    }

    fn cold(&self, key: TubeKey) -> Option<Cold> {
        let (lab, page, at) = Self::slot(key);
        let cold = self.cold.get(&lab)?.get(page)?.as_ref()?.get(at).copied()?;
        (cold.flags & USED != 0).then_some(cold)
    }

    fn set_cold(&mut self, key: TubeKey, cold: Cold) -> bool {
        let (lab, page, at) = Self::slot(key);
        // Numbers grow by one; a number far ahead is no index to allocate for.
        if number_of(key) > self.newest.get(&lab).copied().unwrap_or_default() {
            return false;
        }
        let pages = self.cold.entry(lab).or_default();
        while pages.len() <= page {
            pages.push(None);
        }
        let slot = pages
            .get_mut(page)
            .map(|page| page.get_or_insert_with(|| Box::new([Cold::default(); PAGE])))
            .and_then(|page| page.get_mut(at));
        slot.map(|slot| *slot = cold).is_some()
    }

    /// A new tube; false if its number does not follow the last one of its lab.
    pub fn receive(&mut self, key: TubeKey, tube: Tube) -> bool {
        let newest = self.newest.entry(lab_of(key)).or_default();
        let next = number_of(key) == newest.saturating_add(1);
        if next {
            *newest = number_of(key);
        }
        self.hot.insert(key, Box::new(tube));
        next
    }

    /// A tube, taken out of the closed ones if it is there.
    pub fn get(&mut self, key: TubeKey) -> Option<&mut Tube> {
        if !self.hot.contains_key(&key) {
            let cold = self.cold(key)?;
            self.set_cold(key, Cold::default());
            self.closed = self.closed.saturating_sub(1);
            self.hot.insert(key, Box::new(cold.thaw()));
        }
        self.hot.get_mut(&key).map(Box::as_mut)
    }

    /// A tube that is kept in full, to look at.
    pub fn in_full(&self, key: TubeKey) -> Option<&Tube> {
        self.hot.get(&key).map(Box::as_ref)
    }

    /// Its newest report: version and verdict; without taking it out.
    pub fn report(&self, key: TubeKey) -> Option<(u32, Verdict, bool)> {
        if let Some(tube) = self.hot.get(&key) {
            let results = &tube.results;
            return Some((results.version, results.verdict, results.is_final()));
        }
        let cold = self.cold(key)?;
        let verdict = Verdict::try_from(i32::from(cold.flags >> 4 & 7)).unwrap_or_default();
        Some((u32::from(cold.version), verdict, true))
    }

    /// It is there.
    pub fn has(&self, key: TubeKey) -> bool {
        self.hot.contains_key(&key) || self.cold(key).is_some()
    }

    /// It is kept in short.
    pub fn is_cold(&self, key: TubeKey) -> bool {
        self.cold(key).is_some()
    }

    /// Keeps a tube in short if nothing more needs the rest.
    pub fn settle(&mut self, key: TubeKey) {
        let Some(cold) = self.hot.get(&key).and_then(|tube| Cold::of(tube)) else {
            return;
        };
        if self.set_cold(key, cold) {
            self.hot.remove(&key);
            self.closed = self.closed.saturating_add(1);
        }
    }

    /// All tubes that are kept in full.
    pub fn hot(&self) -> impl Iterator<Item = (TubeKey, &Tube)> {
        self.hot.iter().map(|(key, tube)| (*key, tube.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_tube_keeps_its_last_test_and_report() {
        let mut tubes = Tubes::default();
        let mut tube = Cold {
            plate: 7,
            well: 12,
            version: 2,
            flags: USED | POOLED | SUSPECT | (Verdict::Negative as u8) << 4,
        }
        .thaw();
        tube.received = 5;
        assert!(tubes.receive(1, tube.clone()));
        assert!(!tubes.receive(9, tube), "a number was left out");
        tubes.settle(1);
        assert!(tubes.is_cold(1));
        assert_eq!(tubes.report(1), Some((2, Verdict::Negative, true)));
        let back = tubes.get(1).expect("it is there").clone();
        assert_eq!(back.results.tests[0].well, 12);
        assert!(back.results.tests[0].pooled && back.results.suspect.is_some());
        assert!(!tubes.is_cold(1));
    }
}
