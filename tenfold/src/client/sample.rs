//! `tenfold sample`: all that is known of one barcode, from registration to report.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use clap::Args;
use serde_json::{Map, Value};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::{GetPlateRequest, GetResultRequest, GetSampleRequest, GetTubeRequest};
use tonic::transport::Channel;

/// Most plates that are told of: a sample is tested a few times.
const PLATES_MAX: usize = 8;

/// One barcode, from registration to report.
#[derive(Args)]
#[command(after_help = "Example:\n  tenfold sample AB12345678")]
pub struct Sample {
    /// The barcode
    barcode: String,
    /// The lab, if not the one it was routed to
    #[arg(long)]
    lab: Option<String>,
}

/// Asks all three services; one that does not know it says nothing.
pub async fn run(session: Session, output: Output, args: Sample) -> Outcome {
    let barcode = args.barcode;
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    let request = session.ask(GetSampleRequest {
        barcode: barcode.clone(),
    });
    let known = intake.get_sample(request).await?.into_inner();
    let lab = args
        .lab
        .or_else(|| known.custody.as_ref().map(|custody| custody.lab.clone()))
        .or_else(|| known.sample.as_ref().map(|sample| sample.lab.clone()))
        .filter(|lab| !lab.is_empty());
    let mut all = Map::new();
    all.insert("intake".to_owned(), to_json(&known));
    if let Some(lab) = lab {
        let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
        let request = GetTubeRequest {
            lab: lab.clone(),
            tube: barcode.clone(),
        };
        let tube = pooling.get_tube(session.ask(request)).await;
        let stands_on = tube.as_ref().ok().and_then(|t| t.get_ref().plate.clone());
        add(
            &mut all,
            "pooling",
            tube.map(|tube| to_json(tube.get_ref())),
        )?;
        let mut results = ResultsClient::new(session.channel(To::Results)?);
        let request = GetResultRequest {
            lab: lab.clone(),
            barcode,
        };
        let timeline = results
            .get_result_timeline(session.ask(request.clone()))
            .await;
        add(
            &mut all,
            "timeline",
            timeline.map(|timeline| to_json(timeline.get_ref())),
        )?;
        let explained = results.explain(session.ask(request)).await;
        let read = explained.iter().flat_map(|one| &one.get_ref().tests);
        let mut plates: Vec<String> = read.map(|test| test.plate.clone()).collect();
        plates.extend(stands_on);
        plates.dedup();
        plates.truncate(PLATES_MAX);
        let made = made_with(&session, &mut pooling, &lab, plates).await?;
        if !made.is_empty() {
            all.insert("plates".to_owned(), made.into());
        }
        add(
            &mut all,
            "result",
            explained.map(|explained| to_json(explained.get_ref())),
        )?;
    }
    output.value(&Value::Object(all));
    Ok(())
}

/// What its plates were made with, made of, and read in.
async fn made_with(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    plates: Vec<String>,
) -> Outcome<Vec<Value>> {
    let mut told = Vec::new();
    for plate in plates {
        let request = GetPlateRequest {
            lab: lab.to_owned(),
            plate,
        };
        let view = match pooling.get_plate(session.ask(request)).await {
            Ok(view) => to_json(view.get_ref()),
            Err(status) if status.code() == tonic::Code::NotFound => continue,
            Err(status) => return Err(Failure::from(status)),
        };
        let said = [
            "plate",
            "state",
            "assay",
            "instrument",
            "loaded_at",
            "lots",
            "quadrants",
            "sources",
        ];
        let all = view.as_object().into_iter().flatten();
        let kept = all.filter(|(name, _)| said.contains(&name.as_str()));
        told.push(Value::Object(
            kept.map(|(k, v)| (k.clone(), v.clone())).collect(),
        ));
    }
    Ok(told)
}

fn add(all: &mut Map<String, Value>, name: &str, part: Result<Value, tonic::Status>) -> Outcome {
    match part {
        Ok(value) => {
            all.insert(name.to_owned(), value);
            Ok(())
        }
        Err(status) if status.code() == tonic::Code::NotFound => Ok(()),
        Err(status) => Err(Failure::from(status)),
    }
}
