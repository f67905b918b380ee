//! Taking lanes over with an empty cache: the journal is read from its first record, checked, folded, and written to the cache,
//! until every lane is owned.
//!
//! Ours is an instance of pooling as a library in this process, whose journals a whole run of the figure `pooling` has written.
//! Its time includes joining the group and the records that take the lanes.

use super::pooling::{Owner, prepare};
use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::kafka::{PATIENCE, fresh};
use crate::pooler::{self, RACKS_AT_ONCE};
use crate::robot::Way;
use anyhow::ensure;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "takeover",
    ours: "an instance of pooling with an empty cache takes all lanes of a run: journals read, checked, folded and written to the \
           cache, from starting it until the last lane is owned",
    metrics: &[Metric::rate("journal MB/s")],
    start: |bed| Ok(Box::new(Taking(journals(bed)?))),
    yardsticks: &[Yardstick {
        name: "consume",
        how: "librdkafka alone reads the same kind of journals of a run of the same size from first to last and looks at nothing; \
              fetches of up to 8 MiB, a million records ahead, no checksums",
        aims: &[Some(0.6)],
        start: |bed| Ok(Box::new(Consuming(journals(bed)?))),
    }],
    bounds: &[],
};

/// The journals of a run, written by its owner.
struct Journals {
    bed: Arc<Bed>,
    run: String,
    lanes: u32,
}

fn journals(bed: &Arc<Bed>) -> anyhow::Result<Journals> {
    let (bootstrap, load, run) = (bed.kafka().bootstrap(), bed.size.load(), fresh("run-"));
    let inboxes: Vec<_> = (0..load.labs.len()).map(|lane| load.inbox(lane)).collect();
    prepare(bootstrap, &run, &inboxes)?;
    let folder = tempfile::tempdir()?;
    let owner = Owner::start(bootstrap, &run, folder.path(), load.lanes())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let way = Way::Within(owner.instance.gateway());
    runtime.block_on(pooler::work(&load, RACKS_AT_ONCE, |_| &way))?;
    drop(owner.leave());
    Ok(Journals {
        bed: Arc::clone(bed),
        run,
        lanes: load.lanes(),
    })
}

impl Journals {
    /// Reads all of it with librdkafka alone; answers bytes, and how long it took from the first request on.
    fn consume(&self) -> anyhow::Result<(usize, Duration)> {
        let bootstrap = self.bed.kafka().bootstrap();
        let topic = format!("tenfold.{}.pooling.journal", self.run);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", fresh("consume-"))
            .set("enable.auto.commit", "false")
            .set("fetch.message.max.bytes", "8388608")
            .set("queued.min.messages", "1000000")
            .set("queued.max.messages.kbytes", "262144")
            .create()?;
        let mut ends = Vec::new();
        let mut places = TopicPartitionList::new();
        for lane in 0..i32::try_from(self.lanes)? {
            ends.push(consumer.fetch_watermarks(&topic, lane, PATIENCE)?.1);
            places.add_partition_offset(&topic, lane, Offset::Beginning)?;
        }
        let began = Instant::now();
        consumer.assign(&places)?;
        let (mut left, mut bytes, mut heard) = (ends.len(), 0, began);
        while left > 0 {
            let Some(message) = consumer.poll(Duration::from_millis(100)) else {
                ensure!(heard.elapsed() < PATIENCE, "nothing more comes");
                continue;
            };
            let message = message?;
            heard = Instant::now();
            bytes += message.payload_len();
            let end = ends.get(usize::try_from(message.partition())?);
            left -= usize::from(end.is_some_and(|end| message.offset() + 1 == *end));
        }
        Ok((bytes, began.elapsed()))
    }
}

struct Consuming(Journals);

impl Contestant for Consuming {
    fn run(&mut self) -> anyhow::Result<Took> {
        let (bytes, took) = self.0.consume()?;
        let note = format!("{:.1} MB of journal", bytes as f64 / 1e6);
        Ok(Took::all(&[bytes as f64 / 1e6 / took.as_secs_f64()], note))
    }
}

struct Taking(Journals);

impl Contestant for Taking {
    fn run(&mut self) -> anyhow::Result<Took> {
        let Journals { bed, run, lanes } = &self.0;
        // What it will read, counted before: it adds a record a lane itself.
        let (bytes, _) = self.0.consume()?;
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let owner = Owner::start(bed.kafka().bootstrap(), run, folder.path(), *lanes)?;
        let took = began.elapsed();
        let seqs: u64 = owner
            .instance
            .status()
            .values()
            .map(|status| status.seq)
            .sum();
        drop(owner.leave());
        ensure!(
            seqs > u64::from(*lanes),
            "the lanes were owned, and nothing was folded"
        );
        let note = format!(
            "{:.1} MB of journal, owned after {:.2} s",
            bytes as f64 / 1e6,
            took.as_secs_f64()
        );
        Ok(Took::all(&[bytes as f64 / 1e6 / took.as_secs_f64()], note))
    }
}
