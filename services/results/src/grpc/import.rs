//! A run's file: read here, by the reader of its format; decided by the lab's lane.

use super::{ResultsGrpc, check};
use crate::readers;
use prost::Message as _;
use tenfold_domain::Timestamp;
use tenfold_domain::results::state::Submission;
use tenfold_proto::v1;
use tenfold_service_shell::status::from_rejection;
use tonic::Status;
use v1::results_command::Command;
use v1::results_reply::Reply;

/// Longest reason or file name taken, in bytes.
const TEXT_MAX: usize = 500;

pub(super) async fn import(
    grpc: &ResultsGrpc,
    request: v1::ImportRunRequest,
) -> Result<v1::ImportRunReply, Status> {
    for (field, text) in [
        ("instrument_serial", &request.instrument_serial),
        ("run_id", &request.run_id),
    ] {
        check(field, text)?;
    }
    let file_hash = readers::content_hash(&request.file);
    let file = request.file;
    // A large file takes tens of milliseconds to read: not on a thread that answers calls.
    let table = tokio::task::spawn_blocking(move || readers::read(&file))
        .await
        .map_err(|error| Status::internal(format!("the reader failed: {error}")))?
        .map_err(|rejection| from_rejection(&rejection))?;
    let submission = Submission {
        lab: request.lab.as_str().into(),
        plate: request.plate.as_str().into(),
        serial: request.instrument_serial,
        run_id: request.run_id,
        read_at: Timestamp(request.read_at),
        file_hash: file_hash.clone(),
        file_name: cut(request.file_name),
        reason: cut(request.reason),
        actor: request.actor.as_str().into(),
        table,
    };
    let command = v1::RunSubmission::from(submission);
    tracing::debug!(bytes = command.encoded_len(), "a run is handed to its lane");
    let reply = grpc
        .command(
            &request.lab,
            &request.actor,
            &request.request_id,
            Command::ImportRun(command),
        )
        .await?;
    match reply {
        Reply::Imported(mut imported) => {
            imported.file_hash = file_hash;
            Ok(imported)
        }
        _ => Err(Status::internal("the lane answered something else")),
    }
}

fn cut(text: String) -> String {
    match text
        .char_indices()
        .find(|(at, c)| at + c.len_utf8() > TEXT_MAX)
    {
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned(),
        None => text,
    }
}
