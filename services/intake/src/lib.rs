//! The intake service: the registry of barcodes, behind gRPC and the public topic of registrations.
//!
//! The rules are the domain's ([`tenfold_domain::intake`]); here they are joined to the engine
//! ([`processor`]) and to the doors: [`grpc`], [`router`] (the public topic), and the forms that
//! registrations come in ([`json`]). Nothing here decides.

#![warn(missing_docs)]

pub mod edge;
pub mod grpc;
pub mod json;
pub mod processor;
pub mod router;
pub mod scanner;
pub mod service;

pub use processor::{IntakeProcessor, SERVICE};
