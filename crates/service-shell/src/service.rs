//! What a service brings to its process.

use crate::config::Runs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tenfold_runtime::gateway::Gateway;
use tenfold_runtime::log::Log;
use tenfold_runtime::processor::Processor;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;

/// A task that runs beside the lanes until it is told to stop.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the shell hands to a service that has started.
#[derive(Clone)]
pub struct Parts {
    /// The way into the service's lanes.
    pub gateway: Gateway,
    /// The log, for routers of public topics.
    pub log: Arc<dyn Log>,
    /// The instance's name.
    pub instance: String,
    /// Files of instruments: where they are kept, and the folder that is watched.
    pub runs: Runs,
    /// Told when to stop: end streams and tasks then.
    pub stop: CancellationToken,
}

/// One of the three services.
pub trait Service: Send + Sync + 'static {
    /// Its rules.
    type Processor: Processor;

    /// `intake`, `pooling` or `results`.
    const NAME: &'static str;

    /// Full names of its gRPC services, such as `tenfold.v1.Intake`, for health.
    const RPC: &'static [&'static str];

    /// Its rules, as the engine runs them.
    fn processor(&self) -> Self::Processor;

    /// Adds its gRPC services.
    fn routes(&self, parts: &Parts, routes: &mut RoutesBuilder);

    /// What runs beside the lanes, such as intake's router of public registrations.
    fn background(&self, parts: &Parts) -> Vec<Task> {
        let _ = parts;
        Vec::new()
    }
}
