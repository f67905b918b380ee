//! Creating lanes: the first record of every journal and inbox.

use super::record::{self, Id};
use crate::entropy::{Entropy, SystemEntropy};
use crate::log::{Class, Log, NewRecord, Topic};
use prost::Message;
use std::sync::mpsc::channel;
use std::time::Duration;
use tenfold_proto::lane::{InboxCreated, InboxRecord, LaneCreated, inbox_record::Content};

/// How long one first record may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Writes the first record of each journal and inbox of a service that has none; leaves others alone.
/// Blocks.
///
/// # Errors
/// What could not be read or written, in words.
pub fn create_lanes(log: &dyn Log, service: &str) -> Result<u32, String> {
    create_lanes_with(log, service, &SystemEntropy)
}

/// As [`create_lanes`], with names drawn from the entropy given.
///
/// # Errors
/// What could not be read or written, in words.
pub fn create_lanes_with(
    log: &dyn Log,
    service: &str,
    entropy: &dyn Entropy,
) -> Result<u32, String> {
    let (journal, inbox) = (Topic::journal(service), Topic::inbox(service));
    let lanes = log.lanes(&journal).map_err(|e| e.to_string())?;
    let mut created = 0;
    for lane in 0..lanes {
        let inbox_id = Id::fresh(entropy);
        if is_empty(log, &inbox, lane)? {
            let content = Content::Created(InboxCreated {
                inbox_id: inbox_id.to_bytes(),
            });
            let record = InboxRecord {
                content: Some(content),
                traceparent: String::new(),
            };
            append(log, &inbox, lane, record.encode_to_vec().into())?;
            created += 1;
        }
        if is_empty(log, &journal, lane)? {
            let first = record::created(&LaneCreated {
                journal_id: Id::fresh(entropy).to_bytes(),
                lanes,
                stream_id: Id::fresh(entropy).to_bytes(),
                inbox_id: inbox_id.to_bytes(),
            });
            append(log, &journal, lane, first)?;
            created += 1;
        }
    }
    Ok(created)
}

fn is_empty(log: &dyn Log, topic: &Topic, lane: u32) -> Result<bool, String> {
    let extent = log.extent(topic, lane).map_err(|e| e.to_string())?;
    Ok(extent.end == 0)
}

fn append(log: &dyn Log, topic: &Topic, lane: u32, value: bytes::Bytes) -> Result<(), String> {
    let (done, ended) = channel();
    log.append(
        Class::Commit,
        topic,
        lane,
        NewRecord::of(value),
        Box::new(move |result| {
            let _ = done.send(result);
        }),
    );
    match ended.recv_timeout(TIMEOUT) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{topic}/{lane}: {error}")),
        Err(_) => Err(format!("{topic}/{lane}: the log did not answer")),
    }
}
