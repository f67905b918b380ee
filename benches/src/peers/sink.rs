//! A tonic server that decodes registrations and counts them: what gRPC and its encoding cost alone.
//!
//! Tuned: nothing between the stream and the counter; a thread and a runtime of its own, no Nagle, windows of 8 MiB so that
//! HTTP/2 never waits.

use anyhow::Context as _;
use futures::{Stream, StreamExt as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenfold_proto::v1;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use v1::intake_server::{Intake, IntakeServer};

/// HTTP/2's windows, of the stream and of the connection.
const WINDOW: u32 = 8 << 20;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The server; it ends with the process.
pub struct Sink {
    address: SocketAddr,
    counted: Arc<AtomicUsize>,
}

impl Sink {
    /// Registrations so far.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.counted.load(Ordering::SeqCst)
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?.tcp_nodelay(true);
        endpoint.connect().await.context("the sink does not answer")
    }
}

/// Starts it.
///
/// # Errors
/// No port or thread.
pub fn start() -> anyhow::Result<Sink> {
    let address = tenfold_tests::process::free_address();
    let counted = Arc::new(AtomicUsize::new(0));
    let service = Counter {
        counted: Arc::clone(&counted),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (tell, ready) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("sink".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let bound = tokio::net::TcpListener::bind(address).await;
                let listener = match bound {
                    Ok(listener) => listener,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return;
                    }
                };
                let _ = tell.send(Ok(()));
                let incoming = futures::stream::unfold(listener, |listener| async move {
                    let accepted = listener.accept().await.map(|(stream, _)| {
                        let _ = stream.set_nodelay(true);
                        stream
                    });
                    Some((accepted, listener))
                });
                let server = Server::builder()
                    .initial_stream_window_size(WINDOW)
                    .initial_connection_window_size(WINDOW)
                    .add_service(IntakeServer::new(service));
                let _ = server.serve_with_incoming(incoming).await;
            });
        })?;
    ready.recv()??;
    Ok(Sink { address, counted })
}

struct Counter {
    counted: Arc<AtomicUsize>,
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("this server only counts"))
}

#[tonic::async_trait]
impl Intake for Counter {
    type RegisterStreamStream = Answers<v1::RegisterAck>;
    type WatchOutcomesStream = Answers<v1::OutcomesTold>;

    async fn register_stream(
        &self,
        request: Request<Streaming<v1::RegisterBatch>>,
    ) -> Result<Response<Self::RegisterStreamStream>, Status> {
        let counted = Arc::clone(&self.counted);
        let acks = request.into_inner().map(move |batch| {
            let batch = batch?;
            let count = batch.registrations.len();
            counted.fetch_add(count, Ordering::SeqCst);
            Ok(v1::RegisterAck {
                sequence: batch.first_sequence + count as u64 - 1,
            })
        });
        Ok(Response::new(Box::pin(acks)))
    }

    async fn register(
        &self,
        _: Request<v1::RegisterRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        none()
    }

    async fn watch_outcomes(
        &self,
        _: Request<v1::WatchOutcomesRequest>,
    ) -> Result<Response<Self::WatchOutcomesStream>, Status> {
        none()
    }

    async fn amend(
        &self,
        _: Request<v1::AmendRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        none()
    }

    async fn cancel(
        &self,
        _: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::RegistrationReceipt>, Status> {
        none()
    }

    async fn get_sample(
        &self,
        _: Request<v1::GetSampleRequest>,
    ) -> Result<Response<v1::IntakeSample>, Status> {
        none()
    }

    async fn list_recollections(
        &self,
        _: Request<v1::ListRecollectionsRequest>,
    ) -> Result<Response<v1::ListRecollectionsResponse>, Status> {
        none()
    }

    async fn get_board(
        &self,
        _: Request<v1::IntakeBoardRequest>,
    ) -> Result<Response<v1::IntakeBoard>, Status> {
        none()
    }

    async fn apply_policy(
        &self,
        _: Request<v1::ApplyPolicyRequest>,
    ) -> Result<Response<v1::ApplyPolicyReply>, Status> {
        none()
    }

    async fn get_policy(
        &self,
        _: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        none()
    }
}
