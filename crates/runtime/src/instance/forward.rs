//! One hop between instances of a service: `tenfold.lane.v1.Lanes`.

use super::local::{Local, Tried};
use crate::gateway::{Answered, Call as Asked, CallError};
use crate::lane::calls;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tenfold_domain::{Code, Rejection, Timestamp};
use tenfold_proto::lane::lanes_client::LanesClient;
use tenfold_proto::lane::lanes_server::{Lanes, LanesServer};
use tenfold_proto::lane::{
    Answer, CallRequest, CallResponse, Command, NotOwner, answer, call_request::Call as Wire,
    call_response::Result as WireResult,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

/// A peer that does not take a connection within this time is taken for gone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections to other instances, by address.
#[derive(Default)]
pub(super) struct Peers(Mutex<HashMap<String, LanesClient<Channel>>>);

impl Peers {
    fn client(&self, address: &str) -> Result<LanesClient<Channel>, CallError> {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = peers.get(address) {
            return Ok(client.clone());
        }
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|error| {
                CallError::Unavailable(format!("owner's address {address:?}: {error}"))
            })?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        let client = LanesClient::new(endpoint.connect_lazy());
        peers.insert(address.to_owned(), client.clone());
        Ok(client)
    }

    /// Calls a lane on the instance at an address.
    pub(super) async fn call(
        &self,
        address: &str,
        service: &str,
        lane: u32,
        asked: &Asked,
        timeout: Duration,
    ) -> Tried {
        let mut client = match self.client(address) {
            Ok(client) => client,
            Err(error) => return Tried::Failed(error),
        };
        let call = match asked.clone() {
            Asked::Command {
                actor,
                request_id,
                body,
            } => Wire::Command(Command {
                actor,
                request_id,
                body,
            }),
            Asked::Query(body) => Wire::Query(body),
        };
        let request = CallRequest {
            service: service.to_owned(),
            lane,
            call: Some(call),
            traceparent: crate::trace::current(),
            timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        };
        let response = match tokio::time::timeout(timeout, client.call(request)).await {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => {
                tracing::debug!(address, %status, "the owner did not answer");
                // It may be gone; the lane will have another owner soon.
                return Tried::NotOwner { address: None };
            }
            Err(_) => {
                return Tried::Failed(CallError::Unavailable(
                    "the owner did not answer in time".to_owned(),
                ));
            }
        };
        let (seq, at) = (response.seq, Timestamp(response.at));
        match response.result {
            Some(WireResult::Answer(Answer {
                answer: Some(answer::Answer::Reply(body)),
            })) => Tried::Answered(Answered { body, seq, at }),
            Some(WireResult::Answer(Answer {
                answer: Some(answer::Answer::Rejection(rejection)),
            })) => Tried::Failed(CallError::Rejected(rejection.into())),
            Some(WireResult::NotOwner(NotOwner { address, .. })) => Tried::NotOwner {
                address: Some(address).filter(|a| !a.is_empty()),
            },
            _ => Tried::Failed(CallError::Unavailable(
                "the owner's answer cannot be read".to_owned(),
            )),
        }
    }
}

/// The service that other instances call.
pub struct Forwarded {
    services: HashMap<&'static str, Arc<Local>>,
}

/// A gRPC service that answers other instances for the lanes owned here. `instances` are those of
/// this process, one a service ([`super::Instance::calls`]).
#[must_use]
pub fn lanes_server(instances: Vec<Arc<Local>>) -> LanesServer<Forwarded> {
    let services = instances.into_iter().map(|l| (l.service(), l)).collect();
    LanesServer::new(Forwarded { services })
}

#[tonic::async_trait]
impl Lanes for Forwarded {
    async fn call(&self, request: Request<CallRequest>) -> Result<Response<CallResponse>, Status> {
        let request = request.into_inner();
        let local = self
            .services
            .get(request.service.as_str())
            .ok_or_else(|| Status::not_found(format!("no service {:?} here", request.service)))?;
        let asked = match request.call {
            Some(Wire::Command(command)) => Asked::Command {
                actor: command.actor,
                request_id: command.request_id,
                body: command.body,
            },
            Some(Wire::Query(body)) => Asked::Query(body),
            None => return Err(Status::invalid_argument("the call is empty")),
        };
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let tried = local
            .try_here(request.lane, asked, request.traceparent, timeout)
            .await;
        let (result, seq, at) = match tried {
            Tried::Answered(Answered { body, seq, at }) => {
                (WireResult::Answer(calls::to_wire(&Ok(body))), seq, at)
            }
            Tried::Failed(CallError::Rejected(rejection)) => (
                WireResult::Answer(calls::to_wire(&Err(rejection))),
                0,
                Timestamp(0),
            ),
            Tried::Failed(CallError::Full) => (
                WireResult::Answer(calls::to_wire(&Err(full()))),
                0,
                Timestamp(0),
            ),
            Tried::Failed(CallError::Unavailable(reason)) => {
                return Err(Status::unavailable(reason));
            }
            Tried::NotOwner { address } => (
                WireResult::NotOwner(NotOwner {
                    address: address.unwrap_or_default(),
                    epoch: 0,
                }),
                0,
                Timestamp(0),
            ),
        };
        Ok(Response::new(CallResponse {
            result: Some(result),
            seq,
            at: at.0,
        }))
    }
}

fn full() -> Rejection {
    Rejection::new(
        Code::ResourceExhausted,
        "TOO_MANY_CALLS",
        "",
        "too many calls wait in the lane",
        "try again later with the same request id",
    )
}
