//! `tenfold orders`, `tenfold reports follow`, `tenfold review`.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use clap::{Args, Subcommand};
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::results_delivery::Cargo;
use tenfold_proto::v1::{
    DeliveryAnswer, ListOrdersRequest, ListResultsWorkRequest, ResolveWorkRequest, ResultsDelivery,
    SubscribeRequest, WorkResolution,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Answers on their way to results.
const ANSWERS: usize = 64;

/// Retests and re-collections, by deadline.
#[derive(Args)]
pub struct Orders {
    /// Only of this lab
    #[arg(long, default_value = "")]
    lab: String,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    most: u32,
}

/// Does it.
pub async fn orders(session: Session, output: Output, args: Orders) -> Outcome {
    let request = ListOrdersRequest {
        lab: args.lab,
        limit: args.most,
    };
    let mut results = ResultsClient::new(session.channel(To::Results)?);
    output.reply(
        &results
            .list_orders(session.ask(request))
            .await?
            .into_inner(),
    );
    Ok(())
}

/// What waits for a person in results: rejected reports, quarantined runs, reviews.
#[derive(Subcommand)]
pub enum Review {
    /// What waits
    List {
        #[command(flatten)]
        lab: super::pooling::Lab,
    },
    /// Close an item
    Close {
        #[command(flatten)]
        lab: super::pooling::Lab,
        /// Its number
        number: u64,
        /// done, redeliver (send the report again) or acknowledged (the receiver has it, and told us otherwise)
        #[arg(long, default_value = "done")]
        how: String,
        /// What was done
        #[arg(long)]
        note: String,
    },
}

/// Does it.
pub async fn review(session: Session, output: Output, command: Review) -> Outcome {
    let mut results = ResultsClient::new(session.channel(To::Results)?);
    match command {
        Review::List { lab } => {
            let request = ListResultsWorkRequest {
                lab: session.lab(lab.lab)?,
                limit: 0,
            };
            output.reply(&results.list_work(session.ask(request)).await?.into_inner());
        }
        Review::Close {
            lab,
            number,
            how,
            note,
        } => {
            let how = match how.as_str() {
                "done" => WorkResolution::Done,
                "redeliver" => WorkResolution::Redeliver,
                "acknowledged" => WorkResolution::Acknowledged,
                other => {
                    return Err(Failure::Usage(format!(
                        "--how {other:?} is not done, redeliver or acknowledged"
                    )));
                }
            };
            let request = ResolveWorkRequest {
                lab: session.lab(lab.lab)?,
                number,
                how: how.into(),
                note,
                actor: session.actor.clone(),
                request_id: session.request_id(),
            };
            results.resolve_work(session.ask(request)).await?;
            output.say("closed");
        }
    }
    Ok(())
}

/// Reports.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  tenfold reports follow --receiver cdc                print reports as they come; none is accepted by looking
  tenfold reports follow --receiver cdc --accept       and accept each: it is delivered then
  tenfold --json reports follow --receiver cdc --accept | my-importer")]
pub enum Reports {
    /// Print reports and alerts of a receiver as they come, until Ctrl-C
    Follow {
        /// The receiver, a key into the policy
        #[arg(long)]
        receiver: String,
        /// Accept each after it was printed
        #[arg(long)]
        accept: bool,
        /// End after so many
        #[arg(long)]
        most: Option<u64>,
    },
}

/// Does it.
pub async fn reports(session: Session, output: Output, command: Reports) -> Outcome {
    let Reports::Follow {
        receiver,
        accept,
        most,
    } = command;
    let mut results = ResultsClient::new(session.channel(To::Results)?);
    let (up, answers) = mpsc::channel(ANSWERS);
    let gone = |_| Failure::Unavailable("the stream ended".to_owned());
    let hello = SubscribeRequest {
        receiver,
        answers: Vec::new(),
    };
    up.send(hello).await.map_err(gone)?;
    let mut down = results
        .subscribe(ReceiverStream::new(answers))
        .await?
        .into_inner();
    let mut seen = 0;
    while most.is_none_or(|most| seen < most) {
        let Some(delivery) = down.message().await? else {
            return Err(Failure::Unavailable("the stream ended".to_owned()));
        };
        seen += 1;
        print(output, &delivery);
        if accept {
            let answer = SubscribeRequest {
                receiver: String::new(),
                answers: vec![DeliveryAnswer {
                    id: delivery.id,
                    rejected: String::new(),
                }],
            };
            up.send(answer).await.map_err(gone)?;
        }
    }
    drop(up);
    // The answers on their way arrive before the stream ends.
    while let Ok(Ok(Some(_))) =
        tokio::time::timeout(std::time::Duration::from_millis(300), down.message()).await
    {}
    Ok(())
}

fn print(output: Output, delivery: &ResultsDelivery) {
    if output.is_json() {
        output.value(&to_json(delivery));
        return;
    }
    match &delivery.cargo {
        Some(Cargo::Report(report)) => {
            let verdict = report.verdict().as_str_name();
            let verdict = verdict.trim_start_matches("VERDICT_").to_lowercase();
            output.say(&format!(
                "{:<20} v{} {:<13} {:<8} {:<8} {}",
                report.barcode,
                report.version,
                verdict,
                report.site,
                report.lab,
                if delivery.attempt > 1 { "again" } else { "" }
            ));
        }
        Some(Cargo::Alert(alert)) => output.say(&format!(
            "ALERT pool {} of {}: {} tubes",
            alert.pool,
            alert.lab,
            alert.barcodes.len()
        )),
        None => {}
    }
}
