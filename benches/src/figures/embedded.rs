//! The embedded log: registrations made durable, acknowledged, as the gateway appends them.
//!
//! Ours is the log alone, through the engine's own interface: batches of one record for each of 16 lanes, each record with 256
//! registrations; the next batch follows the acknowledgement of the last. The yardstick is redb with nothing of ours.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::tubes::Load;
use anyhow::ensure;
use bytes::Bytes;
use prost::Message as _;
use redb::{Database, ReadableTableMetadata as _, TableDefinition};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{External, InboxRecord};
use tenfold_proto::v1;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::{Class, Log as _, NewRecord, Retention, Topic, TopicPlan};

/// Lanes of intake in the default settings.
const LANES: u32 = 16;

/// Registrations of a record.
const PACKED: usize = 256;

/// Longest wait for a batch.
const BATCH_MAX: Duration = Duration::from_secs(60);

const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "embedded",
    ours: "the embedded log alone: 16 records (one a lane) of 256 registrations each, acknowledged as durable on disk before the \
           next 16 are appended",
    metrics: &[Metric::rate("registrations/s")],
    start: |bed| {
        Ok(Box::new(Ours {
            records: records(bed),
            batches: batches(bed),
        }))
    },
    yardsticks: &[Yardstick {
        name: "redb",
        how: "redb alone, the same 16 records in one table, one durable commit a batch (fsync, one phase), keys in order, a page \
              cache of 64 MiB as ours has",
        aims: &[Some(0.7)],
        start: |bed| {
            Ok(Box::new(Redb {
                records: records(bed),
                batches: batches(bed),
            }))
        },
    }],
    bounds: &[],
};

fn batches(bed: &Arc<Bed>) -> u64 {
    bed.size.seconds * 40
}

/// One record a lane; the same content each time, as far as a log can tell.
fn records(_: &Arc<Bed>) -> Vec<Bytes> {
    let load = Load::new(1, 0);
    let item = |number: usize| {
        let item = v1::RegistrationBatchItem {
            registration: Some(load.registration_at(0, number, crate::tubes::now_ms())),
            sequence: number as u64 + 1,
        };
        let input = v1::external_input::Input::Registration(item);
        v1::ExternalInput { input: Some(input) }
            .encode_to_vec()
            .into()
    };
    let record = |lane: usize| {
        let items = (0..PACKED)
            .map(|number| item(lane * PACKED + number))
            .collect();
        let external = External {
            origin: "bench".to_owned(),
            items,
        };
        let record = InboxRecord {
            content: Some(Content::External(external)),
            traceparent: String::new(),
        };
        record.encode_to_vec().into()
    };
    (0..LANES as usize).map(record).collect()
}

fn took(records: &[Bytes], batches: u64, began: Instant) -> Took {
    let registrations = batches as f64 * records.len() as f64 * PACKED as f64;
    let bytes: usize = records.iter().map(Bytes::len).sum();
    let note = format!("{batches} batches of {bytes} bytes");
    Took::all(&[registrations / began.elapsed().as_secs_f64()], note)
}

struct Ours {
    records: Vec<Bytes>,
    batches: u64,
}

impl Contestant for Ours {
    fn run(&mut self) -> anyhow::Result<Took> {
        let folder = tempfile::tempdir()?;
        let log = EmbeddedLog::open(folder.path(), EmbeddedOptions::default())?;
        let topic = Topic::inbox("intake");
        let plan = TopicPlan {
            topic: topic.clone(),
            lanes: LANES,
            retention: Retention::Forever,
        };
        log.create(&[plan])
            .map_err(|error| anyhow::anyhow!(error))?;
        let began = Instant::now();
        let (tell, ended) = channel();
        for _ in 0..self.batches {
            for (lane, record) in (0_u32..).zip(&self.records) {
                let tell = tell.clone();
                let done = Box::new(move |result: Result<_, _>| {
                    let _ = tell.send(result.map(|_| ()));
                });
                log.append(
                    Class::Relay,
                    &topic,
                    lane,
                    NewRecord::of(record.clone()),
                    done,
                );
            }
            for _ in &self.records {
                ended.recv_timeout(BATCH_MAX)??;
            }
        }
        let took = took(&self.records, self.batches, began);
        ensure!(
            log.extent(&topic, 0)?.end == self.batches,
            "a lane does not hold every record"
        );
        Ok(took)
    }
}

struct Redb {
    records: Vec<Bytes>,
    batches: u64,
}

impl Contestant for Redb {
    fn run(&mut self) -> anyhow::Result<Took> {
        let folder = tempfile::tempdir()?;
        let mut builder = Database::builder();
        builder.set_cache_size(EmbeddedOptions::default().cache_bytes);
        let database = builder.create(folder.path().join("log.redb"))?;
        let began = Instant::now();
        for batch in 0..self.batches {
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(RECORDS)?;
                for (lane, record) in (0_u32..).zip(&self.records) {
                    table.insert((lane, batch), &record[..])?;
                }
            }
            write.commit()?;
        }
        let took = took(&self.records, self.batches, began);
        let rows = {
            use redb::ReadableDatabase as _;
            database.begin_read()?.open_table(RECORDS)?.len()?
        };
        ensure!(
            rows == self.batches * self.records.len() as u64,
            "redb holds {rows} records"
        );
        Ok(took)
    }
}
