//! Sums of weighted digits modulo 10.

use super::{Fault, character, value};

/// Luhn: every second digit from the right is doubled, and its cross sum taken.
pub(super) fn luhn(payload: &str) -> Result<String, Fault> {
    sum(payload, |digit| {
        let doubled = digit * 2;
        doubled / 10 + doubled % 10
    })
}

/// GS1: every second digit from the right counts three times.
pub(super) fn gs1(payload: &str) -> Result<String, Fault> {
    sum(payload, |digit| digit * 3)
}

/// Adds the digits from the right, the last and every second before it as `heavy` says.
fn sum(payload: &str, heavy: impl Fn(u32) -> u32) -> Result<String, Fault> {
    let mut digits = Vec::with_capacity(payload.len());
    for (index, c) in payload.chars().enumerate() {
        digits.push(value(c, index, 10)?);
    }
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (n, digit)| {
        (sum + if n % 2 == 0 { heavy(*digit) } else { *digit }) % 10
    });
    Ok(character((10 - sum) % 10).to_string())
}
