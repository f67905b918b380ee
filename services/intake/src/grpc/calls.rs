//! Calls about one barcode.

use super::{IntakeGrpc, actor, given, reply, unreadable};
use crate::edge::strip;
use prost::Message as _;
use tenfold_proto::v1;
use tenfold_proto::v1::intake_command::Command;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tonic::Status;

impl IntakeGrpc {
    pub(super) async fn register_one(
        &self,
        request: v1::RegisterRequest,
    ) -> Result<v1::RegistrationReceipt, Status> {
        actor(&request.actor)?;
        let mut registration = given(request.registration, "registration")?;
        strip(&*self.scanner.get().await, &mut registration);
        let key = registration.barcode.clone();
        let command = Command::Register(registration);
        self.decide(&key, &request.actor, &request.request_id, command)
            .await
    }

    pub(super) async fn amend_one(
        &self,
        request: v1::AmendRequest,
    ) -> Result<v1::RegistrationReceipt, Status> {
        actor(&request.actor)?;
        let mut registration = given(request.registration, "registration")?;
        strip(&*self.scanner.get().await, &mut registration);
        let key = registration.barcode.clone();
        let command = Command::Amend(registration);
        self.decide(&key, &request.actor, &request.request_id, command)
            .await
    }

    pub(super) async fn cancel_one(
        &self,
        request: v1::CancelRequest,
    ) -> Result<v1::RegistrationReceipt, Status> {
        actor(&request.actor)?;
        let scanner = self.scanner.get().await;
        let barcode = scanner.strip(&request.barcode).to_owned();
        let command = Command::Cancel(v1::IntakeCancel {
            barcode: barcode.clone(),
            reason: request.reason,
        });
        self.decide(&barcode, &request.actor, &request.request_id, command)
            .await
    }

    async fn decide(
        &self,
        barcode: &str,
        actor: &str,
        request_id: &str,
        command: Command,
    ) -> Result<v1::RegistrationReceipt, Status> {
        let command = v1::IntakeCommand {
            command: Some(command),
        };
        let body = command.encode_to_vec().into();
        let answered = self.gateway.command(barcode, actor, request_id, body).await;
        match reply(answered)? {
            Reply::Receipt(receipt) => Ok(receipt),
            _ => Err(unreadable()),
        }
    }

    pub(super) async fn sample(
        &self,
        request: v1::GetSampleRequest,
    ) -> Result<v1::IntakeSample, Status> {
        let scanner = self.scanner.get().await;
        let barcode = scanner.strip(&request.barcode).to_owned();
        let query = v1::IntakeQuery {
            query: Some(Query::Sample(v1::GetSampleRequest {
                barcode: barcode.clone(),
            })),
        };
        let body = query.encode_to_vec().into();
        match reply(self.gateway.query(&barcode, body).await)? {
            Reply::Sample(sample) => Ok(sample),
            _ => Err(unreadable()),
        }
    }
}
