//! A technician a lab who does nothing but scan, five tubes a second: what a person at a bench notices of a fault.
//! Every answer is remembered, and compared with what the system says in the end.

use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tenfold_lab_day::bench::{Hands, Lab};
use tenfold_lab_day::ledger::Asked;
use tenfold_lab_day::link::{no_answer, reason};
use tenfold_lab_day::{Day, Progress, Services, site};
use tenfold_proto::v1;
use tonic::transport::{Channel, Endpoint};
use v1::pooling_client::PoolingClient;
use v1::tube_placement::Placement;

/// Labs, each with one technician.
pub const LABS: usize = 4;

/// Time between two scans of a technician who need not wait.
const PACE: Duration = Duration::from_millis(200);

/// Longest wait for one try: then the bench asks the other instance, with the same request id.
const TRY_MAX: Duration = Duration::from_millis(1_000);

/// Pause between tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Tubes received at once.
const BOX: usize = 40;

/// Longest wait for one scan: then the system stands still.
const SCAN_MAX: Duration = Duration::from_secs(90);

/// Most scans of a tube whose registration is on its way.
const PENDING_MAX: u32 = 400;

/// Who scans.
const TECHNICIAN: &str = "tech-1";

/// The bench.
const BENCH: &str = "b1";

/// Its labs.
#[must_use]
pub fn labs() -> Vec<String> {
    (1..=LABS).map(|lab| format!("probe-{lab}")).collect()
}

/// One scan.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    /// When its first try began.
    pub began: Instant,
    /// Until its answer.
    pub took: Duration,
}

/// A seat that was answered.
#[derive(Clone, Debug)]
struct Seat {
    pool: String,
    slot: u32,
    at: Instant,
}

/// What was scanned, and what was answered.
#[derive(Debug, Default)]
pub struct Probe {
    scans: Mutex<Vec<Scan>>,
    /// What was answered, by lab and barcode.
    seats: Mutex<BTreeMap<(String, String), Seat>>,
}

impl Probe {
    /// Scans at every lab until told to stop.
    ///
    /// # Errors
    /// A scan is refused that must not be, or is not answered at all.
    pub async fn run(
        &self,
        services: &Services,
        addresses: &[String],
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let labs = labs();
        let benches = labs
            .iter()
            .map(|lab| self.technician(lab, services, addresses, stop));
        futures::future::try_join_all(benches).await?;
        Ok(())
    }

