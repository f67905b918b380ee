//! The `tenfold` program: all three services in one process, the command line for every step of a
//! laboratory's day, and a demonstration.
//!
//! It has no rules of its own: what it knows of tubes and pools it asks the services. Read in this
//! order: [`cli`] (what can be typed), [`run`] (the services), [`client`] (one file a group of
//! commands), [`output`] (tables for people, JSON for programs), [`failure`] (exit codes).

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

mod archive;
mod audit;
mod capacity;
mod cli;
mod client;
mod connect;
mod console;
mod demo;
mod digest;
mod failure;
mod heads;
mod output;
mod run;
mod snapshots;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match cli::dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
