//! How many bytes a scan is in the journal: decided here by the real rules, and put into a record as a lane does.

use crate::tubes::{Load, SCAN_BENCH, barcode, now_ms};
use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use prost::Message as _;
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::lane::{Answer, Decisions, Outcome, StreamMark, answer};
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::lane::record::{Hash, Id, decisions};
use tenfold_runtime::lane::validity::Chain;
use v1::pooling_command::Command;

/// Bytes of the record of one scan alone: what it decided (the transfer before it, too), and the answer for a retry.
///
/// # Errors
/// The rules refuse it.
pub fn bytes() -> anyhow::Result<usize> {
    let load = Load::new(1, 1);
    let lab = load.labs.first().cloned().context("a lab")?;
    let mut driver = Driver::new(PoolingProcessor::new());
    let policy = v1::PolicyActivated {
        content: load.policy_text(),
        version: 1,
    };
    let input = v1::ExternalInput {
        input: Some(v1::external_input::Input::Policy(policy)),
    };
    refused(driver.external("bench", input.encode_to_vec()))?;
    for number in 0..2 {
        refused(driver.message(load.details(0, number)))?;
    }
    let tubes = v1::TubesArrived {
        barcodes: vec![barcode(0, 0), barcode(0, 1)],
        another: false,
    };
    let receive = v1::ReceiveRequest {
        lab: lab.clone(),
        arrival: Some(v1::receive_request::Arrival::Tubes(tubes)),
        ..Default::default()
    };
    refused(driver.command("bench", command(Command::Receive(receive))))?;
    let mut last = (0, Bytes::new());
    for number in 0..2 {
        let before = driver.events().len();
        let scan = v1::ScanRequest {
            lab: lab.clone(),
            actor: "bench".to_owned(),
            request_id: format!("scan-0-{number}"),
            bench: SCAN_BENCH.to_owned(),
            barcode: barcode(0, number),
        };
        let reply = refused(driver.command("bench", command(Command::Scan(scan))))?;
        last = (before, reply);
    }
    let (before, reply) = last;
    let outcome = Outcome {
        actor: "bench".to_owned(),
        request_id: "scan-0-1".to_owned(),
        command_hash: Bytes::from_static(&[1; 32]),
        expires_at: now_ms(),
        answer: Some(Answer {
            answer: Some(answer::Answer::Reply(reply)),
        }),
    };
    let record = Decisions {
        decided_at: now_ms(),
        inbox_next: 1_000_000,
        events: driver
            .events()
            .iter()
            .skip(before)
            .map(|event| Bytes::from(event.clone()))
            .collect(),
        outcomes: vec![outcome],
        received: Vec::<StreamMark>::new(),
        ..Default::default()
    };
    let chain = Chain {
        epoch: 1,
        owner: Id([1; 16]),
        seq: 1_000_000,
        hash: Hash([1; 32]),
    };
    Ok(decisions(&chain, 1, &record).len())
}

fn command(command: Command) -> Vec<u8> {
    v1::PoolingCommand {
        command: Some(command),
    }
    .encode_to_vec()
}

fn refused<T>(answer: Result<T, tenfold_domain::Rejection>) -> anyhow::Result<T> {
    answer.map_err(|rejection| anyhow!("{}", rejection.message))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_scan_is_some_hundred_bytes_of_journal() {
        let bytes = super::bytes().expect("a scan");
        assert!((200..2_000).contains(&bytes), "{bytes}");
    }
}
