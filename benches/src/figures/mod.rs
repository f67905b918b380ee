//! All figures, in the order of the table. Each file says what of ours is measured, and how.

mod embedded;
mod footprint;
mod pooling;
mod registering;
mod scan;
mod screen;
mod state;
mod takeover;

use crate::figure::Figure;

/// All of them.
pub const FIGURES: &[&Figure] = &[
    &pooling::FIGURE,
    &scan::SCAN,
    &scan::BUSY,
    &scan::RACK_PLAN,
    &screen::FIGURE,
    &registering::FIGURE,
    &takeover::FIGURE,
    &state::FIGURE,
    &embedded::FIGURE,
    &footprint::START,
    &footprint::IDLE,
];
