//! Tubes, pools and plates: what happens to a sample from the lab's door to the instrument.
//!
//! Must not know: wire forms, logs, clocks, what a Ct is. A decision is a function of the state (in a
//! [`draft::Draft`]), the policy and a command; what it decides are [`event::Event`]s, and
//! [`evolve::evolve`] folds them.
//!
//! Read in this order: [`event`] (what can happen), [`tube`], [`pool`] and [`plate`] (the three things,
//! each with its record, its decisions and its fold), [`work`] (what results asks for), [`board`]
//! (deadlines and counts), [`invariants`] (what is always true).

pub mod board;
pub mod draft;
pub mod event;
pub mod evolve;
pub mod invariants;
pub mod lab;
pub mod labels;
pub mod plate;
pub mod pool;
pub mod queue;
pub mod step;
pub mod tube;
pub mod work;

use crate::policy::{ActivePolicy, PolicyText};
use crate::tables::TableDef;

/// Grows whenever a table or its encoding changes.
pub const TABLES_VERSION: u32 = 4;

/// The tables of pooling.
pub const TABLES: &[TableDef] = &[
    TableDef::of::<ActivePolicy>(),
    TableDef::of::<PolicyText>(),
    TableDef::of::<lab::LabRecord>(),
    TableDef::of::<tube::Expected>(),
    TableDef::of::<tube::Tube>(),
    TableDef::of::<tube::Rack>(),
    TableDef::of::<pool::BenchRecord>(),
    TableDef::of::<pool::Pool>(),
    TableDef::of::<pool::SealTimer>(),
    TableDef::of::<plate::Plate>(),
    TableDef::of::<queue::Entry>(),
    TableDef::of::<board::Watch>(),
    TableDef::of::<board::Board>(),
    TableDef::of::<labels::ReservedPools>(),
    TableDef::of::<labels::ReservedPlates>(),
    TableDef::of::<pool::RackPools>(),
];
