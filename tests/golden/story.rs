//! A short day of one lab: seven tubes, a pool that is positive, its retests, a report that is rejected.

use crate::city::City;
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Timestamp;
use tenfold_domain::policy::Policy;
use tenfold_domain::results::state::Submission;
use tenfold_proto::v1;
use v1::pooling_command::Command as Pooling;
use v1::results_command::Command as Results;

const LAB: &str = "lab-1";
const BENCH: &str = "b1";
/// 2026-01-02T03:04:05Z
const MORNING: i64 = 1_767_323_045_000;

/// Plays it; the journals.
pub fn play() -> Vec<(&'static str, Vec<Bytes>)> {
    let mut city = City::new();
    city.apply(Policy::default_text().to_owned(), 1);
    register(&mut city);
    receive(&mut city);
    for n in 1..=4 {
        scan(&mut city, n);
    }
    let _: v1::ClosePoolResponse = pooling(
        &mut city,
        Pooling::ClosePool(v1::ClosePoolRequest {
            lab: LAB.to_owned(),
            pool: format!("{LAB}/P1"),
            ..Default::default()
        }),
    );
    plate(&mut city, "PL-1");
    import(&mut city, "PL-1", |well| well.members > 1);
    // Retests of the positive pool's members wait for a plate now.
    let retests = v1::PoolingQuery {
        query: Some(v1::pooling_query::Query::Work(v1::ListWorkRequest {
            lab: LAB.to_owned(),
            queue: "retest".to_owned(),
            most: 10,
        })),
    };
    let _: v1::ListWorkResponse =
        city.wait_for("pooling", &retests, |work: &v1::ListWorkResponse| {
            work.items.len() >= 4
        });
    plate(&mut city, "PL-2");
    import(&mut city, "PL-2", |well| well.well == "A1");
    deliver(&mut city);
    late_news(&mut city);
    city.end()
}

fn name(n: u32) -> String {
    format!("GOLD{n:06}")
}

fn registration(n: u32) -> v1::Registration {
    v1::Registration {
        barcode: name(n),
        site: "s-01".to_owned(),
        kind: v1::Kind::Person.into(),
        specimen_type: "np-swab".to_owned(),
        sampling_class: "routine".to_owned(),
        subjects: vec![format!("p-{n}")],
        collected_at: Some(MORNING),
        ..Default::default()
    }
}

fn intake(city: &mut City, command: v1::intake_command::Command) {
    let command = v1::IntakeCommand {
        command: Some(command),
    };
    let _: v1::IntakeReply = city.insist("intake", &command);
}

fn register(city: &mut City) {
    use v1::intake_command::Command;
    for n in 1..=5 {
        intake(city, Command::Register(registration(n)));
    }
    let item = |n, registration| {
        let item = v1::RegistrationBatchItem {
            registration: Some(registration),
            sequence: n,
        };
        let input = v1::external_input::Input::Registration(item);
        v1::ExternalInput { input: Some(input) }.encode_to_vec()
    };
    let bad = v1::Registration {
        kind: 0,
        ..registration(8)
    };
    let items = vec![item(1, registration(6)), item(2, bad), b"\xff\xff".to_vec()];
    city.post("intake", items);
    let amended = v1::Registration {
        version: 2,
        round: Some("r-2".to_owned()),
        ..registration(2)
    };
    intake(city, Command::Amend(amended));
}

fn pooling<R: prost::Message + Default>(city: &mut City, command: Pooling) -> R {
    let command = v1::PoolingCommand {
        command: Some(command),
    };
    city.insist("pooling", &command)
}

fn receive(city: &mut City) {
    // The last was never registered.
    let barcodes = (1..=7).map(name).collect();
    let arrival = v1::receive_request::Arrival::Tubes(v1::TubesArrived {
        barcodes,
        another: false,
    });
    let _: v1::ReceiveResponse = pooling(
        city,
        Pooling::Receive(v1::ReceiveRequest {
            lab: LAB.to_owned(),
            arrival: Some(arrival),
            ..Default::default()
        }),
    );
}

fn scan(city: &mut City, n: u32) {
    let _: v1::ScanResponse = pooling(
        city,
        Pooling::Scan(v1::ScanRequest {
            lab: LAB.to_owned(),
            bench: BENCH.to_owned(),
            barcode: name(n),
            ..Default::default()
        }),
    );
    let _: v1::ConfirmTransferResponse = pooling(
        city,
        Pooling::ConfirmTransfer(v1::ConfirmTransferRequest {
            lab: LAB.to_owned(),
            bench: BENCH.to_owned(),
            ..Default::default()
        }),
    );
}