    async fn technician(
        &self,
        lab: &str,
        services: &Services,
        addresses: &[String],
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let channels = addresses
            .iter()
            .map(|address| {
                let endpoint = Endpoint::from_shared(address.clone())?;
                Ok(endpoint
                    .connect_timeout(TRY_MAX)
                    .tcp_nodelay(true)
                    .connect_lazy())
            })
            .collect::<anyhow::Result<Vec<Channel>>>()?;
        let mut boxed: VecDeque<String> = VecDeque::new();
        let mut number = 0;
        let mut at = 0;
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if boxed.is_empty() {
                boxed = next_box(lab, services, &mut number).await?;
                next = Instant::now();
            }
            let Some(barcode) = boxed.pop_front() else {
                continue;
            };
            next += PACE;
            let mut again = 0;
            let (scan, answer) = loop {
                let (scan, answer) = scan(lab, &barcode, again, &channels, &mut at).await?;
                let asked = Asked {
                    command: "scan",
                    actor: TECHNICIAN.to_owned(),
                    request_id: format!("scan-{barcode}-{again}"),
                };
                services.ledger.answered("pooling", &asked, &answer);
                match answer {
                    Ok(answer) => break (scan, answer),
                    // A refusal is an answer; this one ends when its registration has arrived.
                    Err(status) if reason(&status).contains("PENDING") && again < PENDING_MAX => {
                        again += 1;
                        tokio::time::sleep(PACE).await;
                    }
                    Err(status) => anyhow::bail!("{barcode} of {lab} scanned: {status}"),
                }
            };
            self.scans
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(scan);
            let placed = answer.placement.and_then(|placement| placement.placement);
            let Some(Placement::Pool(seat)) = placed else {
                anyhow::bail!("{barcode} of {lab} was not put into a pool: {placed:?}");
            };
            self.seats
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(
                    (lab.to_owned(), barcode),
                    Seat {
                        pool: seat.pool,
                        slot: seat.slot,
                        at: Instant::now(),
                    },
                );
            tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
            // Who waited does not hurry afterwards.
            next = next.max(Instant::now());
        }
        Ok(())
    }

    /// How long each scan took that was under way in this time, in order of size.
    #[must_use]
    pub fn took(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        let within = scans
            .iter()
            .filter(|scan| scan.began < to && scan.began + scan.took >= from);
        let mut took: Vec<Duration> = within.map(|scan| scan.took).collect();
        took.sort_unstable();
        took
    }

    /// Scans answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.scans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Compares everything that was answered with what the system says now; of what may be filed already (it was
    /// answered longer ago than the retention), that no seat was given twice.
    ///
    /// # Errors
    /// What was lost, is there twice, or is elsewhere.
    pub async fn check(
        &self,
        services: &Services,
        retention: Option<Duration>,
    ) -> anyhow::Result<()> {
        let seats = self
            .seats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut filed: HashSet<(&str, &str)> = HashSet::new();
        let mut by_pool: HashMap<(&str, &str), BTreeMap<u32, &str>> = HashMap::new();
        for ((lab, barcode), Seat { pool, slot, at }) in &seats {
            if retention.is_some_and(|retention| at.elapsed() > retention) {
                filed.insert((lab, pool));
            }
            let other = by_pool
                .entry((lab, pool))
                .or_default()
                .insert(*slot, barcode);
            ensure!(
                other.is_none(),
                "slot {slot} of {pool} was given to {barcode} and {other:?}"
            );
        }
        let mut members = 0;
        for ((lab, pool), slots) in &by_pool {
            if filed.contains(&(*lab, *pool)) {
                members += slots.len();
                continue;
            }
            let ask = v1::GetPoolRequest {
                lab: (*lab).to_owned(),
                pool: (*pool).to_owned(),
            };
            let view = services
                .pooling
                .call(|channel| {
                    let ask = ask.clone();
                    async move { PoolingClient::new(channel).get_pool(ask).await }
                })
                .await
                .with_context(|| format!("pool {pool} of {lab}"))?;
            let seen: BTreeMap<u32, &str> = view
                .members
                .iter()
                .map(|member| (member.slot, member.barcode.as_str()))
                .collect();
            ensure!(
                seen == *slots,
                "pool {pool} of {lab} holds {seen:?}, and {slots:?} were answered"
            );
            members += seen.len();
        }
        ensure!(
            members == seats.len(),
            "{} scans were answered, {members} tubes are in pools",
            seats.len()
        );
        Ok(())
    }
}

/// Plates and reads what the technicians pooled, if that is wanted, until told to stop. Nobody has anything.
///
/// # Errors
/// Something is refused that must not be.
pub async fn plates(services: &Services, wanted: bool, stop: &AtomicBool) -> anyhow::Result<()> {
    if !wanted {
        return Ok(());
    }
    let labs = labs();
    let day = Day::at("PROBE", 0, labs.clone());
    let hands: Vec<Mutex<Hands>> = labs.iter().map(|_| Mutex::default()).collect();
    let progress = Progress::default();
    let benches: Vec<Lab<'_>> = labs
        .iter()
        .zip(&hands)
        .map(|(lab, hands)| Lab {
            lab,
            day: &day,
            services,
            hands,
            progress: &progress,
        })
        .collect();
    futures::future::try_join_all(benches.iter().map(|bench| bench.run_plates(stop))).await?;
    Ok(())
}

