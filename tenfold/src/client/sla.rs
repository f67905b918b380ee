//! `tenfold sla`: where the time goes, what is late, and where it is stuck.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use clap::Args;
use serde_json::json;
use tenfold_domain::policy::Policy;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::{
    GetPolicyRequest, IntakeBoard, IntakeBoardRequest, PoolingBoard, PoolingBoardRequest,
    ResultsBoard, ResultsBoardRequest,
};

/// Where the time goes, what is late, and where it is stuck.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tenfold sla                  every lab of the policy in force\n  tenfold sla --lab lab-1\n  tenfold --json sla --lab lab-1"
)]
pub struct Sla {
    #[command(flatten)]
    lab: super::pooling::Lab,
}

/// Does it.
pub async fn run(session: Session, output: Output, args: Sla) -> Outcome {
    let labs = match session.lab(args.lab.lab) {
        Ok(lab) => vec![lab],
        Err(_) => all(&session).await?,
    };
    print(&session, output, &labs).await
}

/// Every lab of the policy in force.
async fn all(session: &Session) -> Outcome<Vec<String>> {
    let request = session.ask(GetPolicyRequest {});
    let active = IntakeClient::new(session.channel(To::Intake)?)
        .get_policy(request)
        .await?
        .into_inner();
    let policy = Policy::parse(&active.content).map_err(|_| {
        Failure::Wrong("no policy is in force: tenfold policy apply FILE".to_owned())
    })?;
    Ok(policy.labs.keys().map(ToString::to_string).collect())
}

/// Prints the stages of some labs.
pub async fn print(session: &Session, output: Output, labs: &[String]) -> Outcome {
    for lab in labs {
        let mut intake = IntakeClient::new(session.channel(To::Intake)?);
        let mut pooling = PoolingClient::new(session.channel(To::Pooling)?);
        let mut results = ResultsClient::new(session.channel(To::Results)?);
        let request = session.ask(IntakeBoardRequest { lab: lab.clone() });
        let registered = intake.get_board(request).await?.into_inner();
        let request = session.ask(PoolingBoardRequest { lab: lab.clone() });
        let bench = pooling.get_board(request).await?.into_inner();
        let request = session.ask(ResultsBoardRequest { lab: lab.clone() });
        let reported = results.get_results_board(request).await?.into_inner();
        let mut rows = from_intake(&registered);
        rows.extend(from_pooling(&bench));
        rows.extend(from_results(&reported));
        let stuck: Vec<String> = [
            bench
                .bottleneck
                .map(|_| words(bench.bottleneck().as_str_name(), "POOLING_STAGE_")),
            Some(reported.bottleneck.clone()).filter(|stage| !stage.is_empty()),
        ]
        .into_iter()
        .flatten()
        .collect();
        output.say(&format!("\n{lab}"));
        output.rows(
            &[
                "service",
                "stage",
                "tubes",
                "at risk",
                "late",
                "half within",
                "95 % within",
            ],
            rows,
            &json!({
                "lab": lab,
                "intake": to_json(&registered),
                "pooling": to_json(&bench),
                "results": to_json(&reported),
            }),
        );
        output.say(&if stuck.is_empty() {
            "nothing is stuck".to_owned()
        } else {
            format!("bottleneck now: {}", stuck.join(", "))
        });
    }
    Ok(())
}

fn row(
    service: &str,
    stage: &str,
    counts: [u64; 3],
    p50: Option<i64>,
    p95: Option<i64>,
) -> Vec<String> {
    let [count, at_risk, late] = counts;
    vec![
        service.to_owned(),
        stage.to_owned(),
        count.to_string(),
        at_risk.to_string(),
        late.to_string(),
        span(p50),
        span(p95),
    ]
}

fn from_intake(board: &IntakeBoard) -> Vec<Vec<String>> {
    let Some(lab) = board.labs.first() else {
        return Vec::new();
    };
    let expected = lab.expected + lab.at_risk + lab.late;
    let spans = |spans: &Option<tenfold_proto::v1::IntakeSpans>| {
        spans
            .as_ref()
            .map_or((None, None), |s| (s.p50_ms, s.p95_ms))
    };
    let (entry, transport) = (spans(&lab.entry), spans(&lab.transport));
    vec![
        row(
            "intake",
            "registered",
            [lab.registered_total, 0, 0],
            entry.0,
            entry.1,
        ),
        row(
            "intake",
            "expected",
            [expected, lab.at_risk, lab.late],
            transport.0,
            transport.1,
        ),
    ]
}

fn from_pooling(board: &PoolingBoard) -> Vec<Vec<String>> {
    board
        .stages
        .iter()
        .map(|stage| {
            row(
                "pooling",
                &words(stage.stage().as_str_name(), "POOLING_STAGE_"),
                [stage.count, stage.at_risk, stage.late],
                stage.p50_ms,
                stage.p95_ms,
            )
        })
        .collect()
}

fn from_results(board: &ResultsBoard) -> Vec<Vec<String>> {
    board
        .stages
        .iter()
        .map(|stage| {
            row(
                "results",
                &stage.stage,
                [stage.count, stage.at_risk, stage.late],
                stage.p50_ms,
                stage.p95_ms,
            )
        })
        .collect()
}

fn words(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix)
        .to_lowercase()
        .replace('_', " ")
}

/// Milliseconds as people say them.
fn span(ms: Option<i64>) -> String {
    let Some(ms) = ms else {
        return String::new();
    };
    let seconds = ms as f64 / 1_000.0;
    if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3_600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_say_them() {
        assert_eq!(span(None), "");
        assert_eq!(span(Some(900)), "0.9 s");
        assert_eq!(span(Some(600_000)), "10 min");
        assert_eq!(span(Some(10_800_000)), "3.0 h");
    }
}
