//! The edge: gRPC calls to commands and questions. It checks that a call can be sent at all; whether
//! it makes sense is the rules' matter.

mod board;
mod filed;
mod subscribe;

use crate::import::{Handed, Importer};
use crate::recall;
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::{Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_runtime::gateway::Gateway;
use tenfold_service_shell::status::{from_call_error, from_rejection};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use v1::results_command::Command;
use v1::results_query::Query;
use v1::results_server::Results;

/// Longest lab, actor, receiver, run or request id taken.
const ID_MAX: usize = 128;

/// The gRPC service.
#[derive(Clone)]
pub struct ResultsGrpc {
    gateway: Gateway,
    importer: Importer,
    past: recall::Reader,
    stop: CancellationToken,
}

impl ResultsGrpc {
    /// Calls go through this gateway; streams end at `stop`.
    #[must_use]
    pub const fn new(
        gateway: Gateway,
        importer: Importer,
        past: recall::Reader,
        stop: CancellationToken,
    ) -> Self {
        Self {
            gateway,
            importer,
            past,
            stop,
        }
    }

    async fn command(
        &self,
        lab: &str,
        actor: &str,
        request_id: &str,
        body: Command,
    ) -> Result<v1::results_reply::Reply, Status> {
        command(&self.gateway, lab, actor, request_id, body).await
    }

    async fn ask<R: prost::Message + Default>(&self, lab: &str, query: Query) -> Result<R, Status> {
        check("lab", lab)?;
        let answered = self
            .gateway
            .query(lab, encode(query))
            .await
            .map_err(from_call_error)?;
        decode(&answered.body)
    }

    /// Asks about one sample. If it was filed, what the lane has of it says where to read the rest.
    async fn ask_of_sample<R: filed::Answer>(&self, lab: &str, query: Query) -> Result<R, Status> {
        let mut answer: R = self.ask(lab, query.clone()).await?;
        let Some(card) = answer.card().take() else {
            return Ok(answer);
        };
        let policy = self
            .ask(lab, Query::Policy(v1::ActivePolicyQuery {}))
            .await
            .unwrap_or_default();
        let lane = tenfold_runtime::lane_of(lab, self.gateway.lanes());
        let past = self.past.answer(lane, card.clone(), policy, query).await;
        Ok(filed::joined(answer, card, past))
    }

    /// Asks the lane of a lab, or every lane if none is named.
    async fn ask_all<R: prost::Message + Default>(
        &self,
        lab: &str,
        query: Query,
    ) -> Result<Vec<R>, Status> {
        if !lab.is_empty() {
            return Ok(vec![self.ask(lab, query).await?]);
        }
        let body = encode(query);
        let calls =
            (0..self.gateway.lanes()).map(|lane| self.gateway.query_lane(lane, body.clone()));
        futures::future::join_all(calls)
            .await
            .into_iter()
            .map(|answered| decode(&answered.map_err(from_call_error)?.body))
            .collect()
    }
}

/// Sends a command to the lane of a lab, and waits for its reply.
pub(crate) async fn command(
    gateway: &Gateway,
    lab: &str,
    actor: &str,
    request_id: &str,
    command: Command,
) -> Result<v1::results_reply::Reply, Status> {
    for (field, text) in [("lab", lab), ("actor", actor), ("request_id", request_id)] {
        check(field, text)?;
    }
    let command = v1::ResultsCommand {
        command: Some(command),
    };
    let body: Bytes = command.encode_to_vec().into();
    let answered = gateway
        .command(lab, actor, request_id, body)
        .await
        .map_err(from_call_error)?;
    let reply: v1::ResultsReply = decode(&answered.body)?;
    reply
        .reply
        .ok_or_else(|| Status::internal("the reply is empty"))
}

fn encode(query: Query) -> Bytes {
    v1::ResultsQuery { query: Some(query) }
        .encode_to_vec()
        .into()
}

fn decode<R: prost::Message + Default>(body: &Bytes) -> Result<R, Status> {
    R::decode(body.clone())
        .map_err(|error| Status::internal(format!("the answer cannot be read: {error}")))
}

/// A name that must be there, and not too long.
fn check(field: &str, text: &str) -> Result<(), Status> {
    let problem = match text.len() {
        0 => "is missing".to_owned(),
        n if n > ID_MAX => format!("has {n} bytes, more than {ID_MAX}"),
        _ => return Ok(()),
    };
    Err(from_rejection(&Rejection::invalid(
        &format!("{}_MISSING", field.to_ascii_uppercase()),
        field,
        format!("{field} {problem}"),
        "name it in the request; a request id is made once, and sent again with each try",
    )))
}

#[tonic::async_trait]
impl Results for ResultsGrpc {
    type SubscribeStream = subscribe::Down;

    async fn import_run(
        &self,
        request: Request<v1::ImportRunRequest>,
    ) -> Result<Response<v1::ImportRunReply>, Status> {
        let request = request.into_inner();
        for (field, text) in [
            ("instrument_serial", &request.instrument_serial),
            ("run_id", &request.run_id),
        ] {
            check(field, text)?;
        }
        let handed = Handed {
            lab: request.lab,
            plate: request.plate,
            serial: request.instrument_serial,
            run_id: request.run_id,
            read_at: Timestamp(request.read_at),
            file_name: request.file_name,
            reason: request.reason,
            actor: request.actor,
            request_id: request.request_id,
        };
        self.importer
            .import(request.file, |_| handed)
            .await
            .map(Response::new)
    }

    async fn subscribe(
        &self,
        request: Request<Streaming<v1::SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        subscribe::subscribe(self.clone(), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_result(
        &self,
        request: Request<v1::GetResultRequest>,
    ) -> Result<Response<v1::ResultView>, Status> {
        let request = request.into_inner();
        self.ask_of_sample(&request.lab.clone(), Query::Result(request))
            .await
            .map(Response::new)
    }

    async fn get_result_timeline(
        &self,
        request: Request<v1::GetResultRequest>,
    ) -> Result<Response<v1::ResultTimeline>, Status> {
        let request = request.into_inner();
        self.ask_of_sample(&request.lab.clone(), Query::Timeline(request))
            .await
            .map(Response::new)
    }

    async fn explain(
        &self,
        request: Request<v1::GetResultRequest>,
    ) -> Result<Response<v1::ResultExplanation>, Status> {
        let request = request.into_inner();
        self.ask_of_sample(&request.lab.clone(), Query::Explain(request))
            .await
            .map(Response::new)
    }

    async fn get_run_file(
        &self,
        request: Request<v1::GetRunFileRequest>,
    ) -> Result<Response<v1::RunFile>, Status> {
        let file = self.importer.file(request.into_inner().file_hash).await?;
        Ok(Response::new(v1::RunFile { file: file.into() }))
    }

    async fn get_curves(
        &self,
        request: Request<v1::GetCurvesRequest>,
    ) -> Result<Response<v1::CurvesReply>, Status> {
        let curves = self.importer.curves(request.into_inner().file_hash);
        curves.await.map(Response::new)
    }

    async fn get_run(
        &self,
        request: Request<v1::GetRunRequest>,
    ) -> Result<Response<v1::RunView>, Status> {
        let request = request.into_inner();
        self.ask(&request.lab.clone(), Query::Run(request))
            .await
            .map(Response::new)
    }

    async fn list_runs(
        &self,
        request: Request<v1::ListRunsRequest>,
    ) -> Result<Response<v1::ListRunsReply>, Status> {
        let request = request.into_inner();
        self.ask(&request.lab.clone(), Query::Runs(request))
            .await
            .map(Response::new)
    }

    async fn get_results_board(
        &self,
        request: Request<v1::ResultsBoardRequest>,
    ) -> Result<Response<v1::ResultsBoard>, Status> {
        let request = request.into_inner();
        let lanes = self
            .ask_all(&request.lab.clone(), Query::Board(request))
            .await?;
        Ok(Response::new(board::sum(lanes)))
    }

    async fn list_orders(
        &self,
        request: Request<v1::ListOrdersRequest>,
    ) -> Result<Response<v1::ListOrdersReply>, Status> {
        let request = request.into_inner();
        let lanes: Vec<v1::ListOrdersReply> = self
            .ask_all(&request.lab.clone(), Query::Orders(request))
            .await?;
        let mut orders: Vec<v1::OrderView> =
            lanes.into_iter().flat_map(|lane| lane.orders).collect();
        orders.sort_by_key(|order| order.due);
        Ok(Response::new(v1::ListOrdersReply { orders }))
    }

    async fn list_work(
        &self,
        request: Request<v1::ListResultsWorkRequest>,
    ) -> Result<Response<v1::ListResultsWorkReply>, Status> {
        let request = request.into_inner();
        let lanes: Vec<v1::ListResultsWorkReply> = self
            .ask_all(&request.lab.clone(), Query::Work(request))
            .await?;
        let mut reply = v1::ListResultsWorkReply::default();
        for lane in lanes {
            reply.items.extend(lane.items);
            reply.parked.extend(lane.parked);
        }
        Ok(Response::new(reply))
    }

    async fn resolve_work(
        &self,
        request: Request<v1::ResolveWorkRequest>,
    ) -> Result<Response<v1::ResolveWorkReply>, Status> {
        let c = request.into_inner();
        let (lab, actor, id) = (c.lab.clone(), c.actor.clone(), c.request_id.clone());
        self.command(&lab, &actor, &id, Command::ResolveWork(c))
            .await?;
        Ok(Response::new(v1::ResolveWorkReply {}))
    }

    async fn check_results_invariants(
        &self,
        request: Request<v1::CheckResultsInvariantsRequest>,
    ) -> Result<Response<v1::CheckResultsInvariantsReply>, Status> {
        let request = request.into_inner();
        let lane = request.lane;
        if lane >= self.gateway.lanes() {
            return Err(from_rejection(&Rejection::invalid(
                "LANE_UNKNOWN",
                "lane",
                format!("lane {lane} is not below {}", self.gateway.lanes()),
                "lanes count from 0",
            )));
        }
        let answered = self
            .gateway
            .query_lane(lane, encode(Query::Invariants(request)))
            .await
            .map_err(from_call_error)?;
        decode(&answered.body).map(Response::new)
    }
}
