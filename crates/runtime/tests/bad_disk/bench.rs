//! A log on a disk, and work for it, in an order that a seed decides.

use crate::disk::Disk;
use crate::ledger::{Act, Holding, Ledger, Place};
use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions, OpenError, Reserve};
use tenfold_runtime::log::{
    AppendError, Appended, Class, Log, NewRecord, ReadError, Retention, Topic, TopicPlan,
};

/// Topics with their lanes.
pub const TOPICS: [(&str, u32); 3] = [("inbox", 2), ("journal", 3), ("reports", 1)];
/// Group whose positions are stored.
const GROUP: &str = "router";
/// Longest wait for an answer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest record: more than a sector, more than a page, more than several.
const RECORD_BYTES_MAX: usize = 20_000;

pub fn open(disk: &Disk) -> Result<EmbeddedLog, OpenError> {
    open_with(disk, None)
}

/// Opens a log with room kept aside.
pub fn open_with(disk: &Disk, reserve: Option<Arc<dyn Reserve>>) -> Result<EmbeddedLog, OpenError> {
    let disk = disk.clone();
    let options = EmbeddedOptions {
        cache_bytes: 1 << 20,
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open_on(move || Ok(disk.open()), reserve, options)
}

/// Makes the topics that are not there.
pub fn create(log: &EmbeddedLog, ledger: &mut Ledger) -> Result<(), String> {
    for (topic, lanes) in TOPICS {
        if ledger.known.topics.contains_key(topic) {
            continue;
        }
        let plan = TopicPlan {
            topic: Topic::named(topic),
            lanes,
            retention: Retention::Forever,
        };
        let made = log.create(&[plan]).map_err(AppendError::Unknown);
        let failed = made.is_err();
        ledger.ended(Act::Create(topic, lanes), &made.map(|()| None))?;
        if failed {
            break;
        }
    }
    Ok(())
}

/// A batch of appends that the log commits as one.
pub fn appends(random: &mut StdRng) -> Vec<(Place, Bytes)> {
    let count = random.random_range(1..=12);
    (0..count)
        .map(|_| {
            let (topic, lanes) = TOPICS[random.random_range(0..TOPICS.len())];
            let length = match random.random_range(0..10) {
                0 => random.random_range(0..RECORD_BYTES_MAX),
                _ => random.random_range(8..300),
            };
            let mut value = vec![0; length];
            // Half of the large ones can be pressed: the log does that from 4 KiB on.
            let noise = match length {
                4_096.. if random.random_bool(0.5) => length / 2,
                _ => length,
            };
            random.fill(&mut value[..noise]);
            ((topic, random.random_range(0..lanes)), value.into())
        })
        .collect()
}

/// Appends them, and waits for all their ends. The log thread is held meanwhile, so that it takes all
/// of them at once, whatever else the machine does.
pub fn append_all(
    log: &EmbeddedLog,
    ledger: &mut Ledger,
    batch: Vec<(Place, Bytes)>,
) -> Result<bool, String> {
    let (hold, held) = mpsc::channel::<()>();
    let (here, arrived) = mpsc::channel();
    let wait = move |_: Result<Appended, AppendError>| {
        here.send(()).unwrap();
        // Ends when `hold` is dropped.
        let _ = held.recv();
    };
    let nowhere = Topic::named("nowhere");
    log.append(
        Class::Commit,
        &nowhere,
        0,
        NewRecord::default(),
        Box::new(wait),
    );
    arrived
        .recv_timeout(PATIENCE)
        .map_err(|_| "the log thread is stuck")?;
    let (tell, ends) = mpsc::channel();
    for (number, ((topic, lane), value)) in batch.iter().enumerate() {
        let tell = tell.clone();
        let done = move |end| tell.send((number, end)).unwrap();
        let record = NewRecord::of(value.clone());
        log.append(
            Class::Commit,
            &Topic::named(topic),
            *lane,
            record,
            Box::new(done),
        );
    }
    drop(hold);
    // Refusals come apart from the rest; in one lane all come in order.
    let mut told = Vec::new();
    for _ in &batch {
        told.push(
            ends.recv_timeout(PATIENCE)
                .map_err(|_| "an append was never answered")?,
        );
    }
    for (place, _) in &batch {
        let of_lane = told.iter().filter(|(number, _)| batch[*number].0 == *place);
        if !of_lane.is_sorted_by_key(|(number, _)| number) {
            return Err(format!("{place:?} was not answered in order"));
        }
    }
    told.sort_by_key(|(number, _)| *number);
    let mut all_good = true;
    for ((_, end), (place, value)) in told.into_iter().zip(batch) {
        all_good &= end.is_ok();
        let end = end.map(|appended: Appended| appended.offset);
        ledger.ended(Act::Append(place, value), &end)?;
    }
    Ok(all_good)
}

/// Stores a position.
pub fn store_position(
    log: &EmbeddedLog,
    ledger: &mut Ledger,
    random: &mut StdRng,
) -> Result<bool, String> {
    let place = ("reports", 0);
    let next = random.random();
    let stored = log
        .store_position(GROUP, &Topic::named(place.0), place.1, next)
        .map_err(|error| AppendError::Unknown(error.to_string()));
    let good = stored.is_ok();
    ledger.ended(Act::Position(place, next), &stored.map(|()| None))?;
    Ok(good)
}

/// Reads all that is there.
pub fn look(log: &EmbeddedLog) -> Result<Holding, String> {
    let mut holding = Holding::default();
    for (name, _) in TOPICS {
        let topic = Topic::named(name);
        let lanes = match log.lanes(&topic) {
            Ok(lanes) => lanes,
            Err(ReadError::Refused(_)) => continue,
            Err(error) => return Err(error.to_string()),
        };
        holding.topics.insert(name, lanes);
        for lane in 0..lanes {
            let records = read(log, &topic, lane).map_err(|error| error.to_string())?;
            holding.records.insert((name, lane), records);
            let position = log.position(GROUP, &topic, lane);
            if let Some(next) = position.map_err(|error| error.to_string())? {
                holding.positions.insert((name, lane), next);
            }
        }
    }
    Ok(holding)
}

fn read(log: &EmbeddedLog, topic: &Topic, lane: u32) -> Result<Vec<Bytes>, ReadError> {
    let extent = log.extent(topic, lane)?;
    let mut reader = log.reader(topic, lane, 0, Arc::new(|| {}))?;
    let mut values = Vec::new();
    loop {
        let records = reader.poll(1 << 16)?;
        if records.is_empty() {
            break;
        }
        for record in records {
            if record.offset != values.len() as u64 {
                return Err(ReadError::Unavailable(format!(
                    "{topic}/{lane} has offset {} where {} was expected",
                    record.offset,
                    values.len()
                )));
            }
            values.push(record.value);
        }
    }
    if extent.start != 0 || extent.end != values.len() as u64 {
        return Err(ReadError::Unavailable(format!(
            "{topic}/{lane} is said to be {extent:?} and has {} records",
            values.len()
        )));
    }
    Ok(values)
}
