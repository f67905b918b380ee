//! Anything, as a record of an inbox: what a relay brings once is known the second time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use tenfold_proto::lane::{InboxRecord, inbox_record::Content};
use tenfold_runtime::lane::receive::{Received, judge};

fuzz_target!(|data: &[u8]| {
    let Ok(record) = InboxRecord::decode(data) else {
        return;
    };
    if let Some(Content::Relay(relay)) = record.content
        && let Received::New(range, row) = judge(&relay, None)
    {
        assert!(range.end <= relay.messages.len());
        assert_eq!(judge(&relay, Some(&row)), Received::Duplicate);
    }
});
