//! What an administrator asks of any process: status, a policy for all lanes, dead letters.

use crate::config::{Config, LogKind};
use crate::dead_letters::{DeadLetters, What, Wish};
use crate::{status, topics};
use bytes::Bytes;
use prost::Message as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tenfold_domain::Rejection;
use tenfold_domain::policy::{Policy, PolicyError};
use tenfold_proto::v1::operations_server::{self, OperationsServer};
use tenfold_proto::v1::{
    ApplyPolicyReply, ApplyPolicyRequest, DeadLetterView, DiscardDeadLetterRequest, ExportReply,
    ExportRequest, ExternalInput, GetDeadLetterRequest, GetStatusReply, GetStatusRequest,
    HandledDeadLetter, LaneStatus, ListDeadLettersReply, ListDeadLettersRequest, PolicyActivated,
    RetryDeadLetterRequest, ServiceStatus, external_input,
};
use tenfold_runtime::gateway::Gateway;
use tenfold_runtime::instance::{Instance, Local};
use tenfold_runtime::log::Log;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Most problems of a policy that one answer names; the rest is counted.
const PROBLEMS_MAX: usize = 50;

/// The services of this process while it runs.
pub struct Running {
    instance: String,
    log: &'static str,
    started_at: i64,
    whole: bool,
    store: Arc<dyn Log>,
    instances: Mutex<Vec<Instance>>,
}

impl Running {
    /// Takes the instances over.
    pub(crate) fn new(config: &Config, store: Arc<dyn Log>, instances: Vec<Instance>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            instance: config.instance_name(),
            log: match config.log.kind {
                LogKind::Embedded => "embedded",
                LogKind::Kafka => "kafka",
            },
            started_at: now
                .ok()
                .and_then(|now| i64::try_from(now.as_millis()).ok())
                .unwrap_or_default(),
            // On the embedded log this process has all lanes; on Kafka others may have some, or all.
            whole: config.log.kind == LogKind::Embedded,
            store,
            instances: Mutex::new(instances),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&[Instance]) -> T) -> T {
        look(
            &self
                .instances
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// What other instances call.
    pub(crate) fn calls(&self) -> Vec<Arc<Local>> {
        self.with(|instances| instances.iter().map(Instance::calls).collect())
    }

    fn gateway(&self) -> Option<Gateway> {
        self.with(|instances| instances.first().map(Instance::gateway))
    }

    /// What is not ready, in words; empty = ready.
    pub(crate) fn not_ready(&self) -> Vec<String> {
        self.with(|instances| {
            let mut missing = Vec::new();
            for instance in instances {
                let statuses = instance.status();
                for status in statuses.values().filter(|s| !s.problem.is_empty()) {
                    missing.push(format!(
                        "{} lane {}: {}",
                        instance.service(),
                        status.lane,
                        status.problem
                    ));
                }
                let owned = instance.owned().len();
                let wanted = if self.whole {
                    instance.lanes() as usize
                } else {
                    1
                };
                if owned < wanted {
                    missing.push(format!(
                        "{}: {owned} of {} lanes are here",
                        instance.service(),
                        instance.lanes()
                    ));
                }
            }
            missing
        })
    }

    /// Lets all lanes go; blocks for `deadline` at most.
    pub(crate) fn leave(&self, deadline: Duration) {
        let instances = std::mem::take(
            &mut *self
                .instances
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        std::thread::scope(|scope| {
            for instance in instances {
                scope.spawn(move || instance.shutdown(deadline));
            }
        });
    }
}

/// The gRPC service.
pub struct Operations {
    running: Arc<Running>,
    gateway: Gateway,
    letters: DeadLetters,
}

impl Operations {
    /// `None` if the process runs no service.
    pub(crate) fn new(running: Arc<Running>, letters: DeadLetters) -> Option<Self> {
        let gateway = running.gateway()?;
        Some(Self {
            running,
            gateway,
            letters,
        })
    }

    /// Reads or writes the dead letters, which blocks.
    async fn letters<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DeadLetters) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let letters = self.letters.clone();
        let done = tokio::task::spawn_blocking(move || work(&letters)).await;
        done.map_err(|_| Status::internal("a task ended early"))?
            .map(Response::new)
            .map_err(|rejection| status::from_rejection(&rejection))
    }

    pub(crate) fn into_server(self) -> OperationsServer<Self> {
        OperationsServer::new(self)
    }
}

