//! Check digits: the schemes that barcodes use, computed by our own code and checked against published
//! test vectors.
//!
//! A scheme knows text alone; which barcodes carry which scheme is the policy's matter.

mod gb11643;
mod iso7064;
mod weighted;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A check-digit scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// ISO 7064 mod 11,10: digits, one check digit.
    #[serde(rename = "iso7064-mod11-10")]
    Iso7064Mod11_10,
    /// ISO 7064 mod 37,36: digits and letters, one check character.
    #[serde(rename = "iso7064-mod37-36")]
    Iso7064Mod37_36,
    /// ISO 7064 mod 37-2, as ISBT 128 uses it: digits and letters, one check character that may be `*`.
    #[serde(rename = "iso7064-mod37-2")]
    Iso7064Mod37_2,
    /// ISO 7064 mod 11-2: digits, one check character that may be `X`.
    #[serde(rename = "iso7064-mod11-2")]
    Iso7064Mod11_2,
    /// ISO 7064 mod 97-10: digits (a letter counts as two digits, A = 10), two check digits.
    #[serde(rename = "iso7064-mod97-10")]
    Iso7064Mod97_10,
    /// Luhn mod 10: digits, one check digit.
    #[serde(rename = "luhn")]
    Luhn,
    /// GS1 mod 10, weights 3 and 1 from the right: digits, one check digit.
    #[serde(rename = "gs1")]
    Gs1,
    /// GB 11643: 17 digits that hold a birth date, and a check character of mod 11-2.
    #[serde(rename = "gb11643")]
    Gb11643,
}

/// Why a check digit cannot be computed or does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing, or not enough, before the check digit.
    Length {
        /// Characters there are.
        found: usize,
        /// What the scheme wants.
        wanted: &'static str,
    },
    /// A character that the scheme does not know.
    Character {
        /// Which.
        character: char,
        /// Where, from 1.
        position: usize,
    },
    /// The digits do not hold a birth date.
    BirthDate,
    /// Another check digit belongs to this payload. (The right one is not told to people who key
    /// barcodes by hand: they would key it in.)
    Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, wanted } => {
                write!(f, "it has {found} characters, the scheme wants {wanted}")
            }
            Self::Character {
                character,
                position,
            } => write!(
                f,
                "its check scheme does not know {character:?} at {position}"
            ),
            Self::BirthDate => f.write_str("the digits 7 to 14 are no date"),
            Self::Wrong => f.write_str("its check digit does not fit"),
        }
    }
}

impl Scheme {
    /// All schemes.
    pub const ALL: [Self; 8] = [
        Self::Iso7064Mod11_10,
        Self::Iso7064Mod37_36,
        Self::Iso7064Mod37_2,
        Self::Iso7064Mod11_2,
        Self::Iso7064Mod97_10,
        Self::Luhn,
        Self::Gs1,
        Self::Gb11643,
    ];

    /// Characters of the check digit.
    #[must_use]
    pub const fn check_length(self) -> usize {
        match self {
            Self::Iso7064Mod97_10 => 2,
            _ => 1,
        }
    }

    /// The check digit of a payload.
    ///
    /// # Errors
    /// The payload is empty or holds what the scheme does not know.
    pub fn compute(self, payload: &str) -> Result<String, Fault> {
        if payload.is_empty() {
            return Err(Fault::Length {
                found: 0,
                wanted: "at least one before the check digit",
            });
        }
        match self {
            Self::Iso7064Mod11_10 => iso7064::hybrid(payload, 10),
            Self::Iso7064Mod37_36 => iso7064::hybrid(payload, 36),
            Self::Iso7064Mod37_2 => iso7064::pure(payload, 37, 36, '*'),
            Self::Iso7064Mod11_2 => iso7064::pure(payload, 11, 10, 'X'),
            Self::Iso7064Mod97_10 => iso7064::mod_97_10(payload),
            Self::Luhn => weighted::luhn(payload),
            Self::Gs1 => weighted::gs1(payload),
            Self::Gb11643 => gb11643::check(payload),
        }
    }

    /// Checks a text that ends with its check digit.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn verify(self, text: &str) -> Result<(), Fault> {
        let split = text
            .char_indices()
            .rev()
            .nth(self.check_length() - 1)
            .map_or(0, |(at, _)| at);
        let (payload, check) = text.split_at(split);
        if self.compute(payload)? == check {
            Ok(())
        } else {
            Err(Fault::Wrong)
        }
    }
}

