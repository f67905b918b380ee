//! Intake as the shell runs it.

use crate::grpc::{IntakeGrpc, RPC};
use crate::processor::{IntakeProcessor, SERVICE};
use crate::router::{Router, TOPIC};
use crate::scanner::ScannerSettings;
use std::sync::Arc;
use tenfold_runtime::log::{Retention, Topic, TopicPlan};
use tenfold_service_shell::service::{Parts, Service, Task};
use tonic::service::RoutesBuilder;

/// Partitions of the public topic: sites may post into any.
const TOPIC_LANES: u32 = 8;
/// Days that public registrations are kept at least.
const TOPIC_DAYS: u32 = 30;

/// The intake service.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntakeService;

impl Service for IntakeService {
    type Processor = IntakeProcessor;

    const NAME: &'static str = SERVICE;

    const RPC: &'static [&'static str] = &[RPC];

    fn processor(&self) -> IntakeProcessor {
        IntakeProcessor::new()
    }

    fn routes(&self, parts: &Parts, routes: &mut RoutesBuilder) {
        let grpc = IntakeGrpc::new(parts.gateway.clone(), parts.stop.clone());
        routes.add_service(grpc.into_server());
    }

    fn public_topics(&self) -> Vec<TopicPlan> {
        vec![TopicPlan {
            topic: Topic::named(TOPIC),
            lanes: TOPIC_LANES,
            retention: Retention::Days(TOPIC_DAYS),
        }]
    }

    fn background(&self, parts: &Parts) -> Vec<Task> {
        let router = Router {
            log: Arc::clone(&parts.log),
            lanes: parts.gateway.lanes(),
            scanner: ScannerSettings::new(parts.gateway.clone()),
        };
        vec![Box::pin(
            router.run(parts.instance.clone(), parts.stop.clone()),
        )]
    }
}
