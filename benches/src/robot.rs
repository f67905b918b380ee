//! Whom a liquid handler calls: an instance of pooling in this process, or a process over gRPC.

use anyhow::Context as _;
use bytes::Bytes;
use prost::Message as _;
use tenfold_proto::v1;
use tenfold_runtime::gateway::{CallError, Gateway};
use tonic::transport::Channel;
use v1::pooling_client::PoolingClient;
use v1::pooling_command::Command;

/// Who calls.
const ACTOR: &str = "robot";

/// The way to pooling.
pub enum Way {
    /// Into an instance of this process.
    Within(Gateway),
    /// To another process.
    Called(PoolingClient<Channel>),
}

impl Way {
    /// Whether a tube's registration has come to its lab.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn knows(&self, lab: &str, tube: &str) -> anyhow::Result<bool> {
        let ask = v1::GetTubeRequest {
            lab: lab.to_owned(),
            tube: tube.to_owned(),
        };
        match self {
            Self::Within(gateway) => {
                let query = v1::PoolingQuery {
                    query: Some(v1::pooling_query::Query::Tube(ask)),
                };
                match gateway.query(lab, query.encode_to_vec().into()).await {
                    Ok(_) => Ok(true),
                    Err(CallError::Rejected(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Called(client) => match client.clone().get_tube(ask).await {
                Ok(_) => Ok(true),
                // Not registered; or its lane is still being taken.
                Err(status)
                    if matches!(
                        status.code(),
                        tonic::Code::NotFound
                            | tonic::Code::Unavailable
                            | tonic::Code::DeadlineExceeded
                    ) =>
                {
                    Ok(false)
                }
                Err(status) => Err(status.into()),
            },
        }
    }

    /// Says what came.
    ///
    /// # Errors
    /// It is refused.
    pub async fn receive(&self, id: &str, mut what: v1::ReceiveRequest) -> anyhow::Result<()> {
        match self {
            Self::Within(gateway) => {
                let lab = what.lab.clone();
                command(gateway, &lab, id, Command::Receive(what)).await?;
            }
            Self::Called(client) => {
                ACTOR.clone_into(&mut what.actor);
                id.clone_into(&mut what.request_id);
                client
                    .clone()
                    .receive(what)
                    .await
                    .with_context(|| id.to_owned())?;
            }
        }
        Ok(())
    }

    /// Asks where each tube of a rack goes.
    ///
    /// # Errors
    /// It is refused.
    pub async fn plan(
        &self,
        id: &str,
        mut what: v1::PlanRackRequest,
    ) -> anyhow::Result<v1::PlanRackResponse> {
        match self {
            Self::Within(gateway) => {
                let lab = what.lab.clone();
                let body = command(gateway, &lab, id, Command::PlanRack(what)).await?;
                Ok(v1::PlanRackResponse::decode(body)?)
            }
            Self::Called(client) => {
                ACTOR.clone_into(&mut what.actor);
                id.clone_into(&mut what.request_id);
                let answered = client.clone().plan_rack(what).await;
                Ok(answered.with_context(|| id.to_owned())?.into_inner())
            }
        }
    }

    /// Says that a rack was done.
    ///
    /// # Errors
    /// It is refused.
    pub async fn confirm(
        &self,
        id: &str,
        mut what: v1::ConfirmRackRequest,
    ) -> anyhow::Result<v1::ConfirmRackResponse> {
        match self {
            Self::Within(gateway) => {
                let lab = what.lab.clone();
                let body = command(gateway, &lab, id, Command::ConfirmRack(what)).await?;
                Ok(v1::ConfirmRackResponse::decode(body)?)
            }
            Self::Called(client) => {
                ACTOR.clone_into(&mut what.actor);
                id.clone_into(&mut what.request_id);
                let answered = client.clone().confirm_rack(what).await;
                Ok(answered.with_context(|| id.to_owned())?.into_inner())
            }
        }
    }
}

async fn command(
    gateway: &Gateway,
    lab: &str,
    id: &str,
    command: Command,
) -> anyhow::Result<Bytes> {
    let body = v1::PoolingCommand {
        command: Some(command),
    }
    .encode_to_vec();
    let answered = gateway.command(lab, ACTOR, id, body.into()).await;
    Ok(answered.with_context(|| id.to_owned())?.body)
}
