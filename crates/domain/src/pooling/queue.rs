//! The queues: everything that waits for a next step, STAT first, then by deadline.
//!
//! One entry for each tube or pool that is somewhere: so the oldest of a stage is its first entry, a
//! work list is a scan, and a plate is filled from the front.

use crate::tables::{Key, KeyBytes, Read, ReadExt, Record, TableId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// STAT goes this far ahead of its deadline: further than any deadline lies in the future.
const STAT_LEAD_MS: i64 = 1 << 45;

/// What something waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Registered; its tube did not come yet.
    Expected,
    /// Received; its registration is not known.
    Pending,
    /// May be pooled.
    Waiting,
    /// A person must decide.
    Held,
    /// An open pool.
    Open,
    /// A sealed pool or a single tube that waits for a well.
    Ready,
    /// A tube to be tested again, that waits for a well.
    Retest,
    /// In a well.
    Plated,
    /// In an instrument.
    Loaded,
}

impl Queue {
    /// All, in the order of a sample's way.
    pub const ALL: [Self; 9] = [
        Self::Expected,
        Self::Pending,
        Self::Waiting,
        Self::Held,
        Self::Open,
        Self::Ready,
        Self::Retest,
        Self::Plated,
        Self::Loaded,
    ];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// What waits: a key of the table of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Item {
    /// An expected sample.
    Expected(u64),
    /// A tube.
    Tube(u64),
    /// A pool.
    Pool(u64),
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The lab's number.
    pub lab: u64,
    /// The queue.
    pub queue: Queue,
    /// STAT first, then by deadline.
    pub rank: i64,
    /// What waits.
    pub item: Item,
}

impl Place {
    /// The place of something in a queue.
    #[must_use]
    pub const fn new(lab: u64, queue: Queue, stat: bool, due: Timestamp, item: Item) -> Self {
        let lead = if stat { STAT_LEAD_MS } else { 0 };
        Self {
            lab,
            queue,
            rank: due.0.saturating_sub(lead),
            item,
        }
    }

    const fn start(lab: u64, queue: Queue) -> Self {
        Self {
            lab,
            queue,
            rank: i64::MIN,
            item: Item::Expected(0),
        }
    }
}

impl Key for Place {
    fn write(&self, to: &mut KeyBytes) {
        let (kind, key) = match self.item {
            Item::Expected(key) => (0, key),
            Item::Tube(key) => (1, key),
            Item::Pool(key) => (2, key),
        };
        self.lab.write(to);
        to.push(self.queue as u8);
        self.rank.write(to);
        to.push(kind);
        key.write(to);
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = u64::from_bytes(bytes.get(18..26)?)?;
        Some(Self {
            lab: u64::from_bytes(bytes.get(0..8)?)?,
            queue: Queue::from_byte(*bytes.get(8)?)?,
            rank: i64::from_bytes(bytes.get(9..17)?)?,
            item: match *bytes.get(17)? {
                0 => Item::Expected(key),
                1 => Item::Tube(key),
                2 => Item::Pool(key),
                _ => return None,
            },
        })
    }
}

/// An entry of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When its report (of a pool: the earliest of its members) is due.
    pub due: Timestamp,
}

impl Record for Entry {
    const TABLE: TableId = 9;
    const NAME: &'static str = "queues";
    type Key = Place;
}

/// The entries of a queue from its front, until `Break`.
pub fn scan(
    state: &dyn Read,
    lab: u64,
    queue: Queue,
    mut visit: impl FnMut(Place, Entry) -> ControlFlow<()>,
) {
    let from = Place::start(lab, queue);
    state.scan::<Entry>(&from, |place, entry| {
        if place.lab != lab || place.queue != queue {
            return ControlFlow::Break(());
        }
        visit(place, entry)
    });
}

/// The first entries of a queue.
#[must_use]
pub fn front(state: &dyn Read, lab: u64, queue: Queue, most: usize) -> Vec<(Place, Entry)> {
    let mut found = Vec::new();
    if most == 0 {
        return found;
    }
    scan(state, lab, queue, |place, entry| {
        found.push((place, entry));
        if found.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found
}

/// The earliest deadline in a queue: of STAT and of routine the first.
#[must_use]
pub fn oldest_due(state: &dyn Read, lab: u64, queue: Queue) -> Option<Timestamp> {
    let first = front(state, lab, queue, 1).first().copied()?;
    let routine = Place {
        rank: 0,
        ..Place::start(lab, queue)
    };
    let mut oldest = first.1.due;
    state.scan::<Entry>(&routine, |place, entry| {
        if place.lab == lab && place.queue == queue {
            oldest = oldest.min(entry.due);
        }
        ControlFlow::Break(())
    });
    Some(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stat_goes_before_routine_however_late_the_routine_is() {
        let now = Timestamp(1_767_225_600_000);
        let stat = Place::new(1, Queue::Ready, true, now, Item::Tube(2));
        let late = Place::new(1, Queue::Ready, false, Timestamp(0), Item::Tube(1));
        assert!(stat.to_bytes() < late.to_bytes());
    }

    proptest! {
        #[test]
        fn places_sort_as_their_bytes(
            a in (0u64..3, 0u8..9, -5i64..5, 0u64..3),
            b in (0u64..3, 0u8..9, -5i64..5, 0u64..3),
        ) {
            let place = |(lab, queue, rank, key): (u64, u8, i64, u64)| Place {
                lab, queue: Queue::from_byte(queue).unwrap(), rank, item: Item::Pool(key),
            };
            let (a, b) = (place(a), place(b));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(Place::from_bytes(&a.to_bytes()), Some(a));
        }
    }
}
