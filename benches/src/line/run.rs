//! One time all tubes of a load, from registration to accepted report.

use super::floor::Floor;
use super::pace::{self, Pace};
use super::plates::Bench;
use super::receiver::{self, Awaited, Reports};
use crate::lab::{Lab, register};
use crate::pooler::{all_known, confirmed, planned, until_known};
use crate::robot::Way;
use crate::tubes::{Load, RACK, barcode, now_ms};
use anyhow::ensure;
use futures::StreamExt as _;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1;
use tenfold_proto::v1::pooling_client::PoolingClient;
use tonic::transport::Channel;

/// Racks of a lab that are under way at the same time.
const RACKS_AT_ONCE: usize = 8;

/// Longest time until a registration has come to its lab.
const KNOWN_MAX: Duration = Duration::from_secs(300);

/// Ct of both targets in a positive tube: its pool of ten shows 28.3, far from grey.
const STRONG: f64 = 25.0;

/// Tubes that a positive one is sought among: prime to [`STEP`].
const STEP: usize = 617;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Task {
    /// Which of the load's labs.
    pub labs: Range<usize>,
    /// Number of the run at this process: names plates and streams.
    pub number: usize,
    /// Number of each lab's first tube; begins a rack.
    pub first: usize,
    /// Racks of each lab.
    pub racks: usize,
    /// Wells of a plate; with fewer waiting, a lab waits for more as long as more will come.
    pub wells: usize,
    /// One tube in so many is positive, spread evenly; `None` = no tube is.
    pub one_in: Option<usize>,
}

impl Task {
    /// Tubes of all labs.
    #[must_use]
    pub fn tubes(&self) -> usize {
        self.labs.len() * self.racks * RACK
    }

    /// Lab and number of the n-th tube. The labs take turns by racks, so that one has its rack while the next one's fills up.
    fn tube(&self, nth: usize) -> (usize, usize) {
        let (rack, at) = (nth / RACK, nth % RACK);
        let labs = self.labs.len().max(1);
        let number = self.first + rack / labs * RACK + at;
        (self.labs.start + rack % labs, number)
    }

    /// The last tube of a lab's rack.
    fn last_of(&self, lab: usize, rack: usize) -> usize {
        (rack * self.labs.len() + lab - self.labs.start + 1) * RACK - 1
    }

    /// What is in a tube.
    fn truth(&self, lab: usize, number: usize) -> Truth {
        match self.one_in {
            Some(some) if (number * STEP + lab).is_multiple_of(some) => Truth::Virus(STRONG),
            _ => Truth::Negative,
        }
    }
}

/// How long the parts took; all at once, they begin together.
#[derive(Clone, Debug)]
pub struct Took {
    /// Until every registration was acknowledged; one after another: until pooling knew every one.
    pub registering: Duration,
    /// From there, or from the beginning, until the last rack was confirmed.
    pub pooling: Duration,
    /// From there, or from the beginning, until the last report was answered.
    pub results: Duration,
    /// All of it.
    pub whole: Duration,
    /// The reports, as they were answered.
    pub reports: Reports,
    /// Pools in which a positive tube is, and how many tubes they hold.
    pub suspect: (usize, usize),
}

/// See the module.
pub struct Run<'a> {
    lab: &'a Lab,
    task: Task,
    pace: Option<Pace>,
    floors: Vec<Floor>,
}

impl<'a> Run<'a> {
    /// Nothing of it is done yet. With a pace tubes come when they are due, their racks with the last of them.
    pub fn new(lab: &'a Lab, task: Task, pace: Option<Pace>) -> Self {
        Self {
            lab,
            floors: task.labs.clone().map(|_| Floor::default()).collect(),
            pace,
            task,
        }
    }

