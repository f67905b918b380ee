//! How much memory and time an audit takes: `measure_audit SAMPLES`. The log is made while it is read,
//! day after day of 900 tubes (90 pools of ten
//! on one plate, of which one is positive and its ten tubes are tested alone), so that it takes no memory itself.

#[path = "../tests/planted/day/mod.rs"]
#[allow(dead_code)]
mod day;
#[path = "../tests/planted/log.rs"]
#[allow(dead_code)]
mod log;
#[path = "../tests/planted/surge.rs"]
#[allow(dead_code)]
mod surge;
#[path = "../tests/planted/words.rs"]
#[allow(dead_code)]
mod words;

use log::Log;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Instant;
use tenfold_audit::source::{Extent, LaneName, Record, Records, Source, SourceError};
use tenfold_audit::{Options, audit};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const TOPICS: [&str; 8] = [
    "intake.inbox",
    "intake.journal",
    "pooling.inbox",
    "pooling.journal",
    "results.inbox",
    "results.journal",
    "reports",
    "dead-letters",
];

/// Writes days when somebody reads them.
struct Writer {
    log: Log<'static>,
    day: u64,
    days: u64,
    waiting: BTreeMap<String, VecDeque<Record>>,
    /// Only this topic is kept.
    only: Option<&'static str>,
}

impl Writer {
    fn new(days: u64, only: Option<&'static str>) -> Self {
        words::set_day(0, surge::SIZES);
        let mut writer = Self {
            log: {
                let mut log = Log::new(Box::new(|_, _| {}));
                day::policies(&mut log);
                surge::surge(&mut log);
                log
            },
            day: 1,
            days,
            waiting: BTreeMap::new(),
            only,
        };
        writer.take();
        writer
    }

    fn take(&mut self) {
        for topic in TOPICS {
            let records = std::mem::take(self.log.source.lane(topic, 0));
            // Public topics are read when all else is done, from a writer of their own.
            let wanted = self.only.map_or(topic.contains('.'), |only| only == topic);
            if wanted {
                self.waiting
                    .entry(topic.to_owned())
                    .or_default()
                    .extend(records);
            }
        }
    }

    fn next(&mut self, topic: &str) -> Option<Record> {
        loop {
            if let Some(record) = self.waiting.get_mut(topic).and_then(VecDeque::pop_front) {
                return Some(record);
            }
            if self.day >= self.days {
                return None;
            }
            words::set_day(self.day, surge::SIZES);
            surge::surge(&mut self.log);
            self.day += 1;
            self.take();
        }
    }
}

struct Days {
    days: u64,
    shared: Rc<RefCell<Writer>>,
    /// Records of each topic after one day, and after two.
    counts: BTreeMap<&'static str, (u64, u64)>,
}

struct OfTopic(Rc<RefCell<Writer>>, String);

impl Records for OfTopic {
    fn next(&mut self) -> Result<Option<Record>, SourceError> {
        Ok(self.0.borrow_mut().next(&self.1))
    }
}

impl Source for Days {
    fn lanes(&self, _: &str) -> Result<u32, SourceError> {
        Ok(1)
    }

    fn extent(&self, name: &LaneName) -> Result<Extent, SourceError> {
        let (one, two) = self.counts.get(&*name.topic).copied().unwrap_or_default();
        let end = one + (two - one) * (self.days - 1);
        Ok(Extent { start: 0, end })
    }

    fn read(&self, name: &LaneName, _: u64, _: u64) -> Result<Box<dyn Records>, SourceError> {
        let topic = TOPICS.iter().find(|topic| **topic == &*name.topic);
        let writer = if name.topic.contains('.') {
            Rc::clone(&self.shared)
        } else {
            Rc::new(RefCell::new(Writer::new(self.days, topic.copied())))
        };
        Ok(Box::new(OfTopic(writer, name.topic.to_string())))
    }
}

fn memory_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

fn main() {
    let samples: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let mut counts = BTreeMap::new();
    for topic in TOPICS {
        let count = |days: u64| {
            let mut writer = Writer::new(days, Some(topic));
            let mut count = 0;
            while writer.next(topic).is_some() {
                count += 1;
            }
            count
        };
        counts.insert(topic, (count(1), count(2)));
    }
    let days = (samples / surge::SIZES.tubes).max(2);
    let source = Days {
        days,
        shared: Rc::new(RefCell::new(Writer::new(days, None))),
        counts,
    };
    let (began, before) = (Instant::now(), memory_kib("VmRSS:"));
    let report = audit(&source, Options::default(), &mut |_| {}).expect("it can be read");
    let (took, most) = (began.elapsed(), memory_kib("VmHWM:"));
    let accepted = report.count("samples accepted");
    println!(
        "{accepted} samples, {} reports, {} findings in {:.1} s, the making of the log included\n\
         memory: {} MiB at most, {} MiB before; {:.1} bytes a sample",
        report.count("reports issued"),
        report.findings.len(),
        took.as_secs_f64(),
        most / 1_024,
        before / 1_024,
        (most.saturating_sub(before)) as f64 * 1_024.0 / accepted.max(1) as f64
    );
    for finding in report.findings.iter().take(5) {
        println!("{}: {} {:?}", finding.rule, finding.text, finding.records);
    }
}
