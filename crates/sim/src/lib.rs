//! The whole pipeline in one thread, on simulated time: real lanes and real rules of all three services, on a
//! simulated log, simulated disks and clocks, under faults; with everybody who works with it, and a judge.
//!
//! A seed is a run: the same seed is the same run, in any process. Nothing here sleeps, and nothing reads a
//! real clock. It knows the services' processors and the engine's lanes; it must not know how a lane does
//! what it does.
//!
//! Read in this order: [`run`] (one run), [`shared`] (time, and what happens next), [`faults`], [`log`],
//! [`disk`], [`depot`] (snapshots), [`host`], [`cluster`] (the services), [`task`] and [`world`] (everybody outside), [`ledger`] and
//! [`oracle`] (the judge).

#![forbid(unsafe_code)]

pub mod cli;
pub mod cluster;
pub mod depot;
pub mod disk;
pub mod faults;
pub mod host;
pub mod ledger;
pub mod log;
pub mod oracle;
pub mod run;
pub mod shared;
pub mod task;
pub mod trace;
pub mod world;
