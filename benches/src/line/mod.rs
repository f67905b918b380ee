//! The whole line, from a site's registration to a report that its receiver took: `tenfold run` on a broker of its own, and everybody who
//! calls it. All tubes are negative, and nothing goes wrong: what is measured is work, not trouble.
//!
//! Either all work at once, as on a day; or one part after another, each alone: registering, pooling, results. What a part needs is
//! there then before it begins.

mod plates;
mod receiver;

use crate::lab::{Lab, register};
use crate::pooler::{all_known, rack, until_known};
use crate::robot::Way;
use crate::tubes::{POOLS_A_RACK, RACK, barcode, now_ms};
use futures::StreamExt as _;
use plates::Bench;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_tests::kafka::KafkaCluster;
use tonic::transport::Channel;

/// Racks of a lab that are under way at the same time.
const RACKS_AT_ONCE: usize = 8;

/// Longest time until a registration has come to its lab.
const KNOWN_MAX: Duration = Duration::from_secs(300);

/// How long the parts took; all at once, they begin together.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Until every registration was acknowledged; one after another: until pooling knew every one.
    pub registering: Duration,
    /// From there, or from the beginning, until the last rack was confirmed.
    pub pooling: Duration,
    /// From there, or from the beginning, until the last report was answered.
    pub results: Duration,
    /// All of it.
    pub whole: Duration,
}

/// See the module.
pub struct Line {
    // Before the broker: it ends while that still runs.
    lab: Lab,
    _kafka: KafkaCluster,
    next: usize,
    runs: usize,
}

impl Line {
    /// Starts a broker and `tenfold run`.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start() -> anyhow::Result<Self> {
        let kafka = KafkaCluster::to_measure();
        Ok(Self {
            lab: Lab::on(kafka.bootstrap())?,
            _kafka: kafka,
            next: 0,
            runs: 0,
        })
    }

    /// Labs.
    #[must_use]
    pub fn labs(&self) -> usize {
        self.lab.load.labs.len()
    }

    /// Takes so many racks of each lab from registration to accepted report.
    ///
    /// # Errors
    /// Something is refused, a report is wrong, or one never comes.
    pub fn run(&mut self, racks: usize, at_once: bool) -> anyhow::Result<Took> {
        let first = self.next;
        self.next += racks * RACK;
        self.runs += 1;
        let run = Run {
            lab: &self.lab,
            number: self.runs,
            first,
            racks,
            racked: (0..self.labs()).map(|_| AtomicUsize::new(0)).collect(),
        };
        self.lab.block_on(async {
            let channel = self.lab.connect().await?;
            if at_once {
                run.at_once(channel).await
            } else {
                run.one_by_one(channel).await
            }
        })
    }
}

/// One time all tubes.
struct Run<'a> {
    lab: &'a Lab,
    number: usize,
    first: usize,
    racks: usize,
    /// Racks that are done, of each lab.
    racked: Vec<AtomicUsize>,
}

impl Run<'_> {
    async fn at_once(&self, channel: Channel) -> anyhow::Result<Took> {
        let began = Instant::now();
        let registering = async {
            self.register(channel.clone()).await?;
            anyhow::Ok(began.elapsed())
        };
        let pooling = async {
            self.pool(channel.clone()).await?;
            anyhow::Ok(began.elapsed())
        };
        let results = async {
            self.results(channel.clone()).await?;
            anyhow::Ok(began.elapsed())
        };
        let (registering, pooling, results) = futures::try_join!(registering, pooling, results)?;
        Ok(Took {
            registering,
            pooling,
            results,
            whole: began.elapsed(),
        })
    }

    async fn one_by_one(&self, channel: Channel) -> anyhow::Result<Took> {
        let began = Instant::now();
        self.register(channel.clone()).await?;
        self.known(channel.clone()).await?;
        let registering = began.elapsed();
        self.pool(channel.clone()).await?;
        let pooling = began.elapsed().saturating_sub(registering);
        self.results(channel).await?;
        let whole = began.elapsed();
        Ok(Took {
            registering,
            pooling,
            results: whole.saturating_sub(registering + pooling),
            whole,
        })
    }

    /// Until every registration is acknowledged as durable.
    async fn register(&self, channel: Channel) -> anyhow::Result<()> {
        let labs = &self.lab.load.labs;
        let last = self.first + self.racks * RACK;
        let all = (self.first..last)
            .flat_map(|number| (0..labs.len()).map(move |lab| (lab, number)))
            .map(|(lab, number)| self.lab.load.registration_at(lab, number, now_ms()));
        let source = format!("line-{}", self.number);
        register(channel, &source, all.collect(), None).await
    }

    /// Until pooling knows every tube. Those of a lab come over all lanes of intake, each in its order: the last of each lane lie
    /// among the last tubes.
    async fn known(&self, channel: Channel) -> anyhow::Result<()> {
        let way = Way::Called(PoolingClient::new(channel));
        let last = self.first + self.racks * RACK;
        let labs = self.lab.load.labs.iter().enumerate();
        let tubes = labs.flat_map(|(lab, name)| {
            let numbers = last.saturating_sub(RACK).max(self.first)..last;
            numbers.map(move |number| (name.as_str(), barcode(lab, number)))
        });
        all_known(&way, tubes).await
    }

    /// Every rack as soon as its last tube is known: received, planned, confirmed.
    async fn pool(&self, channel: Channel) -> anyhow::Result<()> {
        let way = Way::Called(PoolingClient::new(channel));
        let labs = self.lab.load.labs.iter().zip(&self.racked).enumerate();
        let labs = labs.map(|(lab, (name, racked))| {
            let way = &way;
            async move {
                let mut under_way = futures::stream::iter(0..self.racks)
                    .map(async |number| {
                        let first = self.first + number * RACK;
                        until_known(way, name, &barcode(lab, first + RACK - 1)).await?;
                        rack(way, lab, name, first, KNOWN_MAX).await
                    })
                    .buffer_unordered(RACKS_AT_ONCE);
                while let Some(done) = under_way.next().await {
                    done?;
                    racked.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            }
        });
        futures::future::try_join_all(labs).await?;
        Ok(())
    }

    /// Plates of whatever is pooled, their runs, and the reports, until every tube's was taken.
    async fn results(&self, channel: Channel) -> anyhow::Result<()> {
        let pools = self.racks * POOLS_A_RACK;
        let labs = self.lab.load.labs.iter().zip(&self.racked);
        let plates = labs.map(|(name, racked)| {
            let bench = Bench::new(channel.clone(), name, self.number);
            bench.plate_all(pools, || racked.load(Ordering::Relaxed) == self.racks)
        });
        let plates = futures::future::try_join_all(plates);
        let numbers = self.first..self.first + self.racks * RACK;
        let tubes = (0..self.lab.load.labs.len())
            .flat_map(|lab| numbers.clone().map(move |number| barcode(lab, number)));
        futures::try_join!(plates, receiver::take(channel.clone(), tubes.collect()))?;
        Ok(())
    }
}
