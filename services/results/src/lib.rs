//! The results service: runs in, reports out.
//!
//! It joins the rules of `tenfold_domain::results` to the engine, and must not know any of its own.
//! Read in this order: [`processor`] (rules as the engine runs them), [`readers`] and
//! [`import`] (instrument files), [`queries`] (what can be asked), [`recall`] (of the past),
//! [`grpc`] (who calls), [`service`] (what a process runs).

#![warn(missing_docs)]

pub mod grpc;
pub mod import;
pub mod processor;
pub mod queries;
pub mod readers;
pub mod recall;
pub mod service;

pub use processor::ResultsProcessor;
pub use service::ResultsService;
