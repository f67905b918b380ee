//! The topics there must be, and their first records.

use crate::config::Lanes;
use tenfold_runtime::instance::OWNERS;
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::log::{Log, Retention, Topic, TopicPlan};

/// Services of the system, each with an inbox and a journal.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// What nobody could decide.
pub const DEAD_LETTERS: &str = "dead-letters";

/// How long what sites post is kept, at least: longer than any outage of a laboratory.
const REGISTRATIONS_DAYS: u32 = 30;

/// Partitions that sites may post registrations to, any of them.
const REGISTRATIONS_LANES: u32 = 8;

/// How long published reports are kept, at least.
const REPORTS_DAYS: u32 = 90;

/// All topics, with their lanes and how they are kept.
#[must_use]
pub fn plans(lanes: &Lanes) -> Vec<TopicPlan> {
    let plan = |topic: Topic, lanes: u32, retention: Retention| TopicPlan {
        topic,
        lanes,
        retention,
    };
    let mut plans = Vec::new();
    for service in SERVICES {
        let lanes = lanes.of(service).unwrap_or(1);
        plans.push(plan(Topic::inbox(service), lanes, Retention::Forever));
        plans.push(plan(Topic::journal(service), lanes, Retention::Forever));
    }
    plans.push(plan(
        Topic::named("registrations"),
        REGISTRATIONS_LANES,
        Retention::Days(REGISTRATIONS_DAYS),
    ));
    plans.push(plan(
        Topic::named("reports"),
        lanes.results,
        Retention::Days(REPORTS_DAYS),
    ));
    // What nobody could read stays until somebody has looked.
    plans.push(plan(Topic::named(DEAD_LETTERS), 1, Retention::Forever));
    plans.push(plan(Topic::named(OWNERS), 1, Retention::Compacted));
    plans
}

/// Creates what is missing; the same again changes nothing. Blocks. Returns the number of first records made.
///
/// # Errors
/// A topic is there with another number of lanes, or cannot be made.
pub fn create(log: &dyn Log, lanes: &Lanes) -> Result<u32, String> {
    log.create(&plans(lanes))?;
    let mut created = 0;
    for service in SERVICES {
        created += create_lanes(log, service)?;
    }
    Ok(created)
}
