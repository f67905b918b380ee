//! Intake as the shell runs it.

use crate::grpc::{IntakeGrpc, RPC};
use crate::processor::{IntakeProcessor, SERVICE};
use crate::router::Router;
use crate::scanner::ScannerSettings;
use std::sync::Arc;
use tenfold_service_shell::service::{Parts, Service, Task};
use tonic::service::RoutesBuilder;

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
