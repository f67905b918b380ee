//! Folding a journal as a lane does, and the digest of what it comes to.

use bytes::Bytes;
use prost::Message as _;
use tenfold_proto::lane::Decisions;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::record;
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::lane::validity::{Chain, Verdict, judge};
use tenfold_runtime::processor::Processor;

/// What a journal came to.
pub struct Folded {
    /// Records of decisions.
    pub decisions: usize,
    /// blake3 of all rows, in hexadecimal.
    pub digest: String,
}

/// The records in a file's text.
pub fn records(text: &str) -> Vec<Bytes> {
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(digits, 16).expect("hexadecimal")
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

/// Folds records; every one of them must count.
pub fn fold<P: Processor>(processor: &P, records: &[Bytes]) -> Folded {
    let cache = MemoryCache::default();
    let lane = cache.open(0).expect("a cache in memory");
    let mut state = LaneState::load(lane, processor.tables()).expect("an empty state");
    let mut chain = Chain::default();
    let mut folded = 0;
    for (at, bytes) in records.iter().enumerate() {
        let envelope = record::read(bytes).unwrap_or_else(|| panic!("record {at}: no envelope"));
        let verdict = judge(&chain, at == 0, Some(&envelope), processor.level());
        chain = chain.after(verdict, &envelope, bytes);
        match verdict {
            Verdict::Created | Verdict::Opened => {}
            Verdict::Decisions => {
                let decisions = Decisions::decode(envelope.body).expect("decisions");
                tenfold_runtime::lane::fold::record(processor, &mut state, &decisions)
                    .unwrap_or_else(|error| panic!("record {at}: {error}"));
                folded += 1;
            }
            other => panic!("record {at}: {other:?}"),
        }
    }
    let (_, writes) = state.seal();
    cache
        .open(0)
        .and_then(|lane| lane.apply(writes))
        .expect("applied");
    let digest = cache.edit(0, |rows| {
        let mut hasher = blake3::Hasher::new();
        for (key, value) in rows.iter() {
            for part in [key, value] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        hasher.finalize().to_hex().to_string()
    });
    Folded {
        decisions: folded,
        digest,
    }
}
