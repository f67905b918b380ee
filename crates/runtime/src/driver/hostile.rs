//! Bytes as no friend sends them: good ones, damaged in every way that a bad cable, a bad client or a bad
//! person damages them. For property tests and fuzz targets; the same plan always does the same damage.
//!
//! Flips and cuts of bytes are refused by most readers at once. So there is damage that keeps the form
//! and changes what is in it: one field of a protobuf message is set to the most there is, emptied, left
//! out, or given twice; one number in a text (a policy, a file, JSON) is set to one that code forgets.

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// Longest result, in bytes: damage grows nothing without bound.
const BYTES_MAX: usize = 64 * 1024;
/// Bytes of a plan that make one piece of damage.
const STEP: usize = 4;
/// Deepest message inside messages that is looked into.
const DEPTH_MAX: usize = 12;
/// Numbers that code forgets: each is written as a varint or as eight bytes.
const NUMBERS: [u64; 8] = [
    0,
    1,
    255,
    u32::MAX as u64,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX - 1,
    u64::MAX,
];
/// Texts that code forgets.
const TEXTS: [&str; 8] = [
    "",
    " ",
    "\0",
    "/",
    "lab-1/P18446744073709551615",
    "é\u{301}\u{202e}\u{feff}",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "9223372036854775807",
];

/// Numbers that code forgets, as people write them.
const FIGURES: [&str; 10] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "4294967295",
    "9223372036854775807",
    "18446744073709551615",
    "1e999",
    "-9223372036854775808",
];

