//! A lab day at a hundred times its speed, against what `tenfold capacity` reckons with.
//!
//! Tubes come as the flow of `crates/capacity` has them: evenly over the collecting hours of a round of 24 hours. Everybody who works with
//! them answers at once: transport, extraction and runs take no time here, so what is waited for is the software. The busiest minute,
//! which `tenfold capacity` has at twice the mean, is not played.
//!
//! Each run is a fresh `tenfold run` on a fresh broker: its memory, its log and its caches are those of one day.

use crate::bed::{Bed, Size};
use crate::cpu;
use crate::figure::{Bound, Contestant, Figure, Metric, Took, Yardstick};
use crate::lab::{LABS, Lab};
use crate::line::{FULL, Pace, Run, Task};
use crate::openloop::Times;
use crate::tubes::RACK;
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenfold_capacity::machines::{Costs, Machine, needed};
use tenfold_capacity::{Mixed, Plan};
use tenfold_proto::v1;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_tests::kafka::KafkaCluster;

/// Tubes of a whole day.
const TUBES: usize = Size::FULL.day;

/// How many times faster than the clock.
const SPEED: f64 = 100.0;

/// One tube in so many is positive: ten times as many as `tenfold capacity` has by default, so that one pool in a hundred is suspect
/// and its members are a hundredth of the day's work.
const ONE_IN: usize = 1_000;

/// Tubes of a run that is not counted.
const WARM_UP: usize = 10_000;

/// Longest from the last answer until intake has closed every tube.
const CLOSED_MAX: Duration = Duration::from_secs(120);

/// Folder of the caches, in that of the process.
const CACHE: &str = "data/cache";

/// An hour of the day, in seconds: whoever is further behind after the last tube did not keep up.
const HOUR: f64 = 3_600.0 / SPEED;

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "day",
    ours: "500,000 tubes, one in 1,000 of them positive, at 8 labs, come evenly over the 6 collecting hours of `tenfold capacity` at 100 times \
           the speed (216 s, 2,315/s) to `tenfold run` (a process of its own, all services) on a broker: registered, received, planned \
           and confirmed in racks, plated, read, reported and answered, every member of a suspect pool again alone; every report must \
           be right and the tube's only one, every suspect pool alerted, every tube closed. People and instruments take no time. \
           Seconds count from when a registration was due; at hand is what was due and is not reported",
    metrics: &[
        Metric::cost("ms CPU a tube"),
        Metric::cost("log bytes a tube"),
        Metric::cost("cache bytes a tube"),
        Metric::cost("p50 s to report"),
        Metric::cost("p99 s to report"),
        Metric::cost("s from last tube to last report"),
        Metric::cost("most tubes at hand"),
        Metric::cost("MB memory at most"),
    ],
    start: |bed| {
        Ok(Box::new(Day {
            bed: Arc::clone(bed),
            runs: 0,
        }))
    },
    yardsticks: &[Yardstick {
        name: "capacity",
        how: "what `tenfold capacity` reckons with for the same tubes, pooled by ten in the lab, with the same part of them positive: \
              nothing is run. It must be an upper bound, so at most 1 is wanted",
        aims: &[
            Some(1.0),
            Some(1.0),
            Some(1.0),
            None,
            None,
            None,
            None,
            None,
        ],
        start: |bed| Ok(Box::new(Reckoned(bed.size.day))),
    }],
    bounds: &[
        told(3, None),
        told(4, None),
        told(5, Some(HOUR)),
        told(6, None),
        told(7, None),
    ],
};

const fn told(metric: usize, at_most: Option<f64>) -> Bound {
    Bound { metric, at_most }
}

/// Tubes a second: all of [`TUBES`] within the collecting hours, however few of them come.
fn per_second() -> f64 {
    TUBES as f64 / (Plan::default().collecting_hours * 3_600.0 / SPEED)
}

/// The round that such a day is.
fn plan(tubes: usize) -> Plan {
    Plan {
        people: tubes as u64,
        mixed: Mixed::InTheLab,
        prevalence: 1.0 / ONE_IN as f64,
        ..Plan::default()
    }
}

struct Reckoned(usize);

