//! One process on the embedded log, killed again and again under load. `TENFOLD_KILLS=100` kills it so often,
//! and then holds each start to its figure; `make kill` does both.

use crate::embedded::all_in_one;
use crate::{runtime, services};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenfold_lab_day::play::apply_policy;
use tenfold_lab_day::{Day, Services};
use tenfold_proto::v1;
use tenfold_tests::process::{program, run};
use v1::intake_client::IntakeClient;

/// Kills, if `TENFOLD_KILLS` does not say otherwise.
const KILLS: usize = 10;
/// Clients that register one sample after another.
const CLIENTS: usize = 8;
/// Registrations acknowledged between two kills, at least.
const BETWEEN: usize = 40;
/// Longest wait for them, however busy the machine.
const BETWEEN_MAX: Duration = Duration::from_secs(120);
/// A start may take no longer, where figures are asked for.
const START_MAX: Duration = Duration::from_secs(2);

/// Registers samples until told to stop; each is tried until it is answered. Barcodes of those that were.
async fn register(
    services: &Services,
    client: usize,
    stop: &AtomicBool,
    acked: &AtomicUsize,
) -> Vec<String> {
    let mut mine = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let barcode = format!("R{client:02}{:06}", mine.len());
        let request = v1::RegisterRequest {
            actor: format!("client-{client}"),
            request_id: barcode.clone(),
            registration: Some(v1::Registration {
                barcode: barcode.clone(),
                version: 1,
                site: "lab-1-street".to_owned(),
                kind: v1::Kind::Person.into(),
                specimen_type: "np-swab".to_owned(),
                sampling_class: "routine".to_owned(),
                subjects: vec![format!("p-{barcode}")],
                ..v1::Registration::default()
            }),
        };
        let receipt = services
            .intake
            .call(|channel| {
                let request = request.clone();
                async move { IntakeClient::new(channel).register(request).await }
            })
            .await;
        receipt.unwrap_or_else(|status| panic!("{barcode} is refused: {status}"));
        mine.push(barcode);
        acked.fetch_add(1, Ordering::Relaxed);
    }
    mine
}

async fn is_there(services: &Services, barcode: &str) -> bool {
    let request = v1::GetSampleRequest {
        barcode: barcode.to_owned(),
    };
    services
        .intake
        .call(|channel| {
            let request = request.clone();
            async move { IntakeClient::new(channel).get_sample(request).await }
        })
        .await
        .is_ok()
}

#[test]
fn killed_again_and_again_under_load_it_loses_nothing_it_acknowledged() {
    let _alone = crate::alone();
    let asked = std::env::var("TENFOLD_KILLS").ok();
    let kills = asked
        .as_ref()
        .map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    let folder = crate::folder();
    let mut process = all_in_one(folder.path());
    let at = [process.address()];
    let services = services(&at, &at, &at);
    let day = Day::new("R", 20, 1);
    runtime()
        .block_on(apply_policy(&day, &services))
        .expect("a policy");
    let (stop, acked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let barcodes = Mutex::new(Vec::new());
    let mut starts = Vec::new();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (services, stop, acked, barcodes) = (&services, &stop, &acked, &barcodes);
            scope.spawn(move || {
                let mine = runtime().block_on(register(services, client, stop, acked));
                barcodes.lock().unwrap().extend(mine);
            });
        }
        for kill in 0..kills {
            let (began, before) = (Instant::now(), acked.load(Ordering::Relaxed));
            while acked.load(Ordering::Relaxed) < before + BETWEEN {
                assert!(
                    began.elapsed() < BETWEEN_MAX,
                    "nothing is acknowledged after kill {kill}"
                );
                std::thread::sleep(Duration::from_millis(2));
            }
            // Not always at the same moment of a commit.
            std::thread::sleep(Duration::from_millis(kill as u64 * 7 % 50));
            process.kill();
            process.start();
            starts.push(process.wait_ready());
        }
        stop.store(true, Ordering::Relaxed);
    });
    let barcodes = barcodes.into_inner().unwrap();
    let lost: Vec<_> = barcodes
        .iter()
        .filter(|barcode| !runtime().block_on(is_there(&services, barcode)))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let different: HashSet<_> = barcodes.iter().collect();
    assert_eq!(different.len(), barcodes.len());
    process.kill();
    let data = folder.path().join("data");
    let (status, said, told) = run(
        &program("tenfold"),
        &["audit", "--data", &data.to_string_lossy()],
    );
    assert!(status.success(), "the audit found something:\n{said}{told}");
    starts.sort();
    let longest = starts.last().copied().unwrap_or_default();
    println!(
        "  {kills} kills, {} registrations acknowledged, none lost; ready again after {:?} (median), {longest:?} (longest)",
        barcodes.len(),
        starts[starts.len() / 2],
    );
    if asked.is_some() {
        assert!(longest < START_MAX, "a start took {longest:?}");
    }
}
