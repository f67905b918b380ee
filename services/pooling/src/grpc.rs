//! The edge: gRPC calls to commands and questions.
//!
//! It checks that a call can be sent at all (a lab, a request id); whether it makes sense is the rules'
//! matter.

use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use tenfold_runtime::gateway::Gateway;
use tenfold_service_shell::status::{from_call_error, from_rejection};
use tonic::{Request, Response, Status};
use v1::pooling_command::Command;
use v1::pooling_query::Query;
use v1::pooling_server::Pooling;

/// Longest actor or request id taken.
const ID_MAX: usize = 128;

/// The gRPC service.
#[derive(Clone)]
pub struct PoolingGrpc {
    gateway: Gateway,
}

impl PoolingGrpc {
    /// Calls go through this gateway.
    #[must_use]
    pub const fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    async fn command<R: prost::Message + Default>(
        &self,
        lab: String,
        actor: String,
        request_id: String,
        command: Command,
    ) -> Result<Response<R>, Status> {
        check(&lab, "lab")?;
        check(&actor, "actor")?;
        check(&request_id, "request_id")?;
        let body: Bytes = v1::PoolingCommand {
            command: Some(command),
        }
        .encode_to_vec()
        .into();
        let answered = self
            .gateway
            .command(&lab, &actor, &request_id, body)
            .await
            .map_err(from_call_error)?;
        decode(&answered.body)
    }

    async fn ask<R: prost::Message + Default>(
        &self,
        lab: String,
        query: Query,
    ) -> Result<Response<R>, Status> {
        check(&lab, "lab")?;
        let body: Bytes = v1::PoolingQuery { query: Some(query) }
            .encode_to_vec()
            .into();
        let answered = self
            .gateway
            .query(&lab, body)
            .await
            .map_err(from_call_error)?;
        decode(&answered.body)
    }
}

fn check(text: &str, field: &str) -> Result<(), Status> {
    let problem = match text.len() {
        0 => "is missing".to_owned(),
        n if n > ID_MAX => format!("has {n} characters, more than {ID_MAX}"),
        _ => return Ok(()),
    };
    Err(from_rejection(&Rejection::invalid(
        &format!("{}_MISSING", field.to_ascii_uppercase()),
        field,
        format!("{field} {problem}"),
        "name it in the request; a request id is made once, and sent again with each try",
    )))
}

fn decode<R: prost::Message + Default>(body: &Bytes) -> Result<Response<R>, Status> {
    R::decode(body.clone())
        .map(Response::new)
        .map_err(|error| Status::internal(format!("the answer cannot be read: {error}")))
}

/// The seed of a plate whose caller gave none: from the request id, so that a retry draws the same wells.
fn seed_of(request_id: &str) -> u64 {
    let mut seed = [0; 8];
    let hash = blake3::hash(request_id.as_bytes());
    for (to, from) in seed.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    u64::from_le_bytes(seed)
}

/// A call that changes something: its command, on the lane of its lab.
macro_rules! command {
    ($self:ident, $request:ident, $variant:ident) => {{
        let c = $request.into_inner();
        let (lab, actor, id) = (c.lab.clone(), c.actor.clone(), c.request_id.clone());
        $self.command(lab, actor, id, Command::$variant(c)).await
    }};
}

/// A question, on the lane of its lab.
macro_rules! ask {
    ($self:ident, $request:ident, $variant:ident) => {{
        let q = $request.into_inner();
        $self.ask(q.lab.clone(), Query::$variant(q)).await
    }};
}

#[tonic::async_trait]
impl Pooling for PoolingGrpc {
    async fn receive(
        &self,
        request: Request<v1::ReceiveRequest>,
    ) -> Result<Response<v1::ReceiveResponse>, Status> {
        command!(self, request, Receive)
    }

    async fn relabel(
        &self,
        request: Request<v1::RelabelRequest>,
    ) -> Result<Response<v1::TubeResponse>, Status> {
        command!(self, request, Relabel)
    }

    async fn hold_tube(
        &self,
        request: Request<v1::HoldTubeRequest>,
    ) -> Result<Response<v1::TubeResponse>, Status> {
        command!(self, request, HoldTube)
    }

    async fn release_hold(
        &self,
        request: Request<v1::ReleaseHoldRequest>,
    ) -> Result<Response<v1::ReleaseHoldResponse>, Status> {
        command!(self, request, ReleaseHold)
    }

    async fn discard_tube(
        &self,
        request: Request<v1::DiscardTubeRequest>,
    ) -> Result<Response<v1::TubeResponse>, Status> {
        command!(self, request, DiscardTube)
    }

    async fn scan(
        &self,
        request: Request<v1::ScanRequest>,
    ) -> Result<Response<v1::ScanResponse>, Status> {
        command!(self, request, Scan)
    }

    async fn confirm_transfer(
        &self,
        request: Request<v1::ConfirmTransferRequest>,
    ) -> Result<Response<v1::ConfirmTransferResponse>, Status> {
        command!(self, request, ConfirmTransfer)
    }

    async fn undo_scan(
        &self,
        request: Request<v1::UndoScanRequest>,
    ) -> Result<Response<v1::UndoScanResponse>, Status> {
        command!(self, request, UndoScan)
    }

