//! All figures and curves, in the order of the table. Each file says what of ours is measured, and how.

mod crowded;
mod day;
mod embedded;
mod footprint;
mod growth;
mod lanes;
mod limited;
mod pipeline;
mod pooling;
mod registering;
mod restored;
mod scan;
mod screen;
mod state;
mod takeover;
mod warm;

use crate::curve::Curve;
use crate::figure::Figure;

/// All of them.
pub const FIGURES: &[&Figure] = &[
    &pooling::FIGURE,
    &pipeline::FIGURE,
    &day::FIGURE,
    &scan::SCAN,
    &scan::BUSY,
    &crowded::FIGURE,
    &scan::RACK_PLAN,
    &screen::FIGURE,
    &registering::FIGURE,
    &takeover::FIGURE,
    &state::FIGURE,
    &embedded::FIGURE,
    &footprint::START,
    &footprint::IDLE,
];

/// All curves, in the order of their tables.
pub const CURVES: &[&Curve] = &[
    &growth::SAMPLES,
    &growth::LABS,
    &restored::CURVE,
    &warm::CURVE,
    &lanes::LANES,
    &lanes::WORKERS,
    &lanes::INSTANCES,
    &limited::CURVE,
];
