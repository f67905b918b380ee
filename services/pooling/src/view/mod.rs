//! Tubes, pools and plates as people and programs see them.

mod plate;
mod pool;
mod tube;

pub use plate::{free_wells, plate, plate_of, summary};
pub use pool::{explain, pool};
pub use tube::{expected, tube};

use tenfold_domain::pooling::step::{Step, StepKind, Steps};
use tenfold_proto::v1;

/// Steps of one thing, for a timeline.
fn steps(of: &str, steps: &Steps) -> Vec<v1::PoolingStep> {
    steps.as_slice().iter().map(|s| step(of, s)).collect()
}

fn step(of: &str, step: &Step) -> v1::PoolingStep {
    v1::PoolingStep {
        kind: word(step.kind).to_owned(),
        at: step.at.0,
        by: step.by.to_string(),
        note: step.note.to_string(),
        of: of.to_owned(),
    }
}

const fn word(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Received => "received",
        StepKind::Detailed => "detailed",
        StepKind::Amended => "amended",
        StepKind::Moved => "moved",
        StepKind::Held => "held",
        StepKind::Released => "released",
        StepKind::Relabelled => "relabelled",
        StepKind::Discarded => "discarded",
        StepKind::Withdrawn => "withdrawn",
        StepKind::Opened => "opened",
        StepKind::Planned => "planned",
        StepKind::Transferred => "transferred",
        StepKind::Left => "left",
        StepKind::Alone => "alone",
        StepKind::Sealed => "sealed",
        StepKind::Voided => "voided",
        StepKind::Plated => "plated",
        StepKind::Loaded => "loaded",
        StepKind::Replated => "replated",
        StepKind::Retest => "retest",
        StepKind::Closed => "closed",
    }
}
