//! Anything, as a record of a journal.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use tenfold_proto::lane::Decisions;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::lane::validity::{Chain, judge};
use tenfold_runtime::lane::{fold, record};

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    let envelope = record::read(&bytes);
    for first in [true, false] {
        let chain = Chain::default();
        let verdict = judge(&chain, first, envelope.as_ref(), 1);
        if let Some(envelope) = &envelope {
            let _ = chain.after(verdict, envelope, &bytes);
        }
    }
    let body = envelope.map_or(bytes, |envelope| envelope.body);
    let Ok(decisions) = Decisions::decode(body) else {
        return;
    };
    let _ = fold::numbered(&decisions);
    if let Ok(cache) = MemoryCache::default().open(0)
        && let Ok(mut state) = LaneState::load(cache, &[])
    {
        let _ = fold::rows(&mut state, &decisions);
        let _ = fold::rows(&mut state, &decisions);
    }
});
