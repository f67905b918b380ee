//! Anything, as a record in the embedded log's file, pressed or not: what is read is stored and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenfold_runtime::log::embedded::stored::{decode, encode};
use tenfold_runtime::log::{NewRecord, RECORD_BYTES_MAX};

fuzz_target!(|data: &[u8]| {
    let Ok(read) = decode(7, data) else { return };
    assert!(read.value.len() <= data.len().max(RECORD_BYTES_MAX));
    // Only bytes that no release wrote have such a time.
    if read.appended_at.0 < 0 {
        return;
    }
    let record = NewRecord {
        key: read.key.clone(),
        value: read.value.clone(),
        headers: read.headers.clone(),
    };
    let again = decode(7, &encode(read.appended_at, record)).expect("what was stored");
    assert_eq!(
        (again.appended_at, again.key, again.value, again.headers),
        (read.appended_at, read.key, read.value, read.headers)
    );
});
