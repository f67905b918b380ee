//! When a lane's snapshot is due, and what becomes of it. How it is written: [`crate::snapshot::write`].

use super::context::{Event, SnapshotNews};
use super::record::Id;
use super::{Lane, Phase, rows};
use crate::metrics as m;
use crate::processor::Processor;
use crate::snapshot::read::{self, Snapshot};
use crate::snapshot::write::{NotWritten, Order, Written, start};
use crate::snapshot::{Name, Place, Snapshots};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of journal that a record is taken for, when how many came since the newest snapshot is known by number only.
const RECORD_BYTES_ASSUMED: u64 = 2_048;
/// A snapshot so many times larger than the journal since the last one is not worth writing yet: what is copied stays
/// in proportion to what was decided.
const COPY_RATIO_MAX: u64 = 8;
/// After one that failed, or a question that nobody answered.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What a lane that is owned knows of its snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keeping {
    /// There are none; or nobody has looked yet.
    #[default]
    Off,
    /// The store is being asked for the newest.
    Looking {
        /// Bytes of journal since the lane was owned.
        since: u64,
        /// Asked again at this moment (monotonic) if nobody has answered.
        again_at: Duration,
    },
    /// Until so much of the journal came that the next is due.
    Waiting {
        /// Bytes of journal since the newest, as far as that is known.
        since: u64,
        /// Size of the newest.
        last: u64,
        /// Not before (monotonic).
        not_before: Duration,
    },
    /// One is being written.
    Writing {
        /// Bytes of journal since it was begun.
        since: u64,
        /// Size of the newest there is.
        last: u64,
        /// When it was begun (monotonic).
        began: Duration,
    },
}

impl Keeping {
    fn committed(&mut self, bytes: usize) {
        match self {
            Self::Off => {}
            Self::Looking { since, .. }
            | Self::Waiting { since, .. }
            | Self::Writing { since, .. } => {
                *since = since.saturating_add(bytes as u64);
            }
        }
    }

    fn is_due(&self, now: Duration, every: u64) -> bool {
        matches!(self, Self::Waiting { since, last, not_before }
            if *since >= every.max(last / COPY_RATIO_MAX) && now >= *not_before)
    }
}

impl<P: Processor> Lane<P> {
    fn place(&self) -> Option<Place> {
        Some(Place {
            service: self.context.service.to_owned(),
            lane: self.number,
            journal: self.stamp.as_ref()?.journal.id,
        })
    }

    fn news(&self) -> impl FnOnce(SnapshotNews) + Send + use<P> {
        let (mailbox, lane, load) = (Arc::clone(&self.context.mailbox), self.number, self.load);
        move |news| mailbox(lane, Event::Snapshot { load, news })
    }

    /// The lane is owned: asks, in the background, for the newest snapshot.
    pub(super) fn look_for_snapshots(&mut self) {
        self.look(0);
    }

    fn look(&mut self, since: u64) {
        self.keeping = Keeping::Off;
        let (Some(snapshots), Some(place)) = (self.context.snapshots.clone(), self.place()) else {
            return;
        };
        let now = self.context.clock.monotonic();
        self.keeping = Keeping::Looking {
            since,
            again_at: now.saturating_add(TRY_AGAIN_AFTER),
        };
        let tell = self.news();
        let look = move || {
            let newest = newest(&snapshots, &place);
            tell(SnapshotNews::Newest(newest));
        };
        (self.context.background)(Box::new(look));
    }

    /// A record of the journal was committed.
    pub(super) fn journal_grew(&mut self, bytes: usize) {
        self.keeping.committed(bytes);
    }

    /// Begins to write one if it is time.
    pub(super) fn snapshot_when_due(&mut self) {
        let (Some(snapshots), Some(place), Some(stamp)) =
            (&self.context.snapshots, self.place(), &self.stamp)
        else {
            return;
        };
        let now = self.context.clock.monotonic();
        if let Keeping::Looking { since, again_at } = self.keeping
            && now >= again_at
        {
            return self.look(since);
        }
        if !self.keeping.is_due(now, snapshots.settings.every_bytes) {
            return;
        }
        let Keeping::Waiting { last, .. } = self.keeping else {
            return;
        };
        let tell = self.news();
        let order = Order {
            snapshots: snapshots.clone(),
            place,
            name: Name::new(stamp.next_offset, Id::fresh(self.context.entropy.as_ref())),
            mark: rows::mark(
                self.context.service,
                self.number,
                self.processor.tables_version(),
            ),
            level: self.processor.level(),
            tables: self.processor.tables(),
            made_at: self.context.clock.wall(),
            applier: Arc::downgrade(&self.context.applier),
            background: Arc::clone(&self.context.background),
            done: Box::new(move |how| tell(SnapshotNews::Ended(how))),
        };
        self.keeping = Keeping::Writing {
            since: 0,
            last,
            began: now,
        };
        start(order);
    }