    /// Everybody works at the same time.
    ///
    /// # Errors
    /// Something is refused, a report is wrong, or one never comes.
    pub async fn at_once(&self, channel: Channel) -> anyhow::Result<Took> {
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
            let reports = self.results(channel.clone()).await?;
            anyhow::Ok((began.elapsed(), reports))
        };
        let (registering, pooling, (results, reports)) =
            futures::try_join!(registering, pooling, results)?;
        Ok(Took {
            registering,
            pooling,
            results,
            whole: began.elapsed(),
            reports,
            suspect: self.suspect(),
        })
    }

    /// One part after another.
    ///
    /// # Errors
    /// As [`Run::at_once`].
    pub async fn one_by_one(&self, channel: Channel) -> anyhow::Result<Took> {
        let began = Instant::now();
        self.register(channel.clone()).await?;
        self.known(channel.clone()).await?;
        let registering = began.elapsed();
        self.pool(channel.clone()).await?;
        let pooling = began.elapsed().saturating_sub(registering);
        let reports = self.results(channel).await?;
        let whole = began.elapsed();
        Ok(Took {
            registering,
            pooling,
            results: whole.saturating_sub(registering + pooling),
            whole,
            reports,
            suspect: self.suspect(),
        })
    }

    /// Until every registration is acknowledged as durable.
    async fn register(&self, channel: Channel) -> anyhow::Result<()> {
        let source = format!("line-{}", self.task.number);
        let (count, task) = (self.task.tubes(), self.task.clone());
        let load: Load = self.lab.load.clone();
        let state = move |nth| {
            let (lab, number) = task.tube(nth);
            load.registration_at(lab, number, now_ms())
        };
        match self.pace {
            Some(pace) => pace::register(channel, source, count, pace, state).await,
            None => register(channel, &source, (0..count).map(state).collect(), None).await,
        }
    }

    /// Until pooling knows every tube. Those of a lab come over all lanes of intake, each in its order: the last of each lane lie
    /// among the last tubes.
    async fn known(&self, channel: Channel) -> anyhow::Result<()> {
        let way = Way::Called(PoolingClient::new(channel));
        let last = self.task.first + self.task.racks * RACK;
        let tubes = self.labs().flat_map(|(lab, name, _)| {
            let numbers = last.saturating_sub(RACK).max(self.task.first)..last;
            numbers.map(move |number| (name, barcode(lab, number)))
        });
        all_known(&way, tubes).await
    }

    /// Number, name and floor of each lab at work.
    fn labs(&self) -> impl Iterator<Item = (usize, &str, &Floor)> {
        let names = self.lab.load.labs.iter().enumerate();
        let names = names.skip(self.task.labs.start).zip(&self.floors);
        names.map(|((lab, name), floor)| (lab, name.as_str(), floor))
    }

    /// Suspect pools of all labs, and how many tubes they hold.
    fn suspect(&self) -> (usize, usize) {
        let labs = self.floors.iter().map(Floor::suspect);
        labs.fold((0, 0), |all, lab| (all.0 + lab.0, all.1 + lab.1))
    }

    /// Every rack as soon as its last tube is known: received, planned, confirmed.
    async fn pool(&self, channel: Channel) -> anyhow::Result<()> {
        let way = Way::Called(PoolingClient::new(channel));
        let labs = self.labs().map(async |(lab, name, floor)| {
            let mut under_way = futures::stream::iter(0..self.task.racks)
                .map(|number| self.rack(&way, lab, name, floor, number))
                .buffer_unordered(RACKS_AT_ONCE);
            while let Some(done) = under_way.next().await {
                done?;
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(labs).await?;
        Ok(())
    }

    async fn rack(
        &self,
        way: &Way,
        lab: usize,
        name: &str,
        floor: &Floor,
        number: usize,
    ) -> anyhow::Result<()> {
        let first = self.task.first + number * RACK;
        if let Some(pace) = self.pace {
            let last = pace.due(self.task.last_of(lab, number));
            tokio::time::sleep_until(last.into()).await;
        }
        until_known(way, name, &barcode(lab, first + RACK - 1)).await?;
        let planned = planned(way, lab, name, first, KNOWN_MAX).await?;
        // Before it is confirmed: a plate may be filled with it at once.
        floor.put(&planned, |at| {
            let number = first + at;
            (barcode(lab, number), self.task.truth(lab, number))
        })?;
        confirmed(way, lab, name, first).await?;
        floor.racked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Plates of whatever waits, their runs, and the reports, until every tube's was taken and every suspect pool alerted.
    async fn results(&self, channel: Channel) -> anyhow::Result<Reports> {
        let over = AtomicBool::new(false);
        let plates = self.labs().map(async |(_, name, floor)| {
            let bench = Bench::new(channel.clone(), name, &self.task, &floor.hands);
            let all_there = || floor.racked.load(Ordering::Relaxed) == self.task.racks;
            let wells = bench.plate_all(all_there, &over).await?;
            let (_, members) = floor.suspect();
            let wanted = floor.pools() + members;
            ensure!(
                wells == wanted,
                "{wells} wells of {name} were read, not {wanted}"
            );
            anyhow::Ok(())
        });
        let plates = futures::future::try_join_all(plates);
        let tubes: HashMap<String, Awaited> = (0..self.task.tubes())
            .map(|nth| {
                let (lab, number) = self.task.tube(nth);
                let verdict = match self.task.truth(lab, number) {
                    Truth::Virus(_) => v1::Verdict::Positive,
                    Truth::Negative | Truth::Inhibited => v1::Verdict::Negative,
                };
                (barcode(lab, number), Awaited { nth, verdict })
            })
            .collect();
        let reports = async {
            let reports = receiver::take(channel.clone(), tubes).await?;
            over.store(true, Ordering::Relaxed);
            anyhow::Ok(reports)
        };
        let (_, reports) = futures::try_join!(plates, reports)?;
        let (suspect, _) = self.suspect();
        let alerts = reports.alerts.len();
        ensure!(
            alerts == suspect,
            "{alerts} pools were alerted, {suspect} are suspect"
        );
        Ok(reports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        Task {
            labs: 8..16,
            number: 1,
            first: 960,
            racks: 125,
            wells: 90,
            one_in: Some(1_000),
        }
    }

    #[test]
    fn labs_take_turns_by_racks_and_every_tube_is_there_once() {
        let task = task();
        assert_eq!(task.tube(0), (8, 960));
        assert_eq!(task.tube(95), (8, 1_055));
        assert_eq!(task.tube(96), (9, 960));
        assert_eq!(task.tube(8 * 96 + 1), (8, 1_057));
        assert_eq!(task.tube(task.last_of(15, 0)), (15, 1_055));
        assert_eq!(task.tube(task.last_of(8, 1)), (8, 1_151));
        let all: std::collections::BTreeSet<_> = (0..task.tubes()).map(|n| task.tube(n)).collect();
        assert_eq!(all.len(), 96_000);
    }

    #[test]
    fn one_tube_in_a_thousand_of_each_lab_is_positive() {
        let task = task();
        for lab in task.labs.clone() {
            let numbers = task.first..task.first + 12_000;
            let positive = numbers.filter(|number| task.truth(lab, *number) != Truth::Negative);
            assert_eq!(positive.count(), 12);
        }
    }
}
