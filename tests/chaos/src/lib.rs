//! Chaos on a real Kafka: three brokers, two instances of each service, labs at work, and a fault every few
//! seconds. What must come of it: nothing lost, nothing twice, nothing wrong.
//!
//! ```text
//!   load: whole lab days, one after another ----+
//!   probe: a technician a lab who only scans ---+--> services (a, b) --[proxy for a]--> brokers (3)
//!   strike: one fault a round -------------------------^                    ^             ^
//! ```
//! Read in this order: [`fault`] (what is done), [`bed`] (to whom), [`strike`] (how), [`probe`] (what a person at
//! a bench notices), [`work`] (everybody at work), [`campaign`] (round after round, and the verdict), [`soak`] (no
//! fault at all, for long). It drives the programs from outside,
//! and knows nothing of how they work.

pub mod bed;
pub mod campaign;
pub mod cli;
pub mod fault;
pub mod line;
pub mod load;
pub mod probe;
pub mod proxy;
pub mod soak;
pub mod strike;
pub mod work;
