//! A record as the embedded log stores it, in postcard; a large one pressed (LZ4). This format lives for ever.
//!
//! Most of a log is records of hundreds of registrations or decisions, which are much alike: pressed they take a third of the
//! disk, of what a commit writes, and of what is walked through after a kill (decision 0407). A single scan's record is small,
//! and stored as it is.

use crate::log::{LogRecord, NewRecord, RECORD_BYTES_MAX};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tenfold_domain::Timestamp;

/// Contents from this size on are pressed: smaller ones gain less than a page of redb's.
const PRESSED_FROM: usize = 4 << 10;

/// Stands where a plain record has its time, and is none: a log's clock never says less than 0.
const PRESSED: i64 = -1;

/// [`PRESSED`], as postcard writes it.
const PRESSED_BYTE: u8 = 1;

/// A record as it is.
#[derive(Serialize, Deserialize)]
struct Plain {
    appended_at: i64,
    key: Option<Bytes>,
    value: Bytes,
    headers: Vec<(String, Bytes)>,
}

/// A record whose content is pressed.
#[derive(Serialize, Deserialize)]
struct Pressed {
    mark: i64,
    appended_at: i64,
    key: Option<Bytes>,
    /// Bytes of the content.
    bytes: u32,
    /// The content, an LZ4 block.
    block: Bytes,
    headers: Vec<(String, Bytes)>,
}

/// A record's bytes.
#[must_use]
pub fn encode(appended_at: Timestamp, record: NewRecord) -> Vec<u8> {
    let NewRecord {
        key,
        value,
        headers,
    } = record;
    // Writing these plain fields to memory has no way to fail; an empty value would be refused
    // as damaged by every reader, never taken for a record.
    if let Some((bytes, block)) = press(&value) {
        let pressed = Pressed {
            mark: PRESSED,
            appended_at: appended_at.0,
            key,
            bytes,
            block,
            headers,
        };
        return postcard::to_stdvec(&pressed).unwrap_or_default();
    }
    let plain = Plain {
        appended_at: appended_at.0,
        key,
        value,
        headers,
    };
    postcard::to_stdvec(&plain).unwrap_or_default()
}

/// How large a content is, and the content pressed; `None` if that gains nothing.
fn press(value: &Bytes) -> Option<(u32, Bytes)> {
    if value.len() < PRESSED_FROM {
        return None;
    }
    let block = lz4_flex::block::compress(value);
    let bytes = u32::try_from(value.len()).ok()?;
    (block.len() < value.len()).then(|| (bytes, block.into()))
}

