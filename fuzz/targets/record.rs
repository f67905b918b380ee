//! Anything, as a record of the public topic: the first line is its content type, the rest its content.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tenfold_domain::Timestamp;
use tenfold_intake::router::read_record;
use tenfold_runtime::log::LogRecord;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (kind, content) = data.split_at(at);
    let header = ("content-type".to_owned(), Bytes::copy_from_slice(kind));
    let _ = read_record(&LogRecord {
        offset: 0,
        appended_at: Timestamp(0),
        key: None,
        value: Bytes::copy_from_slice(content.get(1..).unwrap_or_default()),
        headers: if kind.is_empty() {
            Vec::new()
        } else {
            vec![header]
        },
    });
});
