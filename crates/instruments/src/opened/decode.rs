//! From bytes to text: UTF-8, UTF-16 with or without a byte order mark, GB18030, else Windows-1252, which
//! takes in Latin-1. Line ends become LF.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are looked at for zeros in every second place.
const WIDE_LOOK: usize = 4_096;

/// The text; `None` if it is none.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => {
            let body = bytes.get(mark..).unwrap_or_default();
            let (text, malformed) = encoding.decode_without_bom_handling(body);
            // A mark that lies about UTF-8: some tools put one before anything.
            if malformed && encoding == UTF_8 {
                without_mark(body)?
            } else if malformed {
                return None;
            } else {
                text.into_owned()
            }
        }
        None => without_mark(bytes)?,
    };
    if text.contains('\0') {
        return None;
    }
    Some(unix_ends(text))
}

fn without_mark(bytes: &[u8]) -> Option<String> {
    if let Some(encoding) = wide(bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(bytes);
        return (!malformed).then(|| text.into_owned());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    if mostly_chinese(bytes)
        && let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(bytes)
    {
        return Some(text.into_owned());
    }
    Some(
        WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    )
}

/// UTF-16 without a mark: tables are mostly ASCII, so every second byte of their start is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let look = bytes.get(..WIDE_LOOK.min(bytes.len()))?;
    let zeros = |odd: usize| {
        look.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let many = look.len() / 8;
    if look.len() < 4 || bytes.len() % 2 == 1 {
        None
    } else if odd > many && even < odd / 4 {
        Some(UTF_16LE)
    } else if even > many && odd < even / 4 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether bytes above 127 come in pairs of two such bytes, as Chinese characters do; letters with accents
/// stand alone between ASCII ones.
fn mostly_chinese(bytes: &[u8]) -> bool {
    let (mut pairs, mut alone) = (0_usize, 0_usize);
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => break,
            [a, b, tail @ ..] if *a >= 0xA1 && *b >= 0xA1 => {
                pairs = pairs.saturating_add(1);
                tail
            }
            // The four bytes of a rare character.
            [a, b, c, d, tail @ ..]
                if *a >= 0x81 && b.is_ascii_digit() && *c >= 0x81 && d.is_ascii_digit() =>
            {
                pairs = pairs.saturating_add(1);
                tail
            }
            [a, tail @ ..] => {
                alone = alone.saturating_add(usize::from(*a >= 0x80));
                tail
            }
        };
    }
    pairs > alone
}

fn unix_ends(text: String) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utf_16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let order = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        let mark = mark.then_some(0xFEFF_u16);
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(order)
            .collect()
    }

    #[test]
    fn letters_of_western_europe_are_not_taken_for_chinese() {
        let text = "5 µl für René, 60 °C\n";
        let (bytes, _, _) = WINDOWS_1252.encode(text);
        assert_eq!(decode(&bytes).as_deref(), Some(text));
    }

    #[test]
    fn chinese_of_the_older_encoding_is_read() {
        let text = "孔位\t样本名称\tCt\nA1\t张样本µ\t27.5\n";
        let (bytes, _, _) = GB18030.encode(text);
        assert_eq!(decode(&bytes).as_deref(), Some(text));
    }

    #[test]
    fn a_file_of_zeros_is_no_text() {
        assert_eq!(decode(b"abc\0\0\0def\x01"), None);
    }

    proptest! {
        #[test]
        fn every_encoding_comes_back_as_it_went_in(
            rows in prop::collection::vec("[A-H][1-9]\t[a-zA-Z0-9 .,_-]{0,20}\t[0-9]{2}[.][0-9]{2}\n", 1..20),
            word in "[一二三四五六七八九十样本孔位中国检测]{1,8}",
        ) {
            let ascii: String = rows.concat();
            let text = format!("Well\tName\tCt\n{ascii}A9\t{word}\t20.00\n");
            for big in [false, true] {
                for mark in [false, true] {
                    let decoded = decode(&utf_16(&text, big, mark));
                    prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
                }
            }
            let decoded = decode(text.as_bytes());
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
            let decoded = decode(format!("\u{feff}{text}").as_bytes());
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
            let (bytes, _, _) = GB18030.encode(&text);
            // A few single characters are also a letter of UTF-8: nobody can tell.
            if std::str::from_utf8(&bytes).is_err() {
                let decoded = decode(&bytes);
                prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
            }
            let (bytes, _, _) = WINDOWS_1252.encode(&ascii);
            let decoded = decode(&bytes);
            prop_assert_eq!(decoded.as_deref(), Some(ascii.as_str()));
        }

        #[test]
        fn accents_come_back(rows in prop::collection::vec("[a-z]{1,5}[µéüöäß°][ a-z]{2,5}\n", 1..20)) {
            let text = rows.concat();
            let (bytes, _, _) = WINDOWS_1252.encode(&text);
            let decoded = decode(&bytes);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn any_bytes_are_text_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let text = decode(&bytes);
            prop_assert!(text.is_none_or(|text| !text.contains(['\0', '\r'])));
        }
    }
}
