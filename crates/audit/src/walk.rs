//! The audit: all journals side by side, each with its inbox, in an order that causes come before what
//! they cause.
//!
//! The next record is the one that was appended first, unless it received a message whose sender's
//! journal has not been read that far: then the sender goes first. So every ledger sees a message sent
//! before it is applied, and messages that wait are few. On a running system the ends of lanes are
//! taken one after the other; a batch that received something sent behind its sender's end is left
//! out, and with it the rest of its lane: what is judged is a consistent cut.

use crate::about;
use crate::chain::Name;
use crate::finding::{Findings, Rule};
use crate::inbox::Inbox;
use crate::lane::{Batch, Lane, Service};
use crate::ledger::Ledger;
use crate::pairs::{Mismatch, Pairs};
use crate::public::Publics;
use crate::report::Report;
use crate::requests::Requests;
use crate::source::{Extent, LaneName, PUBLIC, Source, SourceError};
use crate::told::Told;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Records between two calls of the progress function.
const PROGRESS_EVERY: u64 = 1_000;

/// What to audit, beside the log.
#[derive(Default)]
pub struct Options {
    /// What clients say they were answered.
    pub told: Told,
}

/// How far the audit is: records of journals read, and all there are.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Read.
    pub done: u64,
    /// To read.
    pub total: u64,
}

/// Audits a log.
///
/// # Errors
/// It could not be read, or not from its first record: then nothing is proven.
pub fn audit(
    source: &dyn Source,
    options: Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, SourceError> {
    let mut walk = Walk::open(source, options)?;
    walk.run(progress)?;
    walk.report()
}

struct Walk<'s> {
    source: &'s dyn Source,
    lanes: Vec<Lane>,
    by_name: HashMap<LaneName, usize>,
    publics: Publics,
    findings: Findings,
    pairs: Pairs,
    requests: Requests,
    ledger: Ledger,
    heap: BinaryHeap<Reverse<(i64, usize)>>,
    /// Lanes that wait for a lane to be read on.
    blocked: HashMap<usize, Vec<usize>>,
    total: u64,
    done: u64,
}

impl<'s> Walk<'s> {
    fn open(source: &'s dyn Source, options: Options) -> Result<Self, SourceError> {
        // Journals first: then no journal can have consumed what its inbox does not hold yet.
        let mut journals = Vec::new();
        for service in Service::ALL {
            let topic = format!("{}.journal", service.name());
            for lane in 0..source.lanes(&topic)? {
                let name = LaneName::new(&topic, lane);
                let cut = whole(&name, source.extent(&name)?)?;
                journals.push((service, name, cut));
            }
        }
        let (mut lanes, mut by_name) = (Vec::new(), HashMap::new());
        for (service, journal, cut) in journals {
            let name = LaneName::new(&format!("{}.inbox", service.name()), journal.lane);
            let extent = whole(&name, source.extent(&name)?)?;
            let records = source.read(&name, extent.start, extent.end)?;
            let inbox = Inbox::open(name, records)?;
            let records = source.read(&journal, cut.start, cut.end)?;
            by_name.insert(journal.clone(), lanes.len());
            lanes.push(Lane::open(service, journal, cut, records, inbox)?);
        }
        let total = lanes
            .iter()
            .map(|lane| lane.cut.end.saturating_sub(lane.cut.start))
            .sum();
        let heap = lanes
            .iter()
            .enumerate()
            .filter_map(|(index, lane)| Some(Reverse((lane.next_at()?, index))))
            .collect();
        Ok(Self {
            source,
            lanes,
            by_name,
            publics: Publics::default(),
            findings: Findings::default(),
            pairs: Pairs::default(),
            requests: Requests::new(options.told),
            ledger: Ledger::default(),
            heap,
            blocked: HashMap::new(),
            total,
            done: 0,
        })
    }

    fn run(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), SourceError> {
        loop {
            while let Some(Reverse((_, index))) = self.heap.pop() {
                self.step(index)?;
                if self.done.is_multiple_of(PROGRESS_EVERY) {
                    progress(self.progress());
                }
            }
            // What still waits received something whose sender will not be read on.
            let Some(index) = self.longest_waiting() else {
                break;
            };
            self.settle(index)?;
        }
        self.publics.read(self.source, &mut self.findings)?;
        progress(self.progress());
        Ok(())
    }