/// The record of these bytes.
///
/// # Errors
/// They are damaged.
pub fn decode(offset: u64, stored: &[u8]) -> Result<LogRecord, String> {
    let damaged =
        |error: &dyn std::fmt::Display| format!("record at offset {offset} is damaged: {error}");
    if stored.first() == Some(&PRESSED_BYTE) {
        let pressed: Pressed = postcard::from_bytes(stored).map_err(|error| damaged(&error))?;
        let bytes = pressed.bytes as usize;
        if bytes > RECORD_BYTES_MAX {
            return Err(damaged(&format!("{bytes} bytes are more than it may have")));
        }
        let value = lz4_flex::block::decompress(&pressed.block, bytes);
        let value = value.map_err(|error| damaged(&error))?;
        if value.len() != bytes {
            return Err(damaged(&format!("{} bytes and not {bytes}", value.len())));
        }
        return Ok(LogRecord {
            offset,
            appended_at: Timestamp(pressed.appended_at),
            key: pressed.key,
            value: value.into(),
            headers: pressed.headers,
        });
    }
    let plain: Plain = postcard::from_bytes(stored).map_err(|error| damaged(&error))?;
    Ok(LogRecord {
        offset,
        appended_at: Timestamp(plain.appended_at),
        key: plain.key,
        value: plain.value,
        headers: plain.headers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(value: impl Into<Bytes>) -> NewRecord {
        NewRecord {
            key: Some(Bytes::from_static(b"k")),
            value: value.into(),
            headers: vec![("h".into(), Bytes::from_static(b"v"))],
        }
    }

    #[test]
    fn a_record_is_stored_as_it_was_in_the_first_release() {
        let stored = encode(Timestamp(1), record(&b"body"[..]));
        assert_eq!(stored, b"\x02\x01\x01k\x04body\x01\x01h\x01v");
        let read = decode(7, &stored).unwrap();
        assert_eq!((read.offset, read.appended_at), (7, Timestamp(1)));
        assert_eq!(read.headers, [("h".into(), Bytes::from_static(b"v"))]);
    }

    #[test]
    fn a_large_record_is_stored_pressed_as_it_was_in_the_first_release() {
        let stored = encode(Timestamp(1), record(vec![7; PRESSED_FROM]));
        let begin = b"\x01\x02\x01\x01k\x80\x20";
        assert_eq!(stored[..begin.len()], begin[..]);
        assert!(stored.len() < 64, "{}", stored.len());
        let read = decode(7, &stored).unwrap();
        assert_eq!((read.offset, read.appended_at), (7, Timestamp(1)));
        assert_eq!(read.key, Some(Bytes::from_static(b"k")));
        assert_eq!(read.value, vec![7; PRESSED_FROM]);
        assert_eq!(read.headers, [("h".into(), Bytes::from_static(b"v"))]);
        // By hand, as any other writer of LZ4 blocks would do it: one literal, then itself again and again.
        let mut block = vec![0x1F, 7, 1, 0];
        let again = PRESSED_FROM - 1 - 5 - 19;
        block.extend(vec![255; again / 255]);
        block.extend([u8::try_from(again % 255).unwrap(), 0x50, 7, 7, 7, 7, 7]);
        let by_hand = lz4_flex::block::decompress(&block, PRESSED_FROM).unwrap();
        assert_eq!(by_hand, vec![7; PRESSED_FROM]);
    }

    #[test]
    fn what_gains_nothing_is_stored_as_it_is() {
        let small = encode(Timestamp(1), record(vec![7; PRESSED_FROM - 1]));
        assert!(small.len() > PRESSED_FROM);
        let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
        let mut bytes = vec![0; 2 * PRESSED_FROM];
        noise.fill(&mut bytes);
        let stored = encode(Timestamp(1), record(bytes.clone()));
        assert_ne!(stored[0], PRESSED_BYTE);
        assert_eq!(decode(7, &stored).unwrap().value, bytes);
    }

    #[test]
    fn a_damaged_record_is_an_error_that_names_its_offset() {
        assert!(decode(7, b"").unwrap_err().contains("offset 7"));
        let stored = encode(Timestamp(1), record(vec![7; 2 * PRESSED_FROM]));
        for cut in 0..stored.len() {
            let error = decode(7, &stored[..cut]).unwrap_err();
            assert!(error.contains("offset 7"), "{cut}: {error}");
        }
    }

    #[test]
    fn a_damaged_record_that_says_it_is_huge_takes_no_room() {
        let huge = Pressed {
            mark: PRESSED,
            appended_at: 1,
            key: None,
            bytes: u32::MAX,
            block: vec![0x1F, 7, 1, 0].into(),
            headers: Vec::new(),
        };
        let stored = postcard::to_stdvec(&huge).unwrap();
        assert!(decode(7, &stored).unwrap_err().contains("more than it may"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_stored(
            seed in prop::collection::vec(any::<u8>(), 1..40),
            times in 1_usize..2_000,
            at in 0..i64::MAX,
        ) {
            let value = Bytes::from(seed.repeat(times));
            let stored = encode(Timestamp(at), record(value.clone()));
            let read = decode(3, &stored).unwrap();
            prop_assert_eq!((read.value, read.appended_at.0), (value, at));
        }

        #[test]
        fn no_bytes_are_a_reason_to_panic(mut stored in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(3, &stored);
            if let Some(first) = stored.first_mut() {
                *first = PRESSED_BYTE;
            }
            let _ = decode(3, &stored);
        }
    }
}
