//! What is removed of a lane's snapshots: those beyond the number kept, and those that were never finished.

use super::store::{Store, StoreError};
use super::{MANIFEST, Name, Place};
use std::collections::BTreeMap;

/// What a place has of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Its manifest is there.
    pub complete: bool,
    /// Bytes of its objects.
    pub bytes: u64,
    /// Names of its objects.
    pub(super) objects: Vec<String>,
}

/// Everything of a place, by snapshot, oldest first.
///
/// # Errors
/// The store does not answer.
pub fn parts(store: &dyn Store, place: &Place) -> Result<BTreeMap<Name, Parts>, StoreError> {
    let prefix = place.prefix();
    let mut all: BTreeMap<Name, Parts> = BTreeMap::new();
    for entry in store.list(&prefix)? {
        let below = entry.name.strip_prefix(&prefix);
        let Some((name, object)) = below.and_then(|below| below.split_once('/')) else {
            continue;
        };
        // What is not ours is left alone.
        let Some(name) = Name::read(name) else {
            continue;
        };
        let parts = all.entry(name).or_default();
        parts.complete |= object == MANIFEST;
        parts.bytes += entry.bytes;
        parts.objects.push(entry.name);
    }
    Ok(all)
}

/// Removes complete snapshots beyond the newest `keep`, and unfinished ones begun before the newest complete one: who
/// wrote those has died, or was overtaken.
///
/// # Errors
/// The store does not answer: the rest stays until the next time.
pub fn tidy(store: &dyn Store, place: &Place, keep: usize) -> Result<(), StoreError> {
    let mut kept = 0;
    for (name, mut parts) in parts(store, place)?.into_iter().rev() {
        let goes = if parts.complete {
            kept += 1;
            kept > keep.max(1)
        } else {
            kept > 0
        };
        if goes {
            // The manifest first: half a snapshot must not look like one.
            let manifest = name.manifest(place);
            parts.objects.sort_by_key(|object| *object != manifest);
            for object in parts.objects {
                store.delete(&object)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::store::MemoryStore;
    use super::*;
    use crate::lane::record::Id;

    #[test]
    fn the_newest_stay_with_what_is_being_written_and_nothing_else() {
        let store = MemoryStore::default();
        let place = Place {
            service: "intake".into(),
            lane: 1,
            journal: Id([7; 16]),
        };
        let (complete, unfinished) = ([10, 20, 30], [5, 25, 40]);
        for begun in complete.into_iter().chain(unfinished) {
            let name = Name::new(begun, Id([1; 16]));
            store.put(&name.chunk(&place, 0), "chunk".into()).unwrap();
            if complete.contains(&begun) {
                store.put(&name.manifest(&place), "m".into()).unwrap();
            }
        }
        let other = format!("{}notes.txt", place.prefix());
        store.put(&other, "a person's".into()).unwrap();
        tidy(&store, &place, 2).unwrap();
        let left = parts(&store, &place).unwrap();
        let left: Vec<_> = left.keys().map(Name::as_str).collect();
        let id = Id([1; 16]);
        let named = |begun: u64| format!("{begun:020}-{id}");
        assert_eq!(left, [named(20), named(30), named(40)]);
        assert!(store.get(&other, 100).unwrap().is_some(), "left alone");
    }
}
