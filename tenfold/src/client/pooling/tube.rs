//! `tenfold receive`, `tenfold tube`, `tenfold work`.

use super::{Lab, change, question};
use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, Subcommand};
use std::path::Path;
use tenfold_proto::v1::rack_position::Found;
use tenfold_proto::v1::receive_request::Arrival;
use tenfold_proto::v1::{RackContains, RackPosition, TubesArrived};

/// Tubes came.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold receive --lab lab-1 AB12345678 AB12345679
  tenfold receive --lab lab-1 --rack R-17 A1=AB12345678 B1=- C1=?      - nothing there, ? unreadable
  tenfold receive --lab lab-1 --rack R-17 --file rack.csv              lines of position,barcode

Receiving always succeeds; the answer is a verdict for each tube. The same again changes nothing.")]
pub struct Receive {
    #[command(flatten)]
    lab: Lab,
    /// The rack they stand in
    #[arg(long, value_name = "RACK")]
    rack: Option<String>,
    /// With --rack: a file of position,barcode
    #[arg(long, value_name = "FILE", requires = "rack")]
    file: Option<std::path::PathBuf>,
    /// These are other tubes than those received before under the same barcodes
    #[arg(long, conflicts_with = "rack")]
    another: bool,
    /// Barcodes; with --rack, POSITION=BARCODE
    #[arg(required_unless_present = "file", value_name = "BARCODE")]
    tubes: Vec<String>,
}

/// Does it.
pub async fn receive(session: Session, output: Output, args: Receive) -> Outcome {
    let arrival = match args.rack {
        None => Arrival::Tubes(TubesArrived {
            barcodes: args.tubes,
            another: args.another,
        }),
        Some(rack) => {
            let mut positions = Vec::new();
            for text in &args.tubes {
                let (position, found) = text.split_once('=').ok_or_else(|| {
                    Failure::Usage(format!(
                        "{text:?} is not POSITION=BARCODE, such as A1=AB12345678"
                    ))
                })?;
                positions.push(rack_position(position, found));
            }
            if let Some(file) = &args.file {
                positions.extend(rack_file(file)?);
            }
            Arrival::Rack(RackContains { rack, positions })
        }
    };
    change!(
        session,
        output,
        args.lab,
        receive,
        ReceiveRequest {
            arrival: Some(arrival)
        }
    )
}

fn rack_position(position: &str, found: &str) -> RackPosition {
    RackPosition {
        position: position.trim().to_owned(),
        found: Some(match found.trim() {
            "-" | "" => Found::Nothing(true),
            "?" => Found::Unreadable(true),
            barcode => Found::Barcode(barcode.to_owned()),
        }),
    }
}

fn rack_file(file: &Path) -> Outcome<Vec<RackPosition>> {
    let wrong = |error: csv::Error| Failure::Usage(format!("{}: {error}", file.display()));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(wrong)?;
    let mut positions = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        match (record.get(0), record.get(1)) {
            // A header, or a line without a position.
            (Some("position" | ""), _) | (None, _) => {}
            (Some(position), found) => {
                positions.push(rack_position(position, found.unwrap_or_default()));
            }
        }
    }
    Ok(positions)
}

/// One tube: its life, and what a person decides about it.
#[derive(Subcommand)]
pub enum Tube {
    /// A tube, its timeline, and where it is
    Get {
        #[command(flatten)]
        lab: Lab,
        /// Barcode or id
        tube: String,
    },
    /// Give a tube a new label
    Relabel {
        #[command(flatten)]
        lab: Lab,
        /// Barcode or id
        tube: String,
        /// The new label
        new_barcode: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Put a tube aside until a person decides
    Hold {
        #[command(flatten)]
        lab: Lab,
        /// Barcode or id
        tube: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Decide that a held tube or pool goes on
    Release {
        #[command(flatten)]
        lab: Lab,
        /// A tube, or a pool by its id
        what: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Throw a tube away
    Discard {
        #[command(flatten)]
        lab: Lab,
        /// Barcode or id
        tube: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Does it.
pub async fn tube(session: Session, output: Output, command: Tube) -> Outcome {
    match command {
        Tube::Get { lab, tube } => {
            question!(
                session,
                output,
                lab,
                get_tube,
                GetTubeRequest { tube: tube }
            )
        }
        Tube::Relabel {
            lab,
            tube,
            new_barcode,
            reason,
        } => change!(
            session,
            output,
            lab,
            relabel,
            RelabelRequest {
                tube: tube,
                new_barcode: new_barcode,
                reason: reason
            }
        ),
        Tube::Hold { lab, tube, reason } => {
            change!(
                session,
                output,
                lab,
                hold_tube,
                HoldTubeRequest {
                    tube: tube,
                    reason: reason
                }
            )
        }
        Tube::Release { lab, what, reason } => change!(
            session,
            output,
            lab,
            release_hold,
            ReleaseHoldRequest {
                what: what,
                reason: reason
            }
        ),
        Tube::Discard { lab, tube, reason } => change!(
            session,
            output,
            lab,
            discard_tube,
            DiscardTubeRequest {
                tube: tube,
                reason: reason
            }
        ),
    }
}

/// What waits, STAT first, then by deadline.
#[derive(Args)]
pub struct Work {
    #[command(flatten)]
    lab: Lab,
    /// expected, pending, waiting, held, open, ready, retest, plated or loaded; not given: what waits for a well
    #[arg(long, default_value = "")]
    queue: String,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    most: u32,
}

/// Does it.
pub async fn work(session: Session, output: Output, args: Work) -> Outcome {
    question!(
        session,
        output,
        args.lab,
        list_work,
        ListWorkRequest {
            queue: args.queue,
            most: args.most
        }
    )
}
