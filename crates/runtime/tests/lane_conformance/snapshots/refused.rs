//! Snapshots that must not be used.

use super::{
    change, complete, destroy_the_beginning, empty, is_the_fold, opened, owns_with, stops,
    try_opened, two,
};
use crate::by_hand::memory;
use crate::damage::named;
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeMap;
use tenfold_proto::lane::{SnapshotChunk, SnapshotChunkEntry, SnapshotManifest};
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::log::Topic;
use tenfold_runtime::snapshot::manifest::{seal, unseal};
use tenfold_runtime::snapshot::read::Unusable;
use tenfold_runtime::snapshot::store::MemoryStore;

type Damage = fn(&mut BTreeMap<String, Bytes>, &str);

/// What may become of a snapshot whose manifest has this name.
const DAMAGES: [(&str, Damage); 8] = [
    ("a chunk that another lane wrote", |objects, manifest| {
        let name = manifest.replace("manifest", "chunk-000000");
        let mut chunk: SnapshotChunk = unseal(&objects[&name]).unwrap();
        for row in chunk.rows.iter_mut().filter(|row| row.key[0] == 1) {
            // Another sum.
            row.value = Some(Bytes::from_static(&[2, 10]));
        }
        objects.insert(name, seal(&chunk));
    }),
    ("a byte of a chunk", |objects, manifest| {
        let chunk = manifest.replace("manifest", "chunk-000001");
        let object = objects.get_mut(&chunk).unwrap();
        let mut bytes = object.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        *object = bytes.into();
    }),
    ("a chunk that is missing", |objects, manifest| {
        objects.remove(&manifest.replace("manifest", "chunk-000001"));
    }),
    ("a chunk that is cut", |objects, manifest| {
        let chunk = manifest.replace("manifest", "chunk-000000");
        let object = objects.get_mut(&chunk).unwrap();
        *object = object.slice(..object.len() - 1);
    }),
    ("two chunks that changed places", |objects, manifest| {
        let [a, b] = ["chunk-000000", "chunk-000001"].map(|to| manifest.replace("manifest", to));
        let (first, second) = (objects[&a].clone(), objects[&b].clone());
        objects.insert(a, second);
        objects.insert(b, first);
    }),
    ("a byte of the manifest", |objects, manifest| {
        let object = objects.get_mut(manifest).unwrap();
        let mut bytes = object.to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        *object = bytes.into();
    }),
    ("a manifest that is cut", |objects, manifest| {
        let object = objects.get_mut(manifest).unwrap();
        *object = object.slice(..object.len() / 2);
    }),
    ("a manifest that is empty", |objects, manifest| {
        objects.insert(manifest.to_owned(), Bytes::new());
    }),
];

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before_and_the_last_for_the_journal() {
    for (what, damage) in DAMAGES {
        let (log, bed) = memory();
        let store = MemoryStore::default();
        two(&bed, &store);
        let manifests = complete(&store);
        damage(&mut store.objects(), &manifests[1]);
        let (mut hand, cache) = empty(&bed, &store);
        owns_with(&mut hand, "22");
        is_the_fold(&bed, &hand, &cache);

        // The first one would do; so the journal's beginning is not read.
        let sound = store.objects().clone();
        damage(&mut store.objects(), &manifests[0]);
        let (mut hand, cache) = empty(&bed, &store);
        owns_with(&mut hand, "22");
        is_the_fold(&bed, &hand, &cache);

        destroy_the_beginning(&log, &bed);
        let (mut hand, _) = empty(&bed, &store);
        stops(&mut hand, "cannot follow");
        *store.objects() = sound;
        let (mut hand, _) = empty(&bed, &store);
        owns_with(&mut hand, "22");
        println!("{what}: passed over");
    }
}

#[test]
fn a_snapshot_of_another_journal_is_refused_whatever_it_says_of_itself() {
    let (_, theirs) = memory();
    let store = MemoryStore::default();
    two(&theirs, &store);
    let (log, bed) = memory();
    let own = MemoryStore::default();
    two(&bed, &own);
    let prefix = |store: &MemoryStore| {
        let manifest = complete(store)[0].clone();
        let parts: Vec<&str> = manifest.split('/').collect();
        (format!("{}/", parts[..3].join("/")), parts[2].to_owned())
    };
    let ((there, _), (here, journal)) = (prefix(&store), prefix(&own));
    // Where this journal's snapshots are, lie only those of another.
    let copied = MemoryStore::default();
    for (name, object) in store.objects().iter() {
        let name = name.replace(&there, &here);
        copied.objects().insert(name, object.clone());
    }
    let (mut hand, cache) = empty(&bed, &copied);
    owns_with(&mut hand, "22");
    is_the_fold(&bed, &hand, &cache);
    // They say that they are this journal's; its records say that they are not.
    for manifest in complete(&copied) {
        let foreign = try_opened(&copied, &manifest);
        assert!(matches!(foreign, Err(Unusable::Foreign(_))), "{foreign:?}");
        change(&copied, &manifest, |manifest| {
            let stamp = manifest.stamp.as_mut().unwrap();
            let id = uuid::Uuid::parse_str(&journal).unwrap();
            stamp.journal_id = id.into_bytes().to_vec().into();
        });
        let theirs = opened(&copied, &manifest);
        let belongs = theirs.belongs_to(hand.log.as_ref(), &Topic::journal("intake"), 1);
        assert!(matches!(belongs, Err(Unusable::Foreign(_))), "{belongs:?}");
    }
    let (mut hand, cache) = empty(&bed, &copied);
    owns_with(&mut hand, "22");
    is_the_fold(&bed, &hand, &cache);
    destroy_the_beginning(&log, &bed);
    let (mut hand, _) = empty(&bed, &copied);
    stops(&mut hand, "cannot follow");
}

