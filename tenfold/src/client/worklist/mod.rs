//! `tenfold worklist`, `tenfold sample-sheet`: what robots and instruments are told.
//!
//! Pooling knows the plan; this asks it and writes it down. Nothing counts as moved by writing a worklist: `tenfold scan`,
//! `tenfold pool confirm-rack`, `tenfold plate confirm` and `tenfold confirm-worklist` record that.

mod confirm;
mod plan;
mod sheet;

pub use confirm::{ConfirmWorklist, confirm};
pub use sheet::{Sheet, sheet};

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, Subcommand, ValueEnum};
use plan::{Standing, pool_steps, rack_of_pools, well_steps};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tenfold_domain::policy::Policy;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::{
    GetPlateRequest, GetPolicyRequest, GetPoolRequest, GetTubeRequest, PlateView, PoolView,
};
use tenfold_worklists::robots::{Hamilton, Opentrons, Robot, Tecan};
use tenfold_worklists::{Step, Worklist};
use tonic::transport::Channel;

/// Worklists for liquid handlers.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  tenfold worklist pool P17 P18 --for tecan --lab lab-1 --out pools.gwl
  tenfold worklist plate PL-1 --for opentrons --lab lab-1 --out pl-1.py
Afterwards, when the robot is done:
  tenfold confirm-worklist run.json --plate PL-1 --lab lab-1     as its own log says
  tenfold pool confirm-rack R-1 --bench robot --lab lab-1
  tenfold plate confirm PL-1 --lab lab-1

Only what is planned and not recorded is written, with the volumes of the policy in force.")]
pub enum Worklists {
    /// From tubes in their racks into pool tubes
    Pool {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// Pools, such as P17 or lab-1/P17; their tubes stand in the target rack in this order
        #[arg(required = true, value_name = "POOL")]
        pools: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// From pool tubes and tubes into a plate's planned wells
    Plate {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// Barcode of the plate
        plate: String,
        /// The robot also pipettes the controls, from a rack CONTROLS with PC, NC, WP and BN in A1 to D1
        #[arg(long)]
        controls: bool,
        #[command(flatten)]
        how: How,
    },
}

/// A liquid handler.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    /// Tecan .gwl
    Tecan,
    /// Hamilton CSV
    Hamilton,
    /// Opentrons OT-2, a Python protocol
    Opentrons,
}

