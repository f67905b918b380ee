//! What an archive holds: a digest of every lane, and where every journal's chain stands.

use super::ArchiveError;
use super::read::Archive;
use crate::lane::record::{self, Hash};
use crate::lane::validity::{Chain, Verdict, judge};
use std::io::Read;
use tenfold_proto::lane::{ArchivedRecord, ArchivedRecords};

/// One lane, summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSum {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub lane: u32,
    /// Its records.
    pub records: u64,
    /// Chain digest of the contents of all of them.
    pub digest: Hash,
    /// Of a journal: where its valid prefix stands. Two journals with the same fold to the same state.
    pub chain: Option<Chain>,
}

impl LaneSum {
    fn of(topic: &str, lane: u32) -> Self {
        Self {
            topic: topic.to_owned(),
            lane,
            records: 0,
            digest: Hash::default(),
            chain: topic.ends_with(".journal").then(Chain::default),
        }
    }

    /// Adds the next record. The first of a journal creates it; a chain that breaks is an error.
    fn add(&mut self, record: &ArchivedRecord) -> Result<(), ArchiveError> {
        let (first, offset) = (self.records == 0, self.records);
        self.records += 1;
        self.digest = self.digest.chain(&record.value);
        let Some(chain) = &mut self.chain else {
            return Ok(());
        };
        let envelope = record::read(&record.value);
        match judge(chain, first, envelope.as_ref(), u32::MAX) {
            Verdict::Stop(broken) => Err(ArchiveError::Damaged(format!(
                "the chain of {}/{} breaks at offset {offset}: {broken:?}",
                self.topic, self.lane
            ))),
            verdict => {
                if let Some(envelope) = &envelope {
                    *chain = chain.after(verdict, envelope, &record.value);
                }
                Ok(())
            }
        }
    }
}

/// Reads a whole archive.
///
/// # Errors
/// It is damaged or incomplete, or a journal's chain in it is broken.
pub fn check(from: impl Read) -> Result<Vec<LaneSum>, ArchiveError> {
    let mut archive = Archive::open(from)?;
    let lanes = archive.header().lanes.iter();
    let mut sums: Vec<LaneSum> = lanes
        .map(|lane| LaneSum::of(&lane.topic, lane.lane))
        .collect();
    let mut at = 0;
    while let Some(part) = archive.next_records()? {
        at += sums
            .iter()
            .skip(at)
            .take_while(|sum| !is_of(sum, &part))
            .count();
        let Some(sum) = sums.get_mut(at) else {
            return Err(ArchiveError::Damaged("a lane is not in its header".into()));
        };
        part.records.iter().try_for_each(|record| sum.add(record))?;
    }
    Ok(sums)
}

fn is_of(sum: &LaneSum, part: &ArchivedRecords) -> bool {
    (&sum.topic, sum.lane) == (&part.topic, part.lane)
}
