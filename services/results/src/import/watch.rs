//! The watched folder: `WATCH/LAB/FILE`. A file is taken when its size and time stayed the same for a while;
//! then it goes to `done/` beside it, or to `rejected/` with the reason in `FILE.reason`. What nobody could
//! answer now is left where it is and tried again.
//!
//! A crash in the middle does no harm: the same file again is answered with its first outcome.

mod folder;

use folder::{Found, Seen};

use super::{Handed, Importer};
use crate::readers::{FILE_BYTES_MAX, ReadFile};
use folder::{Place, put_away, scan};
use std::path::Path;
use std::time::Duration;
use tenfold_domain::{Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_service_shell::config::Runs;
use tenfold_service_shell::status::{describe, from_rejection};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use v1::ImportState;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Who hands in what is found here.
const ACTOR: &str = "watched-folder";

/// Runs until told to stop.
pub async fn run(importer: Importer, runs: Runs, stop: CancellationToken) {
    let quiet = Duration::from_secs(u64::from(runs.watch_quiet_s));
    let mut seen = Seen::new(quiet);
    if let Err(error) = std::fs::create_dir_all(&runs.watch) {
        tracing::warn!(folder = %runs.watch.display(), %error, "the watched folder cannot be made");
    }
    tracing::info!(folder = %runs.watch.display(), "watching for files of runs");
    // A folder that cannot be read is told once, not every second.
    let mut complained = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let folder = runs.watch.clone();
        let found = match tokio::task::spawn_blocking(move || scan(&folder)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                if !complained {
                    tracing::warn!(folder = %runs.watch.display(), %error, "the watched folder cannot be read");
                }
                complained = true;
                continue;
            }
            Err(_) => continue,
        };
        complained = false;
        for file in seen.ripe(found) {
            if stop.is_cancelled() {
                return;
            }
            take(&importer, &file).await;
            seen.forget(&file.path);
        }
    }
}

/// How a file ended.
enum End {
    Done,
    Rejected(String),
    /// Nobody answered: it is tried again.
    Later(String),
}

async fn take(importer: &Importer, file: &Found) {
    let end = match import(importer, file).await {
        Ok(reply) => of_reply(&reply),
        Err(status) => of_status(&status),
    };
    let name = file.path.display();
    let (place, reason) = match end {
        End::Later(why) => {
            tracing::warn!(file = %name, why, "a file of a run waits");
            return;
        }
        End::Done => {
            tracing::info!(file = %name, "a file of a run was taken");
            (Place::Done, None)
        }
        End::Rejected(reason) => {
            tracing::warn!(file = %name, "a file of a run was rejected");
            (Place::Rejected, Some(reason))
        }
    };
    let path = file.path.clone();
    let moved =
        tokio::task::spawn_blocking(move || put_away(&path, place, reason.as_deref())).await;
    if let Ok(Err(error)) = moved {
        tracing::warn!(file = %name, %error, "a file cannot be moved away; it is looked at again");
    }
}

async fn import(importer: &Importer, file: &Found) -> Result<v1::ImportRunReply, Status> {
    let path = file.path.clone();
    let length = file.length;
    let bytes = tokio::task::spawn_blocking(move || read(&path, length))
        .await
        .map_err(|error| Status::unavailable(error.to_string()))??;
    importer
        .import(bytes.into(), |told| handed(file, told))
        .await
}

fn handed(file: &Found, told: &ReadFile) -> Handed {
    let stem = stem(&file.path);
    // The name begins with the plate where the file does not name it: `PL-7_second try.txt`.
    let plate = match told.table.plate.as_str() {
        "" => stem.split(['_', ' ']).next().unwrap_or_default(),
        _ => "",
    };
    let (serial, run_id) = if told.serial.is_empty() || told.run.is_empty() {
        ("unknown".to_owned(), stem.clone())
    } else {
        (told.serial.clone(), told.run.clone())
    };
    Handed {
        lab: file.lab.clone(),
        plate: plate.to_owned(),
        serial,
        run_id,
        read_at: Timestamp(file.changed_ms),
        file_name: file
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        reason: String::new(),
        actor: ACTOR.to_owned(),
        request_id: uuid::Uuid::now_v7().to_string(),
    }
}

fn read(path: &Path, length: u64) -> Result<Vec<u8>, Status> {
    if length > u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(from_rejection(&Rejection::invalid(
            "FILE_TOO_LARGE",
            "file",
            format!("{length} bytes are more than {FILE_BYTES_MAX}"),
            "export the table of results alone, without curves and raw data",
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| Status::unavailable(error.to_string()))?;
    if u64::try_from(bytes.len()).ok() != Some(length) {
        return Err(Status::unavailable("it is still being written"));
    }
    Ok(bytes)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().chars().take(100).collect())
        .unwrap_or_default()
}

fn of_reply(reply: &v1::ImportRunReply) -> End {
    match reply.state() {
        ImportState::Quarantined | ImportState::Unspecified => End::Rejected(format!(
            "it does not fit its plate, and waits for a person (tenfold review list):\n{}\n",
            reply.notes.join("\n")
        )),
        _ => End::Done,
    }
}

fn of_status(status: &Status) -> End {
    match status.code() {
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists => rejected(status),
        // Without a policy, or before the kit is in it, the same file may be right later; a second run is not.
        Code::FailedPrecondition if describe(status).reason != "NO_POLICY" => rejected(status),
        _ => End::Later(status.message().to_owned()),
    }
}

fn rejected(status: &Status) -> End {
    let described = describe(status);
    End::Rejected(format!(
        "{}: {}\n{}\n",
        described.reason, described.message, described.help
    ))
}
