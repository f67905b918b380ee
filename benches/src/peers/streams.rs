//! Kafka Streams doing the pooling job: `benches/peers/streams`, a Java program of its own, compiled here. [`start`] gives each
//! registration its seat, and nothing else; [`steps`] receives, plans and confirms racks as ours does.
//!
//! Its tuning is told in `Pooling.java`. It reads the same samples, one a record, its barcode as the key, on as many
//! partitions as we have lanes; so many times the samples, with new barcodes, that it runs for a while. When it is done is
//! seen from outside: its offsets are committed in the same transactions as its output. *Warm* is its second half, when the
//! virtual machine has compiled what it runs; *from start* begins with the process.

use crate::bed::Bed;
use crate::figure::{Contestant, Took};
use crate::kafka::{PATIENCE, drop_topics, fresh, keyed, make_topic};
use crate::tubes::{POOLS_A_RACK, RACK, barcode};
use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at its offsets.
const LOOK: Duration = Duration::from_millis(25);

/// Longest run.
const RUN_MAX: Duration = Duration::from_secs(600);

struct Streams {
    bed: Arc<Bed>,
    classes: String,
    source: String,
    /// Racks are received, planned and confirmed.
    steps: bool,
    /// Of each partition.
    samples: u64,
    /// Records of each partition.
    records: u64,
    /// Records that must be written for all partitions, at least.
    writes: u64,
}

/// See the module.
///
/// # Errors
/// There is no Java, or it cannot be compiled.
pub fn start(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    prepare(bed, false)
}

/// With all steps that a tube of ours takes.
///
/// # Errors
/// There is no Java, or it cannot be compiled.
pub fn steps(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    prepare(bed, true)
}

fn prepare(bed: &Arc<Bed>, steps: bool) -> anyhow::Result<Box<dyn Contestant>> {
    let classes = compile()?;
    let load = bed.size.load();
    let samples = load.tubes_a_lab() * bed.size.copies;
    let source = fresh("streams-source-");
    let bootstrap = bed.kafka().bootstrap();
    make_topic(bootstrap, &source, load.lanes())?;
    for lane in 0..load.labs.len() {
        let sample = |number| (barcode(lane, number), load.details(lane, number));
        let partition = u32::try_from(lane)?;
        if steps {
            let racks = (0..samples / RACK).flat_map(|rack| {
                let numbers = rack * RACK..(rack + 1) * RACK;
                numbers.clone().map(sample).chain(rack_steps(lane, rack))
            });
            keyed(bootstrap, &source, partition, racks)?;
        } else {
            keyed(bootstrap, &source, partition, (0..samples).map(sample))?;
        }
    }
    let racks = (samples / RACK) as u64;
    let (samples, lanes) = (samples as u64, u64::from(load.lanes()));
    let (records, writes) = if steps {
        // Expected, received, planned, transferred; a pool is opened and sealed.
        let pools = racks * POOLS_A_RACK as u64;
        (samples + 3 * racks, 4 * samples + 2 * pools)
    } else {
        (samples, samples)
    };
    Ok(Box::new(Streams {
        bed: Arc::clone(bed),
        classes,
        source,
        steps,
        samples,
        records,
        writes: writes * lanes,
    }))
}

/// A rack is received, planned and confirmed: name and value of three records.
fn rack_steps(lane: usize, rack: usize) -> impl Iterator<Item = (String, Bytes)> {
    let tubes: Vec<String> = (rack * RACK..(rack + 1) * RACK)
        .map(|number| barcode(lane, number))
        .collect();
    let tubes = Bytes::from(tubes.join("\n"));
    ["!R", "!P", "!C"].into_iter().map(move |step| {
        let value = if step == "!R" {
            tubes.clone()
        } else {
            Bytes::new()
        };
        (format!("{step}RACK{rack:06}"), value)
    })
}

