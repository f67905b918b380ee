//! `tenfold confirm-worklist`: a robot's own log says what was moved. What it says failed leaves, with the reason; what it does
//! not speak of stays planned.

use super::plan::{pool_steps, rack_of_pools, well_steps};
use super::{policy, pool, singles, tubes};
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tenfold_domain::policy::Policy;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::{
    ConfirmPlateRequest, ConfirmRackRequest, GetPlateRequest, PlateWellFailure, TubePerformed,
};
use tenfold_worklists::logs::{self, RobotLog, Verdict};
use tenfold_worklists::{Step, Worklist};
use tonic::transport::Channel;

/// A robot's log confirms what its worklist planned.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold confirm-worklist run.json --plate PL-1 --lab lab-1
  tenfold confirm-worklist method.trc --pools P17 P18 --bench robot --lab lab-1

Reads the commands of an Opentrons run (GET /runs/ID/commands), a trace of Hamilton Venus (.trc), or a table with
source, target, volume and status, as a Tecan script writes it.")]
pub struct ConfirmWorklist {
    #[command(flatten)]
    lab: crate::client::pooling::Lab,
    /// The robot's log
    file: PathBuf,
    /// It filled this plate
    #[arg(long, required_unless_present = "pools", conflicts_with = "pools")]
    plate: Option<String>,
    /// It filled these pools, in the order of the worklist
    #[arg(long, num_args = 1.., value_name = "POOL", requires = "bench")]
    pools: Vec<String>,
    /// The bench that the racks were planned at
    #[arg(long)]
    bench: Option<String>,
    /// Label of the rack that the pool tubes stand in
    #[arg(long, default_value = "POOLS", value_name = "RACK")]
    pool_rack: String,
    /// Only show what would be confirmed
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub async fn confirm(session: Session, output: Output, args: ConfirmWorklist) -> Outcome {
    let lab = session.lab(args.lab.lab.clone())?;
    let bytes = std::fs::read(&args.file)
        .map_err(|error| Failure::Wrong(format!("{}: {error}", args.file.display())))?;
    let log = logs::read(&bytes)
        .map_err(|error| Failure::Wrong(format!("{}: {error}", args.file.display())))?;
    let policy = policy(&session).await?;
    let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
    let steps = planned(&session, &mut pooling, &lab, &args, &policy).await?;
    let worklist = Worklist::new("what is planned", steps)
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    let told = Told::of(&worklist, &log);
    if !args.dry_run {
        match &args.plate {
            Some(plate) => {
                let request = told.of_plate(&session, &lab, plate);
                pooling.confirm_plate(session.ask(request)).await?;
            }
            None => {
                for request in
                    told.of_racks(&session, &lab, args.bench.as_deref().unwrap_or_default())
                {
                    pooling.confirm_rack(session.ask(request)).await?;
                }
            }
        }
    }
    told.show(&output, &log, args.dry_run);
    Ok(())
}

/// The transfers that are planned and not recorded.
async fn planned(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    args: &ConfirmWorklist,
    policy: &Policy,
) -> Outcome<Vec<Step>> {
    if let Some(plate) = &args.plate {
        let request = GetPlateRequest {
            lab: lab.to_owned(),
            plate: plate.clone(),
        };
        let view = pooling.get_plate(session.ask(request)).await?.into_inner();
        let stand = singles(session, pooling, lab, &view).await?;
        let ul = policy.pooling.well_take_ul;
        return well_steps(&view, &stand, &args.pool_rack, false, ul);
    }
    let mut steps = Vec::new();
    for (name, number) in args.pools.iter().zip(1..) {
        let view = pool(session, pooling, lab, name).await?;
        let stand = tubes(session, pooling, lab, &view).await?;
        let to = rack_of_pools(&args.pool_rack, number)?;
        steps.extend(pool_steps(&view, &stand, &to, policy.pooling.pool_take_ul)?);
    }
    Ok(steps)
}

/// What became of each transfer.
struct Told<'a> {
    rows: Vec<(&'a Step, Verdict)>,
    /// Movements that nobody planned.
    strange: usize,
}

impl<'a> Told<'a> {
    fn of(worklist: &'a Worklist, log: &RobotLog) -> Self {
        let (verdicts, strange) = logs::compare(worklist, log);
        Self {
            rows: worklist.steps().iter().zip(verdicts).collect(),
            strange: strange.len(),
        }
    }

    fn of_plate(&self, session: &Session, lab: &str, plate: &str) -> ConfirmPlateRequest {
        let mut request = ConfirmPlateRequest {
            lab: lab.to_owned(),
            actor: session.actor.clone(),
            request_id: session.request_id(),
            plate: plate.to_owned(),
            ..ConfirmPlateRequest::default()
        };
        for (step, verdict) in &self.rows {
            let well = step.to.at.to_string();
            match verdict {
                Verdict::Done => request.done.push(well),
                Verdict::Failed(reason) => request.failed.push(PlateWellFailure {
                    well,
                    reason: reason.clone(),
                }),
                Verdict::NotSaid => {}
            }
        }
        request
    }

    /// One request a rack that tubes came from; a rack that the log says nothing of gets none.
    fn of_racks(&self, session: &Session, lab: &str, bench: &str) -> Vec<ConfirmRackRequest> {
        let mut racks: BTreeMap<&str, Vec<TubePerformed>> = BTreeMap::new();
        for (step, verdict) in &self.rows {
            let failed = match verdict {
                Verdict::Done => None,
                Verdict::Failed(reason) => Some(reason.clone()),
                Verdict::NotSaid => continue,
            };
            let tube = step.what.clone();
            let tubes = racks.entry(&step.from.labware.name).or_default();
            tubes.push(TubePerformed { tube, failed });
        }
        let requests = racks.into_iter().map(|(rack, tubes)| ConfirmRackRequest {
            lab: lab.to_owned(),
            actor: session.actor.clone(),
            request_id: session.request_id(),
            bench: bench.to_owned(),
            rack: rack.to_owned(),
            tubes,
            rest_done: false,
        });
        requests.collect()
    }

    fn show(&self, output: &Output, log: &RobotLog, dry_run: bool) {
        let count = |which: fn(&Verdict) -> bool| {
            self.rows
                .iter()
                .filter(|(_, verdict)| which(verdict))
                .count()
        };
        let (done, failed, not_said) = (
            count(|verdict| *verdict == Verdict::Done),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| *verdict == Verdict::NotSaid),
        );
        output.say(&format!(
            "{}: {done} done, {failed} failed, {not_said} not in the log and still planned; {} movements that nobody planned{}",
            log.format,
            self.strange,
            if dry_run { "; nothing was recorded" } else { "" }
        ));
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|(step, verdict)| {
                let (word, why) = match verdict {
                    Verdict::Done => ("done", ""),
                    Verdict::Failed(why) => ("failed", why.as_str()),
                    Verdict::NotSaid => ("planned", "the log does not speak of it"),
                };
                let to = format!("{} {}", step.to.labware.name, step.to.at);
                vec![step.what.clone(), to, word.to_owned(), why.to_owned()]
            })
            .collect();
        let value = serde_json::json!({
            "format": log.format, "done": done, "failed": failed, "planned": not_said, "unplanned": self.strange, "transfers": rows,
        });
        output.rows(&["what", "to", "is", "why"], rows, &value);
    }
}
