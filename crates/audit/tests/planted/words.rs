//! Events and messages of a small laboratory, in few words.

use crate::log::START;
use std::cell::Cell;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::{
    Control, ControlWell, CtReading, CtRuleUsed, ExternalInput, IntakeEvent, Kind, LabNumber,
    LoadedPlate, LoadedWell, Member, Message, PlateSize, PolicyActivated, PoolingClock,
    PoolingEvent, PoolingPlate, PublishedReport, Registration, RegistrationBatchItem, Report,
    ReportGroup, ReportsIssued, ResultsEvent, RunImported, Sample, StatedRegistration, TubeGroup,
    Verdict, WellCall, WellResult, external_input, intake_event, message, published_report,
};

pub const LAB: &str = "lab-1";
pub const HOUR: i64 = 3_600_000;

pub const POLICY: &str = r#"
version = 1
[classes.routine]
hours = 24
from = "collected"
pool = 10
[clocks]
retest_hours = 6
pool_alert_hours = 2
case_report_hours = 2
review_hours = 2
tracing_hours = 24
[clocks.budget]
transport = 0.25
pooling = 0.15
plating = 0.10
run = 0.30
report = 0.15
delivery = 0.05
[assays.kit]
kit = "kit"
version = "1"
max_pool = 10
targets = { N = {}, ORF = {} }
internal_control = { target = "IC", to = "<=40" }
rules = [{ name = "kit", version = 1, from = "2020-01-01T00:00:00Z", positive = "<37", negative = ">=40" }]
"#;

/// How much of everything a day has.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub tubes: u64,
    pub pools: u64,
    pub orders: u64,
    pub plates: u64,
}

/// Of the small day.
pub const SMALL: Sizes = Sizes {
    tubes: 5,
    pools: 2,
    orders: 2,
    plates: 2,
};

thread_local! {
    static DAY: Cell<(u64, Sizes)> = const { Cell::new((0, SMALL)) };
}

/// Another day of the same laboratory, from 0: what has a number has one that follows the day before.
pub fn set_day(day: u64, sizes: Sizes) {
    DAY.set((day, sizes));
}

fn of_day(number: u64, a_day: impl Fn(Sizes) -> u64) -> u64 {
    let (day, sizes) = DAY.get();
    day * a_day(sizes) + number
}

/// Number of a plate, or of its run, in the lab.
pub fn plate_number(number: u64) -> u64 {
    of_day(number, |sizes| sizes.plates)
}

/// Number of an order in the lab.
pub fn order_number(number: u64) -> u64 {
    of_day(number, |sizes| sizes.orders)
}

fn tube_number(number: u64) -> u64 {
    of_day(number, |sizes| sizes.tubes)
}

pub fn tube(number: u64) -> String {
    format!("{LAB}/T{}", tube_number(number))
}

pub fn pool(number: u64) -> String {
    format!("{LAB}/P{}", of_day(number, |sizes| sizes.pools))
}

pub fn order(number: u64) -> String {
    format!("{LAB}/O{}", order_number(number))
}

pub fn barcode(number: u64) -> String {
    format!("AB{:08}", tube_number(number))
}

pub fn sample(number: u64) -> Sample {
    Sample {
        barcode: barcode(number),
        version: 1,
        site: "s-01".to_owned(),
        lab: LAB.to_owned(),
        kind: Kind::Person.into(),
        specimen_type: "np-swab".to_owned(),
        sampling_class: "routine".to_owned(),
        subjects: vec![format!("p-{number}")],
        registered_at: START,
        ..Sample::default()
    }
}

pub fn stated(number: u64) -> StatedRegistration {
    StatedRegistration {
        sample: Some(sample(number)),
        sequence: Some(number),
        due_from: START,
        due: START + 24 * HOUR,
        policy: 1,
        at_risk: START + 6 * HOUR,
        ..StatedRegistration::default()
    }
}

pub fn intake(event: intake_event::Event) -> IntakeEvent {
    IntakeEvent { event: Some(event) }
}

pub fn pooling(by: &str, what: What) -> PoolingEvent {
    PoolingEvent {
        by: by.to_owned(),
        what: Some(what),
    }
}

pub fn found(event: Found) -> ResultsEvent {
    ResultsEvent { event: Some(event) }
}

pub fn told(message: message::Message) -> Message {
    Message {
        message: Some(message),
    }
}

pub fn policy() -> PolicyActivated {
    PolicyActivated {
        content: POLICY.to_owned(),
        version: 1,
    }
}

pub fn policy_input() -> ExternalInput {
    ExternalInput {
        input: Some(external_input::Input::Policy(policy())),
    }
}

pub fn registration_input(number: u64) -> ExternalInput {
    let registration = Registration {
        barcode: barcode(number),
        version: 1,
        ..Registration::default()
    };
    ExternalInput {
        input: Some(external_input::Input::Registration(RegistrationBatchItem {
            registration: Some(registration),
            sequence: number,
        })),
    }
}

/// A routine sample's clock.
pub fn clock() -> PoolingClock {
    PoolingClock {
        from: START,
        due: START + 24 * HOUR,
        policy: 1,
        stat: false,
        check_at: START + 34_560_000,
    }
}

