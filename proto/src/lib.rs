//! The wire: journal records, events, messages and calls, generated from the `.proto` files beside
//! this crate, conversions to and from the domain's types ([`convert`]), and what a refusal says ([`refusal`]).
//!
//! Must not know decisions: a conversion may refuse what cannot be said in domain types, nothing more.

pub mod convert;
pub mod refusal;

/// The lane protocol's own wire; knows nothing of laboratories.
pub mod lane {
    #![allow(missing_docs, clippy::all)]
    tonic::include_proto!("tenfold.lane.v1");
}

/// Events, messages and calls of the three services.
pub mod v1 {
    #![allow(missing_docs, clippy::all)]
    tonic::include_proto!("tenfold.v1");
}

/// The encoded file descriptors, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