    pub(super) fn hear_of_snapshots(&mut self, news: SnapshotNews) {
        match (news, self.keeping) {
            (SnapshotNews::Newest(newest), Keeping::Looking { since, .. }) => {
                let stands = self.stamp.as_ref().map_or(0, |stamp| stamp.next_offset);
                let (from, last) =
                    newest.map_or((0, 0), |newest| (newest.next_offset, newest.bytes));
                let before = stands.saturating_sub(from);
                self.keeping = Keeping::Waiting {
                    // Those since the lane was owned are counted twice: a little early does no harm.
                    since: since.saturating_add(before.saturating_mul(RECORD_BYTES_ASSUMED)),
                    last,
                    not_before: Duration::ZERO,
                };
            }
            (SnapshotNews::Ended(how), Keeping::Writing { since, last, began }) => {
                self.snapshot_ended(how, since, last, began);
            }
            _ => {}
        }
    }

    fn snapshot_ended(
        &mut self,
        how: Result<Written, NotWritten>,
        since: u64,
        last: u64,
        began: Duration,
    ) {
        let (service, lane) = (self.context.service, self.number);
        let now = self.context.clock.monotonic();
        match how {
            Ok(written) => {
                let took = now.saturating_sub(began);
                metrics::counter!(m::SNAPSHOTS_WRITTEN, "service" => service).increment(1);
                metrics::histogram!(m::SNAPSHOT_WRITE_SECONDS, "service" => service)
                    .record(took.as_secs_f64());
                tracing::info!(
                    service,
                    lane,
                    snapshot = written.name.as_str(),
                    bytes = written.bytes,
                    took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "snapshot written"
                );
                self.put_heads_away();
                self.keeping = Keeping::Waiting {
                    since,
                    last: written.bytes,
                    not_before: now,
                };
            }
            Err(error) => {
                let reason = match &error {
                    NotWritten::Store(_) => "store",
                    NotWritten::Cache(_) => "cache",
                    NotWritten::Damaged(_) => "damaged",
                    NotWritten::Unfinished => "unfinished",
                };
                metrics::counter!(m::SNAPSHOTS_FAILED, "service" => service, "reason" => reason)
                    .increment(1);
                tracing::warn!(service, lane, %error, "no snapshot was written");
                self.keeping = Keeping::Waiting {
                    since: u64::MAX,
                    last,
                    not_before: now.saturating_add(TRY_AGAIN_AFTER),
                };
                if matches!(error, NotWritten::Damaged(_)) && matches!(self.phase, Phase::Owned(_))
                {
                    self.wipe_cache();
                    self.lose(false, "the cache holds a row that cannot be read");
                }
            }
        }
    }

    /// Whatever the cache has is not used again; nor is a snapshot that it came from.
    pub(super) fn wipe_cache(&mut self) {
        self.wipe = true;
        if let Some(name) = self.restored.take() {
            tracing::error!(
                service = self.context.service,
                lane = self.number,
                snapshot = name.as_str(),
                "what came from this snapshot cannot be used: it is passed over from now on"
            );
            self.distrusted.insert(name);
        }
    }
}

/// The newest whose manifest can be read; none if the store does not say.
fn newest(snapshots: &Snapshots, place: &Place) -> Option<Written> {
    let store = snapshots.store.as_ref();
    let names = read::names(store, place).inspect_err(|error| {
        tracing::warn!(service = place.service, lane = place.lane, %error, "nobody knows which snapshots there are");
    });
    names.ok()?.into_iter().find_map(|name| {
        let snapshot = Snapshot::open(store, place, &name).ok()?;
        Some(Written {
            name,
            next_offset: snapshot.stamp.next_offset,
            bytes: snapshot.bytes(),
        })
    })
}