/// Registers and receives the next tubes of a lab.
async fn next_box(
    lab: &str,
    services: &Services,
    number: &mut usize,
) -> anyhow::Result<VecDeque<String>> {
    let template = Day::at("P", 100, vec![lab.to_owned()]).tubes;
    let template = template
        .first()
        .context("a day has tubes")?
        .registration
        .clone();
    let barcodes: VecDeque<String> = (0..BOX)
        .map(|nth| format!("P{}{:06}", lab.trim_start_matches("probe-"), *number + nth))
        .collect();
    *number += BOX;
    for barcode in &barcodes {
        let registration = v1::Registration {
            barcode: barcode.clone(),
            subjects: vec![format!("person-{barcode}")],
            ..template.clone()
        };
        let began = Instant::now();
        for again in 0_u32.. {
            let id = format!("register-{barcode}-{again}");
            match site::one(services, &registration, &id).await {
                Ok(_) => break,
                Err(status) if early(&reason(&status), began) => tokio::time::sleep(PACE).await,
                Err(status) => anyhow::bail!("{barcode} registered: {status}"),
            }
        }
    }
    let first = barcodes.front().cloned().unwrap_or_default();
    let began = Instant::now();
    for again in 0_u32.. {
        let request = v1::ReceiveRequest {
            lab: lab.to_owned(),
            actor: "reception".to_owned(),
            request_id: format!("receive-{first}-{again}"),
            arrival: Some(v1::receive_request::Arrival::Tubes(v1::TubesArrived {
                barcodes: barcodes.iter().cloned().collect(),
                another: false,
            })),
        };
        let call = services.pooling.call(|channel| {
            let request = request.clone();
            async move { PoolingClient::new(channel).receive(request).await }
        });
        match call.await {
            Ok(received) => {
                let tubes = received.tubes.len();
                ensure!(tubes == BOX, "a box of {lab} made {tubes} tubes");
                break;
            }
            Err(status) if early(&reason(&status), began) => tokio::time::sleep(PACE).await,
            Err(status) => anyhow::bail!("a box of {lab}: {status}"),
        }
    }
    Ok(barcodes)
}

/// Refused because the policy has not reached the lane yet.
fn early(why: &str, began: Instant) -> bool {
    why.contains("NO_POLICY") && began.elapsed() < SCAN_MAX
}

/// Scans a tube until it is answered; every try goes to the next instance after one that did not answer.
async fn scan(
    lab: &str,
    barcode: &str,
    again: u32,
    channels: &[Channel],
    at: &mut usize,
) -> anyhow::Result<(Scan, Result<v1::ScanResponse, tonic::Status>)> {
    let began = Instant::now();
    let request = v1::ScanRequest {
        lab: lab.to_owned(),
        actor: TECHNICIAN.to_owned(),
        request_id: format!("scan-{barcode}-{again}"),
        bench: BENCH.to_owned(),
        barcode: barcode.to_owned(),
    };
    loop {
        let channel = channels
            .get(*at % channels.len().max(1))
            .context("no address")?;
        let call = PoolingClient::new(channel.clone());
        let answer =
            tokio::time::timeout(TRY_MAX, async { call.clone().scan(request.clone()).await }).await;
        match answer {
            Ok(Err(status)) if no_answer(&status) && began.elapsed() < SCAN_MAX => next(at).await,
            Err(_) if began.elapsed() < SCAN_MAX => next(at).await,
            Ok(answer) => {
                let scan = Scan {
                    began,
                    took: began.elapsed(),
                };
                return Ok((scan, answer.map(tonic::Response::into_inner)));
            }
            Err(_) => {
                anyhow::bail!(
                    "{barcode} of {lab} was scanned for {} s, and nobody answered",
                    SCAN_MAX.as_secs()
                );
            }
        }
    }
}

async fn next(at: &mut usize) {
    *at += 1;
    tokio::time::sleep(PAUSE).await;
}
