//! What every service's `main` needs around its rules: settings, logs, metrics, health, the gRPC server,
//! the hot path's budget, signals, and the way down.
//!
//! It must not know what a barcode or a pool is, and no service in particular. Read in this order:
//! [`service`] (what a service brings), [`config`] (settings; the commented file of defaults is their documentation), [`grpc`] and [`http`]
//! (what a process listens on), [`status`] (refusals on the wire), [`budget`] (time in the hot path),
//! [`metrics`] and [`telemetry`] (what it tells), [`signals`] (when to stop).

#![warn(missing_docs)]

pub mod budget;
pub mod config;
pub mod grpc;
pub mod http;
pub mod metrics;
pub mod service;
pub mod signals;
pub mod status;
pub mod telemetry;
