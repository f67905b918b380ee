//! What ours is measured against, each written as somebody would who wants it to win.

pub mod append;
pub mod copy;
pub mod postgres;
pub mod sink;
pub mod streams;
