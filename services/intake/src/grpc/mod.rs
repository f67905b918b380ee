//! gRPC `tenfold.v1.Intake`: checks the shape of a request, asks the lane, hands back the answer.
//!
//! [`calls`]: one barcode at a time; [`bulk`]: the stream of registrations; [`outcomes`]: what became of
//! them; [`lists`]: questions to all lanes; [`policy`].

mod bulk;
mod calls;
mod lists;
mod outcomes;
mod policy;

use crate::scanner::ScannerSettings;
use prost::Message as _;
use std::pin::Pin;
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tenfold_proto::v1::intake_server::{Intake, IntakeServer};
use tenfold_runtime::gateway::{Answered, CallError, Gateway};
use tenfold_service_shell::status::{from_call_error, from_rejection};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

/// Full name of the service, for health.
pub const RPC: &str = "tenfold.v1.Intake";

/// Largest request, in bytes: a batch of 10,000 registrations.
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

type Answers<T> = Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

/// The gRPC service over a gateway.
#[derive(Clone)]
pub struct IntakeGrpc {
    gateway: Gateway,
    scanner: ScannerSettings,
    stop: CancellationToken,
}

impl IntakeGrpc {
    /// A service whose endless streams end when `stop` is cancelled.
    #[must_use]
    pub fn new(gateway: Gateway, stop: CancellationToken) -> Self {
        Self {
            scanner: ScannerSettings::new(gateway.clone()),
            gateway,
            stop,
        }
    }

    /// As tonic serves it.
    #[must_use]
    pub fn into_server(self) -> IntakeServer<Self> {
        IntakeServer::new(self).max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    async fn ask_lane(&self, lane: u32, query: Query) -> Result<Reply, Status> {
        let query = v1::IntakeQuery { query: Some(query) };
        let answered = self
            .gateway
            .query_lane(lane, query.encode_to_vec().into())
            .await;
        reply(answered)
    }
}

/// The reply in an answer, or its refusal as a status.
fn reply(answered: Result<Answered, CallError>) -> Result<Reply, Status> {
    let answered = answered.map_err(from_call_error)?;
    v1::IntakeReply::decode(answered.body)
        .ok()
        .and_then(|reply| reply.reply)
        .ok_or_else(unreadable)
}

/// An answer that this release cannot read.
fn unreadable() -> Status {
    Status::internal("the lane's answer cannot be read: instances of different releases run")
}

fn invalid(reason: &str, field: &str, message: impl Into<String>, help: &str) -> Status {
    from_rejection(&Rejection::invalid(reason, field, message, help))
}

fn actor(actor: &str) -> Result<(), Status> {
    if actor.is_empty() {
        return Err(invalid(
            "ACTOR_MISSING",
            "actor",
            "the request does not say who calls",
            "give a pseudonym, or the name of the calling system",
        ));
    }
    if actor.len() > tenfold_domain::intake::registration::TEXT_BYTES_MAX {
        return Err(invalid(
            "ACTOR_TOO_LONG",
            "actor",
            format!("the actor has {} bytes: 64 are allowed", actor.len()),
            "give a short pseudonym",
        ));
    }
    Ok(())
}

fn given<T>(part: Option<T>, field: &str) -> Result<T, Status> {
    part.ok_or_else(|| {
        invalid(
            "FIELD_MISSING",
            field,
            format!("{field} is not given"),
            "give it",
        )
    })
}

#[tonic::async_trait]
impl Intake for IntakeGrpc {
    type RegisterStreamStream = Answers<v1::RegisterAck>;
    type WatchOutcomesStream = Answers<v1::OutcomesTold>;

    async fn register(
        &self,
        request: Request<v1::RegisterRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        self.register_one(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn register_stream(
        &self,
        request: Request<Streaming<v1::RegisterBatch>>,
    ) -> Result<Response<Self::RegisterStreamStream>, Status> {
        Ok(Response::new(self.take_batches(request.into_inner())))
    }

    async fn watch_outcomes(
        &self,
        request: Request<v1::WatchOutcomesRequest>,
    ) -> Result<Response<Self::WatchOutcomesStream>, Status> {
        self.tell_outcomes(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn amend(
        &self,
        request: Request<v1::AmendRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        self.amend_one(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        self.cancel_one(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_sample(
        &self,
        request: Request<v1::GetSampleRequest>,
    ) -> Result<Response<v1::IntakeSample>, Status> {
        self.sample(request.into_inner()).await.map(Response::new)
    }

    async fn list_recollections(
        &self,
        request: Request<v1::ListRecollectionsRequest>,
    ) -> Result<Response<v1::ListRecollectionsResponse>, Status> {
        self.recollections(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_board(
        &self,
        request: Request<v1::IntakeBoardRequest>,
    ) -> Result<Response<v1::IntakeBoard>, Status> {
        self.board(request.into_inner()).await.map(Response::new)
    }

    async fn apply_policy(
        &self,
        request: Request<v1::ApplyPolicyRequest>,
    ) -> Result<Response<v1::ApplyPolicyReply>, Status> {
        self.apply(request.into_inner()).await.map(Response::new)
    }

    async fn get_policy(
        &self,
        _request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        self.active_policy().await.map(Response::new)
    }
}
