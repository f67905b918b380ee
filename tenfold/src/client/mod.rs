//! The client's commands, one file a group. Each asks a service and prints its answer; none decides.

pub mod policy;
#[allow(dead_code)]
pub mod register;
pub mod status;
