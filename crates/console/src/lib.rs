//! The bench console: the web page that technicians scan at, and the small API below it.
//!
//! The page is plain modules of JavaScript in `web/`, part of the program; there is no build step. It says what it
//! wants in the services' own words: `POST /api/call/Pooling/Scan` with a `ScanRequest` as JSON is that call. So this
//! crate decides nothing and knows no tube: it turns JSON into the wire and back, lets only listed calls through,
//! and takes persons out of every answer.
//!
//! It must not know logs, caches or folded state: it talks to the services' public calls, wherever they run.
//!
//! Read in this order: [`calls`] (what the page may ask), [`wire`] (JSON to gRPC and back), [`refusal`] (what goes
//! wrong), [`live`] (answers that follow changes), [`setup`] (what a page needs to begin), [`pages`] (the files),
//! [`server`].

#![forbid(unsafe_code)]

pub mod calls;
pub mod live;
pub mod pages;
pub mod refusal;
pub mod server;
pub mod setup;
pub mod wire;

pub use server::{Settings, serve};
