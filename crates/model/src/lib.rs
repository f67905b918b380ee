//! The lane protocol, model-checked: every run there is, to a stated bound.
//!
//! Two models. [`lane`]: one journal, and processes that each may believe to own it. [`relay`]: messages
//! from one lane to another. Both use the product's own functions where the protocol decides: what counts
//! (`validity::judge`), when a lane is owned and a record committed (`rules`), the outbox, and what a
//! receiver takes (`receive::judge`). So a rule that is changed there is checked here.
//!
//! [`configurations`] says what is checked and how far; [`fault`] what may go wrong; [`flaw`] which
//! mistakes are planted, and must be found. The page that tells the protocol is `docs/lane-protocol.md`.
//!
//! Must not know: services, the simulator, real logs, time.

pub mod check;
pub mod configurations;
pub mod endless;
pub mod fault;
pub mod flaw;
pub mod lane;
pub mod relay;
pub mod report;
mod words;
