//! No fault, steady load, for long: memory, disk and latency must stay flat, but for what the samples themselves take.

use crate::bed::{Bed, SERVICES, cache_of};
use crate::line::quantile;
use crate::probe::Probe;
use crate::work::{Work, at_work};
use anyhow::Context as _;
use plotters::prelude::*;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tenfold_tests::process::Served;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(15);

/// Tubes of each day of the load: about two minutes' work.
const TUBES_A_DAY: usize = 16_000;

/// In a soak whose samples leave, answers to requests do, too, as soon as they may: their rows would grow for 72 hours.
const ANSWERS_KEPT: &str = "lanes.answers_kept_minutes=10";

/// One look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Since the beginning.
    pub at: Duration,
    /// Resident memory of the two instances of each service, in MiB.
    pub memory_mib: [f64; SERVICES.len()],
    /// Their caches on disk, in MiB.
    pub cache_mib: f64,
    /// Scans since the look before, in ms.
    pub p50_ms: f64,
    /// As above.
    pub p99_ms: f64,
}

impl Look {
    /// Of all instances.
    fn memory_mib(&self) -> f64 {
        self.memory_mib.iter().sum()
    }
}

/// Works for so long with these settings and this retention of final samples (`None`: 14 days, so all stay) and
/// of their cards, then writes
/// `soak.csv` and `soak.svg` into a folder. Answers a summary.
///
/// # Errors
/// Something was lost, came twice or is wrong; a file cannot be written.
pub fn soak(
    time: Duration,
    settings: &[String],
    retention: Option<Duration>,
    cards: Option<Duration>,
    folder: &Path,
) -> anyhow::Result<String> {
    let mut settings = settings.to_vec();
    if retention.is_some() {
        settings.insert(0, ANSWERS_KEPT.to_owned());
    }
    let work = Work {
        tubes_a_day: TUBES_A_DAY,
        settings: &settings,
        retention,
        cards,
        lasting: true,
    };
    let done = at_work(work, |bed, probe, over| {
        let began = Instant::now();
        let mut looks = Vec::new();
        while began.elapsed() < time && !over() {
            let from = Instant::now();
            std::thread::sleep(LOOK);
            looks.push(look(bed, probe, began, from));
        }
        Ok(looks)
    })?;
    std::fs::create_dir_all(folder)?;
    let looks = done.value;
    std::fs::write(folder.join("soak.csv"), csv(&looks))?;
    plot(&looks, &folder.join("soak.svg")).context("the plot")?;
    let mut text = format!(
        "{:.0} minutes; {} scans in place; {} days with {} tubes and {} reports: all right\n{}\n",
        looks
            .last()
            .map_or(0.0, |look| look.at.as_secs_f64() / 60.0),
        done.scans,
        done.loaded.days,
        done.loaded.tubes,
        done.loaded.reports,
        done.audited.trim_end(),
    );
    for (name, value) in SERIES {
        let (first, last) = ends(&looks, *value);
        let _ = writeln!(
            text,
            "  {name}: {first:.1} in the first fifth, {last:.1} in the last"
        );
    }
    Ok(text)
}

/// What is shown, and how it is read.
type Series = (&'static str, fn(&Look) -> f64);

const SERIES: &[Series] = &[
    ("memory of all instances, MiB", Look::memory_mib),
    ("memory of intake, MiB", |look| look.memory_mib[0]),
    ("memory of pooling, MiB", |look| look.memory_mib[1]),
    ("memory of results, MiB", |look| look.memory_mib[2]),
    ("caches on disk, MiB", |look| look.cache_mib),
    ("scan p50, ms", |look| look.p50_ms),
    ("scan p99, ms", |look| look.p99_ms),
];

fn look(bed: &Bed, probe: &Probe, began: Instant, from: Instant) -> Look {
    let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
    let took = probe.took(from, Instant::now());
    let mut memory_mib = [0.0; SERVICES.len()];
    for (mib, instances) in memory_mib.iter_mut().zip(bed.instances.chunks(2)) {
        let kib: u64 = instances.iter().filter_map(Served::memory_kib).sum();
        *mib = kib as f64 / 1_024.0;
    }
    let bytes: u64 = bed.instances.iter().map(|one| size(&cache_of(one))).sum();
    Look {
        at: began.elapsed(),
        memory_mib,
        cache_mib: bytes as f64 / 1_048_576.0,
        p50_ms: ms(quantile(&took, 0.5)),
        p99_ms: ms(quantile(&took, 0.99)),
    }
}

/// Bytes of all files of a folder; those that vanish meanwhile count nothing.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Mean of the first and of the last fifth.
fn ends(looks: &[Look], value: fn(&Look) -> f64) -> (f64, f64) {
    let part = (looks.len() / 5).max(1);
    let mean = |some: &[Look]| some.iter().map(value).sum::<f64>() / some.len().max(1) as f64;
    let first = looks.get(..part.min(looks.len())).unwrap_or_default();
    let last = looks
        .get(looks.len().saturating_sub(part)..)
        .unwrap_or_default();
    (mean(first), mean(last))
}

fn csv(looks: &[Look]) -> String {
    let [intake, pooling, results] = SERVICES;
    let mut text =
        format!("seconds,{intake}_mib,{pooling}_mib,{results}_mib,cache_mib,p50_ms,p99_ms\n");
    for look in looks {
        let [intake, pooling, results] = look.memory_mib;
        let _ = writeln!(
            text,
            "{:.0},{intake:.1},{pooling:.1},{results:.1},{:.1},{:.2},{:.2}",
            look.at.as_secs_f64(),
            look.cache_mib,
            look.p50_ms,
            look.p99_ms
        );
    }
    text
}

/// One small picture under another, over minutes.
fn plot(looks: &[Look], file: &Path) -> anyhow::Result<()> {
    let root = SVGBackend::new(file, (900, 1_600)).into_drawing_area();
    root.fill(&WHITE)?;
    let minutes = looks
        .last()
        .map_or(1.0, |look| look.at.as_secs_f64() / 60.0);
    for ((name, value), area) in SERIES.iter().zip(root.split_evenly((SERIES.len(), 1))) {
        let top = looks.iter().map(value).fold(1.0_f64, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(&area)
            .caption(*name, ("sans-serif", 18))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..minutes, 0.0..top)?;
        chart.configure_mesh().x_desc("minutes").draw()?;
        let line = looks
            .iter()
            .map(|look| (look.at.as_secs_f64() / 60.0, value(look)));
        chart.draw_series(LineSeries::new(line, &BLUE))?;
    }
    root.present()?;
    Ok(())
}
