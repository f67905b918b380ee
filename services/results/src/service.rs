//! What a process that runs results needs.

use crate::grpc::ResultsGrpc;
use crate::import::{Importer, watch};
use crate::processor::ResultsProcessor;
use crate::readers::FILE_BYTES_MAX;
use crate::recall;
use tenfold_proto::v1::results_server::ResultsServer;
use tenfold_service_shell::service::{Parts, Service, Task};
use tonic::service::RoutesBuilder;

/// A request may be this much longer than the file in it.
const MESSAGE_BYTES_MAX: usize = FILE_BYTES_MAX + 64 * 1024;

/// The results service.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultsService;

impl Service for ResultsService {
    type Processor = ResultsProcessor;

    const NAME: &'static str = "results";
    const RPC: &'static [&'static str] = &["tenfold.v1.Results"];

    fn processor(&self) -> ResultsProcessor {
        ResultsProcessor::new()
    }

    fn routes(&self, parts: &Parts, routes: &mut RoutesBuilder) {
        let importer = Importer::new(parts.gateway.clone(), &parts.runs);
        let past = recall::Reader::new(parts.log.clone());
        let grpc = ResultsGrpc::new(parts.gateway.clone(), importer, past, parts.stop.clone());
        routes.add_service(
            ResultsServer::new(grpc)
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX),
        );
    }

    fn background(&self, parts: &Parts) -> Vec<Task> {
        if parts.runs.watch.as_os_str().is_empty() {
            return Vec::new();
        }
        let importer = Importer::new(parts.gateway.clone(), &parts.runs);
        vec![Box::pin(watch::run(
            importer,
            parts.runs.clone(),
            parts.stop.clone(),
        ))]
    }
}
