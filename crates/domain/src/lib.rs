//! The rules of pooled nucleic-acid testing: what a barcode, a tube, a pool, a plate, a call and a
//! deadline are, and what may happen to them.
//!
//! Everything here is a pure function of its arguments. This crate must not know async, clocks,
//! randomness, Kafka, sled or protobuf: time comes in as a [`Timestamp`], state comes in as
//! [`tables::Read`], and a decision goes out as events that `evolve` folds into [`tables::Write`].
//!
//! Read in this order: [`tables`] (what state is), [`rejection`] (what a refusal is), [`sample`]
//! (what travels), then one folder a service: [`intake`], [`pooling`], [`results`]; and [`policy`],
//! the data that all of them obey, with [`turnaround`], the deadlines made of it.

#![warn(missing_docs)]

pub mod ids;
pub mod intake;
pub mod message;
pub mod policy;
pub mod pooling;
pub mod rejection;
pub mod results;
pub mod sample;
pub mod tables;
pub mod time;
pub mod turnaround;
pub mod well;

pub use ids::{Actor, Barcode, LabId, SiteId};
pub use rejection::{Code, Rejection};
pub use time::Timestamp;
