//! The engine under the three services: ordered lanes that decide exactly once.
//!
//! It knows records, lanes, logs, caches and owners; it must not know what a pool is. It is the only
//! crate that knows rdkafka, redb, sled and object_store. A service brings a [`processor::Processor`]; this crate
//! runs it on a [`log::Log`] and answers calls through a [`gateway::Gateway`].
//!
//! Read in this order: [`processor`] (what a service brings), [`log`] (what a log must do),
//! [`lane`] (the protocol), [`cache`] (folded state on disk), [`instance`] (lanes, threads and the
//! group), [`gateway`] (calls and forwarding), [`driver`] (tests without a broker),
//! [`archive`] (a whole log in one file), [`journal`] (a stretch of the past), [`snapshot`] (a lane's state outside its machine),
//! [`heads`] (older records outside the log).

#![warn(missing_docs)]

pub mod archive;
pub mod budget;
pub mod cache;
pub mod clock;
pub mod crash;
pub mod driver;
pub mod entropy;
pub mod gateway;
pub mod heads;
pub mod instance;
pub mod journal;
pub mod lane;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod processor;
pub mod sealed;
pub mod snapshot;
pub mod trace;

/// The lane that a key (a barcode, a lab) belongs to, of `lanes` lanes: the first 8 bytes of the
/// key's blake3 hash, little endian, modulo the number of lanes. Fixed for ever: other programs
/// (the auditor, sites that choose a partition themselves) compute it too.
#[must_use]
pub fn lane_of(key: &str, lanes: u32) -> u32 {
    let hash = blake3::hash(key.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    (u64::from_le_bytes(first) % u64::from(lanes.max(1))) as u32
}