#[test]
fn a_snapshot_that_stands_elsewhere_than_its_journal_is_refused() {
    type Lie = fn(&mut SnapshotManifest);
    let lies: [Lie; 4] = [
        |m| m.stamp.as_mut().unwrap().chain.as_mut().unwrap().seq -= 1,
        |m| m.stamp.as_mut().unwrap().next_offset -= 1,
        |m| {
            let stamp = m.stamp.as_mut().unwrap();
            let other = vec![7; 32].into();
            stamp.anchor_chain.as_mut().unwrap().hash = other;
        },
        |m| m.stamp.as_mut().unwrap().anchor_offset = u64::MAX,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let (_, bed) = memory();
        let store = MemoryStore::default();
        two(&bed, &store);
        for manifest in complete(&store) {
            change(&store, &manifest, lie);
        }
        let (mut hand, cache) = empty(&bed, &store);
        for manifest in complete(&store) {
            let journal = Topic::journal("intake");
            let belongs = opened(&store, &manifest).belongs_to(hand.log.as_ref(), &journal, 1);
            assert!(matches!(belongs, Err(Unusable::Foreign(_))), "{belongs:?}");
        }
        owns_with(&mut hand, "22");
        is_the_fold(&bed, &hand, &cache);
        println!("lie {number}: found out");
    }
}

#[test]
fn another_release_s_snapshot_is_passed_over() {
    type Other = fn(&mut SnapshotManifest);
    let others: [Other; 3] = [|m| m.mark.push('7'), |m| m.level += 1, |m| m.format += 1];
    for other in others {
        let (log, bed) = memory();
        let store = MemoryStore::default();
        two(&bed, &store);
        let manifests = complete(&store);
        change(&store, &manifests[1], other);
        let whole = store.objects().clone();
        change(&store, &manifests[0], other);
        let (mut hand, cache) = empty(&bed, &store);
        owns_with(&mut hand, "22");
        is_the_fold(&bed, &hand, &cache);
        destroy_the_beginning(&log, &bed);
        let (mut hand, _) = empty(&bed, &store);
        stops(&mut hand, "cannot follow");
        *store.objects() = whole;
        let (mut hand, _) = empty(&bed, &store);
        owns_with(&mut hand, "22");
    }
}

#[test]
fn a_snapshot_ahead_of_the_log_is_an_alarm_as_a_cache_ahead_is() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    log.truncate(&named(&bed, &Topic::journal("intake")), 0, 0, 5);
    let before = store.objects().clone();
    let (mut hand, _) = empty(&bed, &store);
    stops(&mut hand, "a snapshot is ahead of the log");
    assert_eq!(*store.objects(), before, "nothing is removed");
}

/// Its digests are right: whoever wrote it was wrong.
#[test]
fn a_snapshot_whose_rows_cannot_be_folded_on_is_passed_over_once_that_is_known() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    for manifest in complete(&store) {
        let mut entries = Vec::new();
        for number in 0.. {
            let name = manifest.replace("manifest", &format!("chunk-{number:06}"));
            let Some(object) = store.objects().get(&name).cloned() else {
                break;
            };
            let mut chunk: SnapshotChunk = unseal(&object).unwrap();
            // The sum.
            for row in chunk.rows.iter_mut().filter(|row| row.key[0] == 1) {
                row.value = Some(Bytes::new());
            }
            let object = seal(&chunk);
            entries.push(SnapshotChunkEntry {
                bytes: object.len() as u64,
                digest: Hash::of(&object).to_bytes(),
                rows: chunk.rows.len() as u64,
            });
            store.objects().insert(name, object);
        }
        change(&store, &manifest, |manifest| manifest.chunks = entries);
    }
    let (mut hand, cache) = empty(&bed, &store);
    owns_with(&mut hand, "22");
    is_the_fold(&bed, &hand, &cache);
}

/// The names of fields and their numbers are for ever; so is this manifest, which an earlier release wrote.
#[test]
fn a_manifest_is_read_by_the_numbers_of_its_fields() {
    let manifest = SnapshotManifest {
        format: 1,
        rows: 300,
        ..SnapshotManifest::default()
    };
    assert_eq!(manifest.encode_to_vec(), [8, 1, 80, 172, 2]);
}
