//! Where a letter's content came from, and how it is put back there.
//!
//! | origin | what is put back |
//! |---|---|
//! | `registrations/P@N` | the record as it was posted, into the same partition |
//! | `SERVICE.inbox/L@N`, one of the inputs of a record from outside | that input, into the same inbox |
//! | `SERVICE.inbox/L@N`, a whole record that no lane sent | the record, into the same inbox |
//! | `SERVICE.inbox/L@N`, of another lane | nothing: its number is used up, and the same again would be dropped |
//! | `command` | nothing: its caller was answered, and sends it again |

use super::{Found, append, scan};
use crate::topics::SERVICES;
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Rejection;
use tenfold_proto::lane::{External, InboxRecord, inbox_record::Content};
use tenfold_runtime::log::{Log, LogRecord, NewRecord, Topic};

/// Where a letter came from.
struct Origin<'a> {
    topic: &'a str,
    lane: u32,
    offset: u64,
}

/// Puts a letter's content back; says where.
pub fn put_back(log: &dyn Log, found: &Found, actor: &str) -> Result<String, Rejection> {
    let origin = &found.letter.origin;
    let parsed = parse(origin).ok_or_else(|| {
        cannot(format!(
            "it came with a call ({origin:?}), and its caller was told that it failed"
        ))
    })?;
    let record = match original(log, &parsed)? {
        Some(record) => again(&parsed, &record, found, actor)?,
        None if parsed.topic == "registrations" && found.letter.cut_from == 0 => {
            NewRecord::of(found.letter.content.clone())
        }
        None => {
            return Err(cannot(format!("the record {origin} is no longer kept")));
        }
    };
    append(log, &Topic::named(parsed.topic), parsed.lane, record)?;
    Ok(format!("{}/{}", parsed.topic, parsed.lane))
}

fn parse(origin: &str) -> Option<Origin<'_>> {
    let (place, offset) = origin.split_once('@')?;
    let (topic, lane) = place.split_once('/')?;
    let known = topic == "registrations"
        || topic
            .strip_suffix(".inbox")
            .is_some_and(|service| SERVICES.contains(&service));
    // One message of a record of several: `@N#M`.
    let offset = offset.split_once('#').map_or(offset, |(offset, _)| offset);
    Some(Origin {
        topic,
        lane: lane.parse().ok()?,
        offset: offset.parse().ok()?,
    })
    .filter(|_| known)
}

fn original(log: &dyn Log, origin: &Origin<'_>) -> Result<Option<LogRecord>, Rejection> {
    let mut original = None;
    scan::records(log, origin.topic, origin.lane, origin.offset, |record| {
        original = (record.offset == origin.offset).then_some(record);
        false
    })?;
    Ok(original)
}

/// What is appended so that the letter's content is decided once more.
fn again(
    origin: &Origin<'_>,
    record: &LogRecord,
    found: &Found,
    actor: &str,
) -> Result<NewRecord, Rejection> {
    let whole = NewRecord {
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record.headers.clone(),
    };
    if origin.topic == "registrations" {
        return Ok(whole);
    }
    let content = &found.letter.content;
    match InboxRecord::decode(record.value.clone()).map(|r| r.content) {
        Ok(Some(Content::Relay(_))) => Err(cannot(
            "another lane sent it, under a number that is used up".to_owned(),
        )),
        // One input of several: the others were taken.
        Ok(Some(Content::External(external))) if external.items.contains(content) => {
            let again = External {
                origin: format!("dead letter {} by {actor}", found.number),
                items: vec![content.clone()],
            };
            let again = InboxRecord {
                content: Some(Content::External(again)),
                ..InboxRecord::default()
            };
            Ok(NewRecord::of(Bytes::from(again.encode_to_vec())))
        }
        _ => Ok(whole),
    }
}

fn cannot(why: String) -> Rejection {
    Rejection::precondition(
        "DEAD_LETTER_STAYS",
        "number",
        format!("it cannot be put back: {why}"),
        "put right what it was about by hand, then discard it with the reason",
    )
}