    const fn progress(&self) -> Progress {
        Progress {
            done: self.done,
            total: self.total,
        }
    }

    /// Reads a lane on by one record, unless what it received must be read first.
    fn step(&mut self, index: usize) -> Result<(), SourceError> {
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(());
        };
        if lane.waiting.is_none() {
            if lane.advance(&mut self.findings)? {
                self.done = self.done.saturating_add(1);
            } else {
                self.wake(index);
                return Ok(());
            }
        }
        if let Some(sender) = self.must_come_first(index) {
            self.blocked.entry(sender).or_default().push(index);
            return Ok(());
        }
        self.apply_or_cut(index)
    }

    /// A lane that must be read on before this one's batch can be applied.
    fn must_come_first(&self, index: usize) -> Option<usize> {
        let lane = self.lanes.get(index)?;
        let taken = lane.waiting.as_ref()?.taken.as_ref()?;
        let to = lane.inbox.name();
        taken
            .streams
            .iter()
            .find_map(|(stream, (received, sender))| {
                if self.pairs.sent(*stream, to) >= received.n {
                    return None;
                }
                let name = LaneName::new(&format!("{}.journal", sender.service), sender.lane);
                let sender = *self.by_name.get(&name)?;
                (sender != index && !self.lanes.get(sender)?.ended).then_some(sender)
            })
    }

    fn longest_waiting(&self) -> Option<usize> {
        self.blocked.values().flatten().copied().min()
    }

    /// Decides about a batch whose sender is read to its end: it is behind the cut, or a finding.
    fn settle(&mut self, index: usize) -> Result<(), SourceError> {
        for waiting in self.blocked.values_mut() {
            waiting.retain(|waits| *waits != index);
        }
        self.apply_or_cut(index)
    }

    fn apply_or_cut(&mut self, index: usize) -> Result<(), SourceError> {
        let mut behind = false;
        if let Some(lane) = self.lanes.get(index)
            && let Some(taken) = lane.waiting.as_ref().and_then(|b| b.taken.as_ref())
        {
            for (stream, (received, sender)) in &taken.streams {
                if self.pairs.sent(*stream, lane.inbox.name()) >= received.n {
                    continue;
                }
                let name = LaneName::new(&format!("{}.journal", sender.service), sender.lane);
                if let Some(sender) = self.by_name.get(&name).and_then(|i| self.lanes.get(*i)) {
                    behind |= sender.cut_short.is_some()
                        || self.source.extent(&name)?.end > sender.cut.end;
                }
            }
        }
        if behind {
            if let Some(lane) = self.lanes.get_mut(index) {
                lane.cut_short = lane.waiting.take().map(|batch| batch.offset);
                lane.ended = true;
            }
            self.wake(index);
        } else {
            self.apply(index);
        }
        Ok(())
    }

    /// Applies the batch that waits in a lane to all ledgers, and lets the lane go on.
    fn apply(&mut self, index: usize) {
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        if let Some(batch) = lane.waiting.take() {
            let lane = &*lane;
            received(lane, &batch, &mut self.pairs, &mut self.findings);
            self.requests.batch(lane, &batch, &mut self.findings);
            sent(
                lane,
                &batch,
                &mut self.pairs,
                &mut self.publics,
                &mut self.findings,
            );
            self.ledger
                .batch(lane, &batch, &mut self.requests, &mut self.findings);
        }
        if let Some(at) = lane_next(&self.lanes, index) {
            self.heap.push(Reverse((at, index)));
        } else if let Some(lane) = self.lanes.get_mut(index) {
            lane.ended = true;
        }
        self.wake(index);
    }

    fn wake(&mut self, index: usize) {
        for waiting in self.blocked.remove(&index).unwrap_or_default() {
            self.heap.push(Reverse((i64::MIN, waiting)));
        }
    }

    fn report(mut self) -> Result<Report, SourceError> {
        let mut behind = self.lanes.iter().any(|lane| lane.cut_short.is_some());
        for lane in &self.lanes {
            behind |= self.source.extent(&lane.journal)?.end > lane.cut.end;
        }
        if self.requests.told() > 0 {
            for lane in &mut self.lanes {
                self.ledger.waits(&lane.inbox.rest()?);
            }
        }
        self.publics.close(behind, &self.pairs, &mut self.findings);
        self.requests
            .close(behind, &self.ledger, &mut self.findings);
        self.ledger.close(&self.pairs, &mut self.findings);
        Ok(Report::of(
            &self.lanes,
            &self.pairs,
            &self.publics,
            &self.requests,
            &self.ledger,
            self.findings,
        ))
    }
}

