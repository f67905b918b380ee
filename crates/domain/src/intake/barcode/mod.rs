//! What may be a barcode. [`rules`] judges one against the policy's schemes; [`characters`] names what
//! must not be in it; [`damage`] guesses what happened to one that fits no scheme.
//!
//! A barcode is accepted as it is or refused with the reason: it is never cleaned or completed by guess.
//! What a scanner adds is taken off before, where the scan enters ([`crate::policy::Scanner`]).

mod characters;
mod damage;
mod rules;

pub use rules::{Rulebook, Rules};

/// Longest barcode, in bytes: twice the longest that any known label carries.
pub const BARCODE_BYTES_MAX: usize = 64;