/// For what, and where to.
#[derive(Args)]
pub struct How {
    /// The robot
    #[arg(long = "for", value_enum)]
    robot: For,
    /// Label of the rack that the pool tubes stand in
    #[arg(long, default_value = "POOLS", value_name = "RACK")]
    pool_rack: String,
    /// Tecan: the liquid class
    #[arg(long, default_value = "")]
    liquid_class: String,
    /// Opentrons: a rack of 96 tubes, as its labware library names it
    #[arg(long, value_name = "LABWARE")]
    labware_96: Option<String>,
    /// Not given: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does it.
pub async fn worklist(session: Session, output: Output, command: Worklists) -> Outcome {
    let policy = policy(&session).await?;
    let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
    let (title, steps, how) = match command {
        Worklists::Pool { lab, pools, how } => {
            let lab = session.lab(lab.lab)?;
            let ul = policy.pooling.pool_take_ul;
            let mut steps: Vec<Step> = Vec::new();
            for (name, number) in pools.iter().zip(1..) {
                let view = pool(&session, &mut pooling, &lab, name).await?;
                let stand = tubes(&session, &mut pooling, &lab, &view).await?;
                let to = rack_of_pools(&how.pool_rack, number)?;
                steps.extend(pool_steps(&view, &stand, &to, ul)?);
            }
            (format!("pools {} of {lab}", pools.join(", ")), steps, how)
        }
        Worklists::Plate {
            lab,
            plate,
            controls,
            how,
        } => {
            let lab = session.lab(lab.lab)?;
            let request = GetPlateRequest {
                lab: lab.clone(),
                plate: plate.clone(),
            };
            let view = pooling.get_plate(session.ask(request)).await?.into_inner();
            let stand = singles(&session, &mut pooling, &lab, &view).await?;
            let ul = policy.pooling.well_take_ul;
            let steps = well_steps(&view, &stand, &how.pool_rack, controls, ul)?;
            (format!("plate {plate} of {lab}"), steps, how)
        }
    };
    let wrong = |error: tenfold_worklists::WorklistError| Failure::Wrong(error.to_string());
    let worklist = Worklist::new(title, steps).map_err(wrong)?;
    let text = how.robot().write(&worklist).map_err(wrong)?;
    let Some(out) = &how.out else {
        output.value_or_text(&text);
        return Ok(());
    };
    super::put(out, text.as_bytes())?;
    let rows = worklist.loading().into_iter();
    let rows: Vec<Vec<String>> = rows
        .map(|(labware, at, what)| vec![labware.to_owned(), at, what.to_owned()])
        .collect();
    let steps = worklist.steps().len();
    output.say(&format!(
        "{steps} transfers in {}. Put there before it starts:",
        out.display()
    ));
    let value = serde_json::json!({ "transfers": steps, "written": out, "loading": rows });
    output.rows(&["labware", "place", "what"], rows, &value);
    Ok(())
}

impl How {
    fn robot(&self) -> Box<dyn Robot> {
        match self.robot {
            For::Tecan => Box::new(Tecan {
                liquid_class: self.liquid_class.clone(),
            }),
            For::Hamilton => Box::new(Hamilton),
            For::Opentrons => {
                let mut robot = Opentrons::default();
                if let Some(of96) = &self.labware_96 {
                    robot.of96.clone_from(of96);
                }
                Box::new(robot)
            }
        }
    }
}

/// The policy in force.
async fn policy(session: &Session) -> Outcome<Policy> {
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    let reply = intake.get_policy(session.ask(GetPolicyRequest {})).await?;
    Policy::parse(&reply.into_inner().content).map_err(|errors| {
        Failure::Wrong(format!(
            "the policy in force cannot be read by this release: {} problem(s)",
            errors.len()
        ))
    })
}

async fn pool(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    name: &str,
) -> Outcome<PoolView> {
    let id = if name.contains('/') {
        name.to_owned()
    } else {
        format!("{lab}/{name}")
    };
    let request = GetPoolRequest {
        lab: lab.to_owned(),
        pool: id,
    };
    Ok(pooling.get_pool(session.ask(request)).await?.into_inner())
}

/// Where the tubes stand that are planned for a pool and not in it.
async fn tubes(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    pool: &PoolView,
) -> Outcome<BTreeMap<String, Standing>> {
    let mut stand = BTreeMap::new();
    for member in pool.members.iter().filter(|m| m.transferred_at.is_none()) {
        let found = standing(session, pooling, lab, &member.tube).await?;
        stand.insert(member.tube.clone(), found);
    }
    Ok(stand)
}

/// Where the single tubes stand that are planned for a plate and not in it.
async fn singles(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    plate: &PlateView,
) -> Outcome<BTreeMap<String, Standing>> {
    let mut stand = BTreeMap::new();
    let waiting = plate
        .wells
        .iter()
        .filter(|well| well.transferred_at.is_none());
    for content in waiting.filter_map(|well| well.content.as_deref()) {
        if content
            .rsplit('/')
            .next()
            .is_some_and(|id| id.starts_with('T'))
        {
            let found = standing(session, pooling, lab, content).await?;
            stand.insert(content.to_owned(), found);
        }
    }
    Ok(stand)
}

async fn standing(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    tube: &str,
) -> Outcome<Standing> {
    let request = GetTubeRequest {
        lab: lab.to_owned(),
        tube: tube.to_owned(),
    };
    let view = pooling.get_tube(session.ask(request)).await?.into_inner();
    Ok(Standing {
        barcode: view
            .barcodes
            .last()
            .cloned()
            .unwrap_or_else(|| tube.to_owned()),
        rack: view.rack,
        position: view.position,
    })
}
