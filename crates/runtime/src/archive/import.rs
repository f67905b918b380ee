//! Putting an archive into an empty log: the same records at the same offsets, compared when all are there.

use super::check::{LaneSum, check};
use super::read::Archive;
use super::write::archived;
use super::{ArchiveError, SILENCE_MAX, Tell, read_lane};
use crate::log::{AppendError, Appended, Class, Log, NewRecord, Topic, TopicPlan};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use tenfold_proto::lane::{ArchiveHeader, ArchivedRecord, ArchivedRecords};

/// Records that are on their way at the same time.
const FLYING_MAX: usize = 512;

/// Opens the archive; it is read three times.
pub type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read>>;

/// Takes an archive into a log that has the topics of `plans`, or none yet, and no record.
///
/// # Errors
/// See [`ArchiveError`]. Nothing was written if it is [`ArchiveError::Damaged`] or
/// [`ArchiveError::Refused`]; after any other error the log is of no use.
pub fn import(
    log: &dyn Log,
    plans: &[TopicPlan],
    open: Open<'_>,
    tell: Tell<'_>,
) -> Result<Vec<LaneSum>, ArchiveError> {
    let sums = check(open()?)?;
    let mut archive = Archive::open(open()?)?;
    fits(archive.header(), plans)?;
    log.create(plans).map_err(ArchiveError::Log)?;
    is_empty(log, plans)?;
    let all = archive.records();
    let mut appends = Appends::new(log);
    let mut done = 0;
    while let Some(part) = archive.next_records()? {
        done += part.records.len() as u64;
        appends.add(part)?;
        tell(done, all);
    }
    appends.settle(0)?;
    for position in &archive.header().positions {
        let topic = Topic::named(&position.topic);
        log.store_position(&position.group, &topic, position.lane, position.next)?;
    }
    compare(log, open)?;
    Ok(sums)
}

fn fits(header: &ArchiveHeader, plans: &[TopicPlan]) -> Result<(), ArchiveError> {
    for lane in &header.lanes {
        let plan = plans.iter().find(|plan| plan.topic.as_str() == lane.topic);
        match plan {
            Some(plan) if plan.lanes == lane.lanes => {}
            Some(plan) => {
                return Err(ArchiveError::Refused(format!(
                    "topic {} has {} lanes in the archive, and {} here: a lab moves with the number of lanes it has. Set lanes.{} = {}",
                    lane.topic,
                    lane.lanes,
                    plan.lanes,
                    lane.topic.split('.').next().unwrap_or_default(),
                    lane.lanes
                )));
            }
            None => {
                return Err(ArchiveError::Refused(format!(
                    "topic {} of the archive is unknown to this release",
                    lane.topic
                )));
            }
        }
    }
    Ok(())
}

fn is_empty(log: &dyn Log, plans: &[TopicPlan]) -> Result<(), ArchiveError> {
    for plan in plans {
        for lane in 0..plan.lanes {
            let extent = log.extent(&plan.topic, lane)?;
            if extent.end != 0 {
                return Err(ArchiveError::Refused(format!(
                    "{}/{lane} is not empty: an archive goes into a log that never had a record",
                    plan.topic
                )));
            }
        }
    }
    Ok(())
}

type End = (String, u64, Result<Appended, AppendError>);

struct Appends<'l> {
    log: &'l dyn Log,
    tell: Sender<End>,
    ended: Receiver<End>,
    flying: usize,
}

impl<'l> Appends<'l> {
    fn new(log: &'l dyn Log) -> Self {
        let (tell, ended) = channel();
        Self {
            log,
            tell,
            ended,
            flying: 0,
        }
    }

    fn add(&mut self, part: ArchivedRecords) -> Result<(), ArchiveError> {
        let topic = Topic::named(&part.topic);
        for (offset, record) in (part.first..).zip(part.records) {
            let tell = self.tell.clone();
            let place = format!("{topic}/{}", part.lane);
            // Whoever waits for it may have given up.
            let done = move |end| drop(tell.send((place, offset, end)));
            let record = new_record(record);
            self.log
                .append(Class::Commit, &topic, part.lane, record, Box::new(done));
            self.flying += 1;
            self.settle(FLYING_MAX)?;
        }
        Ok(())
    }

    /// Waits until no more than so many are on their way.
    fn settle(&mut self, left: usize) -> Result<(), ArchiveError> {
        while self.flying > left {
            let (place, offset, end) = self
                .ended
                .recv_timeout(SILENCE_MAX)
                .map_err(|_| ArchiveError::Log("an append was never answered".into()))?;
            self.flying -= 1;
            match end {
                Ok(Appended { offset: Some(at) }) if at != offset => {
                    return Err(ArchiveError::Differs(format!(
                        "the record of {place} at offset {offset} was written at {at}"
                    )));
                }
                Ok(_) => {}
                Err(error) => return Err(ArchiveError::Log(format!("{place}: {error}"))),
            }
        }
        Ok(())
    }
}

fn new_record(record: ArchivedRecord) -> NewRecord {
    NewRecord {
        key: record.key,
        value: record.value,
        headers: record
            .headers
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect(),
    }
}

/// Every lane must have what the archive has, where it has it, and nothing else.
///
/// # Errors
/// [`ArchiveError::Differs`], or the log or the archive cannot be read.
pub fn compare(log: &dyn Log, open: Open<'_>) -> Result<(), ArchiveError> {
    let mut archive = Archive::open(open()?)?;
    let mut part = archive.next_records()?;
    for lane in archive.header().lanes.clone() {
        let topic = Topic::named(&lane.topic);
        let end = lane.end;
        let extent = log.extent(&topic, lane.lane)?;
        if (extent.start, extent.end) != (0, end) {
            return Err(ArchiveError::Differs(format!(
                "{topic}/{} holds {} to {} instead of 0 to {end}",
                lane.lane, extent.start, extent.end
            )));
        }
        read_lane(log, &topic, lane.lane, end, &mut |record| {
            let offset = record.offset;
            let at = part.as_ref().map_or(0, |part| part.first);
            let index = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
            let wanted = part.as_ref().and_then(|part| part.records.get(index));
            let mut found = archived(record);
            let Some(wanted) = wanted else {
                return Err(ArchiveError::Differs(format!(
                    "{topic}/{} at {offset}",
                    lane.lane
                )));
            };
            found.appended_at = wanted.appended_at;
            if found != *wanted {
                return Err(ArchiveError::Differs(format!(
                    "{topic}/{} at offset {offset} is another record",
                    lane.lane
                )));
            }
            if part
                .as_ref()
                .is_some_and(|part| index + 1 == part.records.len())
            {
                part = archive.next_records()?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
