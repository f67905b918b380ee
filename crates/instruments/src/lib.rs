//! Files of real-time PCR instruments: bytes in, one neutral [`RunTable`] out, or a [`Refusal`] that says
//! where, why, and what to do.
//!
//! A file is opened once ([`opened`]: what container it is, and its tables), recognised by its content by
//! one of the readers ([`readers`]), and read whole or not at all. Every bound stands in [`bounds`].
//!
//! Must not know: services, logs, networks, plates and kits. Whether a table fits its plate is decided
//! elsewhere.

pub mod bounds;
mod collect;
mod columns;
mod curves;
mod metadata;
mod number;
mod opened;
mod place;
mod readers;
mod refusal;
mod table;
mod wells;

pub use curves::Curve;
pub use place::Place;
pub use readers::{Format, formats, read};
pub use refusal::{Reason, Refusal};
pub use table::{About, Reaction, Role, RunTable};
pub use tenfold_domain::policy::TableMapping;
