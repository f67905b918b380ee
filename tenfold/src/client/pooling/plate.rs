//! `tenfold plate`.

use super::{Lab, change, question};
use crate::connect::Session;
use crate::failure::Outcome;
use crate::output::Output;
use clap::Subcommand;
use tenfold_proto::v1::PlateWellFailure;

/// Plates, from the first well to the instrument.
#[derive(Subcommand)]
#[command(after_help = "\
A plate's way:
  tenfold plate start PL-1 --assay default-cn --lab lab-1   a new plate with its controls
  tenfold plate fill PL-1 --lab lab-1                       plan its free wells from what waits
  tenfold plate confirm PL-1 --lab lab-1                    the transfers were done
  tenfold plate seal PL-1 --lab lab-1
  tenfold plate load PL-1 --instrument cycler-2 --lab lab-1
  tenfold import-run run.csv --lab lab-1                    what the instrument read")]
pub enum Plate {
    /// A new plate with its controls
    Start {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// The kit, a key into the policy
        #[arg(long)]
        assay: String,
        /// The layout of controls; not given: standard
        #[arg(long, default_value = "")]
        layout: String,
        /// Draws the positions of the batch's controls; not given: made from the request id
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Plan the free wells: STAT and retests first, then by deadline
    Fill {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// At most so many wells
        #[arg(long)]
        wells: Option<u32>,
    },
    /// Put one pool or tube into one well, and record its transfer
    Place {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// Such as A1
        well: String,
        /// A pool by its id, or a tube
        content: String,
    },
    /// What was planned was done, or failed, well by well
    Confirm {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// A well whose transfer failed, as WELL=WHY; may be given several times
        #[arg(long, value_name = "WELL=WHY")]
        failed: Vec<String>,
        /// Wells that were done; not given: all others
        #[arg(value_name = "WELL")]
        done: Vec<String>,
    },
    /// The plate is made with this lot
    Lot {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// As the lot's label says
        lot: String,
        /// It was scanned by mistake: take it off, as long as the plate is not sealed
        #[arg(long)]
        off: bool,
    },
    /// A plate of 384 wells was stamped from up to four sealed ones of 96
    Combine {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the new plate
        plate: String,
        /// A layout that says how quadrants stand
        #[arg(long, default_value = "quadrants")]
        layout: String,
        /// The plate of each quadrant in their order; "" for one that stays empty
        #[arg(long = "from", value_name = "PLATE", required = true, num_args = 1..=4)]
        sources: Vec<String>,
    },
    /// Nothing changes on the plate any more
    Seal {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
    },
    /// The plate must not be used: its contents wait for another
    Void {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// The sealed plate is put into an instrument
    Load {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
        /// Name of the instrument
        #[arg(long)]
        instrument: String,
    },
    /// A plate with all its wells
    Get {
        #[command(flatten)]
        lab: Lab,
        /// Barcode of the plate
        plate: String,
    },
    /// Plates, newest first
    List {
        #[command(flatten)]
        lab: Lab,
        /// open, sealed, loaded, void or combined
        #[arg(long, default_value = "")]
        state: String,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        most: u32,
    },
}

/// Does it.
pub async fn run(session: Session, output: Output, command: Plate) -> Outcome {
    match command {
        Plate::Start {
            lab,
            plate,
            assay,
            layout,
            seed,
        } => change!(
            session,
            output,
            lab,
            start_plate,
            StartPlateRequest {
                plate: plate,
                assay: assay,
                layout: layout,
                seed: seed
            }
        ),
        Plate::Fill { lab, plate, wells } => change!(
            session,
            output,
            lab,
            fill_plate,
            FillPlateRequest {
                plate: plate,
                wells_max: wells
            }
        ),
        Plate::Place {
            lab,
            plate,
            well,
            content,
        } => change!(
            session,
            output,
            lab,
            place,
            PlaceRequest {
                plate: plate,
                well: well,
                content: content
            }
        ),
        Plate::Confirm {
            lab,
            plate,
            failed,
            done,
        } => {
            let rest_done = done.is_empty();
            let failed = failed
                .into_iter()
                .map(|text| match text.split_once('=') {
                    Some((well, reason)) => PlateWellFailure {
                        well: well.to_owned(),
                        reason: reason.to_owned(),
                    },
                    None => PlateWellFailure {
                        well: text,
                        reason: "failed".to_owned(),
                    },
                })
                .collect();
            change!(
                session,
                output,
                lab,
                confirm_plate,
                ConfirmPlateRequest {
                    plate: plate,
                    done: done,
                    failed: failed,
                    rest_done: rest_done
                }
            )
        }
        Plate::Lot {
            lab,
            plate,
            lot,
            off: true,
        } => change!(
            session,
            output,
            lab,
            unbind_lot,
            UnbindLotRequest {
                plate: plate,
                lot: lot
            }
        ),
        Plate::Lot {
            lab,
            plate,
            lot,
            off: false,
        } => change!(
            session,
            output,
            lab,
            bind_lot,
            BindLotRequest {
                plate: plate,
                lot: lot
            }
        ),
        Plate::Combine {
            lab,
            plate,
            layout,
            sources,
        } => change!(
            session,
            output,
            lab,
            combine_plates,
            CombinePlatesRequest {
                plate: plate,
                layout: layout,
                sources: sources
            }
        ),
        Plate::Seal { lab, plate } => {
            change!(
                session,
                output,
                lab,
                seal_plate,
                SealPlateRequest { plate: plate }
            )
        }
        Plate::Void { lab, plate, reason } => change!(
            session,
            output,
            lab,
            void_plate,
            VoidPlateRequest {
                plate: plate,
                reason: reason
            }
        ),
        Plate::Load {
            lab,
            plate,
            instrument,
        } => change!(
            session,
            output,
            lab,
            load_plate,
            LoadPlateRequest {
                plate: plate,
                instrument: instrument
            }
        ),
        Plate::Get { lab, plate } => {
            question!(
                session,
                output,
                lab,
                get_plate,
                GetPlateRequest { plate: plate }
            )
        }
        Plate::List { lab, state, most } => question!(
            session,
            output,
            lab,
            list_plates,
            ListPlatesRequest {
                state: state,
                page_size: most,
                page_token: String::new()
            }
        ),
    }
}
