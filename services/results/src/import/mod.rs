//! The way of an instrument's file: read by the reader of its format, kept under its hash, decided by the
//! lab's lane. The same for a call and for the watched folder.

mod store;
mod tables;
pub mod watch;

pub use store::{RunFiles, StoreError};

use crate::grpc::command;
use crate::readers::{self, ReadFile};
use bytes::Bytes;
use prost::Message as _;
use std::sync::Arc;
use tables::Tables;
use tenfold_domain::results::state::Submission;
use tenfold_domain::{Code, Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_runtime::gateway::Gateway;
use tenfold_service_shell::config::Runs;
use tenfold_service_shell::status::from_rejection;
use tokio::sync::Semaphore;
use tonic::Status;
use v1::results_command::Command;
use v1::results_reply::Reply;

/// Longest reason or file name taken, in bytes.
const TEXT_MAX: usize = 500;

/// Most files that are read at a time: each may take some hundred MiB for a moment.
const READS_AT_ONCE: usize = 2;

/// Imports files.
#[derive(Clone)]
pub struct Importer {
    gateway: Gateway,
    files: Arc<RunFiles>,
    tables: Tables,
    reads: Arc<Semaphore>,
}

/// What is handed in beside the file.
#[derive(Clone, Debug, Default)]
pub struct Handed {
    /// The lab.
    pub lab: String,
    /// The plate; empty = the file names it.
    pub plate: String,
    /// The instrument's serial number.
    pub serial: String,
    /// The run's id.
    pub run_id: String,
    /// When it was read.
    pub read_at: Timestamp,
    /// The file's name.
    pub file_name: String,
    /// Why the plate is run again.
    pub reason: String,
    /// Who hands it in.
    pub actor: String,
    /// Made once by the caller.
    pub request_id: String,
}

impl Importer {
    /// Files go through this gateway, and are kept where the settings say.
    #[must_use]
    pub fn new(gateway: Gateway, runs: &Runs) -> Self {
        Self {
            tables: Tables::new(gateway.clone()),
            gateway,
            files: Arc::new(RunFiles::new(&runs.dir, runs.dir_mib_max)),
            reads: Arc::new(Semaphore::new(READS_AT_ONCE)),
        }
    }

    /// Takes a file whole, or refuses it whole. What is handed in beside it may depend on what it says.
    ///
    /// # Errors
    /// Why nothing of it was taken.
    pub async fn import(
        &self,
        file: Bytes,
        handed: impl FnOnce(&ReadFile) -> Handed,
    ) -> Result<v1::ImportRunReply, Status> {
        let file_hash = readers::content_hash(&file);
        let read = self.read(file, file_hash.clone()).await?;
        let handed = handed(&read);
        let plate = if handed.plate.is_empty() {
            read.table.plate.clone()
        } else {
            handed.plate.clone()
        };
        let submission = Submission {
            lab: handed.lab.as_str().into(),
            plate: handed.plate.as_str().into(),
            serial: handed.serial,
            run_id: handed.run_id,
            read_at: handed.read_at,
            file_hash: file_hash.clone(),
            file_name: cut(handed.file_name),
            reason: cut(handed.reason),
            actor: handed.actor.as_str().into(),
            table: read.table,
        };
        let submission = v1::RunSubmission::from(submission);
        tracing::debug!(
            bytes = submission.encoded_len(),
            format = read.format,
            "a run is handed to its lane"
        );
        let reply = command(
            &self.gateway,
            &handed.lab,
            &handed.actor,
            &handed.request_id,
            Command::ImportRun(submission),
        )
        .await?;
        match reply {
            Reply::Imported(mut imported) => {
                imported.file_hash = file_hash;
                read.format.clone_into(&mut imported.format);
                imported.plate = plate;
                imported.wells = read.wells;
                Ok(imported)
            }
            _ => Err(Status::internal("the lane answered something else")),
        }
    }

    /// Reads a file and keeps it. A large file takes a second to read: not on a thread that answers calls.
    async fn read(&self, file: Bytes, hash: String) -> Result<ReadFile, Status> {
        let tables = self.tables.get().await;
        let files = Arc::clone(&self.files);
        let _turn = self
            .reads
            .acquire()
            .await
            .map_err(|_| Status::unavailable("it is being stopped"))?;
        let done = tokio::task::spawn_blocking(move || {
            let read = readers::read_file(&file, &tables)?;
            files.keep(&hash, &file).map_err(|error| {
                tracing::warn!(%error, "a run's file cannot be kept");
                Rejection::new(
                    Code::ResourceExhausted,
                    "RUN_FILES_FULL",
                    "file",
                    format!("the file cannot be kept, so it was not taken: {error}"),
                    "make room in the folder of runs (runs.dir), or allow it more (runs.dir_mib_max), and hand it in again",
                )
            })?;
            Ok(read)
        });
        done.await
            .map_err(|error| Status::internal(format!("the reader failed: {error}")))?
            .map_err(|rejection: Rejection| from_rejection(&rejection))
    }

    /// The curves in a file that was kept.
    ///
    /// # Errors
    /// There is none of this hash here, or no reader knows it any more.
    pub async fn curves(&self, hash: String) -> Result<v1::CurvesReply, Status> {
        let tables = self.tables.get().await;
        let file = self.file(hash).await?;
        let _turn = self
            .reads
            .acquire()
            .await
            .map_err(|_| Status::unavailable("it is being stopped"))?;
        tokio::task::spawn_blocking(move || readers::curves(&file, &tables))
            .await
            .map_err(|error| Status::internal(format!("the reader failed: {error}")))?
            .map_err(|rejection: Rejection| from_rejection(&rejection))
    }

    /// A file that was kept.
    ///
    /// # Errors
    /// There is none of this hash here.
    pub async fn file(&self, hash: String) -> Result<Vec<u8>, Status> {
        let files = Arc::clone(&self.files);
        tokio::task::spawn_blocking(move || files.get(&hash))
            .await
            .map_err(|error| Status::internal(format!("the file cannot be read: {error}")))?
            .map_err(|error| {
                from_rejection(&Rejection::not_found(
                    "RUN_FILE_UNKNOWN",
                    "file_hash",
                    error.to_string(),
                    "ask the instance that took it, or look into its folder of runs",
                ))
            })
    }
}

fn cut(text: String) -> String {
    match text
        .char_indices()
        .find(|(at, c)| at.saturating_add(c.len_utf8()) > TEXT_MAX)
    {
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned(),
        None => text,
    }
}
