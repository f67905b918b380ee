//! Before the first tube: the services are ready, the policy is in force, and the file of registrations is sent.

use crate::client::register::send;
use crate::connect::{Session, To};
use crate::demo::day::{self, Day};
use crate::demo::lab::Patience;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_proto::v1::{ApplyPolicyRequest, GetPolicyRequest, GetSampleRequest, GetStatusRequest};
use tonic::transport::Channel;

/// Lines of the example that must be refused: one bad thing each.
const BAD_LINES: u64 = 6;

pub(super) async fn ready(session: &Session) -> Outcome {
    let mut operations = OperationsClient::new(session.channel(To::Intake)?);
    let patience = Patience::new("the services own their lanes");
    loop {
        if let Ok(reply) = operations
            .get_status(session.ask(GetStatusRequest {}))
            .await
        {
            let services = reply.into_inner().services;
            if !services.is_empty() && services.iter().all(|service| !service.owned.is_empty()) {
                return Ok(());
            }
        }
        patience.pause().await?;
    }
}

/// Puts the example's policy in force.
pub(super) async fn policy(session: &Session, intake: &mut IntakeClient<Channel>) -> Outcome {
    let request = ApplyPolicyRequest {
        actor: session.actor.clone(),
        request_id: session.request_id(),
        content: day::POLICY.to_owned(),
    };
    OperationsClient::new(session.channel(To::Intake)?)
        .apply_policy(session.ask(request))
        .await?;
    let patience = Patience::new("the policy is in force");
    loop {
        if let Ok(reply) = intake.get_policy(session.ask(GetPolicyRequest {})).await {
            let reply = reply.into_inner();
            let whole = reply.lanes_active == reply.lanes;
            if whole && reply.content == day::POLICY {
                return Ok(());
            }
            if whole {
                return Err(Failure::Usage(
                    "another policy is in force here: play the demonstration in a folder of its own, with --data FOLDER"
                        .to_owned(),
                ));
            }
        }
        patience.pause().await?;
    }
}

/// The first day that was not played yet.
pub(super) async fn next_day(
    session: &Session,
    intake: &mut IntakeClient<Channel>,
) -> Outcome<u32> {
    for number in 1..=999 {
        let barcode = day::first_barcode(number);
        match intake
            .get_sample(session.ask(GetSampleRequest { barcode }))
            .await
        {
            Ok(_) => {}
            Err(status) if status.code() == tonic::Code::NotFound => return Ok(number),
            Err(status) => return Err(status.into()),
        }
    }
    Err(Failure::Usage(
        "999 days were played here: begin a new folder".to_owned(),
    ))
}

pub(super) async fn register(
    session: &Session,
    output: Output,
    day: &Day,
) -> Outcome<send::Report> {
    let report = send::file(session, output, &day.registrations_file(), None).await?;
    let rejected = report.rejected.len() as u64 + report.more_rejected;
    if rejected != BAD_LINES {
        let reasons: Vec<String> = report
            .rejected
            .iter()
            .take(20)
            .map(|one| format!("line {}: {}", one.line, one.message))
            .collect();
        return Err(Failure::Wrong(format!(
            "{rejected} lines were rejected, {BAD_LINES} are bad:\n  {}",
            reasons.join("\n  ")
        )));
    }
    Ok(report)
}
