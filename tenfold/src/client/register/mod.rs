//! `tenfold register`: one registration from fields, or a whole file.

pub mod file;
mod lines;
pub mod row;
