//! `tenfold sample-sheet`: what an instrument's program is told about a plate.

use super::policy;
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tenfold_domain::policy::Assay;
use tenfold_domain::well::{PlateSize, Well};
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::{GetPlateRequest, PlateView};
use tenfold_worklists::sheets::{
    self, Cfx, Channel, Lc480, QuantStudio, SampleSheet, SheetWell, control_name,
};

/// An instrument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    /// QuantStudio setup, .txt
    Quantstudio,
    /// CFX plate, .csv
    Cfx,
    /// LightCycler 480 sample list, .txt
    Lc480,
}

/// The sample sheet of a plate.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold sample-sheet PL-1 --for quantstudio --lab lab-1 --out pl-1.txt
  tenfold sample-sheet PL-1 --for cfx --target N --lab lab-1 --out pl-1.csv

Samples are called by the pool's or tube's id: no person and no registration stands in the file.")]
pub struct Sheet {
    #[command(flatten)]
    lab: crate::client::pooling::Lab,
    /// Barcode of the plate
    plate: String,
    /// The instrument
    #[arg(long = "for", value_enum)]
    instrument: For,
    /// CFX: the target that the file speaks of; not given: the protocol's plate names them
    #[arg(long, default_value = "")]
    target: String,
    /// Not given: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does it.
pub async fn sheet(session: Session, output: Output, args: Sheet) -> Outcome {
    let lab = session.lab(args.lab.lab)?;
    let policy = policy(&session).await?;
    let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
    let request = GetPlateRequest {
        lab,
        plate: args.plate,
    };
    let view = pooling.get_plate(session.ask(request)).await?.into_inner();
    let assay = policy.assays.get(view.assay.as_str()).ok_or_else(|| {
        Failure::Wrong(format!(
            "assay {:?} is not in the policy any more",
            view.assay
        ))
    })?;
    let sheet = of(&view, assay)?;
    if !args.target.is_empty() && !sheet.targets.iter().any(|c| c.target == args.target) {
        let names: Vec<&str> = sheet.targets.iter().map(|c| c.target.as_str()).collect();
        return Err(Failure::Usage(format!(
            "--target {:?} is not one of {}",
            args.target,
            names.join(", ")
        )));
    }
    let writer: Box<dyn SampleSheet> = match args.instrument {
        For::Quantstudio => Box::new(QuantStudio),
        For::Cfx => Box::new(Cfx {
            target: args.target,
        }),
        For::Lc480 => Box::new(Lc480),
    };
    let text = writer.write(&sheet);
    match &args.out {
        None => output.value_or_text(&text),
        Some(out) => {
            crate::client::put(out, text.as_bytes())?;
            let wells = sheet.wells.len();
            output.value(&serde_json::json!({ "wells": wells, "written": out }));
        }
    }
    Ok(())
}

/// A plate as its map says: wells whose content was lost are called nothing.
fn of(plate: &PlateView, assay: &Assay) -> Outcome<sheets::Sheet> {
    let size = match plate.size() {
        tenfold_proto::v1::PlateSize::PlateSize384 => PlateSize::P384,
        _ => PlateSize::P96,
    };
    let mut wells = Vec::new();
    for well in plate.wells.iter().filter(|well| well.lost.is_none()) {
        let at = Well::parse(size, &well.well)
            .ok_or_else(|| Failure::Wrong(format!("{:?} is no well of this plate", well.well)))?;
        let control = match well.control {
            Some(_) => Some(
                tenfold_domain::message::Control::try_from(well.control())
                    .map_err(|_| Failure::Wrong("a control of an unknown kind".to_owned()))?,
            ),
            None => None,
        };
        let sample = control.map_or_else(
            || well.content.clone().unwrap_or_default(),
            |control| control_name(control).to_owned(),
        );
        wells.push(SheetWell {
            well: at,
            sample,
            control,
        });
    }
    let targets = assay.targets.iter();
    let mut targets: Vec<Channel> = targets
        .map(|(name, target)| Channel::of(name, &target.aliases))
        .collect();
    let internal = &assay.internal_control;
    targets.push(Channel::of(&internal.target, &internal.aliases));
    Ok(sheets::Sheet {
        plate: plate.plate.clone(),
        size,
        targets,
        wells,
    })
}
