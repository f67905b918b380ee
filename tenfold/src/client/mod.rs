//! The client's commands, one file a group. Each asks a service and prints its answer; none decides.

pub mod dead_letters;
pub mod policy;
pub mod pooling;
pub mod register;
pub mod results;
pub mod run_files;
pub mod sample;
pub mod sla;
pub mod status;
