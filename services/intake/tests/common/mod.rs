//! A lane of intake on the test driver, spoken to in the field's words.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod service;

use prost::Message as _;
use tenfold_domain::Rejection;
use tenfold_domain::policy::Policy;
use tenfold_intake::IntakeProcessor;
use tenfold_proto::v1;
use tenfold_proto::v1::external_input::Input;
use tenfold_proto::v1::intake_command::Command;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tenfold_proto::v1::message::Message;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::processor::{Answer, Destination};

pub struct Lab {
    pub driver: Driver<IntakeProcessor>,
}

/// A single tube of one person at `s-01`.
pub fn registration(barcode: &str) -> v1::Registration {
    v1::Registration {
        barcode: barcode.to_owned(),
        site: "s-01".to_owned(),
        kind: v1::Kind::Person.into(),
        specimen_type: "np-swab".to_owned(),
        sampling_class: "routine".to_owned(),
        subjects: vec!["p-1".to_owned()],
        collected_at: Some(1_767_225_600_000),
        ..Default::default()
    }
}

fn reply(answer: Answer) -> Result<Reply, Rejection> {
    let reply = v1::IntakeReply::decode(answer?).expect("a reply");
    Ok(reply.reply.expect("a reply of a known kind"))
}

impl Lab {
    pub fn new() -> Self {
        Self {
            driver: Driver::new(IntakeProcessor::new()),
        }
    }

    pub fn with_policy() -> Self {
        let mut lab = Self::new();
        lab.activate();
        lab
    }

    pub fn activate(&mut self) {
        self.external(Input::Policy(v1::PolicyActivated {
            content: Policy::default_text().to_owned(),
            version: 1,
        }))
        .expect("activated");
    }

    fn external(&mut self, input: Input) -> Answer {
        let input = v1::ExternalInput { input: Some(input) };
        self.driver.external("test", input.encode_to_vec())
    }

    pub fn take(&mut self, registration: v1::Registration, sequence: u64) {
        let item = v1::RegistrationBatchItem {
            registration: Some(registration),
            sequence,
        };
        let _ = self.external(Input::Registration(item));
    }

    pub fn register(
        &mut self,
        registration: v1::Registration,
    ) -> Result<v1::RegistrationReceipt, Rejection> {
        let command = v1::IntakeCommand {
            command: Some(Command::Register(registration)),
        };
        match reply(self.driver.command("test", command.encode_to_vec()))? {
            Reply::Receipt(receipt) => Ok(receipt),
            other => panic!("{other:?}"),
        }
    }

    pub fn deliver(&mut self, message: Message) {
        let message = v1::Message {
            message: Some(message),
        };
        self.driver.message(message.encode_to_vec()).expect("taken");
    }

    pub fn seen(&mut self, barcode: &str, lab: &str) {
        self.deliver(Message::TubeSeen(v1::TubeSeen {
            barcode: barcode.to_owned(),
            lab: lab.to_owned(),
            tube: format!("{lab}/T1"),
            received_at: self.driver.now().0,
            known_version: 0,
        }));
    }

    pub fn closed(&mut self, barcode: &str) {
        self.deliver(Message::SampleClosed(v1::SampleClosed {
            barcode: barcode.to_owned(),
            tube: "lab-1/T1".to_owned(),
            report_version: 1,
            result: v1::FinalResult::Negative.into(),
            reported_at: self.driver.now().0,
        }));
    }

    pub fn ordered(&mut self, barcode: &str, subject: &str) {
        self.deliver(Message::RecollectionOrdered(v1::RecollectionOrder {
            order: "lab-1/O1".to_owned(),
            barcode: barcode.to_owned(),
            subject: subject.to_owned(),
            reason: "invalid twice".to_owned(),
            ordered_at: self.driver.now().0,
            due: self.driver.now().0,
        }));
    }

    fn query(&self, query: Query) -> Result<Reply, Rejection> {
        let query = v1::IntakeQuery { query: Some(query) };
        reply(self.driver.query(query.encode_to_vec()))
    }

    pub fn sample(&self, barcode: &str) -> Result<v1::IntakeSample, Rejection> {
        let barcode = barcode.to_owned();
        match self.query(Query::Sample(v1::GetSampleRequest { barcode }))? {
            Reply::Sample(sample) => Ok(sample),
            other => panic!("{other:?}"),
        }
    }

    pub fn board(&self) -> v1::IntakeBoard {
        match self.query(Query::Board(v1::IntakeBoardRequest::default())) {
            Ok(Reply::Board(board)) => board,
            other => panic!("{other:?}"),
        }
    }

    pub fn outcomes(&self, source: &str) -> v1::IntakeOutcomes {
        let query = Query::Outcomes(v1::IntakeOutcomesQuery {
            source: source.to_owned(),
            most: 100,
            ..Default::default()
        });
        match self.query(query) {
            Ok(Reply::Outcomes(outcomes)) => outcomes,
            other => panic!("{other:?}"),
        }
    }

    /// Messages since the last call, each with `service key`.
    pub fn sent(&mut self) -> Vec<(String, Message)> {
        self.driver
            .sent()
            .into_iter()
            .map(|outgoing| {
                let Destination::Lane { service, key } = outgoing.to else {
                    panic!("intake publishes nothing: {outgoing:?}");
                };
                let message = v1::Message::decode(outgoing.body).expect("a message");
                let message = message.message.expect("a message of a known kind");
                (format!("{service} {key}"), message)
            })
            .collect()
    }
}