#[tonic::async_trait]
impl operations_server::Operations for Operations {
    async fn apply_policy(
        &self,
        request: Request<ApplyPolicyRequest>,
    ) -> Result<Response<ApplyPolicyReply>, Status> {
        let request = request.into_inner();
        let reply = apply_policy(&self.gateway, &request.actor, request.content).await?;
        Ok(Response::new(reply))
    }

    type ExportStream = ReceiverStream<Result<ExportReply, Status>>;

    async fn export(
        &self,
        _: Request<ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        Ok(Response::new(crate::export::stream(Arc::clone(
            &self.running.store,
        ))))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusReply>, Status> {
        let services = self.running.with(|instances| {
            instances
                .iter()
                .map(|instance| ServiceStatus {
                    service: instance.service().to_owned(),
                    lanes: instance.lanes(),
                    owned: instance
                        .status()
                        .into_values()
                        .filter(|status| status.phase == "owned" || !status.problem.is_empty())
                        .map(|status| LaneStatus {
                            lane: status.lane,
                            state: status.phase.to_owned(),
                            seq: status.seq,
                            alarm: status.problem,
                        })
                        .collect(),
                })
                .collect()
        });
        Ok(Response::new(GetStatusReply {
            instance: self.running.instance.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            log: self.running.log.to_owned(),
            started_at: self.running.started_at,
            services,
        }))
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersReply>, Status> {
        let asked = request.into_inner();
        self.letters(move |letters| letters.list(asked.all, asked.from, asked.limit))
            .await
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<DeadLetterView>, Status> {
        let number = request.into_inner().number;
        self.letters(move |letters| letters.get(number)).await
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<HandledDeadLetter>, Status> {
        let asked = request.into_inner();
        let wish = Wish {
            number: asked.number,
            actor: asked.actor,
            request_id: asked.request_id,
            what: What::Retry,
        };
        self.letters(move |letters| letters.handle(&wish)).await
    }

    async fn discard_dead_letter(
        &self,
        request: Request<DiscardDeadLetterRequest>,
    ) -> Result<Response<HandledDeadLetter>, Status> {
        let asked = request.into_inner();
        let wish = Wish {
            number: asked.number,
            actor: asked.actor,
            request_id: asked.request_id,
            what: What::Discard(asked.reason),
        };
        self.letters(move |letters| letters.handle(&wish)).await
    }
}

/// Checks a policy and posts it to every lane of every service.
///
/// # Errors
/// What is wrong with it, or the first lane that did not take it: the same call again is safe.
pub async fn apply_policy(
    gateway: &Gateway,
    actor: &str,
    content: String,
) -> Result<ApplyPolicyReply, Status> {
    let policy = Policy::parse(&content).map_err(|errors| refused(&errors))?;
    let input = ExternalInput {
        input: Some(external_input::Input::Policy(PolicyActivated {
            content,
            version: policy.version,
        })),
    };
    let bytes = Bytes::from(input.encode_to_vec());
    let mut lanes = HashMap::new();
    for service in topics::SERVICES {
        let count = gateway.lanes_of(service);
        for lane in 0..count {
            let origin = format!("policy {} by {actor}", policy.version);
            gateway
                .post(service, lane, &origin, vec![bytes.clone()])
                .await
                .map_err(status::from_call_error)?;
        }
        lanes.insert(service.to_owned(), count);
    }
    tracing::info!(version = policy.version, actor, "policy sent to every lane");
    Ok(ApplyPolicyReply {
        version: policy.version,
        lanes,
    })
}

fn refused(errors: &[PolicyError]) -> Status {
    let named: Vec<String> = errors
        .iter()
        .take(PROBLEMS_MAX)
        .map(|error| format!("{}: {}", error.field, error.message))
        .collect();
    let first = errors.first().map_or("", |error| error.field.as_str());
    status::from_rejection(&Rejection::invalid(
        "POLICY_INVALID",
        first,
        format!("{} problem(s): {}", errors.len(), named.join("; ")),
        "put them right; `tenfold policy check FILE` tells them without a service",
    ))
}
