//! What a process that runs pooling needs.

use crate::PoolingProcessor;
use crate::grpc::PoolingGrpc;
use tenfold_proto::v1::pooling_server::PoolingServer;
use tenfold_service_shell::service::{Parts, Service};
use tonic::service::RoutesBuilder;

/// The pooling service.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolingService;

impl Service for PoolingService {
    type Processor = PoolingProcessor;

    const NAME: &'static str = "pooling";
    const RPC: &'static [&'static str] = &["tenfold.v1.Pooling"];

    fn processor(&self) -> PoolingProcessor {
        PoolingProcessor::new()
    }

    fn routes(&self, parts: &Parts, routes: &mut RoutesBuilder) {
        routes.add_service(PoolingServer::new(PoolingGrpc::new(parts.gateway.clone())));
    }
}
