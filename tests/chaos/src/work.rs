//! Everything started and everybody at work, while something is done to it or looked at; and the check at the end.

use crate::bed::Bed;
use crate::load::{self, Days, Loaded};
use crate::probe::{self, Probe};
use anyhow::{Context as _, anyhow, ensure};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenfold_lab_day::ledger::Ledger;
use tenfold_lab_day::{Services, play::apply_policy};
use tenfold_tests::process::{Served, program, run};

/// What came of it.
#[derive(Debug)]
pub struct Done<T> {
    /// What the body answered.
    pub value: T,
    /// What the load came to.
    pub loaded: Loaded,
    /// Scans of the technicians, all in place.
    pub scans: usize,
    /// What the auditor counted, having found nothing.
    pub audited: String,
    /// Lines of the instances' logs that an operator would look at.
    pub complaints: Vec<String>,
}

/// How everybody works.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Tubes of each day of the load.
    pub tubes_a_day: usize,
    /// Settings of every instance, as `key=value`.
    pub settings: &'a [String],
    /// How long a final sample stays at hand. With it the technicians' pools are plated and read, too, so that
    /// everything is final one day; without it they stay, to be compared at the end.
    pub retention: Option<Duration>,
    /// How long the card of a filed sample stays; `None` = as the default policy says.
    pub cards: Option<Duration>,
    /// Whether it goes on for long: brokers are started for that, and not to be there quickly.
    pub lasting: bool,
}

/// Starts brokers and instances, days of tubes and the scanning technicians; runs `body`, lets the load end,
/// and checks every scan that was answered. `body` is told whether load or technicians ended early.
///
/// # Errors
/// Something was lost, came twice or is wrong; or `body` failed.
pub fn at_work<T>(
    work: Work<'_>,
    body: impl FnOnce(&mut Bed, &Probe, &dyn Fn() -> bool) -> anyhow::Result<T>,
) -> anyhow::Result<Done<T>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut bed = Bed::start(runtime.handle(), work.settings, work.lasting)?;
    let told = bed.folder().join("clients.jsonl");
    let ledger = Ledger::to(&told)?;
    let [intake, pooling, results] = [0, 1, 2].map(|service| bed.addresses(service));
    let days = Days {
        tubes: work.tubes_a_day,
        others: probe::labs(),
        retention: work.retention,
        cards: work.cards,
    };
    let services = {
        let _entered = runtime.enter();
        Services::at(&intake, &pooling, &results)?.with_ledger(&ledger)
    };
    let first = days.day(0);
    runtime.block_on(async {
        apply_policy(&first, &services).await?;
        // It reaches the lanes by their inboxes; who comes too early tries again.
        tokio::time::sleep(Duration::from_secs(2)).await;
        anyhow::Ok(())
    })?;
    let probe = Probe::default();
    let (stop_load, stop_probe) = (AtomicBool::new(false), AtomicBool::new(false));
    let worked = std::thread::scope(|scope| {
        let loading =
            scope.spawn(|| load::run([&intake, &pooling, &results], &days, &ledger, &stop_load));
        let probing = scope.spawn(|| {
            let scanning = probe.run(&services, &pooling, &stop_probe);
            let plates = probe::plates(&services, work.retention.is_some(), &stop_probe);
            runtime.block_on(async { futures::try_join!(scanning, plates).map(|_| ()) })
        });
        let over = || loading.is_finished() || probing.is_finished();
        let value = body(&mut bed, &probe, &over);
        // Whatever happened, everybody goes home.
        stop_load.store(true, Ordering::Relaxed);
        stop_probe.store(true, Ordering::Relaxed);
        let probed = probing.join().map_err(|_| anyhow!("the probe panicked"))?;
        let loaded = loading.join().map_err(|_| anyhow!("the load panicked"))?;
        let loaded = loaded.context("the load")?;
        probed.context("the scanning technicians")?;
        anyhow::Ok((value?, loaded))
    });
    let (value, loaded) = match worked {
        Ok(done) => done,
        Err(error) => {
            let folder = bed.left_behind();
            let told = complaints(&bed.instances).join("\n");
            return Err(error.context(format!("{told}\nlogs and caches: {}", folder.display())));
        }
    };
    runtime
        .block_on(probe.check(&services, work.retention))
        .context("scans that were answered")?;
    let audited = audit(&bed, &told)? + &heads(&bed)?;
    Ok(Done {
        value,
        audited,
        loaded,
        scans: probe.answered(),
        complaints: complaints(&bed.instances),
    })
}

/// Reads the whole log from its first record, with what every client was answered.
fn audit(bed: &Bed, ledger: &Path) -> anyhow::Result<String> {
    let ledger = ledger.to_string_lossy();
    let mut arguments = vec![
        "audit",
        "--kafka",
        bed.kafka.bootstrap(),
        "--ledger",
        &ledger,
    ];
    for setting in bed.of_heads() {
        arguments.extend(["--set", setting]);
    }
    let (status, said, told) = run(&program("tenfold"), &arguments);
    ensure!(
        status.success(),
        "the audit ended with {status}:\n{said}\n{told}"
    );
    Ok(said)
}

/// Whatever the log has lost is in the store, and whole; how much that is.
fn heads(bed: &Bed) -> anyhow::Result<String> {
    let mut arguments = vec![
        "heads",
        "verify",
        "--json",
        "--kafka",
        bed.kafka.bootstrap(),
    ];
    for setting in bed.of_heads() {
        arguments.extend(["--set", setting]);
    }
    let (status, said, told) = run(&program("tenfold"), &arguments);
    ensure!(status.success(), "heads are not whole:\n{said}\n{told}");
    let lanes: Vec<serde_json::Value> = serde_json::from_str(&said)?;
    let sum = |field: &str| -> u64 { lanes.iter().filter_map(|lane| lane[field].as_u64()).sum() };
    Ok(format!(
        "\nput away of {} journals and inboxes: {} records in {} parts, {:.1} MB",
        lanes.len(),
        sum("stored_below"),
        sum("parts"),
        sum("bytes") as f64 / 1e6
    ))
}

fn complaints(instances: &[Served]) -> Vec<String> {
    instances.iter().flat_map(Served::complaints).collect()
}
