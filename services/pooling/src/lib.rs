//! Pooling: tubes, pools and plates of the labs of its lanes.
//!
//! It joins the rules (`tenfold_domain::pooling`) to the engine; it decides nothing itself. Read in
//! this order: [`processor`] (inputs to decisions), [`commands`] (wire calls to the rules and back),
//! [`queries`] and [`view`] (answers from the state), [`grpc`] (the edge), [`service`] (what a process
//! runs).

#![warn(missing_docs)]

pub mod commands;
pub mod grpc;
pub mod processor;
pub mod queries;
pub mod service;
pub mod view;

pub use processor::PoolingProcessor;
pub use service::PoolingService;
