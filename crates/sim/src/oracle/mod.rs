//! Who judges a run: [`fold`] (a fresh reader of every journal, and production's invariants on what it
//! holds), [`intake`] (intake's counts), [`flow`] (messages between lanes), [`judge`] (the ledger against
//! what the system says).

mod book;
pub mod flow;
pub mod fold;
pub mod intake;
pub mod judge;