fn plate(city: &mut City, plate: &str) {
    let (lab, plate) = (|| LAB.to_owned(), || plate.to_owned());
    let _: v1::PlateView = pooling(
        city,
        Pooling::StartPlate(v1::StartPlateRequest {
            lab: lab(),
            plate: plate(),
            assay: "default-cn".to_owned(),
            seed: Some(7),
            ..Default::default()
        }),
    );
    let _: v1::FillPlateResponse = pooling(
        city,
        Pooling::FillPlate(v1::FillPlateRequest {
            lab: lab(),
            plate: plate(),
            ..Default::default()
        }),
    );
    let _: v1::ConfirmPlateResponse = pooling(
        city,
        Pooling::ConfirmPlate(v1::ConfirmPlateRequest {
            lab: lab(),
            plate: plate(),
            rest_done: true,
            ..Default::default()
        }),
    );
    let _: v1::SealPlateResponse = pooling(
        city,
        Pooling::SealPlate(v1::SealPlateRequest {
            lab: lab(),
            plate: plate(),
            ..Default::default()
        }),
    );
    let _: v1::LoadPlateResponse = pooling(
        city,
        Pooling::LoadPlate(v1::LoadPlateRequest {
            lab: lab(),
            plate: plate(),
            instrument: "cycler-1".to_owned(),
            ..Default::default()
        }),
    );
}

/// The run of a plate: these wells show the virus, the others do not, controls are as they must be.
fn import(city: &mut City, plate: &str, positive: impl Fn(&v1::PlateWellView) -> bool) {
    let question = v1::PoolingQuery {
        query: Some(v1::pooling_query::Query::Plate(v1::GetPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
        })),
    };
    let view: v1::PlateView = city.wait_for("pooling", &question, |_| true);
    let mut file = format!("# Plate: {plate}\nWell,Target,Ct\n");
    for well in &view.wells {
        let cts = match well.control.map(v1::Control::try_from) {
            Some(Ok(v1::Control::Positive | v1::Control::WeakPositive)) => ["28.1", "29.3", "30"],
            Some(_) => ["", "", ""],
            None if positive(well) => ["28.1", "29.3", "27"],
            None => ["", "", "27"],
        };
        for (target, ct) in ["ORF1ab", "N", "IC"].iter().zip(cts) {
            file.push_str(&format!("{},{target},{ct}\n", well.well));
        }
    }
    let submission = Submission {
        lab: LAB.into(),
        plate: plate.into(),
        serial: "SN-7".to_owned(),
        run_id: format!("run-{plate}"),
        read_at: Timestamp(MORNING),
        file_hash: tenfold_results::readers::content_hash(file.as_bytes()),
        file_name: format!("{plate}.csv"),
        reason: String::new(),
        actor: "tech-1".into(),
        table: tenfold_results::readers::read(file.as_bytes()).expect("a table"),
    };
    let reply = results(city, Results::ImportRun(submission.into()));
    let Some(v1::results_reply::Reply::Imported(imported)) = reply else {
        panic!("{plate}: {reply:?}");
    };
    let released = matches!(
        imported.state(),
        v1::ImportState::Released | v1::ImportState::Parked
    );
    assert!(released, "{imported:?}, {file}");
}

fn results(city: &mut City, command: Results) -> Option<v1::results_reply::Reply> {
    let command = v1::ResultsCommand {
        command: Some(command),
    };
    city.insist::<v1::ResultsReply>("results", &command).reply
}

/// A receiver takes its reports, and rejects one.
fn deliver(city: &mut City) {
    let receiver = "cdc".to_owned();
    let question = v1::ResultsQuery {
        query: Some(v1::results_query::Query::Pending(
            v1::PendingDeliveriesQuery {
                receiver: receiver.clone(),
                after: 0,
                limit: 100,
            },
        )),
    };
    let pending: v1::PendingDeliveries =
        city.wait_for("results", &question, |p: &v1::PendingDeliveries| {
            p.deliveries.len() >= 4
        });
    let numbers: Vec<u64> = pending.deliveries.iter().map(|d| d.number).collect();
    let send = v1::SendDeliveries {
        receiver: receiver.clone(),
        numbers: numbers.clone(),
    };
    results(city, Results::Send(send));
    let answers = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| v1::NumberedAnswer {
            number: *number,
            rejected: if at == 1 { "no such site" } else { "" }.to_owned(),
        })
        .collect();
    results(
        city,
        Results::Acknowledge(v1::AcknowledgeDeliveries { receiver, answers }),
    );
}

/// What comes after the report: intake hears that a sample is closed, and is told something else.
fn late_news(city: &mut City) {
    let closed = closed_one(city);
    let amended = v1::Registration {
        version: 3,
        round: Some("r-3".to_owned()),
        ..registration(closed)
    };
    intake(city, v1::intake_command::Command::Amend(amended));
    let cancelled = v1::IntakeCancel {
        barcode: name(5),
        reason: "registered twice".to_owned(),
    };
    intake(city, v1::intake_command::Command::Cancel(cancelled));
}

/// The first sample that intake knows to be closed.
fn closed_one(city: &City) -> u32 {
    let began = std::time::Instant::now();
    let mut last = Vec::new();
    while began.elapsed() < std::time::Duration::from_secs(60) {
        last.clear();
        for n in 1..=4 {
            let question = v1::IntakeQuery {
                query: Some(v1::intake_query::Query::Sample(v1::GetSampleRequest {
                    barcode: name(n),
                })),
            };
            let reply = city.ask::<v1::IntakeReply>("intake", &question);
            let Some(v1::intake_reply::Reply::Sample(sample)) = reply.and_then(|r| r.reply) else {
                continue;
            };
            if sample.life() == v1::BarcodeLife::Closed {
                return n;
            }
            last.push((sample.life(), sample.standing(), sample.report_version));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no sample is closed: {last:?}");
}
