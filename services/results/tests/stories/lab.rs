//! A lab on the test driver: plates are loaded, runs are read, receivers answer.

pub use crate::things::*;
use prost::Message as _;
use std::collections::BTreeMap;
use tenfold_domain::message::{
    Control, LoadedPlate, LoadedWell, Message, RecollectionOrder, ReplateOrder, RetestOrder,
    SampleClosed,
};
use tenfold_domain::policy::Policy;
use tenfold_domain::time::Millis;
use tenfold_domain::well::{PlateSize, Well};
use tenfold_proto::v1;
use tenfold_results::processor::ResultsProcessor;
use tenfold_results::readers;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::processor::{Answer, Destination, Outgoing};

pub const LAB: &str = "lab-1";
pub const RECEIVER: &str = "cdc";

/// Cts of a well: ORF1ab, N, internal control.
pub type Cts = [&'static str; 3];
pub const POSITIVE: Cts = ["28.1", "29.3", "30"];
pub const NEGATIVE: Cts = ["", "", "27"];
pub const GREY: Cts = ["38.5", "", "27"];
pub const SINGLE: Cts = ["30.2", "", "27"];
pub const INVALID: Cts = ["", "", ""];
pub const WATER: Cts = ["", "", ""];

pub struct Lab {
    pub driver: Driver<ResultsProcessor>,
    plates: BTreeMap<String, LoadedPlate>,
    sent: Vec<Outgoing>,
    requests: u32,
}

impl Lab {
    /// A lab with the default policy.
    pub fn new() -> Self {
        let mut lab = Self::without_policy();
        lab.apply(Policy::default_text(), 1)
            .expect("the default policy is applied");
        lab
    }

    pub fn without_policy() -> Self {
        Self {
            driver: Driver::new(ResultsProcessor::new()),
            plates: BTreeMap::new(),
            sent: Vec::new(),
            requests: 0,
        }
    }

    pub fn apply(&mut self, content: &str, version: u32) -> Answer {
        let policy = v1::PolicyActivated {
            content: content.to_owned(),
            version,
        };
        let input = v1::ExternalInput {
            input: Some(v1::external_input::Input::Policy(policy)),
        };
        self.driver.external("test", input.encode_to_vec())
    }

    /// Loads a plate with a positive control in A12 and water in H12.
    pub fn load(&mut self, plate: &str, wells: Vec<LoadedWell>) {
        let controls = [("A12", Control::Positive), ("H12", Control::Negative)];
        let loaded = LoadedPlate {
            dropped: vec![well("G11")],
            ..self.plate(plate, &controls, wells)
        };
        self.load_plate(loaded);
    }

    /// A plate of 96 wells with these controls, loaded now.
    pub fn plate(
        &self,
        plate: &str,
        controls: &[(&str, Control)],
        wells: Vec<LoadedWell>,
    ) -> LoadedPlate {
        let controls = controls.iter().map(|(at, control)| (well(at), *control));
        LoadedPlate {
            lab: LAB.into(),
            plate: plate.into(),
            size: PlateSize::P96,
            assay: "default-cn".into(),
            instrument: "cycler-1".to_owned(),
            loaded_at: self.driver.now(),
            controls: controls.collect(),
            wells,
            dropped: Vec::new(),
            quadrants: None,
        }
    }

    /// The plate was loaded.
    pub fn knows(&self, plate: &str) -> bool {
        self.plates.contains_key(plate)
    }

    pub fn load_plate(&mut self, loaded: LoadedPlate) {
        self.plates.insert(loaded.plate.to_string(), loaded.clone());
        self.message(Message::PlateLoaded(loaded))
            .expect("the plate is loaded");
    }

    pub fn message(&mut self, message: Message) -> Answer {
        let answer = self
            .driver
            .message(v1::Message::from(message).encode_to_vec());
        self.collect();
        answer
    }

    fn collect(&mut self) {
        self.sent.extend(self.driver.sent());
        let (violations, _) = tenfold_domain::results::invariants::check(self.driver.state());
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// The file of a plate: wells that are not named are negative, controls as they must be.
    pub fn file(&self, plate: &str, wells: &[(&str, Cts)]) -> String {
        let mut file = format!("# Plate: {plate}\nWell,Target,Ct\n");
        let mut row = |well: Well, normal: Cts| {
            let cts = wells
                .iter()
                .find(|(name, _)| Well::parse(PlateSize::P96, name) == Some(well))
                .map_or(normal, |(_, cts)| *cts);
            for (target, ct) in ["ORF1ab", "N", "IC"].iter().zip(cts) {
                file.push_str(&format!("{well},{target},{ct}\n"));
            }
        };
        if let Some(loaded) = self.plates.get(plate) {
            for loaded in &loaded.wells {
                row(loaded.well, NEGATIVE);
            }
        }
        row(well("A12"), POSITIVE);
        row(well("H12"), WATER);
        file
    }

    /// Imports a file as a run.
    pub fn import(
        &mut self,
        plate: &str,
        run: &str,
        reason: &str,
        file: &str,
    ) -> Result<v1::ImportRunReply, tenfold_domain::Rejection> {
        let table = readers::read(file.as_bytes())?;
        let submission = tenfold_domain::results::state::Submission {
            lab: LAB.into(),
            plate: plate.into(),
            serial: "SN-7".to_owned(),
            run_id: run.to_owned(),
            read_at: self.driver.now(),
            file_hash: readers::content_hash(file.as_bytes()),
            file_name: format!("{run}.csv"),
            reason: reason.to_owned(),
            actor: "tech-1".into(),
            table,
        };
        let command = v1::results_command::Command::ImportRun(submission.into());
        let reply = self.command(command)?;
        match reply {
            v1::results_reply::Reply::Imported(imported) => Ok(imported),
            other => panic!("{other:?}"),
        }
    }

    /// Reads a plate for the first time.
    pub fn run(&mut self, plate: &str, wells: &[(&str, Cts)]) -> v1::ImportRunReply {
        let file = self.file(plate, wells);
        self.import(plate, &format!("run-{plate}"), "", &file)
            .expect("the run is imported")
    }

    /// The same run with other content.
    pub fn analyse_again(&mut self, plate: &str, wells: &[(&str, Cts)]) -> v1::ImportRunReply {
        self.run(plate, wells)
    }

    pub fn command(
        &mut self,
        command: v1::results_command::Command,
    ) -> Result<v1::results_reply::Reply, tenfold_domain::Rejection> {
        self.requests += 1;
        let command = v1::ResultsCommand {
            command: Some(command),
        };
        let answer = self.driver.command("tech-1", command.encode_to_vec());
        self.collect();
        let reply = v1::ResultsReply::decode(answer?).expect("a reply");
        Ok(reply.reply.expect("a reply"))
    }

    pub fn query<R: prost::Message + Default>(&self, query: v1::results_query::Query) -> R {
        let query = v1::ResultsQuery { query: Some(query) };
        let answer = self.driver.query(query.encode_to_vec()).expect("an answer");
        R::decode(answer).expect("the answer reads")
    }

    pub fn result(&self, number: u64) -> v1::ResultView {
        self.query(v1::results_query::Query::Result(self.name(number)))
    }

    pub fn explain(&self, number: u64) -> v1::ResultExplanation {
        self.query(v1::results_query::Query::Explain(self.name(number)))
    }

    fn name(&self, number: u64) -> v1::GetResultRequest {
        v1::GetResultRequest {
            lab: LAB.to_owned(),
            barcode: barcode(number).to_string(),
        }
    }

    /// `negative`, ...; empty = not reported.
    pub fn verdict(&self, number: u64) -> String {
        self.result(number)
            .report
            .map(|report| {
                report
                    .verdict()
                    .as_str_name()
                    .trim_start_matches("VERDICT_")
                    .to_lowercase()
            })
            .unwrap_or_default()
    }

    pub fn standing(&self, number: u64) -> String {
        self.result(number).standing
    }

    pub fn board(&self) -> v1::LaneBoard {
        self.query(v1::results_query::Query::Board(
            v1::ResultsBoardRequest::default(),
        ))
    }

    pub fn work(&self) -> v1::ListResultsWorkReply {
        self.query(v1::results_query::Query::Work(
            v1::ListResultsWorkRequest::default(),
        ))
    }

    pub fn work_kinds(&self) -> Vec<v1::ResultsWorkKind> {
        self.work().items.iter().map(v1::WorkView::kind).collect()
    }

    pub fn orders(&self) -> Vec<v1::OrderView> {
        let reply: v1::ListOrdersReply = self.query(v1::results_query::Query::Orders(
            v1::ListOrdersRequest::default(),
        ));
        reply.orders
    }

    pub fn pending(&self, receiver: &str, after: u64) -> v1::PendingDeliveries {
        self.query(v1::results_query::Query::Pending(
            v1::PendingDeliveriesQuery {
                receiver: receiver.to_owned(),
                after,
                limit: 500,
            },
        ))
    }

    /// Sends whatever waits for a receiver; answers with the numbers sent.
    pub fn send(&mut self, receiver: &str) -> Vec<u64> {
        let numbers: Vec<u64> = self
            .pending(receiver, 0)
            .deliveries
            .iter()
            .map(|d| d.number)
            .collect();
        if numbers.is_empty() {
            return numbers;
        }
        let send = v1::SendDeliveries {
            receiver: receiver.to_owned(),
            numbers,
        };
        match self
            .command(v1::results_command::Command::Send(send))
            .expect("they are sent")
        {
            v1::results_reply::Reply::Sent(sent) => sent.numbers,
            other => panic!("{other:?}"),
        }
    }

    pub fn answer(&mut self, receiver: &str, numbers: &[u64], rejected: &str) {
        let answers = numbers
            .iter()
            .map(|number| v1::NumberedAnswer {
                number: *number,
                rejected: rejected.to_owned(),
            })
            .collect();
        let answer = v1::AcknowledgeDeliveries {
            receiver: receiver.to_owned(),
            answers,
        };
        self.command(v1::results_command::Command::Acknowledge(answer))
            .expect("it is taken");
    }

    /// The receiver takes everything that waits for it.
    pub fn accept_all(&mut self, receiver: &str) {
        let numbers = self.send(receiver);
        self.answer(receiver, &numbers, "");
    }

    pub fn advance(&mut self, length: Millis) {
        self.driver.advance(length);
        self.collect();
    }

    /// Messages to a service since the last look.
    pub fn messages(&mut self, service: &str) -> Vec<Message> {
        let (mine, rest) = std::mem::take(&mut self.sent).into_iter().partition(
            |out| matches!(&out.to, Destination::Lane { service: s, .. } if *s == service),
        );
        self.sent = rest;
        let mine: Vec<Outgoing> = mine;
        mine.into_iter()
            .map(|out| {
                let message = v1::Message::decode(out.body).expect("a message");
                Message::try_from(message).expect("a message")
            })
            .collect()
    }

    pub fn retests(&mut self) -> Vec<RetestOrder> {
        self.messages("pooling")
            .into_iter()
            .filter_map(|message| match message {
                Message::RetestOrdered(order) => Some(order),
                _ => None,
            })
            .collect()
    }

    pub fn replates(&mut self) -> Vec<ReplateOrder> {
        let messages = self.messages("pooling").into_iter();
        messages
            .filter_map(|message| match message {
                Message::ReplateOrdered(order) => Some(order),
                _ => None,
            })
            .collect()
    }

    pub fn recollections(&mut self) -> Vec<RecollectionOrder> {
        let messages = self.messages("intake").into_iter();
        messages
            .filter_map(|message| match message {
                Message::RecollectionOrdered(order) => Some(order),
                _ => None,
            })
            .collect()
    }

    /// All that waits for a test of its own is loaded, and is negative.
    pub fn retests_are_negative(&mut self, plate: &str) {
        let retests = self.retests();
        self.load_retests(plate, &retests);
        self.run(plate, &[]);
    }

    pub fn closed(&mut self) -> Vec<SampleClosed> {
        self.messages("pooling")
            .into_iter()
            .filter_map(|message| match message {
                Message::SampleClosed(closed) => Some(closed),
                _ => None,
            })
            .collect()
    }

    /// Loads the retests as pooling does: singly.
    pub fn load_retests(&mut self, plate: &str, retests: &[RetestOrder]) {
        let wells = retests
            .iter()
            .enumerate()
            .map(|(at, retest)| {
                let mut again = member(retest.tube.number);
                again.round = retest.round;
                again.order = Some(retest.order.clone());
                let row = char::from(b'A' + u8::try_from(at % 8).expect("a row"));
                single(&format!("{row}{}", at / 8 + 1), again)
            })
            .collect();
        self.load(plate, wells);
    }

    /// The well of the n-th retest.
    pub fn retest_well(at: usize) -> String {
        format!(
            "{}{}",
            char::from(b'A' + u8::try_from(at % 8).expect("a row")),
            at / 8 + 1
        )
    }
}