/// A clock from one moment to another.
pub fn clock_between(from: i64, due: i64) -> PoolingClock {
    PoolingClock {
        from,
        due,
        policy: 1,
        stat: true,
        check_at: from + ((due - from) as f64 * 0.4).round() as i64,
    }
}

pub fn plate(name: &str) -> PoolingPlate {
    PoolingPlate {
        lab: LAB.to_owned(),
        plate: plate_name(name),
    }
}

/// A plate's barcode of this day.
pub fn plate_name(name: &str) -> String {
    match DAY.get().0 {
        0 => name.to_owned(),
        day => format!("{name}-{day}"),
    }
}

pub fn controls() -> Vec<ControlWell> {
    [("H11", Control::Positive), ("H12", Control::Negative)]
        .map(|(well, control)| ControlWell {
            well: well.to_owned(),
            control: control.into(),
        })
        .to_vec()
}

pub fn member(number: u64, round: u32, at: i64) -> Member {
    Member {
        tube: tube(number),
        sample: Some(sample(number)),
        withdrawn: false,
        round,
        order: None,
        received_at: START,
        transferred_at: at,
        due: START + 24 * HOUR,
        policy: 1,
    }
}

pub fn loaded(
    name: &str,
    at: i64,
    wells: &[(&str, Option<u64>, &[u64])],
    round: u32,
) -> LoadedPlate {
    LoadedPlate {
        lab: LAB.to_owned(),
        plate: plate_name(name),
        size: PlateSize::PlateSize96.into(),
        assay: "kit".to_owned(),
        instrument: "i-1".to_owned(),
        loaded_at: at,
        controls: controls(),
        dropped: Vec::new(),
        quadrants: 0,
        wells: wells
            .iter()
            .map(|(well, of, tubes)| LoadedWell {
                well: (*well).to_owned(),
                plated_at: at,
                pool: of.map(pool),
                members: tubes.iter().map(|t| member(*t, round, at)).collect(),
            })
            .collect(),
    }
}

fn cts(cts: [Option<f64>; 3]) -> Vec<CtReading> {
    let reading = |ct: Option<f64>| CtReading {
        text: ct.map_or_else(|| "Undetermined".to_owned(), |ct| ct.to_string()),
        ct,
    };
    cts.into_iter().map(reading).collect()
}

pub fn negative(well: &str) -> WellResult {
    WellResult {
        well: well.to_owned(),
        readings: cts([None, None, Some(30.0)]),
        call: WellCall::Negative.into(),
    }
}

pub fn positive(well: &str) -> WellResult {
    WellResult {
        well: well.to_owned(),
        readings: cts([Some(30.0), Some(31.0), Some(30.0)]),
        call: WellCall::Positive.into(),
    }
}

pub fn run(number: u64, wells: Vec<WellResult>, at: i64) -> RunImported {
    let mut all = wells;
    all.push(positive("H11"));
    all.push(WellResult {
        readings: cts([None, None, None]),
        call: WellCall::Invalid.into(),
        ..negative("H12")
    });
    let rule = |target: &str| CtRuleUsed {
        target: target.to_owned(),
        name: "kit".to_owned(),
        version: 1,
    };
    RunImported {
        run: Some(lab_number(number)),
        instrument_serial: "i-1".to_owned(),
        run_id: plate_name(&format!("run-{number}")),
        version: 1,
        file_hash: format!("{number:064}"),
        plate: plate_number(number),
        read_at: at,
        imported_at: at,
        policy: 1,
        rules: vec![rule("N"), rule("ORF")],
        targets: ["N", "ORF", "IC"].map(str::to_owned).to_vec(),
        wells: all,
        ..RunImported::default()
    }
}

pub fn lab_number(number: u64) -> LabNumber {
    LabNumber {
        lab: LAB.to_owned(),
        number: plate_number(number),
    }
}

pub fn tubes(numbers: &[u64]) -> Vec<TubeGroup> {
    vec![TubeGroup {
        lab: LAB.to_owned(),
        numbers: numbers.iter().map(|n| tube_number(*n)).collect(),
    }]
}

pub fn reports(numbers: &[u64], version: u32) -> Vec<ReportGroup> {
    vec![ReportGroup {
        lab: LAB.to_owned(),
        numbers: numbers.iter().map(|n| tube_number(*n)).collect(),
        version,
        replaces: version - 1,
    }]
}

pub fn issued(verdict: Verdict, numbers: &[u64], version: u32) -> ResultsEvent {
    found(Found::ReportsIssued(ReportsIssued {
        verdict: verdict.into(),
        receivers: vec!["cdc".to_owned()],
        reports: reports(numbers, version),
    }))
}

pub fn published(number: u64, version: u32, verdict: Verdict) -> PublishedReport {
    PublishedReport {
        receiver: "cdc".to_owned(),
        cargo: Some(published_report::Cargo::Report(Report {
            lab: LAB.to_owned(),
            barcode: barcode(number),
            tube: tube(number),
            version,
            replaces: version.checked_sub(1).filter(|v| *v > 0),
            verdict: verdict.into(),
            ..Report::default()
        })),
    }
}
