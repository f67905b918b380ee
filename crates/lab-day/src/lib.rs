//! A simulated day of laboratories, played over gRPC against whatever serves it: sites that register, couriers
//! that bring racks, benches with a robot and a scanner, a thermocycler that reads the truth, and a system that
//! receives the reports. At the end it compares what was reported with what is true.
//!
//! It is an independent oracle: what liquid is in which well it knows from what its own hands did, never from
//! what a service says. So it must know nothing but the services' public calls ([`tenfold_proto`]); the domain it
//! knows only for the default policy's text.
//!
//! Read in this order: [`plan`] (the tubes and the truth), [`link`] (calls that survive a killed process), [`ledger`] (what they came to),
//! [`site`], [`bench`], [`plates`] and [`receiver`] (who does what), [`play`] (all of them at once), [`check`] (the
//! end of the day).

#![forbid(unsafe_code)]

pub mod bench;
pub mod check;
pub mod cycler;
pub mod ledger;
pub mod link;
pub mod plan;
pub mod plates;
pub mod play;
pub mod receiver;
mod scanner;
pub mod site;

pub use link::Services;
pub use plan::Day;
pub use play::{Played, Progress, play};