/// One of the good byte strings, damaged as the plan says; an empty plan damages nothing.
#[must_use]
pub fn damaged(good: &[Vec<u8>], plan: &[u8]) -> Vec<u8> {
    let pick = |at: usize| -> &[u8] {
        good.get(at % good.len().max(1))
            .map_or(&[], |bytes| bytes.as_slice())
    };
    let (head, steps) = plan.split_at(plan.len().min(2));
    let mut bytes = pick(number(head)).to_vec();
    for step in steps.chunks(STEP) {
        let [kind, high, low, value] = four(step);
        let at = usize::from(u16::from_be_bytes([high, low]));
        bytes = one(bytes, kind, at, value, pick(at.rotate_left(3)));
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn four(step: &[u8]) -> [u8; STEP] {
    let mut whole = [0; STEP];
    for (to, from) in whole.iter_mut().zip(step) {
        *to = *from;
    }
    whole
}

fn one(mut bytes: Vec<u8>, kind: u8, at: usize, value: u8, other: &[u8]) -> Vec<u8> {
    let place = at % bytes.len().max(1);
    match kind % 14 {
        0 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << (value % 8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        2 => bytes.truncate(place),
        3 => {
            bytes.truncate(place);
            bytes.extend(other.iter().skip(usize::from(value)));
        }
        4 => {
            let again: Vec<u8> = bytes
                .iter()
                .skip(place)
                .take(usize::from(value))
                .copied()
                .collect();
            bytes.extend(again);
        }
        5 => bytes = digits(&bytes, at, usize::from(value)),
        _ => {
            let count = fields(&bytes, 0).max(1);
            let mut left = at % count;
            let how = How {
                what: value % 8,
                which: usize::from(value >> 3),
                at: at / count,
            };
            if let Some(changed) = field(&bytes, &mut left, how, 0) {
                bytes = changed;
            }
        }
    }
    bytes
}

/// How a field is damaged.
#[derive(Clone, Copy)]
struct How {
    what: u8,
    which: usize,
    at: usize,
}

/// The bytes with one number in them, as people write it, replaced.
fn digits(bytes: &[u8], at: usize, which: usize) -> Vec<u8> {
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|i| {
            let is = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
            is(*i) && (*i == 0 || !is(*i - 1))
        })
        .collect();
    let Some(start) = starts.get(at % starts.len().max(1)) else {
        return bytes.to_vec();
    };
    let (before, rest) = bytes.split_at(*start);
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let new = FIGURES.get(which % FIGURES.len()).copied().unwrap_or("0");
    let after = rest.get(length..).unwrap_or_default();
    [before, new.as_bytes(), after].concat()
}

/// One field of a message: its number, its wire type, and where its key, its value and its end are.
struct Field {
    tag: u32,
    wire: WireType,
    value: std::ops::Range<usize>,
    whole: std::ops::Range<usize>,
}

/// The fields of a message; `None` if the bytes are none.
fn parse(bytes: &[u8]) -> Option<Vec<Field>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let begin = bytes.len() - rest.len();
        let (tag, wire) = decode_key(&mut rest).ok()?;
        let mut value = bytes.len() - rest.len();
        let length = match wire {
            WireType::Varint => {
                let mut after = rest;
                decode_varint(&mut after).ok()?;
                rest.len() - after.len()
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                value = bytes.len() - rest.len();
                length
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        rest = rest.get(length..)?;
        let end = value + length;
        found.push(Field {
            tag,
            wire,
            value: value..end,
            whole: begin..end,
        });
    }
    Some(found)
}

/// Number of fields, those of messages inside included.
fn fields(bytes: &[u8], depth: usize) -> usize {
    let Some(found) = parse(bytes).filter(|_| depth < DEPTH_MAX) else {
        return 0;
    };
    let inner = |field: &Field| match field.wire {
        WireType::LengthDelimited => bytes
            .get(field.value.clone())
            .map_or(0, |inside| fields(inside, depth + 1)),
        _ => 0,
    };
    found.iter().map(|field| 1 + inner(field)).sum()
}

/// The message with its field number `left` (in reading order) damaged; `None` if it is further on.
fn field(bytes: &[u8], left: &mut usize, how: How, depth: usize) -> Option<Vec<u8>> {
    let found = parse(bytes).filter(|_| depth < DEPTH_MAX)?;
    for field_ in found {
        let (before, after) = (
            bytes.get(..field_.whole.start)?,
            bytes.get(field_.whole.end..)?,
        );
        let (whole, inside) = (
            bytes.get(field_.whole.clone())?,
            bytes.get(field_.value.clone())?,
        );
        let middle = if *left == 0 {
            match (how.what, field_.wire) {
                (0, _) => Vec::new(),
                (1, _) => [whole, whole].concat(),
                (2..5, WireType::LengthDelimited) => {
                    delimited(field_.tag, &digits(inside, how.at, how.which))
                }
                _ => value(&field_, how.which),
            }
        } else {
            *left -= 1;
            if field_.wire != WireType::LengthDelimited {
                continue;
            }
            let Some(changed) = field(inside, left, how, depth + 1) else {
                continue;
            };
            delimited(field_.tag, &changed)
        };
        return Some([before, &middle, after].concat());
    }
    None
}

fn value(field: &Field, which: usize) -> Vec<u8> {
    let number = NUMBERS.get(which % NUMBERS.len()).copied().unwrap_or(0);
    let mut to = Vec::new();
    match field.wire {
        WireType::Varint => {
            encode_key(field.tag, field.wire, &mut to);
            encode_varint(number, &mut to);
        }
        WireType::SixtyFourBit => {
            encode_key(field.tag, field.wire, &mut to);
            to.extend(number.to_le_bytes());
        }
        WireType::ThirtyTwoBit => {
            encode_key(field.tag, field.wire, &mut to);
            to.extend(number.to_le_bytes().iter().take(4));
        }
        _ => {
            let text = TEXTS.get(which % TEXTS.len()).copied().unwrap_or("");
            to = delimited(field.tag, text.as_bytes());
        }
    }
    to
}

fn delimited(tag: u32, inside: &[u8]) -> Vec<u8> {
    let mut to = Vec::with_capacity(inside.len() + 8);
    encode_key(tag, WireType::LengthDelimited, &mut to);
    encode_varint(inside.len() as u64, &mut to);
    to.extend(inside);
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use std::collections::BTreeSet;
    use tenfold_proto::lane::{Decisions, SendMark};

    fn good() -> Vec<u8> {
        Decisions {
            decided_at: 7,
            events: vec![b"one".to_vec().into()],
            sending: vec![SendMark {
                topic: "reports".to_owned(),
                n: 3,
                ..SendMark::default()
            }],
            ..Decisions::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn an_empty_plan_damages_nothing() {
        assert_eq!(damaged(&[good()], &[]), good());
        assert_eq!(damaged(&[], &[1, 2, 3, 4, 5, 6]), Vec::<u8>::new());
    }

    #[test]
    fn every_field_is_reached_and_the_form_is_kept() {
        let mut numbers = BTreeSet::new();
        let mut moments = BTreeSet::new();
        let mut topics = BTreeSet::new();
        for at in 0..8 {
            for how in 0..=255 {
                let bytes = damaged(&[good()], &[0, 0, 6, 0, at, how]);
                let read = Decisions::decode(bytes.as_slice());
                if let Ok(read) = read {
                    moments.insert(read.decided_at);
                    for mark in read.sending {
                        numbers.insert(mark.n);
                        topics.insert(mark.topic);
                    }
                }
            }
        }
        assert!(moments.contains(&i64::MIN) && moments.contains(&i64::MAX));
        assert!(numbers.contains(&u64::MAX), "{numbers:?}");
        assert!(topics.contains("") && topics.len() > 5, "{topics:?}");
    }
}
