//! `tenfold register`: one registration from fields, or a whole file.

pub mod file;
mod lines;
pub mod row;
pub mod send;

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;
use std::path::PathBuf;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{AmendRequest, RegisterRequest, Registration};

/// Samples become known.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold register day.csv            columns: barcode, site, kind, specimen_type, sampling_class, subjects, ...
  tenfold register day.jsonl          the same names, a line of JSON each
  tenfold register --barcode AB12345678 --site s-01 --class routine --subject 5a68af63
  tenfold register --barcode AB12345678 --site s-01 --class patient --subject 5a68af63 --amend

A file can be sent again at any time, after a break or by mistake: what is known already stays as it is.
Subjects of a collection pool stand in one field, separated by ';'. Bad lines are listed; the others are taken.")]
pub struct Register {
    /// A file that ends in .csv, .jsonl or .ndjson
    #[arg(required_unless_present = "barcode", conflicts_with = "barcode")]
    file: Option<PathBuf>,
    /// Write every rejected line with its reason to this CSV file
    #[arg(long, value_name = "FILE", requires = "file")]
    rejected: Option<PathBuf>,
    /// Name of the sending system, if not one made from the file's content
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    one: One,
}

/// The fields of one registration.
#[derive(Args)]
struct One {
    /// Barcode of the tube
    #[arg(long)]
    barcode: Option<String>,
    /// Collection site
    #[arg(long, requires = "barcode", default_value = "")]
    site: String,
    /// person, object or environment
    #[arg(long, requires = "barcode", default_value = "person")]
    kind: String,
    /// Kind of swab or medium
    #[arg(long, requires = "barcode", default_value = "np-swab")]
    specimen_type: String,
    /// Sampling class
    #[arg(long, requires = "barcode", default_value = "routine")]
    class: String,
    /// Pseudonym of who was swabbed; several for a collection pool
    #[arg(long, requires = "barcode", value_name = "PSEUDONYM")]
    subject: Vec<String>,
    /// When it was collected, such as 2026-01-31T07:05:00+08:00
    #[arg(long, requires = "barcode", value_name = "MOMENT")]
    collected_at: Option<String>,
    /// Barcode of the earlier sample that this one replaces
    #[arg(long, requires = "barcode", value_name = "BARCODE")]
    recollection_of: Option<String>,
    /// Replace what is registered about the barcode
    #[arg(long, requires = "barcode")]
    amend: bool,
}

/// Does it.
pub async fn run(session: Session, output: Output, args: Register) -> Outcome {
    match args.file {
        Some(file) => {
            let source = args.source;
            let report = send::file(&session, output, &file, source).await?;
            report.print(output, args.rejected.as_deref())
        }
        None => one(session, output, args.one).await,
    }
}

async fn one(session: Session, output: Output, one: One) -> Outcome {
    let pool = one.subject.len() > 1;
    let fields = [
        ("barcode", one.barcode.unwrap_or_default()),
        ("site", one.site),
        ("kind", one.kind),
        ("specimen_type", one.specimen_type),
        ("sampling_class", one.class),
        ("subjects", one.subject.join(";")),
        ("collection_pool", pool.to_string()),
        ("collected_at", one.collected_at.unwrap_or_default()),
        ("recollection_of", one.recollection_of.unwrap_or_default()),
    ];
    let registration: Registration = row::from_fields(|name| {
        fields
            .iter()
            .find(|(field, _)| *field == name)
            .map_or("", |(_, value)| value.as_str())
    })
    .map_err(Failure::Usage)?;
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    let (actor, request_id) = (session.actor.clone(), session.request_id());
    let receipt = if one.amend {
        let request = AmendRequest {
            actor,
            request_id,
            registration: Some(registration),
        };
        intake.amend(session.ask(request)).await?
    } else {
        let request = RegisterRequest {
            actor,
            request_id,
            registration: Some(registration),
        };
        intake.register(session.ask(request)).await?
    };
    output.reply(&receipt.into_inner());
    Ok(())
}
