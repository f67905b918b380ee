//! The gRPC server around the services' routes: health, reflection, limits, deadlines, traces, and a
//! way down that ends.

use crate::config::Grpc;
use crate::door::{self, Door, Greeting};
use crate::telemetry;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use prost::Message as _;
use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tenfold_runtime::trace::traced;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};
use tracing::Instrument as _;

/// Bytes of the least that a client says first: the preface of HTTP/2, and the head of its settings.
const GREETING_BYTES: usize = 24 + 9;

/// Most bytes of a request's headers.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;

/// Why a server could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Reflection needs readable descriptors.
    #[error("the descriptors cannot be read: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the gRPC server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves `routes` with health and reflection until `stop`; then open calls have [`Grpc::drain_max`] to
/// end. `names` are the full names of the gRPC services in `routes`, such as `tenfold.v1.Intake`.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    listener: TcpListener,
    mut routes: RoutesBuilder,
    names: &[String],
    settings: &Grpc,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    for name in names {
        health
            .set_service_status(name, tonic_health::ServingStatus::Serving)
            .await;
    }
    routes.add_service(health_service);
    routes.add_service(
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tenfold_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?,
    );
    let stopping = stop.clone();
    let names = names.to_vec();
    let told = async move {
        stopping.cancelled().await;
        for name in &names {
            health
                .set_service_status(name, tonic_health::ServingStatus::NotServing)
                .await;
        }
    };
    let greeting = Greeting {
        bytes: GREETING_BYTES,
        within: settings.greeting_max(),
    };
    let door = Door::new(
        listener,
        "grpc",
        door::seats(settings.connections_max),
        greeting,
    );
    let incoming = futures::stream::unfold(door, |mut door| async {
        let (guest, _) = door.next().await;
        Some((Ok::<_, std::io::Error>(guest), door))
    });
    let server = tonic::transport::Server::builder()
        .timeout(settings.call_max())
        .max_concurrent_streams(settings.streams_per_connection_max)
        .http2_keepalive_interval(Some(Duration::from_millis(settings.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(settings.keepalive_timeout_ms)))
        .http2_max_header_list_size(HEADERS_BYTES_MAX)
        .add_routes(counted(routes.routes()))
        .serve_with_incoming_shutdown(incoming, told);
    let drain = settings.drain_max();
    let deadline = async move {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        done = server => Ok(done?),
        // A subscriber's stream never ends by itself: what is still open after the deadline is cut,
        // and its client goes on at another instance, or after the restart.
        () = deadline => Ok(()),
    }
}

/// Counts and times every call by method and status code, under its trace.
fn counted(routes: Routes) -> Routes {
    Routes::from(routes.into_axum_router().layer(from_fn(observe)))
}

async fn observe(request: Request, next: Next) -> Response {
    let method = known_method(request.uri().path());
    let began = Instant::now();
    let trace = telemetry::traceparent(request.headers());
    let span = tracing::info_span!("rpc", method, trace = telemetry::trace_id(&trace));
    let response = traced(trace, next.run(request)).instrument(span).await;
    // A refusal comes as headers alone; a good answer has its code behind the body.
    let code = response
        .headers()
        .get("grpc-status")
        .and_then(|code| code.to_str().ok())
        .unwrap_or("0")
        .to_owned();
    metrics::histogram!("tenfold_rpc_seconds", "method" => method, "code" => code)
        .record(began.elapsed().as_secs_f64());
    response
}

/// Paths of all methods there are. A label made of what callers send would be without bound.
static METHODS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let files = prost_types::FileDescriptorSet::decode(tenfold_proto::DESCRIPTORS)
        .unwrap_or_default()
        .file;
    let mut methods = HashSet::new();
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                methods.insert(format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    methods
});

fn known_method(path: &str) -> &'static str {
    METHODS.get(path).map_or("other", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_method_makes_no_label_of_its_own() {
        assert_eq!(
            known_method("/tenfold.lane.v1.Lanes/Call"),
            "/tenfold.lane.v1.Lanes/Call"
        );
        assert_eq!(known_method("/tenfold.lane.v1.Lanes/CallMe"), "other");
    }

    #[tokio::test]
    async fn it_serves_health_and_reflection_and_ends_when_told_though_a_stream_is_open() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Grpc {
            call_ms_max: 1_000,
            streams_per_connection_max: 8,
            connections_max: 8,
            greeting_ms_max: 60_000,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 10_000,
            drain_ms_max: 50,
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let server = tokio::spawn(async move {
            let names = ["tenfold.v1.Intake".to_owned()];
            serve(
                listener,
                RoutesBuilder::default(),
                &names,
                &settings,
                stopped,
            )
            .await
        });
        let channel = tonic::transport::Channel::from_shared(address)
            .expect("an address")
            .connect()
            .await
            .expect("a connection");
        let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
        let request = tonic_health::pb::HealthCheckRequest {
            service: "tenfold.v1.Intake".to_owned(),
        };
        let mut watching = health
            .watch(request)
            .await
            .expect("a stream that never ends by itself")
            .into_inner();
        let status = watching
            .message()
            .await
            .expect("a status")
            .expect("a status");
        assert_eq!(
            status.status(),
            tonic_health::pb::health_check_response::ServingStatus::Serving
        );
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), server)
            .await
            .expect("the server ends")
            .expect("no panic")
            .expect("no error");
    }
}
