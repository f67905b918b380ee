//! A good day, small enough to be read: five tubes, two pools of two, one tube alone. Pool 1 is negative;
//! pool 2 is positive, and of its two members one is positive; the tube alone is positive.
//!
//! ```text
//! plate 1   A1 = pool 1 (tubes 1, 2)   B1 = pool 2 (tubes 3, 4)   C1 = tube 5
//! plate 2   A1 = tube 3                B1 = tube 4
//! ```
//!
//! [`bench`] is the work with liquids, [`reporting`] what was found and told.

mod bench;
mod reporting;

pub use bench::*;
pub use reporting::*;

use crate::log::{Batch, Hook, Log};
use crate::words::*;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

/// The day, with each batch shown to the hook before it is written; step by step by its name.
pub fn day<'h>(hook: impl FnMut(&str, &mut Batch) + 'h) -> Log<'h> {
    let hook: Hook<'h> = Box::new(hook);
    let mut log = Log::new(hook);
    policies(&mut log);
    one_more(&mut log);
    log
}

/// The day's work, once the policy is active.
pub fn one_more(log: &mut Log<'_>) {
    registered(log, 5);
    received(log, 5);
    pooled(log);
    plated(
        log,
        "plate-1",
        &[("A1", pool(1)), ("B1", pool(2)), ("C1", tube(5))],
    );
    let wells: [(&str, Option<u64>, &[u64]); 3] = [
        ("A1", Some(1), &[1, 2]),
        ("B1", Some(2), &[3, 4]),
        ("C1", None, &[5]),
    ];
    load(log, "load 1", 1, &wells, 1);
    first_run(log);
    delivered(
        log,
        "delivered 1",
        &[
            (1, Verdict::Negative),
            (2, Verdict::Negative),
            (5, Verdict::Positive),
        ],
        &[3, 4],
    );
    plated(log, "plate-2", &[("A1", tube(3)), ("B1", tube(4))]);
    load(
        log,
        "load 2",
        2,
        &[("A1", None, &[3]), ("B1", None, &[4])],
        2,
    );
    second_run(log);
    delivered(
        log,
        "delivered 2",
        &[(3, Verdict::Negative), (4, Verdict::Positive)],
        &[],
    );
}

pub fn policies(log: &mut Log<'_>) {
    for service in ["intake", "pooling", "results"] {
        log.outside(service, &[policy_input()]);
    }
    let active = Batch::default().event(&intake(Registry::PolicyActivated(policy())));
    log.decide("policy intake", "intake", active);
    let active = Batch::default().event(&pooling("policy", What::PolicyActivated(policy())));
    log.decide("policy pooling", "pooling", active);
    let active = Batch::default().event(&found(Found::PolicyActivated(policy())));
    log.decide("policy results", "results", active);
}

pub fn registered(log: &mut Log<'_>, tubes: u64) {
    let inputs: Vec<ExternalInput> = (1..=tubes).map(registration_input).collect();
    log.outside("intake", &inputs);
    let (mut there, mut expected) = (Batch::default(), Batch::default());
    for number in 1..=tubes {
        there = there
            .event(&intake(Registry::Registered(stated(number))))
            .send(
                "pooling.inbox",
                "",
                &told(Told::SampleDetails(sample(number))),
            );
        let event = What::SampleExpected(PoolingSampleExpected {
            sample: Some(sample(number)),
            clock: Some(clock()),
        });
        expected = expected.event(&pooling("intake", event));
    }
    log.decide("registered", "intake", there);
    log.decide("expected", "pooling", expected);
}
