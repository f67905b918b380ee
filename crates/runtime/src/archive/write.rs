//! Writing an archive of a log, which may go on being written meanwhile.

use super::{ArchiveError, FORMAT, HEAD, PART_BYTES, Tell, read_lane};
use crate::instance::OWNERS;
use crate::lane::record::Hash;
use crate::log::{Cut, CutLane, Log, LogRecord};
use prost::Message;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};
use tenfold_proto::lane::{
    ArchiveEnd, ArchiveHeader, ArchivePart, ArchivedHeader, ArchivedLane, ArchivedPosition,
    ArchivedRecord, ArchivedRecords, archive_part::Part,
};

/// Writes all that the log has at this moment. Who owns a lane is not part of it: nobody does, where it is
/// read again.
///
/// # Errors
/// See [`ArchiveError`].
pub fn write(log: &dyn Log, to: &mut dyn Write, tell: Tell<'_>) -> Result<(), ArchiveError> {
    let mut cut = log.cut()?;
    cut.lanes.retain(|lane| lane.topic.as_str() != OWNERS);
    let all = cut.lanes.iter().map(|lane| lane.end).sum();
    let mut parts = Parts {
        to,
        digest: Hash::default(),
    };
    parts.to.write_all(HEAD)?;
    parts.write(Part::Header(header(&cut)))?;
    let mut records = 0;
    for lane in &cut.lanes {
        write_lane(log, lane, &mut parts, &mut |done| tell(records + done, all))?;
        records += lane.end;
    }
    parts.write(Part::End(ArchiveEnd { records }))?;
    parts.to.flush()?;
    Ok(())
}

fn header(cut: &Cut) -> ArchiveHeader {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    ArchiveHeader {
        format: FORMAT,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX)),
        lanes: cut
            .lanes
            .iter()
            .map(|lane| ArchivedLane {
                topic: lane.topic.as_str().to_owned(),
                lane: lane.lane,
                lanes: lane.lanes,
                end: lane.end,
            })
            .collect(),
        positions: cut
            .positions
            .iter()
            .map(|position| ArchivedPosition {
                group: position.group.clone(),
                topic: position.topic.as_str().to_owned(),
                lane: position.lane,
                next: position.next,
            })
            .collect(),
    }
}

fn write_lane(
    log: &dyn Log,
    lane: &CutLane,
    parts: &mut Parts<'_>,
    tell: &mut dyn FnMut(u64),
) -> Result<(), ArchiveError> {
    let empty = |first| ArchivedRecords {
        topic: lane.topic.as_str().to_owned(),
        lane: lane.lane,
        first,
        records: Vec::new(),
    };
    let (mut part, mut bytes) = (empty(0), 0);
    read_lane(log, &lane.topic, lane.lane, lane.end, &mut |record| {
        bytes += record.bytes();
        let after = record.offset + 1;
        part.records.push(archived(record));
        if bytes >= PART_BYTES || after == lane.end {
            let full = std::mem::replace(&mut part, empty(after));
            bytes = 0;
            parts.write(Part::Records(full))?;
            tell(after);
        }
        Ok(())
    })
}

/// A record as an archive has it.
pub(super) fn archived(record: LogRecord) -> ArchivedRecord {
    ArchivedRecord {
        key: record.key,
        value: record.value,
        headers: record
            .headers
            .into_iter()
            .map(|(name, value)| ArchivedHeader { name, value })
            .collect(),
        appended_at: record.appended_at.0,
    }
}

struct Parts<'w> {
    to: &'w mut dyn Write,
    digest: Hash,
}

impl Parts<'_> {
    fn write(&mut self, part: Part) -> Result<(), ArchiveError> {
        let bytes = ArchivePart { part: Some(part) }.encode_to_vec();
        self.digest = self.digest.chain(&bytes);
        let length = u32::try_from(bytes.len())
            .map_err(|_| ArchiveError::Log("a record is too large".into()))?;
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(&self.digest.0)?;
        self.to.write_all(&bytes)?;
        Ok(())
    }
}
