//! The embedded log on disks that fail it: a loss of power at any operation, and no room at any.
//!
//! `disk` is such a disk, in memory and seeded; `ledger` knows what the log has promised; `bench` puts
//! a log on a disk and gives it work, always in the same order for the same seed.

mod bench;
mod disk;
mod full;
mod ledger;
mod power;
