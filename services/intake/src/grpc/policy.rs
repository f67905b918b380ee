//! The policy: validated here, activated by every lane of all services in its own time.

use super::{IntakeGrpc, actor, invalid, unreadable};
use futures::future::join_all;
use prost::Message as _;
use std::collections::HashMap;
use tenfold_domain::policy::{POLICY_BYTES_MAX, Policy, invalid as policy_invalid, no_policy};
use tenfold_proto::v1;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tenfold_service_shell::status::{from_call_error, from_rejection};
use tonic::Status;

/// Every service obeys the policy.
const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

impl IntakeGrpc {
    /// Sends the policy to every lane; the same again does no harm, so a call that was cut off is repeated.
    pub(super) async fn apply(
        &self,
        request: v1::ApplyPolicyRequest,
    ) -> Result<v1::ApplyPolicyReply, Status> {
        actor(&request.actor)?;
        if request.content.len() > POLICY_BYTES_MAX {
            return Err(invalid(
                "POLICY_TOO_LONG",
                "content",
                format!(
                    "the policy has {} bytes: {POLICY_BYTES_MAX} are allowed",
                    request.content.len()
                ),
                "shorten its comments",
            ));
        }
        let policy = Policy::parse(&request.content)
            .map_err(|errors| from_rejection(&policy_invalid(&errors)))?;
        let input = v1::ExternalInput {
            input: Some(v1::external_input::Input::Policy(v1::PolicyActivated {
                content: request.content,
                version: policy.version,
            })),
        };
        let item = bytes::Bytes::from(input.encode_to_vec());
        let mut lanes = HashMap::new();
        for service in SERVICES {
            let count = self.gateway.lanes_of(service);
            for lane in 0..count {
                self.gateway
                    .post(service, lane, "policy", vec![item.clone()])
                    .await
                    .map_err(from_call_error)?;
            }
            lanes.insert(service.to_owned(), count);
        }
        Ok(v1::ApplyPolicyReply {
            version: policy.version,
            lanes: lanes.into_iter().collect(),
        })
    }

    /// The newest policy that is active anywhere in intake, and in how many lanes.
    pub(super) async fn active_policy(&self) -> Result<v1::GetPolicyResponse, Status> {
        let lanes = self.gateway.lanes();
        let asked =
            (0..lanes).map(|lane| self.ask_lane(lane, Query::Policy(v1::GetPolicyRequest {})));
        let mut newest: Option<v1::GetPolicyResponse> = None;
        let mut active = 0;
        let none = from_rejection(&no_policy());
        for answer in join_all(asked).await {
            let found = match answer {
                Ok(Reply::Policy(found)) => found,
                Ok(_) => return Err(unreadable()),
                Err(status) if status.message() == none.message() => continue,
                Err(status) => return Err(status),
            };
            match &newest {
                Some(known) if known.version > found.version => {}
                Some(known) if known.version == found.version => active += 1,
                _ => {
                    active = 1;
                    newest = Some(found);
                }
            }
        }
        let mut newest = newest.ok_or(none)?;
        newest.lanes = lanes;
        newest.lanes_active = active;
        Ok(newest)
    }
}
