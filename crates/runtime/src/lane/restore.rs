//! Filling an empty cache from the newest snapshot that is proven: whole by its digests, and a state of this journal
//! by the records that lead to it. One that is not is passed over for the one before, the last for the whole journal.
//! One *ahead* of the journal is an alarm, as a cache ahead is: the log has lost what was acknowledged.

use super::context::Context;
use super::load::{LoadError, Wanted};
use super::rows::{Journal, Stamp};
use crate::cache::Cache as _;
use crate::log::Extent;
use crate::metrics as m;
use crate::snapshot::read::{self, NotRestored, Snapshot, Unusable};
use crate::snapshot::{Name, Place, Snapshots};

/// What a cache was filled from.
pub(super) struct Restored {
    pub(super) name: Name,
    pub(super) stamp: Stamp,
}

/// Wipes the cache and fills it; `None` if no snapshot will do, and then the cache may have anything.
pub(super) fn restore(
    context: &Context,
    wanted: &Wanted,
    journal: &Journal,
    extent: Extent,
    mark: &str,
) -> Result<Option<Restored>, LoadError> {
    let Some(snapshots) = &context.snapshots else {
        return Ok(None);
    };
    let (service, lane) = (context.service, wanted.lane);
    let place = Place {
        service: service.to_owned(),
        lane,
        journal: journal.id,
    };
    let names = match read::names(snapshots.store.as_ref(), &place) {
        Ok(names) => names,
        Err(error) => {
            refused(service, lane, None, &error.into());
            return Ok(None);
        }
    };
    for name in names {
        if wanted.distrusted.contains(&name) {
            continue;
        }
        let snapshot = match Snapshot::open(snapshots.store.as_ref(), &place, &name) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                refused(service, lane, Some(&name), &error);
                continue;
            }
        };
        if snapshot.is_ahead_of(extent) {
            let journal = context.journal();
            return Err(LoadError::Ahead(format!(
                "a snapshot is ahead of the log: it stands at offset {}, and {journal}/{lane} ends at {}. Either the log lags and will catch up, or it has lost its tail: then restore it; only if that loss is accepted, remove the lane's snapshots ({}) and start again",
                snapshot.stamp.next_offset,
                extent.end,
                place.prefix()
            )));
        }
        match fill(context, wanted, snapshots, &snapshot, mark) {
            Ok(()) => {
                return Ok(Some(Restored {
                    name,
                    stamp: snapshot.stamp,
                }));
            }
            Err(NotRestored::Unusable(error)) => refused(service, lane, Some(&name), &error),
            Err(NotRestored::Cache(error)) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn fill(
    context: &Context,
    wanted: &Wanted,
    snapshots: &Snapshots,
    snapshot: &Snapshot,
    mark: &str,
) -> Result<(), NotRestored> {
    let began = context.clock.monotonic();
    snapshot.fits(mark, wanted.level)?;
    snapshot.belongs_to(context.log.as_ref(), &context.journal(), wanted.level)?;
    context.cache.wipe(wanted.lane)?;
    let laying = context.cache.laying(wanted.lane)?;
    let ahead = snapshots.settings.read_ahead;
    snapshot.lay(snapshots.store.as_ref(), ahead, laying)?;
    let took = context.clock.monotonic().saturating_sub(began);
    metrics::counter!(m::SNAPSHOTS_RESTORED, "service" => context.service).increment(1);
    metrics::histogram!(m::SNAPSHOT_RESTORE_SECONDS, "service" => context.service)
        .record(took.as_secs_f64());
    tracing::info!(
        service = context.service,
        lane = wanted.lane,
        snapshot = snapshot.name.as_str(),
        seq = snapshot.stamp.chain.seq,
        rows = snapshot.manifest.rows,
        took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "the lane goes on from a snapshot; its rows move into the cache behind it"
    );
    Ok(())
}

fn refused(service: &'static str, lane: u32, name: Option<&Name>, error: &Unusable) {
    tracing::warn!(service, lane, snapshot = name.map(Name::as_str), %error, "a snapshot is passed over");
    metrics::counter!(m::SNAPSHOTS_REFUSED, "service" => service, "reason" => error.reason())
        .increment(1);
}
