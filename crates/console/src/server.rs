//! The HTTP server: files, calls, and the stream of live answers.

use crate::calls;
use crate::live::Live;
use crate::refusal::Refusal;
use crate::wire::Wire;
use crate::{pages, setup};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Largest request: a run's file of 4 MiB in base64, and what stands around it.
const REQUEST_MAX: usize = 6 << 20;

/// Whom the console talks to, and for which lab it is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Intake's address.
    pub intake: String,
    /// Pooling's address.
    pub pooling: String,
    /// Results' address.
    pub results: String,
    /// The only lab it offers; empty = all of the policy.
    pub lab: String,
    /// Longest call.
    pub call_max: Duration,
}

#[derive(Clone)]
struct Console {
    wire: Wire,
    live: Arc<Live>,
    lab: Arc<str>,
}

/// Serves until `stop`.
///
/// # Errors
/// An address of a service is none, or the listener fails.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let wire = Wire::new(
        &settings.intake,
        &settings.pooling,
        &settings.results,
        settings.call_max,
    )
    .map_err(std::io::Error::other)?;
    let console = Console {
        live: Live::new(wire.clone()),
        wire,
        lab: settings.lab.into(),
    };
    let routes = Router::new()
        .route("/api/setup", get(begin))
        .route("/api/call/{service}/{method}", post(call))
        .route("/api/live", get(follow))
        .fallback(page)
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(console);
    tokio::select! {
        served = axum::serve(listener, routes).into_future() => served,
        // Streams of live answers never end by themselves.
        () = stop.cancelled() => Ok(()),
    }
}

async fn page(uri: Uri) -> Response {
    pages::file(uri.path())
        .unwrap_or_else(|| (StatusCode::NOT_FOUND, "no such page\n").into_response())
}

async fn begin(State(console): State<Console>) -> Result<Json<Value>, Refusal> {
    let policy = console.wire.call(setup::GET_POLICY, json!({})).await?;
    setup::of(&policy, &console.lab).map(Json)
}

/// Only JSON is taken: a page from elsewhere cannot send that without being asked for leave, which it does not get.
async fn call(
    State(console): State<Console>,
    Path((service, method)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    let call = calls::find(&service, &method)
        .ok_or_else(|| Refusal::unknown(&format!("{service}/{method}")))?;
    console.wire.call(call, body).await.map(Json)
}

#[derive(Deserialize)]
struct Watches {
    watch: String,
}

async fn follow(
    State(console): State<Console>,
    Query(watches): Query<Watches>,
) -> Result<Response, Refusal> {
    console
        .live
        .stream(&watches.watch)
        .map(IntoResponse::into_response)
}
