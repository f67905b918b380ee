//! What every log must do, asked of each of them; and what only one of them can get wrong.
//!
//! [`suite`] holds the cases; `embedded`, `kafka` and `memory` run them and their own; `brokers` pauses
//! brokers of a cluster of three. Kafka is a real one; if it cannot start, its tests fail.

mod brokers;
mod embedded;
mod kafka;
mod memory;
mod suite;
mod support;
