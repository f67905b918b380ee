//! How far back a lane's journal and inbox are needed in the log: the rest is put away ([`crate::heads`]) whenever a
//! snapshot was written.

use super::Lane;
use super::record::Id;
use crate::heads::Heads;
use crate::heads::put_away::{NotPutAway, PutAway};
use crate::log::Topic;
use crate::metrics as m;
use crate::processor::Processor;
use crate::snapshot::read::{self, Snapshot, Unusable};
use crate::snapshot::{Place, Snapshots};
use std::sync::Arc;

/// Snapshots that must begin behind what leaves the log: with one damaged, the other still needs nothing from the head.
/// (Were both damaged, the head would be read from the store: slower, and not less.)
const SNAPSHOTS_MIN: usize = 2;

/// Below these offsets whoever takes the lane reads nothing of the log but the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Needed {
    journal_from: u64,
    inbox_from: u64,
}

impl<P: Processor> Lane<P> {
    /// Puts the heads of journal and inbox away, in the background.
    pub(super) fn put_heads_away(&self) {
        let (Some(heads), Some(snapshots), Some(stamp)) =
            (&self.context.heads, &self.context.snapshots, &self.stamp)
        else {
            return;
        };
        let job = Job {
            heads: Arc::clone(heads),
            snapshots: snapshots.clone(),
            place: Place {
                service: self.context.service.to_owned(),
                lane: self.number,
                journal: stamp.journal.id,
            },
            inbox_id: stamp.inbox_id,
            service: self.context.service,
            topics: (self.context.journal(), self.context.inbox()),
        };
        (self.context.background)(Box::new(move || job.run()));
    }
}

struct Job {
    heads: Arc<Heads>,
    snapshots: Snapshots,
    place: Place,
    inbox_id: Id,
    service: &'static str,
    topics: (Topic, Topic),
}

impl Job {
    fn run(self) {
        let needed = match self.needed() {
            Ok(Some(needed)) => needed,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(service = self.service, lane = self.place.lane, %error, "heads stay in the log: the snapshots cannot be read");
                return;
            }
        };
        let (journal, inbox) = &self.topics;
        self.put_away(journal, needed.journal_from);
        self.put_away(inbox, needed.inbox_from);
    }

    /// What all kept snapshots need; `None` if they are too few.
    fn needed(&self) -> Result<Option<Needed>, Unusable> {
        let store = self.snapshots.store.as_ref();
        let names = read::names(store, &self.place)?;
        if names.len() < SNAPSHOTS_MIN {
            return Ok(None);
        }
        let mut least: Option<Needed> = None;
        for name in names {
            let stamp = Snapshot::open(store, &self.place, &name)?.stamp;
            // An inbox made anew: what is put away of it is for the next time.
            let inbox_from = if stamp.inbox_id == self.inbox_id {
                stamp.inbox_next
            } else {
                0
            };
            let least = least.get_or_insert(Needed {
                journal_from: stamp.anchor.offset,
                inbox_from,
            });
            least.journal_from = least.journal_from.min(stamp.anchor.offset);
            least.inbox_from = least.inbox_from.min(inbox_from);
        }
        Ok(least)
    }

    fn put_away(&self, topic: &Topic, below: u64) {
        let (service, lane) = (self.service, self.place.lane);
        match self.heads.put_away(topic, lane, below) {
            Ok(PutAway { parts: 0, .. }) | Err(NotPutAway::Busy) => {}
            Ok(done) => {
                metrics::counter!(m::HEAD_BYTES, "service" => service).increment(done.bytes);
                tracing::info!(
                    %topic,
                    lane,
                    parts = done.parts,
                    bytes = done.bytes,
                    stored_below = done.stored_below,
                    log_starts_at = done.log_starts_at,
                    "older records put away"
                );
            }
            Err(error) => {
                metrics::counter!(m::HEADS_FAILED, "service" => service, "reason" => error.reason())
                    .increment(1);
                tracing::warn!(%topic, lane, %error, "older records stay in the log");
            }
        }
    }
}
