//! Reading an archive, part by part; nothing is believed that its digests do not say.

use super::{ArchiveError, FORMAT, HEAD, PART_BYTES_MAX};
use crate::lane::record::Hash;
use prost::Message;
use std::io::Read;
use tenfold_proto::lane::{ArchiveHeader, ArchivePart, ArchivedRecords, archive_part::Part};

/// An archive that is being read.
pub struct Archive<R> {
    from: R,
    digest: Hash,
    header: ArchiveHeader,
    /// Place in the header's list of lanes, and the next offset there.
    at: (usize, u64),
    records: u64,
}

impl<R: Read> Archive<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is no archive of a format that this release reads.
    pub fn open(mut from: R) -> Result<Self, ArchiveError> {
        let mut head = [0; HEAD.len()];
        from.read_exact(&mut head)
            .map_err(|_| ArchiveError::Damaged("it is too short".into()))?;
        if head != *HEAD {
            return Err(ArchiveError::Damaged(
                "it does not start as an archive does, or a newer release wrote it".into(),
            ));
        }
        let mut archive = Self {
            from,
            digest: Hash::default(),
            header: ArchiveHeader::default(),
            at: (0, 0),
            records: 0,
        };
        match archive.part()? {
            Part::Header(header) if header.format == FORMAT => archive.header = header,
            Part::Header(header) => {
                return Err(ArchiveError::Damaged(format!(
                    "its format is {}, and this release reads {FORMAT}",
                    header.format
                )));
            }
            _ => return Err(ArchiveError::Damaged("it has no header".into())),
        }
        Ok(archive)
    }

    /// What it says of itself.
    pub const fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// Records in all lanes.
    pub fn records(&self) -> u64 {
        self.header.lanes.iter().map(|lane| lane.end).sum()
    }

    /// The next records; `None` when everything the header promises was there.
    ///
    /// # Errors
    /// What is there is not what was written, or not all of it.
    pub fn next_records(&mut self) -> Result<Option<ArchivedRecords>, ArchiveError> {
        while self.lane_is_done() {
            self.at = (self.at.0 + 1, 0);
        }
        match self.part()? {
            Part::Records(records) => {
                let lane = self.header.lanes.get(self.at.0);
                let fits = lane.is_some_and(|lane| {
                    (&lane.topic, lane.lane) == (&records.topic, records.lane)
                        && records.first == self.at.1
                        && !records.records.is_empty()
                        && records.records.len() as u64 <= lane.end - records.first
                });
                if !fits {
                    return Err(ArchiveError::Damaged(format!(
                        "{}/{} at offset {} is not what comes next",
                        records.topic, records.lane, records.first
                    )));
                }
                self.at.1 += records.records.len() as u64;
                self.records += records.records.len() as u64;
                Ok(Some(records))
            }
            Part::End(end)
                if end.records == self.records && self.at.0 == self.header.lanes.len() =>
            {
                match self.from.read(&mut [0])? {
                    0 => Ok(None),
                    _ => Err(ArchiveError::Damaged("something follows its end".into())),
                }
            }
            Part::End(_) => Err(ArchiveError::Damaged("records are missing".into())),
            Part::Header(_) => Err(ArchiveError::Damaged("it has two headers".into())),
        }
    }

    fn lane_is_done(&self) -> bool {
        let lane = self.header.lanes.get(self.at.0);
        lane.is_some_and(|lane| lane.end == self.at.1)
    }

    fn part(&mut self) -> Result<Part, ArchiveError> {
        let incomplete = |_| ArchiveError::Damaged("it is incomplete".into());
        let mut length = [0; 4];
        self.from.read_exact(&mut length).map_err(incomplete)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > PART_BYTES_MAX {
            return Err(ArchiveError::Damaged(format!("a part of {length} bytes")));
        }
        let mut digest = Hash::default();
        self.from.read_exact(&mut digest.0).map_err(incomplete)?;
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).map_err(incomplete)?;
        self.digest = self.digest.chain(&bytes);
        if self.digest != digest {
            return Err(ArchiveError::Damaged("a part's digest is wrong".into()));
        }
        ArchivePart::decode(bytes::Bytes::from(bytes))
            .ok()
            .and_then(|part| part.part)
            .ok_or_else(|| ArchiveError::Damaged("a part cannot be read".into()))
    }
}
