//! Commands and questions as the services' edges put them to their lanes.

use super::bytes;
use bytes::Bytes;
use tenfold_proto::lane::{External, InboxRecord, Undecodable, inbox_record::Content};
use tenfold_proto::v1;

/// A command of intake.
#[must_use]
pub fn intake(command: v1::intake_command::Command) -> Bytes {
    bytes(&v1::IntakeCommand {
        command: Some(command),
    })
}

/// A command of pooling.
#[must_use]
pub fn pooling(command: v1::pooling_command::Command) -> Bytes {
    bytes(&v1::PoolingCommand {
        command: Some(command),
    })
}

/// A question to pooling.
#[must_use]
pub fn pooling_query(query: v1::pooling_query::Query) -> Bytes {
    bytes(&v1::PoolingQuery { query: Some(query) })
}

/// A command of results.
#[must_use]
pub fn results(command: v1::results_command::Command) -> Bytes {
    bytes(&v1::ResultsCommand {
        command: Some(command),
    })
}

/// A question to results.
#[must_use]
pub fn results_query(query: v1::results_query::Query) -> Bytes {
    bytes(&v1::ResultsQuery { query: Some(query) })
}

/// Inputs from outside, as a record of an inbox.
#[must_use]
pub fn external(origin: &str, items: Vec<Bytes>) -> Bytes {
    bytes(&InboxRecord {
        content: Some(Content::External(External {
            origin: origin.to_owned(),
            items,
        })),
        traceparent: String::new(),
    })
}

/// Something that the router could not read, as a record of an inbox.
#[must_use]
pub fn undecodable(origin: &str, content: Bytes) -> Bytes {
    bytes(&InboxRecord {
        content: Some(Content::Undecodable(Undecodable {
            origin: origin.to_owned(),
            reason: "it is no registration".to_owned(),
            content,
            cut_from: 0,
        })),
        traceparent: String::new(),
    })
}

/// A policy, as a record of an inbox.
#[must_use]
pub fn policy(content: &str, version: u32) -> Bytes {
    let policy = v1::PolicyActivated {
        content: content.to_owned(),
        version,
    };
    let input = v1::ExternalInput {
        input: Some(v1::external_input::Input::Policy(policy)),
    };
    external("policy", vec![bytes(&input)])
}

/// A command in words, for whoever reads a run.
#[must_use]
pub fn describe(service: usize, body: &Bytes) -> String {
    use prost::Message as _;
    let body = body.clone();
    match service {
        super::INTAKE => format!("{:?}", v1::IntakeCommand::decode(body).map(|c| c.command)),
        super::POOLING => format!("{:?}", v1::PoolingCommand::decode(body).map(|c| c.command)),
        _ => format!("{:?}", v1::ResultsCommand::decode(body).map(|c| c.command)),
    }
    .chars()
    .take(400)
    .collect()
}