    async fn plan_rack(
        &self,
        request: Request<v1::PlanRackRequest>,
    ) -> Result<Response<v1::PlanRackResponse>, Status> {
        command!(self, request, PlanRack)
    }

    async fn confirm_rack(
        &self,
        request: Request<v1::ConfirmRackRequest>,
    ) -> Result<Response<v1::ConfirmRackResponse>, Status> {
        command!(self, request, ConfirmRack)
    }

    async fn close_pool(
        &self,
        request: Request<v1::ClosePoolRequest>,
    ) -> Result<Response<v1::ClosePoolResponse>, Status> {
        command!(self, request, ClosePool)
    }

    async fn void_pool(
        &self,
        request: Request<v1::VoidPoolRequest>,
    ) -> Result<Response<v1::VoidPoolResponse>, Status> {
        command!(self, request, VoidPool)
    }

    async fn reserve_labels(
        &self,
        request: Request<v1::ReserveLabelsRequest>,
    ) -> Result<Response<v1::ReserveLabelsResponse>, Status> {
        command!(self, request, ReserveLabels)
    }

    async fn start_plate(
        &self,
        request: Request<v1::StartPlateRequest>,
    ) -> Result<Response<v1::PlateView>, Status> {
        let mut c = request.into_inner();
        if c.seed.is_none() {
            c.seed = Some(seed_of(&c.request_id));
        }
        let (lab, actor, id) = (c.lab.clone(), c.actor.clone(), c.request_id.clone());
        self.command(lab, actor, id, Command::StartPlate(c)).await
    }

    async fn fill_plate(
        &self,
        request: Request<v1::FillPlateRequest>,
    ) -> Result<Response<v1::FillPlateResponse>, Status> {
        command!(self, request, FillPlate)
    }

    async fn place(
        &self,
        request: Request<v1::PlaceRequest>,
    ) -> Result<Response<v1::PlaceResponse>, Status> {
        command!(self, request, Place)
    }

    async fn confirm_plate(
        &self,
        request: Request<v1::ConfirmPlateRequest>,
    ) -> Result<Response<v1::ConfirmPlateResponse>, Status> {
        command!(self, request, ConfirmPlate)
    }

    async fn bind_lot(
        &self,
        request: Request<v1::BindLotRequest>,
    ) -> Result<Response<v1::PlateView>, Status> {
        command!(self, request, BindLot)
    }

    async fn unbind_lot(
        &self,
        request: Request<v1::UnbindLotRequest>,
    ) -> Result<Response<v1::PlateView>, Status> {
        command!(self, request, UnbindLot)
    }

    async fn combine_plates(
        &self,
        request: Request<v1::CombinePlatesRequest>,
    ) -> Result<Response<v1::PlateView>, Status> {
        command!(self, request, CombinePlates)
    }

    async fn seal_plate(
        &self,
        request: Request<v1::SealPlateRequest>,
    ) -> Result<Response<v1::SealPlateResponse>, Status> {
        command!(self, request, SealPlate)
    }

    async fn void_plate(
        &self,
        request: Request<v1::VoidPlateRequest>,
    ) -> Result<Response<v1::VoidPlateResponse>, Status> {
        command!(self, request, VoidPlate)
    }

    async fn load_plate(
        &self,
        request: Request<v1::LoadPlateRequest>,
    ) -> Result<Response<v1::LoadPlateResponse>, Status> {
        command!(self, request, LoadPlate)
    }

    async fn get_tube(
        &self,
        request: Request<v1::GetTubeRequest>,
    ) -> Result<Response<v1::TubeView>, Status> {
        ask!(self, request, Tube)
    }

    async fn list_open_pools(
        &self,
        request: Request<v1::ListOpenPoolsRequest>,
    ) -> Result<Response<v1::ListOpenPoolsResponse>, Status> {
        ask!(self, request, OpenPools)
    }

    async fn get_pool(
        &self,
        request: Request<v1::GetPoolRequest>,
    ) -> Result<Response<v1::PoolView>, Status> {
        ask!(self, request, Pool)
    }

    async fn explain_pool(
        &self,
        request: Request<v1::GetPoolRequest>,
    ) -> Result<Response<v1::ExplainPoolResponse>, Status> {
        ask!(self, request, ExplainPool)
    }

    async fn get_plate(
        &self,
        request: Request<v1::GetPlateRequest>,
    ) -> Result<Response<v1::PlateView>, Status> {
        ask!(self, request, Plate)
    }

    async fn list_plates(
        &self,
        request: Request<v1::ListPlatesRequest>,
    ) -> Result<Response<v1::ListPlatesResponse>, Status> {
        ask!(self, request, Plates)
    }

    async fn list_work(
        &self,
        request: Request<v1::ListWorkRequest>,
    ) -> Result<Response<v1::ListWorkResponse>, Status> {
        ask!(self, request, Work)
    }

    async fn get_board(
        &self,
        request: Request<v1::PoolingBoardRequest>,
    ) -> Result<Response<v1::PoolingBoard>, Status> {
        ask!(self, request, Board)
    }

    async fn check_invariants(
        &self,
        request: Request<v1::PoolingInvariantsRequest>,
    ) -> Result<Response<v1::PoolingInvariants>, Status> {
        ask!(self, request, Invariants)
    }
}
