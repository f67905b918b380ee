//! `tenfold scan`.

use super::{Lab, change};
use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;

/// A tube is scanned at a bench: where does it go?
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold scan --lab lab-1 --bench b1 AB12345678   pool and slot; the next scan records its transfer
  tenfold scan --lab lab-1 --bench b1 --confirm    the transfer under way is done
  tenfold scan --lab lab-1 --bench b1 --failed 'tip blocked'
  tenfold scan --lab lab-1 --bench b1 --undo AB12345678 --reason 'wrong tube'   before liquid moved")]
pub struct Scan {
    #[command(flatten)]
    lab: Lab,
    /// The bench
    #[arg(long, value_name = "BENCH")]
    bench: String,
    /// The barcode
    #[arg(conflicts_with_all = ["confirm", "failed", "undo"])]
    barcode: Option<String>,
    /// The transfer under way is done
    #[arg(long)]
    confirm: bool,
    /// The transfer under way failed, and why
    #[arg(long, value_name = "WHY")]
    failed: Option<String>,
    /// Take back the scan of this tube
    #[arg(long, value_name = "TUBE")]
    undo: Option<String>,
    /// Why it is taken back
    #[arg(long, default_value = "taken back")]
    reason: String,
}

/// Does it.
pub async fn run(session: Session, output: Output, args: Scan) -> Outcome {
    let (lab, bench) = (args.lab, args.bench);
    if let Some(barcode) = args.barcode {
        return change!(
            session,
            output,
            lab,
            scan,
            ScanRequest {
                bench: bench,
                barcode: barcode
            }
        );
    }
    if let Some(tube) = args.undo {
        return change!(
            session,
            output,
            lab,
            undo_scan,
            UndoScanRequest {
                tube: tube,
                reason: args.reason
            }
        );
    }
    if args.confirm || args.failed.is_some() {
        return change!(
            session,
            output,
            lab,
            confirm_transfer,
            ConfirmTransferRequest {
                bench: bench,
                failed: args.failed
            }
        );
    }
    Err(Failure::Usage(
        "scan what? a barcode, --confirm, --failed or --undo".to_owned(),
    ))
}
