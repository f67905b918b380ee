//! The systems of ISO 7064: hybrid (two moduli), pure (one modulus, radix 2), and mod 97-10.

use super::{Fault, character, value};

/// Hybrid system mod M+1,M over digits (M = 10) or digits and letters (M = 36).
pub(super) fn hybrid(payload: &str, m: u32) -> Result<String, Fault> {
    let mut product = m;
    for (index, c) in payload.chars().enumerate() {
        let sum = (product + value(c, index, m)?) % m;
        product = (if sum == 0 { m } else { sum }) * 2 % (m + 1);
    }
    Ok(character((m + 1 - product) % m).to_string())
}

/// Pure system mod M-2 over characters below `limit`; the check value M - 1 is written as `last`.
pub(super) fn pure(payload: &str, m: u32, limit: u32, last: char) -> Result<String, Fault> {
    let mut sum = 0;
    for (index, c) in payload.chars().enumerate() {
        sum = (sum + value(c, index, limit)?) * 2 % m;
    }
    let check = (m + 1 - sum) % m;
    Ok(if check == m - 1 {
        last
    } else {
        character(check)
    }
    .to_string())
}

/// Pure system mod 97-10: the number with its two check digits is 1 modulo 97.
pub(super) fn mod_97_10(payload: &str) -> Result<String, Fault> {
    let mut rest = 0;
    for (index, c) in payload.chars().enumerate() {
        let value = value(c, index, 36)?;
        let radix = if value < 10 { 10 } else { 100 };
        rest = (rest * radix + value) % 97;
    }
    Ok(format!("{:02}", 98 - rest * 100 % 97))
}
