//! `tenfold import-run`, `tenfold read-run`, `tenfold run-file`: files of instruments.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tenfold_instruments::{RunTable, bounds};
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::{GetRunFileRequest, ImportRunReply, ImportRunRequest, ImportState};
use tonic::transport::Channel;

/// Longest answer with a file in it, in bytes.
const ANSWER_MAX: usize = bounds::FILE_BYTES_MAX + 64 * 1024;

/// Hand in files of runs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold import-run run.xls --lab lab-1 --plate PL-1 --instrument SN-2041 --run-id 2026-01-31-1
  tenfold import-run fam.txt vic.txt cy5.txt --joined --plate PL-2     the filters of one LightCycler run
What a file is, is told by its content. The same file again changes nothing.")]
pub struct ImportRun {
    #[command(flatten)]
    lab: super::pooling::Lab,
    /// The instrument's files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The files are parts of one run, one a filter
    #[arg(long)]
    joined: bool,
    /// Barcode of the plate, if the file does not name it
    #[arg(long, default_value = "")]
    plate: String,
    /// Serial number of the instrument
    #[arg(long, default_value = "unknown")]
    instrument: String,
    /// The instrument's own id of the run; not given: the file's name
    #[arg(long)]
    run_id: Option<String>,
    /// When the instrument read it; not given: now
    #[arg(long, value_name = "MOMENT")]
    read_at: Option<jiff::Timestamp>,
    /// Why a plate is run again
    #[arg(long, default_value = "")]
    reason: String,
}

/// Does it; fails if the results of any file do not count.
pub async fn import_run(session: Session, output: Output, args: ImportRun) -> Outcome {
    let several = args.files.len() > 1 && !args.joined;
    if several && !(args.plate.is_empty() && args.run_id.is_none()) {
        return Err(Failure::Usage(
            "--plate and --run-id are of one run: give one file, or --joined for the parts of one"
                .to_owned(),
        ));
    }
    if several && session.has_request_id() {
        return Err(Failure::Usage("--request-id is of one file".to_owned()));
    }
    let mut results = ResultsClient::new(session.channel(To::Results)?);
    if !several {
        let Some(first) = args.files.first() else {
            return Err(Failure::Usage("there is no file to read".to_owned()));
        };
        let content = joined(&args.files)?;
        return one(&session, &mut results, output, &args, first, content).await;
    }
    let mut failed = 0_usize;
    for file in &args.files {
        let content = read(file)?;
        let done = one(&session, &mut results, output, &args, file, content).await;
        if let Err(failure) = done {
            failed = failed.saturating_add(1);
            output.say(&format!("{}: {failure}\n", file.display()));
            if output.is_json() {
                failure.report(true);
            }
        } else {
            output.say("");
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "{failed} of {} files were not taken, or released nothing",
        args.files.len()
    )))
}

async fn one(
    session: &Session,
    results: &mut ResultsClient<Channel>,
    output: Output,
    args: &ImportRun,
    file: &Path,
    content: Vec<u8>,
) -> Outcome {
    let name = name_of(file);
    let request = ImportRunRequest {
        lab: session.lab(args.lab.lab.clone())?,
        plate: args.plate.clone(),
        instrument_serial: args.instrument.clone(),
        run_id: args.run_id.clone().unwrap_or_else(|| name.clone()),
        read_at: args
            .read_at
            .unwrap_or_else(jiff::Timestamp::now)
            .as_millisecond(),
        file_name: name.clone(),
        file: content.into(),
        reason: args.reason.clone(),
        actor: session.actor.clone(),
        request_id: session.request_id(),
    };
    let reply = results.import_run(session.ask(request)).await?.into_inner();
    print(output, &name, &reply);
    match reply.state() {
        ImportState::Released | ImportState::Parked => Ok(()),
        _ => Err(Failure::Wrong(format!(
            "nothing was released: {}",
            reply.notes.join("; ")
        ))),
    }
}

