//! What every log must do, asked of each of them; and what only one of them can get wrong.
//!
//! [`suite`] holds the cases; `embedded` and `memory` run them and their own.

mod embedded;
mod latency;
mod memory;
mod suite;
mod support;
