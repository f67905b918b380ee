//! `tenfold sample`: all that is known of one barcode, from registration to report.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use clap::Args;
use serde_json::{Map, Value};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::{GetResultRequest, GetSampleRequest, GetTubeRequest};

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
        add(
            &mut all,
            "pooling",
            tube.map(|tube| to_json(tube.get_ref())),
        )?;
        let mut results = ResultsClient::new(session.channel(To::Results)?);
        let request = GetResultRequest { lab, barcode };
        let timeline = results
            .get_result_timeline(session.ask(request.clone()))
            .await;
        add(
            &mut all,
            "timeline",
            timeline.map(|timeline| to_json(timeline.get_ref())),
        )?;
        let explained = results.explain(session.ask(request)).await;
        add(
            &mut all,
            "result",
            explained.map(|explained| to_json(explained.get_ref())),
        )?;
    }
    output.value(&Value::Object(all));
    Ok(())
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
