//! The auditor: reads a whole log from its first record, and proves or refutes that no sample was lost,
//! pooled twice or reported twice.
//!
//! It shares no rule with the services. What it knows is the wire ([`tenfold_proto`]'s generated types,
//! never how they are converted), and what the protocol and the invariants say in words (`docs/audit.md`). So
//! an error of the services is not repeated here, and where both say the same, two people said it.
//!
//! Read in this order: [`source`] (what is read), [`chain`] (which records count), [`inbox`] and
//! [`pairs`] (messages), [`walk`] (the order, and the cut), [`ledger`] (samples, tubes, pools, plates,
//! runs, reports), [`requests`] and [`told`] (what clients were answered), [`report`] (what is printed).
//!
//! Must not know how the services decide, fold, store or serve.

pub mod about;
pub mod calls;
pub mod chain;
pub mod finding;
pub mod hashes;
pub mod inbox;
pub mod lane;
pub mod ledger;
pub mod memory;
pub mod pairs;
pub mod policy;
pub mod public;
pub mod report;
pub mod requests;
pub mod source;
pub mod told;
pub mod walk;

pub use finding::{Finding, Rule};
pub use report::Report;
pub use walk::{Options, Progress, audit};