fn lane_next(lanes: &[Lane], index: usize) -> Option<i64> {
    lanes.get(index).and_then(Lane::next_at)
}

fn whole(name: &LaneName, extent: Extent) -> Result<Extent, SourceError> {
    if extent.start == 0 {
        return Ok(extent);
    }
    Err(SourceError(format!(
        "{name} begins at offset {}: an audit needs it from its first record. If the older ones were put away, name their store with --heads (setting heads.url)",
        extent.start
    )))
}

/// What the batch received is what its senders sent, once.
fn received(lane: &Lane, batch: &Batch, pairs: &mut Pairs, findings: &mut Findings) {
    let Some(taken) = &batch.taken else {
        for mark in &batch.decisions.received {
            if let Ok(stream) = Name::try_from(&mark.stream_id[..]) {
                pairs.of(stream, lane.inbox.name()).arrived(mark.n, true);
            }
        }
        return;
    };
    for (stream, (received, sender)) in &taken.streams {
        let pair = pairs.of(*stream, lane.inbox.name());
        let Err(mismatch) = pair.apply(received.n, &received.digest) else {
            continue;
        };
        let of = format!("{}/{}", sender.service, sender.lane);
        let text = match mismatch {
            Mismatch::NeverSent { sent } => format!(
                "it received message {} of {of}, whose journal sent {sent}",
                received.n
            ),
            Mismatch::Again { had } => {
                format!(
                    "it applied message {} of {of} again: it had {had}",
                    received.n
                )
            }
            Mismatch::Content => format!(
                "the messages of {of} up to {} are others than those its journal sent",
                received.n
            ),
        };
        findings.add(Rule::Message, text, lane.shown_by(batch));
    }
}

/// What the batch sends is numbered without gaps, and its marks are true.
fn sent(
    lane: &Lane,
    batch: &Batch,
    pairs: &mut Pairs,
    publics: &mut Publics,
    findings: &mut Findings,
) {
    let here = || vec![lane.at(batch.offset)];
    for mark in &batch.decisions.sending {
        let to = LaneName::new(&mark.topic, mark.lane);
        let pair = pairs.of(lane.stream, &to);
        if mark.n != pair.sent || mark.digest[..] != pair.digest()[..] {
            let text = format!(
                "it says that {to} was sent {} messages before, and {} were, or others",
                mark.n, pair.sent
            );
            findings.add(Rule::Message, text, here());
        }
    }
    for message in &batch.decisions.messages {
        let to = LaneName::new(&message.topic, message.lane);
        let public = PUBLIC.contains(&message.topic.as_str());
        let pair = pairs.of(lane.stream, &to);
        if Some(message.n) != pair.sent.checked_add(1) {
            let text = format!(
                "message {} to {to} follows message {}",
                message.n, pair.sent
            );
            findings.add(Rule::Message, text, here());
        }
        pair.send(&message.body, about::about(message));
        if public {
            publics.sent(lane.stream, &to, message, lane.at(batch.offset));
        }
    }
    for mark in &batch.decisions.relayed {
        let to = LaneName::new(&mark.topic, mark.lane);
        let public = PUBLIC.contains(&mark.topic.as_str());
        let pair = pairs.of(lane.stream, &to);
        if mark.n > pair.sent {
            let text = format!(
                "it says that message {} arrived at {to}, and {} were sent",
                mark.n, pair.sent
            );
            findings.add(Rule::Message, text, here());
        }
        pair.arrived(mark.n, public);
    }
}
