//! Decisions and state of intake: the registry of barcodes.

pub mod barcode;
pub mod check_digit;
