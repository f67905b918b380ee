//! The gRPC service on a port, over lanes on the test driver.

use super::Lab;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenfold_intake::IntakeProcessor;
use tenfold_intake::grpc::IntakeGrpc;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::gateway::{Answered, Answering, Call, CallError, Gateway, Lanes, Posting};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Server};

/// Lanes of the service.
pub const LANES: u32 = 4;

/// Lanes in memory; what goes to other services is only counted.
pub struct TestLanes {
    lanes: Vec<Mutex<Driver<IntakeProcessor>>>,
    pub elsewhere: Mutex<Vec<(String, u32)>>,
}

impl TestLanes {
    /// Lanes without a policy.
    pub fn new() -> Self {
        Self {
            lanes: (0..LANES).map(|_| Mutex::new(Lab::new().driver)).collect(),
            elsewhere: Mutex::default(),
        }
    }

    fn lane(&self, lane: u32) -> std::sync::MutexGuard<'_, Driver<IntakeProcessor>> {
        self.lanes[lane as usize].lock().expect("no panic before")
    }
}

impl Lanes for TestLanes {
    fn lanes(&self) -> u32 {
        LANES
    }

    fn call(&self, lane: u32, call: Call, _timeout: Duration) -> Answering<'_> {
        Box::pin(async move {
            let mut lane = self.lane(lane);
            let answer = match call {
                Call::Command { actor, body, .. } => lane.command(&actor, body),
                Call::Query(body) => lane.query(body),
            };
            Ok(Answered {
                body: answer.map_err(CallError::from)?,
                seq: 1,
                at: lane.now(),
            })
        })
    }

    fn post(
        &self,
        service: &str,
        lane: u32,
        origin: &str,
        items: Vec<bytes::Bytes>,
    ) -> Posting<'_> {
        let (service, origin) = (service.to_owned(), origin.to_owned());
        Box::pin(async move {
            if service != "intake" {
                self.elsewhere.lock().expect("free").push((service, lane));
                return Ok(());
            }
            for item in items {
                let _ = self.lane(lane).external(&origin, item);
            }
            Ok(())
        })
    }

    fn lanes_of(&self, service: &str) -> u32 {
        if service == "intake" { LANES } else { 2 }
    }
}

/// A client of a service without a policy, and its lanes.
pub async fn start() -> (IntakeClient<Channel>, Arc<TestLanes>) {
    let lanes = Arc::new(TestLanes::new());
    let gateway = Gateway::new(lanes.clone(), Duration::from_secs(1));
    let grpc = IntakeGrpc::new(gateway, CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(
        Server::builder()
            .add_service(grpc.into_server())
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let client = IntakeClient::connect(address).await.expect("connected");
    (client, lanes)
}