/// The value of a digit or capital letter below `limit`, or the fault that it is none.
fn value(character: char, index: usize, limit: u32) -> Result<u32, Fault> {
    let value = match character {
        '0'..='9' | 'A'..='Z' => character.to_digit(36),
        _ => None,
    };
    value.filter(|v| *v < limit).ok_or(Fault::Character {
        character,
        position: index.saturating_add(1),
    })
}

/// The character of a value below 36.
fn character(value: u32) -> char {
    char::from_digit(value, 36).map_or('?', |c| c.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VECTORS: [(Scheme, &str, &str); 8] = [
        (Scheme::Iso7064Mod11_10, "0794", "5"),
        (Scheme::Iso7064Mod37_36, "A12425GABC1234002", "M"),
        (Scheme::Iso7064Mod37_2, "G123498654321", "H"),
        (Scheme::Iso7064Mod11_2, "0794", "0"),
        (Scheme::Iso7064Mod97_10, "794", "44"),
        (Scheme::Luhn, "7992739871", "3"),
        (Scheme::Gs1, "629104150021", "3"),
        (Scheme::Gb11643, "11010519491231002", "X"),
    ];

    #[test]
    fn every_scheme_gives_its_published_check_digit() {
        for (scheme, payload, check) in VECTORS {
            assert_eq!(scheme.compute(payload).as_deref(), Ok(check), "{scheme:?}");
            assert_eq!(scheme.verify(&format!("{payload}{check}")), Ok(()));
        }
    }

    #[test]
    fn every_scheme_has_a_vector_and_a_name_of_its_own() {
        for scheme in Scheme::ALL {
            assert!(VECTORS.iter().any(|(s, ..)| *s == scheme), "{scheme:?}");
        }
    }

    #[test]
    fn every_scheme_finds_every_single_wrong_digit() {
        for (scheme, payload, check) in VECTORS {
            let right = format!("{payload}{check}");
            for (at, was) in right.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
                for digit in ('0'..='9').filter(|d| *d != was) {
                    let mut wrong = right.clone();
                    wrong.replace_range(at..=at, &digit.to_string());
                    assert!(scheme.verify(&wrong).is_err(), "{scheme:?} {wrong}");
                }
            }
        }
    }

    #[test]
    fn the_hybrid_and_pure_systems_find_neighbours_that_changed_places() {
        for (scheme, payload, check) in &VECTORS[..5] {
            let right: Vec<char> = format!("{payload}{check}").chars().collect();
            for at in 1..right.len() {
                let mut wrong = right.clone();
                wrong.swap(at - 1, at);
                let wrong: String = wrong.into_iter().collect();
                let same = wrong == right.iter().collect::<String>();
                assert_eq!(scheme.verify(&wrong).is_ok(), same, "{scheme:?} {wrong}");
            }
        }
    }

    #[test]
    fn what_a_scheme_does_not_know_is_named_with_its_place() {
        let fault = Scheme::Luhn.verify("79A3").expect_err("refused");
        assert_eq!(
            fault,
            Fault::Character {
                character: 'A',
                position: 3
            }
        );
        assert_eq!(
            Scheme::Gb11643.verify("11010519490231002X"),
            Err(Fault::BirthDate)
        );
        assert!(matches!(
            Scheme::Luhn.verify("7"),
            Err(Fault::Length { found: 0, .. })
        ));
        assert!(matches!(
            Scheme::Gb11643.verify("123"),
            Err(Fault::Length { found: 2, .. })
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC{0,40}") {
            for scheme in Scheme::ALL {
                let _ = scheme.verify(&text);
            }
        }

        #[test]
        fn what_a_scheme_computes_it_verifies(payload in "[0-9]{1,30}") {
            for scheme in Scheme::ALL {
                if let Ok(check) = scheme.compute(&payload) {
                    prop_assert_eq!(check.chars().count(), scheme.check_length());
                    let whole = format!("{payload}{check}");
                    prop_assert_eq!(scheme.verify(&whole), Ok(()), "{:?}", scheme);
                }
            }
        }
    }
}
