//! `tenfold status`.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, to_json};
use serde_json::Value;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_proto::v1::{GetStatusReply, GetStatusRequest};

/// Asks every process named in the settings; fails if one does not answer or a lane needs an operator.
pub async fn run(session: Session, output: Output) -> Outcome {
    let client = &session.config.client;
    let mut addresses = vec![
        (To::Intake, client.intake.clone()),
        (To::Pooling, client.pooling.clone()),
        (To::Results, client.results.clone()),
    ];
    addresses.dedup_by(|a, b| a.1 == b.1);
    let mut replies = Vec::new();
    for (to, address) in addresses {
        let request = session.ask(GetStatusRequest {});
        let reply = OperationsClient::new(session.channel(to)?)
            .get_status(request)
            .await
            .map_err(|status| match Failure::from(status) {
                Failure::Unavailable(_) => Failure::Unavailable(format!(
                    "no process answers at {address}: is `tenfold run` running?"
                )),
                other => other,
            })?
            .into_inner();
        replies.push((address, reply));
    }
    let alarms = print(output, &replies);
    if alarms.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(alarms.join("\n")))
    }
}

fn print(output: Output, replies: &[(String, GetStatusReply)]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut alarms = Vec::new();
    for (address, reply) in replies {
        for service in &reply.services {
            let records: u64 = service.owned.iter().map(|lane| lane.seq).sum();
            for lane in service.owned.iter().filter(|lane| !lane.alarm.is_empty()) {
                alarms.push(format!(
                    "{} lane {}: {}",
                    service.service, lane.lane, lane.alarm
                ));
            }
            rows.push(vec![
                service.service.clone(),
                reply.instance.clone(),
                address.clone(),
                reply.log.clone(),
                format!("{} of {}", service.owned.len(), service.lanes),
                records.to_string(),
                reply.release.clone(),
            ]);
        }
    }
    let json: Vec<Value> = replies.iter().map(|(_, reply)| to_json(reply)).collect();
    output.rows(
        &[
            "service",
            "instance",
            "address",
            "log",
            "lanes owned",
            "records",
            "release",
        ],
        rows,
        &Value::Array(json),
    );
    alarms
}