impl Contestant for Streams {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let lanes = self.bed.size.load().lanes();
        let (id, target) = (fresh("streams-"), fresh("streams-out-"));
        make_topic(bootstrap, &target, lanes)?;
        let seen = format!("{target}-seen");
        make_topic(bootstrap, &seen, lanes)?;
        let state = tempfile::tempdir()?;
        let offsets: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", &id)
            .create()?;
        let all = self.records * u64::from(lanes);
        let samples = (self.samples * u64::from(lanes)) as f64;
        let started = Instant::now();
        let mut process = Process::start(
            &self.classes,
            [bootstrap, &id, &self.source, &target],
            state.path(),
            self.steps.then_some(seen.as_str()),
        )?;
        let mut half = None;
        loop {
            let done = committed(&offsets, &self.source, lanes)?;
            if done >= all {
                break;
            }
            if half.is_none() && done >= all / 2 {
                half = Some((done, Instant::now()));
            }
            process.check()?;
            ensure!(
                started.elapsed() < RUN_MAX,
                "{done} of {all} records after {} s",
                RUN_MAX.as_secs()
            );
            std::thread::sleep(LOOK);
        }
        let whole = started.elapsed().as_secs_f64();
        let share = |done: u64| samples * (all - done) as f64 / all as f64;
        let warm = half.map(|(done, at)| share(done) / at.elapsed().as_secs_f64());
        drop(process);
        let written = written(bootstrap, &target, lanes)?;
        drop_topics(bootstrap, &target);
        drop_topics(bootstrap, &id);
        // Records, and one mark at the end of each transaction.
        let wanted = self.writes;
        ensure!(
            written >= wanted,
            "{written} records of {wanted} were written"
        );
        Ok(Took {
            values: vec![warm, Some(samples / whole)],
            note: format!("{samples} samples a run"),
        })
    }
}

fn committed(consumer: &BaseConsumer, topic: &str, lanes: u32) -> anyhow::Result<u64> {
    let mut places = TopicPartitionList::new();
    for lane in 0..lanes {
        places.add_partition(topic, i32::try_from(lane)?);
    }
    let places = consumer.committed_offsets(places, PATIENCE)?;
    let mut done = 0;
    for place in places.elements() {
        if let Offset::Offset(next) = place.offset() {
            done += u64::try_from(next)?;
        }
    }
    Ok(done)
}

fn written(bootstrap: &str, topic: &str, lanes: u32) -> anyhow::Result<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    let mut all = 0;
    for lane in 0..lanes {
        let (_, end) = consumer.fetch_watermarks(topic, i32::try_from(lane)?, PATIENCE)?;
        all += u64::try_from(end)?;
    }
    Ok(all)
}

/// The Java program, ended when this is dropped.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(
        classes: &str,
        arguments: [&str; 4],
        state: &Path,
        seen: Option<&str>,
    ) -> anyhow::Result<Self> {
        let log = state.join("log");
        let file = std::fs::File::create(&log)?;
        let child = Command::new("java")
            .args([
                "-Xmx2g",
                "-Xms1g",
                "-XX:+UseParallelGC",
                "-cp",
                classes,
                "Pooling",
            ])
            .args(arguments)
            .arg(state)
            .args(seen)
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("java cannot be started")?;
        Ok(Self { child, log })
    }

    fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "it ended with {status}: {}",
                std::fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fetches what it needs (once) and compiles it; answers the class path.
fn compile() -> anyhow::Result<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/streams");
    let cache = match std::env::var_os("TENFOLD_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let home = std::env::var_os("HOME").context("HOME is not set")?;
            let caches = std::env::var_os("XDG_CACHE_HOME")
                .map_or_else(|| Path::new(&home).join(".cache"), PathBuf::from);
            caches.join("tenfold")
        }
    };
    let folder = cache.join("bench-streams");
    let (jars, classes, complete) = (
        folder.join("jars"),
        folder.join("classes"),
        folder.join("complete"),
    );
    if !complete.exists() {
        let output = format!("-DoutputDirectory={}", jars.display());
        let pom = here.join("pom.xml");
        done(
            Command::new("mvn")
                .args(["-q", "-B", "-f"])
                .arg(pom)
                .args(["dependency:copy-dependencies", &output]),
        )?;
        std::fs::write(&complete, "")?;
    }
    let all = jars.join("*");
    std::fs::create_dir_all(&classes)?;
    done(
        Command::new("javac")
            .arg("-cp")
            .arg(&all)
            .arg("-d")
            .arg(&classes)
            .args(["src/Pooling.java", "src/Steps.java"].map(|file| here.join(file))),
    )?;
    Ok(format!("{}:{}", classes.display(), all.display()))
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be run: `scripts/need build bench` installs it"))?;
    ensure!(
        output.status.success(),
        "{name}: {}{}",
        String::from_utf8_lossy(&output.stdout).trim(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
