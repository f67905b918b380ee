//! `tenfold demo`: one day of two labs, at speed, against the real services; then the truth is compared
//! with what was reported.

pub mod generate;
