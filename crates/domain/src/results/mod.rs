//! From an instrument's run to an accepted report: what a well shows, what it means for the tubes in
//! it, what must be tested again, who was told, and by when.
//!
//! Must not know files, protobuf or gRPC: a run comes in as a [`run::RunTable`], a report goes out as a
//! [`report::Report`].
//!
//! Read in this order: [`state`] (the tables), [`event`] (what happens), [`draft`] (how a decision is
//! made of steps), then the decisions: [`plate`], [`run`], [`call`], [`outcome`], [`order`],
//! [`report`], [`delivery`], [`clock`], [`filing`]; [`evolve`] folds; [`invariants`] check; [`hints`] point things out;
//! [`recall`] makes the rows of a filed sample again.

pub mod call;
pub mod clock;
pub mod decide;
pub mod delivery;
pub mod draft;
pub mod event;
pub mod evolve;
pub mod filing;
pub mod hints;
pub mod invariants;
pub mod order;
pub mod outcome;
pub mod plate;
pub mod recall;
pub mod report;
pub mod run;
pub mod state;
pub mod work;

pub use decide::{
    Command, decide_command, decide_filing, decide_message, decide_policy, decide_timer,
};
pub use draft::{Decided, Outgoing};
pub use event::Event;
pub use evolve::evolve;
