//! Characters that look like something else, or like nothing.

/// The first character that no barcode may hold, with its place from 1: anything but printable ASCII.
pub(super) fn first_foreign(text: &str) -> Option<(usize, char)> {
    if text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        return None;
    }
    text.chars()
        .enumerate()
        .find(|(_, c)| !(' '..='~').contains(c))
        .map(|(index, c)| (index.saturating_add(1), c))
}

/// Capital letters of other scripts that look like the Latin letter beside them.
const LOOK_ALIKES: [(&str, &str, &str); 2] = [
    ("Cyrillic", "АВЕЅІЈКМНОРСТУХ", "ABESIJKMHOPCTYX"),
    ("Greek", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
];

/// Names a character for the person who must find it: `Cyrillic letter that looks like A, U+0410`.
pub(super) fn name(c: char) -> String {
    format!("{}, U+{:04X}", what(c), u32::from(c))
}

fn what(c: char) -> String {
    for (script, foreign, latin) in LOOK_ALIKES {
        let upper = c.to_uppercase().next().unwrap_or(c);
        if let Some((_, latin)) = foreign
            .chars()
            .zip(latin.chars())
            .find(|(f, _)| *f == upper)
        {
            return format!("{script} letter that looks like {latin}");
        }
    }
    match c {
        '\t' => "tab".to_owned(),
        '\n' => "line feed".to_owned(),
        '\r' => "carriage return".to_owned(),
        '\u{1D}' => "group separator of a scanner (GS)".to_owned(),
        '\u{A0}' | '\u{202F}' => "non-breaking space".to_owned(),
        '\u{AD}' => "soft hyphen".to_owned(),
        '\u{200B}' => "zero-width space".to_owned(),
        '\u{200C}' | '\u{200D}' | '\u{2060}' => "zero-width joiner".to_owned(),
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' => "direction mark".to_owned(),
        '\u{FEFF}' => "byte order mark".to_owned(),
        '\u{FFFD}' => "replacement character of a wrong decoding".to_owned(),
        '\u{3000}' => "full-width space".to_owned(),
        '\u{FF01}'..='\u{FF5E}' => {
            let plain = u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32);
            format!("full-width {}", plain.unwrap_or(c))
        }
        c if c.is_control() => "control character".to_owned(),
        c => format!("character {c:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_letter_but_is_none_is_named_with_its_code_point() {
        for (text, at, named) in [
            ("AB１234", 3, "full-width 1, U+FF11"),
            ("А1234567", 1, "Cyrillic letter that looks like A, U+0410"),
            ("1234Ο567", 5, "Greek letter that looks like O, U+039F"),
            ("12\u{AD}34", 3, "soft hyphen, U+00AD"),
            ("1234\u{200B}", 5, "zero-width space, U+200B"),
            ("12\u{A0}34", 3, "non-breaking space, U+00A0"),
            ("1234\r", 5, "carriage return, U+000D"),
            ("\u{1D}1234", 1, "group separator of a scanner (GS), U+001D"),
            ("12£4", 3, "character '£', U+00A3"),
        ] {
            let (place, c) = first_foreign(text).expect(text);
            assert_eq!((place, name(c).as_str()), (at, named), "{text:?}");
        }
        assert_eq!(first_foreign("AB-12_34 `=+@\"',"), None);
    }
}
