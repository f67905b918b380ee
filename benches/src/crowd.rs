//! A crowd of laboratories: `tenfold run` on three brokers, on each lane of pooling and of results a lab where tubes are scanned, and
//! another one through which tubes go from registration to report at a pace, if that is wanted.

use crate::cpu;
use crate::lab::{LABS, Lab};
use crate::line::{Pace, Run, Task};
use crate::openloop::{Times, calls};
use crate::scans::{scan, scanned};
use crate::tubes::{Load, POOLS_A_RACK, RACK};
use anyhow::{Context as _, ensure};
use std::time::{Duration, Instant};
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_tests::kafka::KafkaCluster;

/// Brokers: a record is acknowledged when all of them have it, or two at least if one is behind.
const BROKERS: u32 = 3;

/// Scans a second. The figure was asked for at 2,000; with three brokers that is more than two cores have: with one broker those
/// are taken already (`docs/performance.md`), and then whoever waits for a core is measured, not whoever waits for a lane.
const SCANS: u32 = 250;

/// Tubes a second that go from registration to report at the other labs. A rack comes to each lab every four seconds then, and its
/// pools go onto a plate of their own: some records of results. Their report comes after a second, so the work is steady.
const TUBES: u32 = 200;

/// How long those work before the first scan: until every lane has racks, plates and reports at the same time.
const LEAD: Duration = Duration::from_secs(6);

/// Pause before the first scan, with or without a crowd: what brought its tubes is over then.
const SETTLED: Duration = Duration::from_secs(2);

/// Shortest time of scanning: each lab of the crowd has a rack and its plate in it.
const SECONDS_MIN: u64 = 5;

/// Connections of those who scan.
const LINES: usize = 8;

/// See the module.
pub struct Crowd {
    // Before the brokers: it ends while those still run.
    lab: Lab,
    _kafka: KafkaCluster,
    /// Number of the next tube at the other labs.
    next: usize,
    runs: usize,
}

/// What came of it.
pub struct Scanned {
    /// Times of the scans.
    pub times: Times,
    /// Cores of the machine that were busy while the scans went on, whoever had them.
    pub cores: f64,
    /// Lanes of all services.
    pub lanes: usize,
    /// Fewest records that a lane wrote while the scans went on.
    pub least_records: u64,
    /// How long the tubes beside them took from registration to report, in milliseconds; `None` = there were none.
    pub beside: Option<Times>,
}

impl Crowd {
    /// Starts brokers and `tenfold run`.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start() -> anyhow::Result<Self> {
        let kafka = KafkaCluster::start_with(BROKERS, &[], true);
        Ok(Self {
            lab: Lab::replicated(kafka.bootstrap(), Load::doubled(LABS))?,
            _kafka: kafka,
            next: 0,
            runs: 0,
        })
    }

    /// Scans for so many seconds at so many labs, each on a lane of its own; `crowded` = while all lanes of all services work.
    ///
    /// # Errors
    /// Something is refused, a report is wrong or missing, or a lane of the crowd had nothing to do.
    pub fn scan(&mut self, labs: usize, seconds: u64, crowded: bool) -> anyhow::Result<Scanned> {
        let seconds = seconds.max(SECONDS_MIN);
        let count = usize::try_from(seconds)? * SCANS as usize;
        let first = self.lab.bring_to(0..labs, count.div_ceil(labs))?;
        let task = self.task(seconds, crowded)?;
        let lab = &self.lab;
        let (times, moved, cores, beside) = lab.block_on(async {
            let channel = lab.connect().await?;
            let mut clients = Vec::new();
            for _ in 0..LINES {
                clients.push(PoolingClient::new(lab.connect().await?));
            }
            tokio::time::sleep(SETTLED).await;
            let pace = Pace::from_now(f64::from(TUBES));
            let run = Run::new(lab, task, Some(pace));
            let crowd = async {
                if !crowded {
                    return Ok(None);
                }
                let reports = run.at_once(channel).await?.reports;
                let ms = reports.seconds(pace).map(|seconds| seconds * 1e3);
                Times::of(ms.collect()).map(Some)
            };
            let scans = async {
                if crowded {
                    tokio::time::sleep(LEAD).await;
                }
                let before = lab.lanes().await?;
                let (began, busy) = (Instant::now(), cpu::machine()?);
                let times = calls(LINES, SCANS, count, |line, number| {
                    let request = scan(&lab.load.labs, number % labs, first + number / labs);
                    let client = clients.get(line).cloned();
                    async move { scanned(&mut client.context("a connection")?, request).await }
                })
                .await?;
                let cores = (cpu::machine()? - busy) / began.elapsed().as_secs_f64();
                let after = lab.lanes().await?;
                let moved = before.iter().map(|(lane, seq)| {
                    let now = after.get(lane).copied().unwrap_or_default();
                    (lane.clone(), now.saturating_sub(*seq))
                });
                anyhow::Ok((times, moved.collect::<Vec<_>>(), cores))
            };
            let (beside, (times, moved, cores)) = futures::try_join!(crowd, scans)?;
            anyhow::Ok((times, moved, cores, beside))
        })?;
        let (idlest, least) = moved
            .iter()
            .min_by_key(|(_, records)| *records)
            .context("a lane")?;
        // A plate of results is a handful of records every four seconds. Nobody may say that all lanes worked if one wrote less.
        ensure!(
            !crowded || *least >= seconds / 2,
            "lane {idlest:?} wrote {least} records in {seconds} s: it was not busy"
        );
        Ok(Scanned {
            times,
            cores,
            lanes: moved.len(),
            least_records: *least,
            beside,
        })
    }

    /// What the other labs do: tubes come for longer than scans go on.
    fn task(&mut self, seconds: u64, crowded: bool) -> anyhow::Result<Task> {
        let labs = LABS as usize;
        let tubes = (LEAD.as_secs() + seconds + 1) * u64::from(TUBES);
        let racks = usize::try_from(tubes)?.div_ceil(labs * RACK);
        let first = self.next;
        if crowded {
            self.next += racks * RACK;
            self.runs += 1;
        }
        Ok(Task {
            labs: labs..2 * labs,
            number: self.runs,
            first,
            racks,
            wells: POOLS_A_RACK,
            one_in: None,
        })
    }
}
