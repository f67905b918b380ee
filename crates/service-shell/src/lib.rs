//! What every service's `main` needs around its rules.
//!
//! It must not know what a barcode or a pool is, and no service in particular.

#![warn(missing_docs)]

pub mod config;
pub mod status;
