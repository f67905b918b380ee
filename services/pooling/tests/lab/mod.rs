//! A lab to tell stories in: the real rules on the test driver, with the invariants checked after
//! every step.

#![allow(dead_code)]

use prost::Message as _;
use std::collections::BTreeMap;
use tenfold_domain::ids::{OrderId, TubeId};
use tenfold_domain::message::{
    CustodyConflict, FinalResult, LoadedPlate, Message, ReplateOrder, RetestOrder, RetestReason,
    SampleClosed, SampleWithdrawn,
};
use tenfold_domain::policy::{Bench, BenchMode, Policy};
use tenfold_domain::pooling::invariants;
use tenfold_domain::sample::{Kind, Sample};
use tenfold_domain::time::Millis;
use tenfold_domain::{Rejection, Timestamp};
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::processor::{Destination, Outgoing};
use v1::pooling_command::Command;
use v1::pooling_query::Query;

pub const LAB: &str = "lab-1";
pub const ASSAY: &str = "default-cn";

/// A lab with a scan bench `b1`, a rack bench `robot`, and (only if asked for) a planning bench `plan`.
pub struct Lab {
    pub driver: Driver<PoolingProcessor>,
    sent: Vec<Outgoing>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A lab whose policy was changed.
    pub fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let mut lab = Self::without_policy();
        lab.apply(1, change);
        lab
    }

    pub fn without_policy() -> Self {
        Self {
            driver: Driver::new(PoolingProcessor::new()),
            sent: Vec::new(),
        }
    }

    pub fn apply(&mut self, version: u32, change: impl FnOnce(&mut Policy)) {
        let mut policy =
            Policy::parse(Policy::default_text()).expect("the default policy is valid");
        policy.version = version;
        policy.pooling.benches = BTreeMap::from([(
            format!("{LAB}/robot"),
            Bench {
                mode: BenchMode::Rack,
                assay: None,
            },
        )]);
        change(&mut policy);
        let input = v1::ExternalInput {
            input: Some(v1::external_input::Input::Policy(v1::PolicyActivated {
                content: policy.to_toml(),
                version,
            })),
        };
        self.driver
            .external("test", input.encode_to_vec())
            .expect("the policy is taken");
    }

    pub fn now(&self) -> Timestamp {
        self.driver.now()
    }

    pub fn wait(&mut self, minutes: i64) {
        self.driver.advance(Millis::from_mins(minutes));
        self.check();
    }

    pub fn check(&mut self) {
        let violations = invariants::check(self.driver.state());
        assert_eq!(violations, [], "an invariant is violated");
        self.sent.extend(self.driver.sent());
    }

    pub fn command<R: prost::Message + Default>(
        &mut self,
        command: Command,
    ) -> Result<R, Rejection> {
        let body = v1::PoolingCommand {
            command: Some(command),
        };
        let answer = self.driver.command("tech-7", body.encode_to_vec());
        self.check();
        answer.map(|bytes| R::decode(bytes).expect("an answer of this kind"))
    }

    pub fn ask<R: prost::Message + Default>(&self, query: Query) -> Result<R, Rejection> {
        let body = v1::PoolingQuery { query: Some(query) };
        self.driver
            .query(body.encode_to_vec())
            .map(|bytes| R::decode(bytes).expect("an answer of this kind"))
    }

    pub fn hear(&mut self, message: Message) -> Result<(), Rejection> {
        let answer = self
            .driver
            .message(v1::Message::from(message).encode_to_vec());
        self.check();
        answer.map(|_| ())
    }

    /// Messages sent since the last call.
    pub fn sent(&mut self) -> Vec<(Destination, Message)> {
        std::mem::take(&mut self.sent)
            .into_iter()
            .map(|out| {
                let message = v1::Message::decode(out.body).expect("a message");
                (out.to, message.try_into().expect("a message of the domain"))
            })
            .collect()
    }

    // ---- given

    pub fn sample(&self, barcode: &str, class: &str) -> Sample {
        Sample {
            barcode: barcode.into(),
            version: 1,
            site: "s-01".into(),
            lab: LAB.into(),
            kind: Kind::Person,
            specimen_type: "np-swab".to_owned(),
            class: class.into(),
            subjects: vec![format!("subject-of-{barcode}").as_str().into()],
            collection_pool: false,
            observed_swabs: None,
            collected_at: Some(self.now()),
            registered_at: self.now(),
            collector: None,
            round: None,
            transport_box: None,
            flags: Vec::new(),
            hold: None,
            recollection_of: None,
        }
    }

    pub fn register(&mut self, sample: Sample) {
        self.hear(Message::SampleDetails(sample))
            .expect("details are taken");
    }

    pub fn registered(&mut self, class: &str, barcodes: &[&str]) {
        for barcode in barcodes {
            let sample = self.sample(barcode, class);
            self.register(sample);
        }
    }

    /// Registered and received.
    pub fn here(&mut self, class: &str, barcodes: &[&str]) {
        self.registered(class, barcodes);
        self.receive(barcodes);
    }

    // ---- when

    pub fn receive(&mut self, barcodes: &[&str]) -> Vec<v1::ReceivedTube> {
        self.receive_tubes(barcodes, false)
    }

    pub fn receive_tubes(&mut self, barcodes: &[&str], another: bool) -> Vec<v1::ReceivedTube> {
        let barcodes = barcodes.iter().map(ToString::to_string).collect();
        let arrival = v1::receive_request::Arrival::Tubes(v1::TubesArrived { barcodes, another });
        self.arrive(arrival).expect("receiving succeeds").tubes
    }

    /// `?` is an unreadable label, `-` an empty position.
    pub fn receive_rack(&mut self, rack: &str, tubes: &[(&str, &str)]) -> Vec<v1::ReceivedTube> {
        let positions = tubes
            .iter()
            .map(|(position, what)| v1::RackPosition {
                position: (*position).to_owned(),
                found: Some(match *what {
                    "?" => v1::rack_position::Found::Unreadable(true),
                    "-" => v1::rack_position::Found::Nothing(true),
                    barcode => v1::rack_position::Found::Barcode(barcode.to_owned()),
                }),
            })
            .collect();
        let rack = rack.to_owned();
        let arrival = v1::receive_request::Arrival::Rack(v1::RackContains { rack, positions });
        self.arrive(arrival).expect("receiving succeeds").tubes
    }

    pub fn arrive(
        &mut self,
        arrival: v1::receive_request::Arrival,
    ) -> Result<v1::ReceiveResponse, Rejection> {
        self.command(Command::Receive(v1::ReceiveRequest {
            lab: LAB.to_owned(),
            arrival: Some(arrival),
            ..Default::default()
        }))
    }

    pub fn scan(&mut self, barcode: &str) -> Result<v1::ScanResponse, Rejection> {
        self.scan_at("b1", barcode)
    }

    pub fn scan_at(&mut self, bench: &str, barcode: &str) -> Result<v1::ScanResponse, Rejection> {
        self.command(Command::Scan(v1::ScanRequest {
            lab: LAB.to_owned(),
            bench: bench.to_owned(),
            barcode: barcode.to_owned(),
            ..Default::default()
        }))
    }

    /// Scans, and names the seat: `P1/2` or `alone`.
    pub fn seat(&mut self, barcode: &str) -> String {
        seat_of(&self.scan(barcode).expect("a seat"))
    }

    pub fn confirm(&mut self) -> Result<v1::ConfirmTransferResponse, Rejection> {
        self.confirm_as(None)
    }

    pub fn confirm_as(
        &mut self,
        failed: Option<&str>,
    ) -> Result<v1::ConfirmTransferResponse, Rejection> {
        self.command(Command::ConfirmTransfer(v1::ConfirmTransferRequest {
            lab: LAB.to_owned(),
            bench: "b1".to_owned(),
            failed: failed.map(str::to_owned),
            ..Default::default()
        }))
    }

    pub fn undo(&mut self, tube: &str) -> Result<v1::UndoScanResponse, Rejection> {
        self.command(Command::UndoScan(v1::UndoScanRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            ..Default::default()
        }))
    }

    pub fn close(&mut self, pool: u64) -> Result<v1::PoolSealedTold, Rejection> {
        self.command::<v1::ClosePoolResponse>(Command::ClosePool(v1::ClosePoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
            ..Default::default()
        }))
        .map(|answer| answer.sealed.expect("a sealed pool"))
    }

    pub fn void(&mut self, pool: u64) -> Result<v1::VoidPoolResponse, Rejection> {
        self.command(Command::VoidPool(v1::VoidPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
            reason: "spilled".to_owned(),
            ..Default::default()
        }))
    }

    pub fn plan_rack(&mut self, rack: &str) -> Result<v1::PlanRackResponse, Rejection> {
        self.command(Command::PlanRack(v1::PlanRackRequest {
            lab: LAB.to_owned(),
            bench: "robot".to_owned(),
            rack: rack.to_owned(),
            ..Default::default()
        }))
    }

    pub fn confirm_rack(
        &mut self,
        rack: &str,
        failed: &[(&str, &str)],
        rest_done: bool,
    ) -> Result<v1::ConfirmRackResponse, Rejection> {
        let tubes = failed
            .iter()
            .map(|(tube, why)| v1::TubePerformed {
                tube: (*tube).to_owned(),
                failed: Some((*why).to_owned()),
            })
            .collect();
        self.command(Command::ConfirmRack(v1::ConfirmRackRequest {
            lab: LAB.to_owned(),
            bench: "robot".to_owned(),
            rack: rack.to_owned(),
            tubes,
            rest_done,
            ..Default::default()
        }))
    }

    /// Scans all of them into pools at `b1` and confirms the last transfer.
    pub fn pool(&mut self, barcodes: &[&str]) {
        for barcode in barcodes {
            self.scan(barcode).expect("a seat");
        }
        let _ = self.confirm();
    }

    pub fn start_plate(&mut self, plate: &str) -> Result<v1::PlateView, Rejection> {
        self.command(Command::StartPlate(v1::StartPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            assay: ASSAY.to_owned(),
            seed: Some(7),
            ..Default::default()
        }))
    }

    pub fn fill(&mut self, plate: &str) -> Result<v1::FillPlateResponse, Rejection> {
        self.command(Command::FillPlate(v1::FillPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            ..Default::default()
        }))
    }

    pub fn place(
        &mut self,
        plate: &str,
        well: &str,
        content: &str,
    ) -> Result<v1::PlaceResponse, Rejection> {
        self.command(Command::Place(v1::PlaceRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            well: well.to_owned(),
            content: content.to_owned(),
            ..Default::default()
        }))
    }

    pub fn confirm_plate(
        &mut self,
        plate: &str,
        failed: &[(&str, &str)],
    ) -> Result<v1::ConfirmPlateResponse, Rejection> {
        let failed = failed
            .iter()
            .map(|(well, reason)| v1::PlateWellFailure {
                well: (*well).to_owned(),
                reason: (*reason).to_owned(),
            })
            .collect();
        self.command(Command::ConfirmPlate(v1::ConfirmPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            failed,
            rest_done: true,
            ..Default::default()
        }))
    }

    pub fn seal_plate(&mut self, plate: &str) -> Result<v1::SealPlateResponse, Rejection> {
        self.command(Command::SealPlate(v1::SealPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            ..Default::default()
        }))
    }

    pub fn void_plate(&mut self, plate: &str) -> Result<v1::VoidPlateResponse, Rejection> {
        self.command(Command::VoidPlate(v1::VoidPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            reason: "dropped".to_owned(),
            ..Default::default()
        }))
    }

    pub fn load(&mut self, plate: &str) -> Result<v1::LoadPlateResponse, Rejection> {
        self.command(Command::LoadPlate(v1::LoadPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            instrument: "cycler-1".to_owned(),
            ..Default::default()
        }))
    }

    /// Starts, fills, confirms, seals and loads a plate; answers what results heard.
    pub fn run_plate(&mut self, plate: &str) -> LoadedPlate {
        self.start_plate(plate).expect("a plate");
        self.fill(plate).expect("filled");
        self.confirm_plate(plate, &[]).expect("confirmed");
        self.seal_plate(plate).expect("sealed");
        self.sent();
        self.load(plate).expect("loaded");
        let sent = self.sent();
        sent.into_iter()
            .find_map(|(_, message)| match message {
                Message::PlateLoaded(plate) => Some(plate),
                _ => None,
            })
            .expect("results heard of the plate")
    }

    pub fn relabel(&mut self, tube: &str, new: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::Relabel(v1::RelabelRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            new_barcode: new.to_owned(),
            reason: "the old label is torn".to_owned(),
            ..Default::default()
        }))
    }

    pub fn hold(&mut self, tube: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::HoldTube(v1::HoldTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            reason: "it leaks".to_owned(),
            ..Default::default()
        }))
    }

    pub fn release(&mut self, what: &str) -> Result<v1::ReleaseHoldResponse, Rejection> {
        self.command(Command::ReleaseHold(v1::ReleaseHoldRequest {
            lab: LAB.to_owned(),
            what: what.to_owned(),
            reason: "looked at it".to_owned(),
            ..Default::default()
        }))
    }

    pub fn discard(&mut self, tube: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::DiscardTube(v1::DiscardTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            reason: "empty".to_owned(),
            ..Default::default()
        }))
    }

    pub fn cancel(&mut self, barcode: &str) {
        self.hear(Message::SampleWithdrawn(SampleWithdrawn {
            barcode: barcode.into(),
            lab: LAB.into(),
            version: 2,
            reason: "registered twice".to_owned(),
        }))
        .expect("a cancellation is taken");
    }

    pub fn custody_conflict(&mut self, barcode: &str) {
        self.hear(Message::CustodyConflict(CustodyConflict {
            barcode: barcode.into(),
            holder: "lab-9".into(),
            epoch: 2,
        }))
        .expect("a conflict is taken");
    }

    pub fn order_retest(&mut self, tube: u64, order: u64, round: u32) -> Result<(), Rejection> {
        let due = self.now().plus(Millis::from_hours(6));
        self.hear(Message::RetestOrdered(RetestOrder {
            order: OrderId::new(LAB, order),
            tube: TubeId::new(LAB, tube),
            round,
            reason: RetestReason::PoolPositive,
            due,
        }))
    }

    pub fn order_replate(&mut self, plate: &str, wells: &[&str]) -> Result<(), Rejection> {
        use tenfold_domain::well::{PlateSize, Well};
        self.hear(Message::ReplateOrdered(ReplateOrder {
            lab: LAB.into(),
            plate: plate.into(),
            wells: wells
                .iter()
                .map(|w| Well::parse(PlateSize::P96, w).expect("a well"))
                .collect(),
            reason: "the positive control failed".to_owned(),
        }))
    }

    pub fn close_sample(&mut self, barcode: &str, tube: u64) {
        let reported_at = self.now();
        self.hear(Message::SampleClosed(SampleClosed {
            barcode: barcode.into(),
            tube: TubeId::new(LAB, tube),
            report_version: 1,
            result: FinalResult::Negative,
            reported_at,
        }))
        .expect("a closed sample is taken");
    }

    // ---- then

    pub fn tube(&self, tube: &str) -> v1::TubeView {
        self.ask(Query::Tube(v1::GetTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
        }))
        .expect("a tube")
    }

    pub fn stage(&self, tube: &str) -> v1::PoolingStage {
        self.tube(tube).stage()
    }

    pub fn pool_view(&self, pool: u64) -> v1::PoolView {
        self.ask(Query::Pool(v1::GetPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
        }))
        .expect("a pool")
    }

    pub fn explain(&self, pool: u64) -> v1::ExplainPoolResponse {
        self.ask(Query::ExplainPool(v1::GetPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
        }))
        .expect("a pool")
    }

    pub fn plate_view(&self, plate: &str) -> v1::PlateView {
        self.ask(Query::Plate(v1::GetPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
        }))
        .expect("a plate")
    }

    pub fn work(&self, queue: &str) -> Vec<v1::WorkItem> {
        self.ask::<v1::ListWorkResponse>(Query::Work(v1::ListWorkRequest {
            lab: LAB.to_owned(),
            queue: queue.to_owned(),
            most: 0,
        }))
        .expect("a work list")
        .items
    }

    pub fn board(&self) -> v1::PoolingBoard {
        self.ask(Query::Board(v1::PoolingBoardRequest {
            lab: LAB.to_owned(),
        }))
        .expect("a board")
    }

    pub fn on_board(&self, stage: v1::PoolingStage) -> v1::PoolingStageView {
        self.board()
            .stages
            .into_iter()
            .find(|view| view.stage() == stage)
            .expect("every stage is on the board")
    }
}

pub fn pool_name(pool: u64) -> String {
    format!("{LAB}/P{pool}")
}

pub fn seat_of(scanned: &v1::ScanResponse) -> String {
    placement(scanned.placement.as_ref().expect("a placement"))
}

pub fn placement(placement: &v1::TubePlacement) -> String {
    match placement.placement.as_ref().expect("a placement") {
        v1::tube_placement::Placement::Pool(seat) => {
            let pool = seat.pool.rsplit('/').next().unwrap_or_default();
            format!("{pool}/{}", seat.slot)
        }
        v1::tube_placement::Placement::Alone(_) => "alone".to_owned(),
    }
}

pub fn verdicts(tubes: &[v1::ReceivedTube]) -> Vec<v1::ReceiveVerdict> {
    tubes.iter().map(v1::ReceivedTube::verdict).collect()
}

pub fn reason<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> String {
    answer.expect_err("a refusal").reason
}
