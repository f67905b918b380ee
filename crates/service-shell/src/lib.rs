//! What every service's `main` needs around its rules: settings, logs, metrics, health, the gRPC server,
//! signals, and the way down.
//!
//! It must not know what a barcode or a pool is, and no service in particular. Read in this order:
//! [`service`] (what a service brings), [`process`] and [`program`] (how it is run, alone or with the
//! others), [`config`] (settings; the commented file of defaults is their documentation), [`topics`]
//! (what the log must have), [`door`], [`grpc`] and [`http`] (what a process listens on), [`status`] (refusals on
//! the wire), [`operations`] (status, and a policy for all lanes), [`dead_letters`], [`metrics`] and [`telemetry`] (what
//! it tells), [`signals`] (when to stop).

#![warn(missing_docs)]
// What input, files, settings or another process can reach ends in an error that says what to do, never in a panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

mod caches;
pub mod config;
pub mod dead_letters;
pub mod door;
mod export;
pub mod grpc;
pub mod http;
pub mod metrics;
pub mod operations;
pub mod process;
pub mod program;
pub mod service;
pub mod signals;
pub mod status;
pub mod stores;
pub mod telemetry;
pub mod topics;
