//! What the log was asked, what it answered, and whether what it has agrees.

use bytes::Bytes;
use std::collections::BTreeMap;
use tenfold_runtime::log::AppendError;

/// Topic and lane.
pub type Place = (&'static str, u32);

/// Something asked of the log that changes it.
#[derive(Clone, Debug)]
pub enum Act {
    Create(&'static str, u32),
    Append(Place, Bytes),
    Position(Place, u64),
}

/// What the log has, as far as its callers can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Lanes of each topic.
    pub topics: BTreeMap<&'static str, u32>,
    pub records: BTreeMap<Place, Vec<Bytes>>,
    pub positions: BTreeMap<Place, u64>,
}

impl Holding {
    fn make(&mut self, act: &Act) {
        match act {
            Act::Create(topic, lanes) => {
                self.topics.insert(topic, *lanes);
                for lane in 0..*lanes {
                    self.records.entry((topic, lane)).or_default();
                }
            }
            Act::Append(place, value) => {
                self.records.entry(*place).or_default().push(value.clone());
            }
            Act::Position(place, next) => {
                self.positions.insert(*place, *next);
            }
        }
    }

    fn short(&self) -> String {
        let records: Vec<_> = self
            .records
            .iter()
            .map(|((topic, lane), records)| format!("{topic}/{lane}: {}", records.len()))
            .collect();
        format!("{records:?}, positions {:?}", self.positions)
    }
}

/// See the module.
#[derive(Default)]
pub struct Ledger {
    /// What was acknowledged, or seen after an opening: it stays.
    pub known: Holding,
    /// Appends that were answered "not sent": right while the power is gone, wrong when a disk is full.
    pub not_sent: u32,
    /// Asked since, in order, with what is known of each.
    open: Vec<(Act, bool)>,
}

impl Ledger {
    /// Takes note of an act and its end, in the order in which they were asked.
    pub fn ended(
        &mut self,
        act: Act,
        end: &Result<Option<u64>, AppendError>,
    ) -> Result<(), String> {
        match end {
            Ok(offset) => {
                self.open.push((act, true));
                let Some(offset) = offset else { return Ok(()) };
                if *offset != self.expected() {
                    // Then what nobody knew of is not there, nor ever will be.
                    self.open.retain(|(_, kept)| *kept);
                }
                let expected = self.expected();
                if *offset != expected {
                    let (act, _) = self.open.last().unwrap();
                    return Err(format!("offset {offset} instead of {expected} for {act:?}"));
                }
            }
            Err(AppendError::Unknown(_)) => self.open.push((act, false)),
            Err(AppendError::NotSent(_)) => self.not_sent += 1,
            // It is not there and never will be.
            Err(_) => {}
        }
        Ok(())
    }

    /// The offset that the last append must have if everything before it is there.
    fn expected(&self) -> u64 {
        let (last, before) = self.open.split_last().unwrap();
        let mut holding = self.known.clone();
        before.iter().for_each(|(act, _)| holding.make(act));
        match &last.0 {
            Act::Append(place, _) => holding.records.get(place).map_or(0, Vec::len) as u64,
            _ => 0,
        }
    }

    /// What the log has must be what was asked up to some act, and hold all that was acknowledged.
    pub fn settle(&mut self, seen: &Holding) -> Result<(), String> {
        let open = std::mem::take(&mut self.open);
        let promised = open
            .iter()
            .rposition(|(_, kept)| *kept)
            .map_or(0, |at| at + 1);
        let mut holding = self.known.clone();
        for number in 0..=open.len() {
            if number >= promised && holding == *seen {
                self.known = holding;
                return Ok(());
            }
            if let Some((act, _)) = open.get(number) {
                holding.make(act);
            }
        }
        let mut least = self.known.clone();
        open[..promised].iter().for_each(|(act, _)| least.make(act));
        Err(format!(
            "the log has {}; promised were {}; asked were {}",
            seen.short(),
            least.short(),
            holding.short()
        ))
    }
}
