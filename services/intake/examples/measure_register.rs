//! How many registrations one lane decides and folds in a second, without a log or a disk:
//! `cargo run --release -p tenfold-intake --example measure_register`.

use prost::Message as _;
use std::time::Instant;
use tenfold_domain::Timestamp;
use tenfold_domain::policy::Policy;
use tenfold_domain::tables::MemoryTables;
use tenfold_intake::IntakeProcessor;
use tenfold_proto::v1;
use tenfold_proto::v1::external_input::Input as Case;
use tenfold_runtime::processor::{Input, Processor};

const COUNT: u32 = 200_000;
const START: i64 = 1_767_225_600_000;

fn decide(intake: &IntakeProcessor, state: &mut MemoryTables, case: Case, now: Timestamp) -> usize {
    let body = v1::ExternalInput { input: Some(case) }.encode_to_vec();
    let input = Input::External {
        origin: "measure",
        body: &body,
    };
    let Ok(decision) = intake.decide(state, input, now) else {
        return 0;
    };
    let mut wire = Vec::new();
    for event in &decision.events {
        intake.encode(event, &mut wire);
    }
    let _ = decision.fold(intake, state, now);
    wire.len()
}

fn main() {
    let intake = IntakeProcessor::new();
    let mut state = MemoryTables::default();
    let policy = v1::PolicyActivated {
        content: Policy::default_text().to_owned(),
        version: 1,
    };
    decide(&intake, &mut state, Case::Policy(policy), Timestamp(START));
    let began = Instant::now();
    let mut journal = 0;
    for n in 0..COUNT {
        let now = Timestamp(START + i64::from(n));
        let registration = v1::Registration {
            barcode: format!("T{n:09}"),
            site: "s-01".to_owned(),
            kind: v1::Kind::Person.into(),
            specimen_type: "np-swab".to_owned(),
            sampling_class: "routine".to_owned(),
            subjects: vec![format!("{n:032x}")],
            collected_at: Some(now.0 - 600_000),
            ..Default::default()
        };
        let item = v1::RegistrationBatchItem {
            registration: Some(registration),
            sequence: u64::from(n),
        };
        journal += decide(&intake, &mut state, Case::Registration(item), now);
    }
    let seconds = began.elapsed().as_secs_f64();
    let (mut rows, mut bytes) = (0_usize, 0_usize);
    for ((_, key), value) in state.rows() {
        rows += 1;
        bytes += key.len() + value.len();
    }
    println!(
        "{COUNT} registrations in {seconds:.2} s: {:.0}/s",
        f64::from(COUNT) / seconds
    );
    println!("{rows} rows, {bytes} bytes of state; {journal} bytes of journal");
}
