//! The benchmark suite (`tenfold-bench`), and the gate on instruction counts (`tenfold-gate`).
//!
//! Read in this order: [`figure`] (what a figure is), [`figures`] (all of them), [`peers`] (what they are measured
//! against), [`contest`] (how two are measured in turn), [`curve`] (what grows with the work), [`report`] and [`plot`] (what is told),
//! [`gate`] (counts that a test may fail on). A figure's file says what of ours is measured; a peer's file says how the yardstick was tuned.

pub mod bed;
pub mod broker;
pub mod city;
pub mod cli;
pub mod contest;
pub mod cpu;
pub mod crowd;
pub mod curve;
pub mod figure;
pub mod figures;
pub mod gate;
pub mod kafka;
pub mod lab;
pub mod line;
pub mod machine;
pub mod openloop;
pub mod packer;
pub mod peers;
pub mod plot;
pub mod pooler;
pub mod quota;
pub mod report;
pub mod robot;
pub mod scanrecord;
pub mod scans;
pub mod tubes;
