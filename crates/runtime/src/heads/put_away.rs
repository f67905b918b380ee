//! Putting a lane's head away: copied to the store in parts, and, when store and log were compared, trimmed from the log.

use super::part::{self, Name, NoPart};
use super::{Heads, Place, end_of, locked};
use crate::log::walk::walk;
use crate::log::{Extent, LogRecord, ReadError, Topic};
use crate::snapshot::store::StoreError;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutAway {
    /// Parts written.
    pub parts: u64,
    /// Bytes of their objects.
    pub bytes: u64,
    /// The store has all records below this offset.
    pub stored_below: u64,
    /// The log's first offset now.
    pub log_starts_at: u64,
}

/// Why a head was not put away. The log has what it had, but for what was compared and trimmed before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPutAway {
    /// The log cannot be read or trimmed.
    #[error("the log: {0}")]
    Log(#[from] ReadError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part is not what was written.
    #[error(transparent)]
    Part(NoPart),
    /// The store has other records than the log.
    #[error(
        "{0}: the store has the head of another log. Name a store that is empty, or this log's own"
    )]
    Foreign(String),
    /// Records are in neither.
    #[error(
        "{0}: these records are neither in the log nor in the store. Name the store that has them, or restore them"
    )]
    Missing(String),
    /// Another does it just now.
    #[error("it is being put away already")]
    Busy,
}

impl NotPutAway {
    /// Its kind, for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Store(_) => "store",
            Self::Part(_) => "damaged",
            Self::Foreign(_) => "foreign",
            Self::Missing(_) => "missing",
            Self::Busy => "busy",
        }
    }
}

impl From<NoPart> for NotPutAway {
    fn from(error: NoPart) -> Self {
        match error {
            NoPart::Store(error) => Self::Store(error),
            damaged @ NoPart::Damaged(..) => Self::Part(damaged),
        }
    }
}

/// A lane whose head nobody else puts away meanwhile.
struct Alone<'h>(&'h Heads, Place);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        locked(&self.0.busy).remove(&self.1);
    }
}

impl Heads {
    /// Puts away what a lane has below an offset, in whole parts; what is left over waits for the next time. Blocks.
    ///
    /// # Errors
    /// See [`NotPutAway`].
    pub fn put_away(&self, topic: &Topic, lane: u32, below: u64) -> Result<PutAway, NotPutAway> {
        let place = (topic.clone(), lane);
        if !locked(&self.busy).insert(place.clone()) {
            return Err(NotPutAway::Busy);
        }
        let alone = Alone(self, place);
        self.put_away_alone(&alone.1, below)
    }

    fn put_away_alone(&self, place: &Place, below: u64) -> Result<PutAway, NotPutAway> {
        let (topic, lane) = (&place.0, place.1);
        let extent = self.log.extent(topic, lane)?;
        let below = below.min(extent.end);
        let before = self.list(place)?;
        let stored = end_of(&before);
        if stored < extent.start {
            return Err(NotPutAway::Missing(format!(
                "{topic}/{lane} from offset {stored} to {}",
                extent.start
            )));
        }
        if stored > extent.end {
            return Err(NotPutAway::Foreign(format!(
                "{topic}/{lane} ends at offset {}, and the store has it up to {stored}",
                extent.end
            )));
        }
        if let Some(last) = before.last() {
            self.compare(place, *last, extent)?;
        }
        let mut done = PutAway {
            log_starts_at: extent.start,
            ..PutAway::default()
        };
        self.copy(place, (stored, below), &mut done)?;
        let parts = self.list(place)?;
        done.stored_below = end_of(&parts);
        if self.settings.trim {
            let mut proven = extent.start;
            for part in parts.iter().filter(|part| part.end > extent.start) {
                if part.end > below {
                    break;
                }
                self.compare(place, *part, extent)?;
                proven = part.end;
            }
            if proven > extent.start {
                done.log_starts_at = self.log.trim(topic, lane, proven)?;
            }
        }
        Ok(done)
    }

    /// Writes parts from an offset on, as long as they are full. The first record is a part of its own.
    fn copy(
        &self,
        place: &Place,
        (from, below): (u64, u64),
        done: &mut PutAway,
    ) -> Result<(), NotPutAway> {
        let (topic, lane) = (&place.0, place.1);
        let mut first = from;
        let mut bytes = 0;
        let mut records: Vec<LogRecord> = Vec::new();
        let full = self.settings.part_bytes.min(part::BYTES);
        walk(
            self.log.as_ref(),
            topic,
            lane,
            (from, below),
            &mut |record: LogRecord| {
                bytes += record.bytes();
                let end = record.offset.saturating_add(1);
                records.push(record);
                if bytes >= full || first == 0 {
                    let name = Name { first, end };
                    let object = part::seal(name, topic, lane, &records);
                    done.parts += 1;
                    done.bytes += object.len() as u64;
                    self.store.put(&name.object(topic, lane), object)?;
                    records.clear();
                    (first, bytes) = (end, 0);
                }
                Ok::<_, NotPutAway>(())
            },
        )
    }

    /// Has the store, in this part, what the log has there? What was trimmed was compared before.
    fn compare(&self, place: &Place, name: Name, extent: Extent) -> Result<(), NotPutAway> {
        let (topic, lane) = (&place.0, place.1);
        let from = name.first.max(extent.start);
        let stored = match part::read(self.store.as_ref(), topic, lane, name) {
            // The log has it still: the next time it is written anew.
            Err(NoPart::Damaged(object, damage)) if name.first >= extent.start => {
                self.store.delete(&object)?;
                return Err(NoPart::Damaged(object, damage).into());
            }
            other => other?,
        };
        let mut stored = stored.iter().filter(|record| record.offset >= from);
        let differs = |offset: u64| {
            NotPutAway::Foreign(format!(
                "{topic}/{lane} at offset {offset} is not what the store has"
            ))
        };
        walk(
            self.log.as_ref(),
            topic,
            lane,
            (from, name.end),
            &mut |record: LogRecord| match stored.next() {
                Some(kept) if part::same(kept, &record) => Ok(()),
                _ => Err(differs(record.offset)),
            },
        )?;
        stored
            .next()
            .map_or(Ok(()), |more| Err(differs(more.offset)))
    }
}
