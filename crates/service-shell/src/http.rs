//! The HTTP side: `/metrics` for Prometheus, `/healthz` (the process lives), `/readyz` (it can do its work).

use crate::door::{Door, Greeting};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often histograms are folded together; between, they keep every sample in memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Connections for pages at once.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection for pages lives: whoever still reads, or says nothing, connects again.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// Tells what is not ready, in words; empty = ready.
pub type NotReady = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

#[derive(Clone)]
struct Pages {
    metrics: PrometheusHandle,
    not_ready: NotReady,
}

/// Serves until `stop`.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: PrometheusHandle,
    not_ready: NotReady,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let upkeep = metrics.clone();
    let pages = Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Pages { metrics, not_ready });
    let stopped = stop.clone();
    let greeting = Greeting {
        bytes: usize::MAX,
        within: LIFE_MAX,
    };
    let door = Door::new(listener, "pages", CONNECTIONS_MAX, greeting);
    let serving =
        axum::serve(door, pages).with_graceful_shutdown(async move { stopped.cancelled().await });
    let keeping_up = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    };
    tokio::select! {
        done = serving => done,
        () = keeping_up => Ok(()),
        // An idle kept-alive connection must not hold up the way down.
        () = stop.cancelled() => Ok(()),
    }
}

async fn render(State(pages): State<Pages>) -> String {
    pages.metrics.render()
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, String) {
    let missing = (pages.not_ready)();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    }
}
