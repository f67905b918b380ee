//! GB 11643, the resident identity number: 6 digits of place, 8 of birth date, 3 of order, and a check
//! character of ISO 7064 mod 11-2. It is personal data and should never be a barcode; it is here for a site
//! whose scheme has the same form, and for systems that map identities to pseudonyms.

use super::{Fault, iso7064, value};
use jiff::civil::Date;

const PAYLOAD_DIGITS: usize = 17;

/// The check character of 17 digits that hold a birth date.
pub(super) fn check(payload: &str) -> Result<String, Fault> {
    for (index, c) in payload.chars().enumerate() {
        value(c, index, 10)?;
    }
    if payload.len() != PAYLOAD_DIGITS {
        return Err(Fault::Length {
            found: payload.len(),
            wanted: "17 digits and a check character",
        });
    }
    if !holds_date(payload) {
        return Err(Fault::BirthDate);
    }
    iso7064::pure(payload, 11, 10, 'X')
}

fn holds_date(payload: &str) -> bool {
    let part = |from, to| {
        payload
            .get(from..to)
            .and_then(|digits| digits.parse::<i16>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (part(6, 10), part(10, 12), part(12, 14)) else {
        return false;
    };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return false;
    };
    year >= 1800 && Date::new(year, month, day).is_ok()
}
