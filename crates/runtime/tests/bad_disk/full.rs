//! The disk is full, for a moment or for long: callers are told, what is there can be read, nothing is
//! lost, and work goes on by itself when there is room.

use crate::bench::{append_all, appends, create, look, open, open_with};
use crate::disk::{Disk, Fault};
use crate::ledger::{Act, Ledger, Place};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tenfold_runtime::log::embedded::EmbeddedLog;
use tenfold_runtime::log::{AppendError, Class, Log, NewRecord, Topic};

/// Batches of a short day.
const BATCHES: usize = 6;
/// Longest wait for anything, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A short day in which any call may find the disk full, and none may find anything else.
fn day(disk: &Disk, ledger: &mut Ledger) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(11);
    let log = match open(disk) {
        Ok(log) => log,
        Err(error) if error.to_string().contains("no storage space") => return Ok(()),
        Err(error) => return Err(format!("it does not open: {error}")),
    };
    create(&log, ledger)?;
    // Topics that found no room are made now.
    create(&log, ledger)?;
    if ledger.known.topics.len() < 3 && look(&log).is_ok_and(|seen| seen.topics.len() < 3) {
        return Ok(());
    }
    for _ in 0..BATCHES {
        append_all(&log, ledger, appends(&mut random))?;
        // While it cannot even be opened, there is nothing to compare.
        if let Ok(seen) = look(&log) {
            ledger.settle(&seen)?;
        }
    }
    if ledger.not_sent > 0 {
        return Err("an append was not told that there is no room".into());
    }
    Ok(())
}

#[test]
fn no_room_at_any_one_change_loses_nothing_and_work_goes_on() {
    let whole = Disk::new();
    day(&whole, &mut Ledger::default()).unwrap();
    let changes = whole.changes();
    assert!(changes > 50, "only {changes} changes");
    for after in 0..changes {
        for lasts in [1, 2, 7, 40] {
            let told = |what| format!("no room after {after}, for {lasts}: {what}");
            let (disk, mut ledger) = (Disk::new(), Ledger::default());
            disk.set_fault(Fault::NoRoom { after, lasts });
            day(&disk, &mut ledger).map_err(told).unwrap();
            disk.set_fault(Fault::None);
            let log = open(&disk).unwrap();
            ledger.settle(&look(&log).unwrap()).map_err(told).unwrap();
            create(&log, &mut ledger).unwrap();
            let batch = appends(&mut StdRng::seed_from_u64(after));
            assert_eq!(
                append_all(&log, &mut ledger, batch),
                Ok(true),
                "{after}, {lasts}"
            );
        }
    }
}

/// One append, with its end.
fn append(log: &EmbeddedLog, place: Place, value: Bytes) -> Result<Option<u64>, AppendError> {
    let (tell, end) = mpsc::channel();
    let done = Box::new(move |end| tell.send(end).unwrap());
    let topic = Topic::named(place.0);
    log.append(Class::Commit, &topic, place.1, NewRecord::of(value), done);
    let end = end.recv_timeout(PATIENCE).expect("an answer");
    end.map(|appended| appended.offset)
}

#[test]
fn with_room_kept_aside_a_full_disk_is_met_between_commits_and_the_file_is_never_opened_again() {
    let (disk, mut ledger) = (Disk::new(), Ledger::default());
    disk.set_blocks(2_000);
    let log = open_with(&disk, Some(disk.reserve(400))).unwrap();
    create(&log, &mut ledger).unwrap();
    let place = ("journal", 1);
    // Nothing that could be pressed.
    let mut noise = vec![0; 5_000];
    StdRng::seed_from_u64(5).fill(&mut noise[..]);
    let value = Bytes::from(noise);
    let mut stored = 0;
    let refused = loop {
        let end = append(&log, place, value.clone());
        ledger
            .ended(Act::Append(place, value.clone()), &end)
            .unwrap();
        match end {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 2_000, "the disk is never full");
    };
    assert!(matches!(refused, AppendError::NoRoom(_)), "{refused:?}");
    assert!(refused.to_string().contains("full"), "{refused}");
    assert!(stored > 100, "only {stored} records");
    // Reading goes on, and refusing too.
    for _ in 0..3 {
        ledger.settle(&look(&log).unwrap()).unwrap();
        let again = append(&log, place, value.clone());
        assert!(matches!(again, Err(AppendError::NoRoom(_))), "{again:?}");
    }
    // Room is made; nobody tells the log.
    disk.set_blocks(4_000);
    let began = Instant::now();
    while append(&log, place, value.clone()).is_err() {
        assert!(began.elapsed() < PATIENCE, "work does not go on");
        std::thread::sleep(Duration::from_millis(20));
    }
    ledger
        .ended(Act::Append(place, value), &Ok(Some(stored)))
        .unwrap();
    ledger.settle(&look(&log).unwrap()).unwrap();
    assert_eq!(disk.opened(), 1);
}
