//! What can be asked of a lane.

use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::policy::{ActivePolicy, Library, PolicyText, no_policy};
use tenfold_domain::tables::{Read, ReadExt as _};
use tenfold_domain::{Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_proto::v1::results_query::Query;
use tenfold_runtime::processor::Answer;

mod deliveries;
mod explain;
pub(crate) mod filed;
mod lists;
mod specimen;

/// Answers a question.
///
/// # Errors
/// What is asked for does not exist, or the question cannot be read.
pub fn answer(library: &Library, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer {
    let query = v1::ResultsQuery::decode(query)
        .ok()
        .and_then(|query| query.query)
        .ok_or_else(|| {
            Rejection::invalid(
                "QUERY_INVALID",
                "query",
                "the question cannot be read",
                "ask another",
            )
        })?;
    let rules = library
        .active(state)
        .map(|policy| policy.contamination)
        .unwrap_or_default();
    Ok(match query {
        Query::Pending(q) => bytes(&deliveries::pending(library, state, &q, now)),
        Query::Result(q) => bytes(&specimen::result(state, &q)?),
        Query::Timeline(q) => bytes(&specimen::timeline(state, &q)?),
        Query::Explain(q) => bytes(&explain::explain(&rules, state, &q)?),
        Query::Run(q) => bytes(&lists::run(&rules, state, &q)?),
        Query::Runs(q) => bytes(&lists::runs(state, &q)),
        Query::Board(q) => bytes(&lists::board(state, &q)),
        Query::Orders(q) => bytes(&lists::orders(state, &q)),
        Query::Work(q) => bytes(&lists::work(state, &q)),
        Query::Policy(_) => bytes(&policy(state)?),
        Query::Invariants(_) => bytes(&lists::invariants(state)),
    })
}

fn policy(state: &dyn Read) -> Result<v1::PolicyActivated, Rejection> {
    let active = state.get::<ActivePolicy>(&()).ok_or_else(no_policy)?;
    let text = state.get::<PolicyText>(&()).ok_or_else(no_policy)?;
    Ok(v1::PolicyActivated {
        content: text.content,
        version: active.version,
    })
}

fn bytes(message: &impl prost::Message) -> Bytes {
    message.encode_to_vec().into()
}
