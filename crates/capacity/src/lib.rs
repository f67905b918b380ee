//! What a city needs to be tested in so many hours: tubes, plates, instruments, machines; and what breaks first.
//!
//! Pure arithmetic over assumptions that are all named in [`Plan`] and can all be changed. The laboratory is a flow,
//! minute by minute ([`flow`]); the machines follow from what one tube was measured to cost ([`machines`]). It knows
//! no service, no log and no clock; `tenfold capacity` prints it, and `docs/capacity.md` says what it was checked against.

pub mod advice;
pub mod flow;
pub mod machines;
pub mod plan;
pub mod pooling;

pub use advice::{Advice, Limit, advise};
pub use flow::{Cleared, clear};
pub use machines::{Costs, Machines};
pub use plan::{Lines, Mixed, Plan, Refused};