impl Contestant for Reckoned {
    fn run(&mut self) -> anyhow::Result<Took> {
        let one = Machine {
            copies: 1.0,
            ..Machine::default()
        };
        let (plan, tubes) = (plan(self.0), self.0 as f64);
        let needed = needed(&plan, &Costs::MEASURED, one);
        let reckoned = [
            needed.processor_hours * 3.6e6 / tubes,
            needed.log_disk / tubes,
            needed.cache_disk / tubes,
        ];
        let others = FIGURE.metrics.len() - reckoned.len();
        let values = reckoned.into_iter().map(Some);
        Ok(Took {
            values: values.chain(std::iter::repeat_n(None, others)).collect(),
            note: format!(
                "{:.2} % of pools suspect, {:.0} tests again; {:.0} tubes a second in the busiest minute of the day",
                plan.suspect() * 100.0,
                plan.retests(),
                needed.peak
            ),
        })
    }
}

struct Day {
    bed: Arc<Bed>,
    runs: u32,
}

impl Contestant for Day {
    fn run(&mut self) -> anyhow::Result<Took> {
        let counted = self.runs >= self.bed.size.warm_ups;
        self.runs += 1;
        day(if counted { self.bed.size.day } else { WARM_UP })
    }
}

/// Plays a day of so many tubes, in full racks.
fn day(tubes: usize) -> anyhow::Result<Took> {
    let kafka = KafkaCluster::to_measure();
    let lab = Lab::on(kafka.bootstrap())?;
    let process = lab.served().id().context("tenfold does not run")?;
    let labs = LABS as usize;
    let task = Task {
        labs: 0..labs,
        number: 1,
        first: 0,
        racks: tubes.div_ceil(labs * RACK),
        wells: FULL,
        one_in: Some(ONE_IN),
    };
    let tubes = task.tubes();
    let before = cpu::process(process)?;
    let (took, pace) = lab.block_on(async {
        let channel = lab.connect().await?;
        let pace = Pace::from_now(per_second());
        let took = Run::new(&lab, task, Some(pace)).at_once(channel).await?;
        closed(&lab, tubes).await?;
        anyhow::Ok((took, pace))
    })?;
    let cpu = cpu::process(process)? - before;
    let complaints = lab.served().complaints();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    let reports = &took.reports;
    let times = Times::of(reports.seconds(pace).collect())?;
    let last_due = pace.due(tubes.saturating_sub(1));
    let (_, last) = reports.answered.last().context("no report")?;
    let memory = lab.served().memory_max_mib();
    let numbers = [
        cpu * 1e3 / tubes as f64,
        cpu::disk(kafka.folder())? as f64 / tubes as f64,
        cpu::disk(&lab.served().folder().join(CACHE))? as f64 / tubes as f64,
        times.percentile(50),
        times.percentile(99),
        last.saturating_duration_since(last_due).as_secs_f64(),
        reports.most_at_hand(pace, tubes) as f64,
        (memory.context("this system does not tell what memory a process takes")? << 20) as f64
            / 1e6,
    ];
    let note = format!(
        "{tubes} tubes in {:.0} s, registered after {:.0}, racked after {:.0}; {} suspect pools, {} tests again; {} reports came again; \
         longest {:.0} s",
        took.whole.as_secs_f64(),
        took.registering.as_secs_f64(),
        took.pooling.as_secs_f64(),
        took.suspect.0,
        took.suspect.1,
        reports.repeated,
        times.percentile(100),
    );
    Ok(Took::all(&numbers, note))
}

/// Waits until intake knows that every tube's final report was accepted.
async fn closed(lab: &Lab, tubes: usize) -> anyhow::Result<()> {
    let mut client = IntakeClient::new(lab.connect().await?);
    let began = Instant::now();
    loop {
        let board = client.get_board(v1::IntakeBoardRequest::default()).await?;
        let labs = board.into_inner().labs;
        let closed: u64 = labs.iter().map(|lab| lab.closed).sum();
        if closed == tubes as u64 {
            return Ok(());
        }
        ensure!(
            began.elapsed() < CLOSED_MAX,
            "intake has closed {closed} of {tubes} tubes"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_comes_within_its_collecting_hours_at_a_hundred_times_the_speed() {
        assert!((TUBES as f64 / per_second() - 216.0).abs() < 1e-6);
    }

    #[test]
    fn capacity_reckons_with_each_test_as_with_a_tube() {
        let took = Reckoned(TUBES).run().expect("no call");
        let [Some(cpu), Some(log), Some(cache), None, ..] = took.values[..] else {
            panic!("{took:?}");
        };
        // 4.28 ms, 7,000 and 530 bytes a tube, and a hundredth more for tests again.
        assert!((4.28..4.34).contains(&cpu), "{cpu}");
        assert!((7_000.0..7_080.0).contains(&log), "{log}");
        assert!((530.0..536.0).contains(&cache), "{cache}");
    }
}
