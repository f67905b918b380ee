//! `tenfold explain`: why a barcode's result is what it is, from the instrument's file to the accepted report.
//!
//! It asks the three services and joins what they say; it decides nothing. What no service recorded is not shown.

mod chain;

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use chain::Chain;
use clap::Args;
use std::collections::BTreeSet;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::{
    GetPlateRequest, GetPoolRequest, GetResultRequest, GetSampleRequest, GetTubeRequest,
};
use tonic::transport::Channel;

/// Why a result is what it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold explain AB12345678 --lab lab-1
  tenfold --json explain AB12345678 --lab lab-1

Read it from top to bottom: where the liquid went, which file read it, each Ct and the rule that judged it, the call,
what the pool's outcome meant, and the report with who accepted it. A pool's Ct is nobody's own.")]
pub struct Explain {
    /// The barcode
    barcode: String,
    /// The lab, if not the one it was routed to
    #[arg(long)]
    lab: Option<String>,
}

/// Asks all three services; one that does not know it says nothing.
pub async fn run(session: Session, output: Output, args: Explain) -> Outcome {
    let barcode = args.barcode;
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    let request = session.ask(GetSampleRequest {
        barcode: barcode.clone(),
    });
    let known = found(intake.get_sample(request).await)?;
    let routed = known.as_ref().and_then(|known| {
        let custody = known.custody.as_ref().map(|custody| custody.lab.clone());
        custody.or_else(|| known.sample.as_ref().map(|sample| sample.lab.clone()))
    });
    let lab = session.lab(args.lab.or(routed).filter(|lab| !lab.is_empty()))?;
    let mut chain = Chain {
        barcode: barcode.clone(),
        lab: lab.clone(),
        sample: known,
        ..Chain::default()
    };
    let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
    let request = GetTubeRequest {
        lab: lab.clone(),
        tube: barcode.clone(),
    };
    chain.tube = found(pooling.get_tube(session.ask(request)).await)?;
    let mut results = ResultsClient::new(session.channel(To::Results)?);
    let request = GetResultRequest {
        lab: lab.clone(),
        barcode,
    };
    chain.result = found(results.explain(session.ask(request)).await)?;
    if chain.sample.is_none() && chain.tube.is_none() && chain.result.is_none() {
        return Err(Failure::Wrong(format!(
            "no service knows barcode {:?} in lab {lab:?}: is it registered, and is the lab right?",
            chain.barcode
        )));
    }
    vessels(&session, &mut pooling, &lab, &mut chain).await?;
    if output.is_json() {
        output.value(&json(&chain));
    } else {
        output.say(&chain.words());
    }
    Ok(())
}

/// The pools and plates it went through: they know who moved the liquid, and when.
async fn vessels(
    session: &Session,
    pooling: &mut PoolingClient<Channel>,
    lab: &str,
    chain: &mut Chain,
) -> Outcome {
    let tests = chain.result.iter().flat_map(|result| &result.tests);
    let (mut pools, mut plates) = (BTreeSet::new(), BTreeSet::new());
    for test in tests {
        pools.insert(test.pool.clone());
        plates.insert(test.plate.clone());
    }
    if let Some(tube) = &chain.tube {
        pools.extend(tube.pool.clone());
        plates.extend(tube.plate.clone());
    }
    for pool in pools.into_iter().filter(|pool| !pool.is_empty()) {
        let request = GetPoolRequest {
            lab: lab.to_owned(),
            pool: pool.clone(),
        };
        if let Some(view) = found(pooling.get_pool(session.ask(request)).await)? {
            chain.pools.insert(pool, view);
        }
    }
    for plate in plates {
        let request = GetPlateRequest {
            lab: lab.to_owned(),
            plate: plate.clone(),
        };
        if let Some(view) = found(pooling.get_plate(session.ask(request)).await)? {
            chain.plates.insert(plate, view);
        }
    }
    Ok(())
}

/// An answer, or none if the service does not know the thing.
fn found<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Outcome<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
        Err(status) => Err(Failure::from(status)),
    }
}

fn json(chain: &Chain) -> serde_json::Value {
    let mut pools = serde_json::Map::new();
    for (name, pool) in &chain.pools {
        pools.insert(name.clone(), to_json(pool));
    }
    let mut wells = Vec::new();
    for test in chain.result.iter().flat_map(|result| &result.tests) {
        if let Some(well) = chain.well(&test.plate, &test.well) {
            wells.push(serde_json::json!({ "plate": test.plate, "well": to_json(well) }));
        }
    }
    serde_json::json!({
        "barcode": chain.barcode,
        "lab": chain.lab,
        "sample": chain.sample.as_ref().map(to_json),
        "tube": chain.tube.as_ref().map(to_json),
        "pools": pools,
        "wells": wells,
        "result": chain.result.as_ref().map(to_json),
    })
}
