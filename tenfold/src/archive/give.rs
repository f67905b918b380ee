//! Making an archive: of a log that nobody uses, or from the process that uses it.

use super::{Backup, Export, FILE, bar, tell};
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tenfold_proto::v1::ExportRequest;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_runtime::archive::write;
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions, OpenError};
use tenfold_service_shell::config::LogKind;
use tenfold_service_shell::stores::with_heads;

/// Largest message of a stream of pieces.
const PIECE_BYTES_MAX: usize = 4 << 20;

/// Makes a folder with an archive, of a running process or of a stopped one.
pub async fn backup(session: Session, output: Output, args: Backup) -> Outcome {
    let folder = &args.folder;
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!(
            "{} is not empty: a backup goes into a folder of its own",
            folder.display()
        )));
    }
    let partial = beside(folder)?;
    std::fs::create_dir_all(&partial)?;
    let file = partial.join(FILE);
    let made = make(&session, output, &file).await;
    let told = made.and_then(|()| {
        let next = format!(
            "To restore it: tenfold restore {} --data NEW-FOLDER",
            folder.display()
        );
        tell(&file, output, &next)
    });
    if told.is_err() {
        // Of a backup that failed nothing is left; if it cannot be removed, its name says what it is.
        drop(std::fs::remove_dir_all(&partial));
        return told;
    }
    File::open(&partial)?.sync_all()?;
    std::fs::rename(&partial, folder)?;
    sync_parent(folder)
}

/// Makes an archive of a log that nobody uses: the lab moves, and must not go on here.
pub fn export(session: &Session, output: Output, args: &Export) -> Outcome {
    if args.file.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already",
            args.file.display()
        )));
    }
    let partial = beside(&args.file)?;
    let log = match opened(session)? {
        Ok(log) => log,
        Err(in_use) => {
            return Err(Failure::Usage(format!(
                "{in_use}. A lab that moves must stand still; for a copy of a running one: tenfold backup"
            )));
        }
    };
    let made = of_log(log.as_ref(), output, &partial).and_then(|()| {
        let next =
            "To move it to Kafka: tenfold import FILE --kafka BROKERS. Do not start it here again.";
        tell(&partial, output, next)
    });
    if made.is_err() {
        drop(std::fs::remove_file(&partial));
        return made;
    }
    std::fs::rename(&partial, &args.file)?;
    sync_parent(&args.file)
}

async fn make(session: &Session, output: Output, file: &Path) -> Outcome {
    if session.config.log.kind != LogKind::Embedded {
        return Err(Failure::Usage(
            "backups are of the embedded log; Kafka keeps copies of its own".into(),
        ));
    }
    match opened(session)? {
        Ok(log) => of_log(log.as_ref(), output, file),
        Err(_) => of_process(session, output, file).await,
    }
}

/// The log, if nobody uses it; else who does, in words.
fn opened(session: &Session) -> Outcome<Result<Arc<dyn Log>, String>> {
    let dir = &session.config.log.dir;
    if !dir.join("log.redb").is_file() {
        return Err(Failure::Usage(format!(
            "there is no log in {}: name the data folder with --data",
            dir.display()
        )));
    }
    let options = EmbeddedOptions {
        reserve_bytes: 0,
        ..EmbeddedOptions::default()
    };
    match EmbeddedLog::open(dir, options) {
        Ok(log) => with_heads(&session.config, Arc::new(log))
            .map(|opened| Ok(opened.log))
            .map_err(|error| Failure::Unavailable(format!("{error:#}"))),
        Err(error @ OpenError::InUse { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(Failure::Unavailable(error.to_string())),
    }
}

fn of_log(log: &dyn Log, output: Output, file: &Path) -> Outcome {
    let bar = bar(output, "copying");
    let mut to = BufWriter::with_capacity(1 << 20, File::create_new(file)?);
    write::write(log, &mut to, &mut |done, of| show(&bar, done, of))?;
    bar.finish_and_clear();
    to.get_ref().sync_all()?;
    Ok(())
}

async fn of_process(session: &Session, output: Output, file: &Path) -> Outcome {
    let bar = bar(output, "copying");
    let mut client = OperationsClient::new(session.channel(To::Intake)?)
        .max_decoding_message_size(PIECE_BYTES_MAX);
    let mut pieces = client.export(ExportRequest {}).await?.into_inner();
    let mut to = BufWriter::with_capacity(1 << 20, File::create_new(file)?);
    while let Some(piece) = pieces.message().await? {
        to.write_all(&piece.data)?;
        show(&bar, piece.records, piece.records_all);
    }
    bar.finish_and_clear();
    to.flush()?;
    to.get_ref().sync_all()?;
    Ok(())
}

fn show(bar: &ProgressBar, done: u64, of: u64) {
    bar.set_length(of);
    bar.set_position(done);
}

/// A name beside another, for what is not finished.
fn beside(path: &Path) -> Outcome<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Failure::Usage(format!("{} has no name", path.display())))?;
    let mut partial = name.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    Ok(path.with_file_name(partial))
}

/// Makes a new name last.
pub(super) fn sync_parent(path: &Path) -> Outcome {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}
