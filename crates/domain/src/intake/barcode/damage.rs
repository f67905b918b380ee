//! Guesses at what happened to a barcode that fits no scheme. A guess goes into the message, never
//! into the barcode.

/// Most leading zeros tried: a spreadsheet may have taken more, but then length tells little.
const ZEROS_MAX: usize = 8;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// What a spreadsheet did to it, if it looks so. `fits` tells whether a text would be a good barcode.
pub(super) fn by_spreadsheet(text: &str, fits: impl Fn(&str) -> bool) -> Option<&'static str> {
    if is_scientific(text) {
        return Some("a spreadsheet turned it into scientific notation");
    }
    if is_date(text) {
        return Some("a spreadsheet turned it into a date");
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let padded = format!("{}{text}", "0".repeat(ZEROS_MAX));
        let lost = (0..ZEROS_MAX).any(|skip| padded.get(skip..).is_some_and(&fits));
        if lost {
            return Some("a spreadsheet took its leading zeros");
        }
    }
    None
}

/// Whether it would be good with `O` for `0` or `I` for `1`, or the other way round: typed by hand.
pub(super) fn typed(text: &str, fits: impl Fn(&str) -> bool) -> bool {
    let swap = |c: char| match c {
        'O' | 'o' => '0',
        '0' => 'O',
        'I' | 'l' => '1',
        '1' => 'I',
        other => other,
    };
    let digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { c } else { swap(c) })
        .collect();
    if digits != text && fits(&digits) {
        return true;
    }
    let chars: Vec<char> = text.chars().collect();
    chars.iter().enumerate().any(|(at, c)| {
        swap(*c) != *c && {
            let swapped: String = chars
                .iter()
                .enumerate()
                .map(|(n, c)| if n == at { swap(*c) } else { *c })
                .collect();
            fits(&swapped)
        }
    })
}

/// Whether each half would be good: two scans in one field.
pub(super) fn two_scans(text: &str, fits: impl Fn(&str) -> bool) -> bool {
    text.len().is_multiple_of(2)
        && text
            .split_at_checked(text.len() / 2)
            .is_some_and(|(first, second)| fits(first) && fits(second))
}

/// Such as `1.23457E+15`.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let signed = exponent.starts_with(['+', '-']);
    let exponent = exponent.trim_start_matches(['+', '-']);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(whole)
        && digits(part)
        && digits(exponent)
        && exponent.len() <= 3
        && (signed || mantissa.len() > whole.len())
}

/// Such as `1-Mar`, `Mar-01`, `01/03/2026`, `2026-03-01`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', '.', ' ']).collect();
    if !(2..=3).contains(&parts.len()) {
        return false;
    }
    let number = |p: &str| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
    let month = |p: &str| {
        let p = p.to_ascii_lowercase();
        MONTHS.iter().any(|m| p.starts_with(m)) && p.len() <= 9
    };
    let months = parts.iter().filter(|p| month(p)).count();
    let numbers = parts.iter().filter(|p| number(p)).count();
    (months == 1 && numbers == parts.len() - 1) || (parts.len() == 3 && numbers == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_does_to_barcodes_is_recognised() {
        let eight_digits = |t: &str| t.len() == 8 && t.bytes().all(|b| b.is_ascii_digit());
        for (text, guess) in [
            ("1.23457E+15", Some("scientific")),
            ("1,2E+12", Some("scientific")),
            ("1-Mar", Some("date")),
            ("Mar-01", Some("date")),
            ("01/03/2026", Some("date")),
            ("12345", Some("leading zeros")),
            ("123456789", None),
            ("AB1234", None),
            ("12E4", None),
            ("", None),
        ] {
            let found = by_spreadsheet(text, eight_digits);
            assert_eq!(found.is_some(), guess.is_some(), "{text:?}: {found:?}");
            assert!(
                guess.is_none_or(|g| found.is_some_and(|f| f.contains(g))),
                "{text:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_letter_typed_for_a_digit_is_guessed_and_so_are_two_scans_in_one_field() {
        let good = |t: &str| t == "AB1034";
        assert!(typed("AB1O34", good));
        assert!(typed("ABIO34", good));
        assert!(!typed("AB1035", good));
        assert!(two_scans("AB1034AB1034", good));
        assert!(!two_scans("AB1034AB1035", good));
        assert!(!two_scans("ж", good));
    }
}