fn print(output: Output, name: &str, reply: &ImportRunReply) {
    let mut value = json!({ "file": name });
    if let (Value::Object(into), Value::Object(fields)) = (&mut value, to_json(reply)) {
        into.extend(fields);
    }
    output.value(&value);
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// Files one behind the other, each on lines of its own.
fn joined(files: &[PathBuf]) -> Outcome<Vec<u8>> {
    let mut content: Vec<u8> = Vec::new();
    for file in files {
        if content
            .last()
            .is_some_and(|last| !matches!(last, b'\n' | b'\r'))
        {
            content.extend_from_slice(b"\r\n");
        }
        content.extend(read(file)?);
    }
    Ok(content)
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Read files of runs without handing them in: what format they are, and what would be taken.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold read-run run.xls                 the table a person would read off it, or why it is refused
  tenfold --json read-run *.rdml | jq .format
  tenfold read-run --formats               what is read, and how it is recognised
Nothing is sent anywhere.")]
pub struct ReadRun {
    /// The instrument's files
    #[arg(required_unless_present = "formats")]
    files: Vec<PathBuf>,
    /// List the formats instead
    #[arg(long)]
    formats: bool,
}

/// Does it; fails if any file is refused.
pub fn read_run(output: Output, args: &ReadRun) -> Outcome {
    if args.formats {
        let rows: Vec<[&str; 2]> = tenfold_instruments::formats()
            .map(|format| [format.name, format.recognised_by])
            .collect();
        let value = rows
            .iter()
            .map(|[name, by]| json!({ "format": name, "recognised_by": by }))
            .collect();
        let rows = rows
            .iter()
            .map(|row| row.map(str::to_owned).to_vec())
            .collect();
        output.rows(&["format", "recognised by"], rows, &value);
        return Ok(());
    }
    let mut refused = 0_usize;
    for file in &args.files {
        let name = name_of(file);
        match tenfold_instruments::read(&read(file)?, &[]) {
            Ok(table) => print_table(output, &name, &table),
            Err(refusal) => {
                refused = refused.saturating_add(1);
                output.value(&json!({
                    "file": name,
                    "refused": refusal.reason.code(),
                    "place": refusal.place.to_string(),
                    "message": refusal.message,
                    "help": refusal.help,
                }));
            }
        }
        output.say("");
    }
    if refused == 0 {
        Ok(())
    } else {
        Err(Failure::Wrong(format!(
            "{refused} of {} files are refused",
            args.files.len()
        )))
    }
}

fn print_table(output: Output, name: &str, table: &RunTable) {
    let about = &table.about;
    let reactions: Vec<Value> = table
        .reactions
        .iter()
        .map(|r| {
            json!({
                "line": r.place.line, "sheet": r.place.sheet, "well": r.well, "target": r.target,
                "ct": r.reading.ct, "text": r.reading.text, "sample": r.sample, "task": r.task,
                "role": r.role.code(), "dye": r.dye, "omitted": r.omitted,
            })
        })
        .collect();
    let head = json!({
        "file": name, "format": table.format, "plate": about.plate, "instrument": about.instrument,
        "serial": about.serial, "run": about.run, "ended": about.ended, "block": about.wells,
        "reactions": table.reactions.len(), "warnings": table.warnings,
    });
    if output.is_json() {
        let mut value = head;
        if let Value::Object(fields) = &mut value {
            fields.insert("reactions".to_owned(), reactions.into());
        }
        output.value(&value);
        return;
    }
    output.value(&head);
    let rows = table
        .reactions
        .iter()
        .map(|r| {
            vec![
                r.well.clone(),
                r.target.clone(),
                r.reading
                    .ct
                    .map_or_else(|| "-".to_owned(), |ct| ct.to_string()),
                r.role.code().to_owned(),
                r.sample.clone(),
                if r.omitted { "omitted" } else { "" }.to_owned(),
            ]
        })
        .collect();
    let headings = ["well", "target", "ct", "role", "sample", ""];
    output.rows(&headings, rows, &Value::Null);
}

/// Give out the file that an import or an explanation names by its hash.
#[derive(Args)]
#[command(after_help = "\
Example:
  tenfold run-file 5f3c... --out run.xls")]
pub struct RunFile {
    /// Its hash
    hash: String,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Does it.
pub async fn run_file(session: Session, output: Output, args: RunFile) -> Outcome {
    let mut results =
        ResultsClient::new(session.channel(To::Results)?).max_decoding_message_size(ANSWER_MAX);
    let request = GetRunFileRequest {
        file_hash: args.hash,
    };
    let file = results
        .get_run_file(session.ask(request))
        .await?
        .into_inner()
        .file;
    std::fs::write(&args.out, &file)?;
    output.value(&json!({ "written": args.out.display().to_string(), "bytes": file.len() }));
    Ok(())
}
