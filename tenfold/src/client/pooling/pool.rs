//! `tenfold pool`.

use super::{Lab, change, question};
use crate::connect::Session;
use crate::failure::Outcome;
use crate::output::Output;
use clap::Subcommand;
use tenfold_proto::v1::TubePerformed;

/// Pools, and racks for a liquid handler.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  tenfold pool list --lab lab-1
  tenfold pool explain lab-1/P17 --lab lab-1
  tenfold pool plan-rack R-17 --bench robot --lab lab-1 && tenfold pool confirm-rack R-17 --bench robot --lab lab-1")]
pub enum Pool {
    /// Open pools
    List {
        #[command(flatten)]
        lab: Lab,
        /// Only of this bench
        #[arg(long, default_value = "")]
        bench: String,
    },
    /// A pool with its members and timeline
    Get {
        #[command(flatten)]
        lab: Lab,
        /// Such as lab-1/P17
        pool: String,
    },
    /// Why each member is in it, why it sealed, what keeps it from going on
    Explain {
        #[command(flatten)]
        lab: Lab,
        /// Such as lab-1/P17
        pool: String,
    },
    /// Seal an open pool by hand
    Close {
        #[command(flatten)]
        lab: Lab,
        /// Such as lab-1/P17
        pool: String,
    },
    /// A pool is lost: its members go back in a new round
    Void {
        #[command(flatten)]
        lab: Lab,
        /// Such as lab-1/P17
        pool: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Plan a whole rack for a liquid handler
    PlanRack {
        #[command(flatten)]
        lab: Lab,
        /// The rack
        rack: String,
        /// The bench
        #[arg(long)]
        bench: String,
    },
    /// What the liquid handler did with a planned rack
    ConfirmRack {
        #[command(flatten)]
        lab: Lab,
        /// The rack
        rack: String,
        /// The bench
        #[arg(long)]
        bench: String,
        /// A tube whose transfer failed, as TUBE=WHY; may be given several times
        #[arg(long, value_name = "TUBE=WHY")]
        failed: Vec<String>,
        /// Tubes that were done; not given: all others
        #[arg(value_name = "TUBE")]
        done: Vec<String>,
    },
}

/// Does it.
pub async fn run(session: Session, output: Output, command: Pool) -> Outcome {
    match command {
        Pool::List { lab, bench } => {
            question!(
                session,
                output,
                lab,
                list_open_pools,
                ListOpenPoolsRequest { bench: bench }
            )
        }
        Pool::Get { lab, pool } => {
            question!(
                session,
                output,
                lab,
                get_pool,
                GetPoolRequest { pool: pool }
            )
        }
        Pool::Explain { lab, pool } => {
            question!(
                session,
                output,
                lab,
                explain_pool,
                GetPoolRequest { pool: pool }
            )
        }
        Pool::Close { lab, pool } => {
            change!(
                session,
                output,
                lab,
                close_pool,
                ClosePoolRequest { pool: pool }
            )
        }
        Pool::Void { lab, pool, reason } => {
            change!(
                session,
                output,
                lab,
                void_pool,
                VoidPoolRequest {
                    pool: pool,
                    reason: reason
                }
            )
        }
        Pool::PlanRack { lab, rack, bench } => change!(
            session,
            output,
            lab,
            plan_rack,
            PlanRackRequest {
                bench: bench,
                rack: rack
            }
        ),
        Pool::ConfirmRack {
            lab,
            rack,
            bench,
            failed,
            done,
        } => {
            let rest_done = done.is_empty();
            let done = done
                .into_iter()
                .map(|tube| TubePerformed { tube, failed: None });
            let failed = failed.into_iter().map(|text| match text.split_once('=') {
                Some((tube, why)) => TubePerformed {
                    tube: tube.to_owned(),
                    failed: Some(why.to_owned()),
                },
                None => TubePerformed {
                    tube: text,
                    failed: Some("failed".to_owned()),
                },
            });
            let tubes = done.chain(failed).collect();
            change!(
                session,
                output,
                lab,
                confirm_rack,
                ConfirmRackRequest {
                    bench: bench,
                    rack: rack,
                    tubes: tubes,
                    rest_done: rest_done
                }
            )
        }
    }
}
