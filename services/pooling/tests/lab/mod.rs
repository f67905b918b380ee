//! A lab to tell stories in: the real rules on the test driver, with the invariants checked after
//! every step.

#![allow(dead_code, unused_imports)]

mod benches;
mod given;
mod plates;
mod then;
mod tubes;

pub use then::{placement, pool_name, reason, seat_of, verdicts};

use prost::Message as _;
use std::collections::BTreeMap;
use tenfold_domain::message::Message;
use tenfold_domain::policy::{Bench, BenchMode, Policy};
use tenfold_domain::pooling::invariants;
use tenfold_domain::time::Millis;
use tenfold_domain::{Rejection, Timestamp};
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::processor::{Destination, Outgoing};
use v1::pooling_command::Command;
use v1::pooling_query::Query;

pub const LAB: &str = "lab-1";
pub const ASSAY: &str = "default-cn";

/// A lab with a scan bench `b1`, a rack bench `robot`, and (only if asked for) a planning bench `plan`.
pub struct Lab {
    pub driver: Driver<PoolingProcessor>,
    sent: Vec<Outgoing>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A lab whose policy was changed.
    pub fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let mut lab = Self::without_policy();
        lab.apply(1, change);
        lab
    }

    pub fn without_policy() -> Self {
        Self {
            driver: Driver::new(PoolingProcessor::new()),
            sent: Vec::new(),
        }
    }

    pub fn apply(&mut self, version: u32, change: impl FnOnce(&mut Policy)) {
        let mut policy =
            Policy::parse(Policy::default_text()).expect("the default policy is valid");
        policy.version = version;
        policy.pooling.benches = BTreeMap::from([(
            format!("{LAB}/robot"),
            Bench {
                mode: BenchMode::Rack,
                assay: None,
            },
        )]);
        change(&mut policy);
        let input = v1::ExternalInput {
            input: Some(v1::external_input::Input::Policy(v1::PolicyActivated {
                content: policy.to_toml(),
                version,
            })),
        };
        self.driver
            .external("test", input.encode_to_vec())
            .expect("the policy is taken");
    }

    pub fn now(&self) -> Timestamp {
        self.driver.now()
    }

    pub fn wait(&mut self, minutes: i64) {
        self.driver.advance(Millis::from_mins(minutes));
        self.check();
    }

    pub fn check(&mut self) {
        let violations = invariants::check(self.driver.state());
        assert_eq!(violations, [], "an invariant is violated");
        self.sent.extend(self.driver.sent());
    }

    pub fn command<R: prost::Message + Default>(
        &mut self,
        command: Command,
    ) -> Result<R, Rejection> {
        let body = v1::PoolingCommand {
            command: Some(command),
        };
        let answer = self.driver.command("tech-7", body.encode_to_vec());
        self.check();
        answer.map(|bytes| R::decode(bytes).expect("an answer of this kind"))
    }

    pub fn ask<R: prost::Message + Default>(&self, query: Query) -> Result<R, Rejection> {
        let body = v1::PoolingQuery { query: Some(query) };
        self.driver
            .query(body.encode_to_vec())
            .map(|bytes| R::decode(bytes).expect("an answer of this kind"))
    }

    pub fn hear(&mut self, message: Message) -> Result<(), Rejection> {
        let answer = self
            .driver
            .message(v1::Message::from(message).encode_to_vec());
        self.check();
        answer.map(|_| ())
    }

    /// Messages sent since the last call.
    pub fn sent(&mut self) -> Vec<(Destination, Message)> {
        std::mem::take(&mut self.sent)
            .into_iter()
            .map(|out| {
                let message = v1::Message::decode(out.body).expect("a message");
                (out.to, message.try_into().expect("a message of the domain"))
            })
            .collect()
    }
}
