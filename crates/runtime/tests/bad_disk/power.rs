//! Power is lost at any moment: the log opens again, with everything that was acknowledged, and with
//! nothing that was not asked for.

use crate::bench::{append_all, appends, create, look, open, store_position};
use crate::disk::{Disk, Fault, Left};
use crate::ledger::Ledger;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Runs of random work, each with a few losses of power; `TENFOLD_POWER_RUNS` makes it more.
const RUNS: u64 = 300;
/// Lives of a log in one run.
const LIVES: u32 = 5;
/// Changes of a disk after which the power goes, if it is not at once: several commits.
const CHANGES_MAX: u64 = 250;
/// While opening or repairing, a loss comes within so few changes.
const OPENING_CHANGES: u64 = 12;

/// One life: opens, compares, works until the power goes or nothing is left to do, and dies.
fn live(disk: &Disk, ledger: &mut Ledger, random: &mut StdRng) -> Result<(), String> {
    let log = match open(disk) {
        Ok(log) => log,
        Err(_) if disk.is_dark() => return Ok(()),
        Err(error) => return Err(format!("it does not open: {error}")),
    };
    let seen = look(&log);
    if !disk.is_dark() {
        ledger.settle(&seen?)?;
        create(&log, ledger)?;
    }
    for _ in 0..random.random_range(0..25) {
        if disk.is_dark() {
            break;
        }
        if random.random_bool(0.1) {
            store_position(&log, ledger, random)?;
        } else {
            append_all(&log, ledger, appends(random))?;
        }
    }
    // Closing writes, too, and the power may go meanwhile.
    drop(log);
    Ok(())
}

fn run(disk: &Disk, seed: u64) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ledger = Ledger::default();
    for life in 0..LIVES {
        let after = if random.random_bool(0.4) {
            random.random_range(0..OPENING_CHANGES)
        } else {
            random.random_range(0..CHANGES_MAX)
        };
        disk.set_fault(Fault::PowerLoss { after });
        let told = |what| format!("seed {seed}, life {life}, power lost after {after}: {what}");
        live(disk, &mut ledger, &mut random).map_err(told)?;
        let all = Left::all();
        disk.power_back(all[random.random_range(0..all.len())], &mut random);
    }
    let told = |what| format!("seed {seed}, at the end: {what}");
    let log = open(disk).map_err(|error| told(error.to_string()))?;
    look(&log)
        .and_then(|seen| ledger.settle(&seen))
        .map_err(told)?;
    create(&log, &mut ledger)?;
    match append_all(&log, &mut ledger, appends(&mut random)) {
        Ok(true) => Ok(()),
        other => Err(told(format!("work does not go on: {other:?}"))),
    }
}

#[test]
fn whatever_a_loss_of_power_leaves_the_log_has_all_it_acknowledged() {
    let more = std::env::var("TENFOLD_POWER_RUNS").ok();
    let runs = more.map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    for seed in 0..runs {
        run(&Disk::new(), seed).unwrap();
    }
}

#[test]
fn a_loss_of_power_at_each_change_of_a_first_day_is_survived() {
    let work = |disk: &Disk, ledger: &mut Ledger| {
        let mut random = StdRng::seed_from_u64(7);
        live(disk, ledger, &mut random)
    };
    let whole = Disk::new();
    work(&whole, &mut Ledger::default()).unwrap();
    let changes = whole.changes();
    assert!(changes > 30, "only {changes} changes");
    for after in 0..changes {
        for left in Left::all() {
            let mut random = StdRng::seed_from_u64(after);
            let (disk, mut ledger) = (Disk::new(), Ledger::default());
            disk.set_fault(Fault::PowerLoss { after });
            work(&disk, &mut ledger).unwrap();
            disk.power_back(left, &mut random);
            live(&disk, &mut ledger, &mut random)
                .unwrap_or_else(|error| panic!("power lost after {after}, left {left:?}: {error}"));
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..5 {
        let traces = [0, 1].map(|_| {
            let disk = Disk::new();
            run(&disk, seed).unwrap();
            disk.trace()
        });
        assert_eq!(traces[0], traces[1], "seed {seed}");
    }
}

#[test]
fn a_disk_that_says_synced_and_has_not_is_found_out() {
    let found = (0..20)
        .filter(|seed| run(&Disk::lying(), *seed).is_err())
        .count();
    assert!(found >= 15, "only {found} of 20 runs noticed");
}

#[test]
fn a_log_that_lost_its_first_page_is_refused_and_not_made_anew() {
    let (disk, mut ledger) = (Disk::new(), Ledger::default());
    live(&disk, &mut ledger, &mut StdRng::seed_from_u64(7)).unwrap();
    disk.lose_head(4096);
    let refused = open(&disk).err().map(|error| error.to_string());
    assert!(
        refused
            .as_ref()
            .is_some_and(|reason| reason.contains("magic")),
        "{refused:?}"
    );
}
