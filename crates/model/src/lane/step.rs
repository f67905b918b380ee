//! Something that happens, and what it does. What may happen when is in `next`.

use super::fold::{View, at};
use super::owner::{Flight, Outcome, Owner, Phase, Settled};
use super::record::{Decided, Record};
use super::{Inputs, Lane, LaneModel, Packet, inbox};
use crate::fault::Fault;
use crate::flaw::Flaw;
use std::fmt;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A process reads the journal to the end it sees, which may lag, and appends its `LaneOpened`.
    Take {
        /// Which.
        owner: usize,
        /// The end it sees.
        seen: u64,
        /// Another is at it.
        rival: bool,
    },
    /// It folds the journal up to its `LaneOpened`.
    FoldOn(usize),
    /// It decides a call, or has decided it before.
    Decide {
        /// Which process.
        owner: usize,
        /// Which call.
        call: u8,
    },
    /// It consumes the next record of the inbox.
    Consume(usize),
    /// It does what its oldest record's report allows.
    Settle(usize),
    /// It gives up on an append whose outcome it does not know.
    GiveUp {
        /// Which process.
        owner: usize,
        /// Too early: the append, or its report, is only late.
        early: bool,
    },
    /// An append lands.
    Land {
        /// Which, by its place in the air.
        packet: usize,
        /// What goes wrong with it, if anything.
        how: Option<Fault>,
        /// Its sender hears of it.
        told: bool,
    },
    /// An append never lands.
    Lose(usize),
    /// A process dies and starts again.
    Crash {
        /// Which.
        owner: usize,
        /// Its cache had everything committed.
        cached: bool,
    },
    /// Rubbish lands in the journal.
    Stray,
}

/// Processes have letters.
pub fn letter(owner: usize) -> char {
    (b'A'..=b'Z').nth(owner).map_or('?', char::from)
}

impl LaneModel {
    /// Takes a step.
    pub(super) fn take_step(&self, lane: &mut Lane, step: Step) {
        match step {
            Step::Take { owner, seen, rival } => {
                lane.faults -= u8::from(rival);
                self.open(lane, owner, seen);
            }
            Step::FoldOn(owner) => {
                let process = &lane.owners[owner];
                if let Some(opened) = opened_at(lane, process) {
                    lane.owners[owner].fold_on(&lane.journal.log, opened, self.flaw);
                }
            }
            Step::Decide { owner, call } => self.decide(lane, owner, call),
            Step::Consume(owner) => {
                let overlay = lane.owners[owner].overlay();
                let decided = inbox::consume(&overlay.folded);
                send(lane, owner, &overlay, decided, Vec::new());
            }
            Step::Settle(owner) => self.settle(lane, owner),
            Step::GiveUp { owner, early } => {
                lane.faults -= u8::from(early);
                lane.owners[owner].leave(true);
            }
            Step::Land { packet, how, told } => {
                lane.faults -= u8::from(how.is_some());
                self.land(lane, packet, how, told);
            }
            Step::Lose(packet) => {
                lane.faults -= 1;
                lane.air.remove(packet);
            }
            Step::Crash { owner, cached } => {
                lane.faults -= 1;
                lane.owners[owner].leave(cached);
            }
            Step::Stray => {
                lane.faults -= 1;
                lane.journal.append(Record::Stray, self.flaw);
            }
        }
    }

    fn open(&self, lane: &mut Lane, owner: usize, seen: u64) {
        lane.attempts += 1;
        let process = &mut lane.owners[owner];
        process.by = lane.attempts;
        process.view.read_to(&lane.journal.log, seen, self.flaw);
        let epoch = process.view.chain.epoch + 1;
        let name = if self.flaw == Some(Flaw::NameReused) {
            u8::try_from(owner).unwrap_or(u8::MAX).saturating_add(1)
        } else {
            // Fresh: no attempt has had it.
            lane.attempts
        };
        process.phase = Phase::Opening { name, epoch };
        let by = process.by;
        let record = Record::Opened { epoch, name, by };
        lane.fly(record);
    }

    fn decide(&self, lane: &mut Lane, owner: usize, call: u8) {
        let overlay = lane.owners[owner].overlay();
        let repeated = overlay.folded.done.contains(&call);
        if repeated && self.flaw == Some(Flaw::RepeatUncommitted) {
            return lane.promise(&[call]);
        }
        if let Phase::Owns { flights, .. } = &mut lane.owners[owner].phase
            && repeated
            && let Some(last) = flights.last_mut()
        {
            // Its answer waits for the commit of everything decided before.
            last.answers.push(call);
            return;
        }
        // A repeated call with nothing in flight: an empty record proves that the lane is ours.
        let effects = if repeated { Vec::new() } else { vec![call] };
        let decided = Decided {
            effects,
            ..Decided::default()
        };
        send(lane, owner, &overlay, decided, vec![call]);
    }

    fn settle(&self, lane: &mut Lane, owner: usize) {
        if self.flaw == Some(Flaw::ReportsOutOfOrder)
            && let Phase::Owns { expected, flights } = &mut lane.owners[owner].phase
        {
            let mut answered = Vec::new();
            for early in early_reports(*expected, flights) {
                answered.append(&mut flights[early].answers);
            }
            if !answered.is_empty() {
                return lane.promise(&answered);
            }
        }
        match lane.owners[owner].settle(&lane.journal.log, self.flaw) {
            Settled::Committed(offset) => {
                let Some(flight) = lane.owners[owner].commit(offset) else {
                    return;
                };
                match (self.inputs, &flight.record) {
                    (Inputs::Inbox, Record::Decisions { decided, .. }) => {
                        lane.promise(&decided.effects);
                    }
                    _ => lane.promise(&flight.answers),
                }
            }
            Settled::Fenced => lane.owners[owner].leave(true),
            Settled::Stopped => lane.owners[owner].phase = Phase::Stopped,
            Settled::NotFound | Settled::Wait => {}
        }
    }

    fn land(&self, lane: &mut Lane, packet: usize, how: Option<Fault>, told: bool) {
        let it = lane.air[packet].clone();
        if how == Some(Fault::Twice) {
            lane.air[packet].copy = true;
        } else {
            lane.air.remove(packet);
        }
        let listener = listener(lane, &it.record);
        let offset = lane.journal.append(it.record, self.flaw);
        if let Some((owner, place)) = listener.filter(|_| told)
            && let Phase::Owns { flights, .. } = &mut lane.owners[owner].phase
        {
            flights[place].report = Some(Outcome(match how {
                Some(Fault::NoOffset) => None,
                // What a log says of a duplicate lies below every offset the lane can still get.
                Some(Fault::FalseOffset) => Some(0),
                _ => Some(offset),
            }));
        }
    }
}

impl Lane {
    fn fly(&mut self, record: Record) {
        let copy = false;
        self.air.push(Packet { record, copy });
        // Between attempts there is no order in the air.
        self.air.sort_by_key(|packet| packet.record.by());
    }

    fn promise(&mut self, what: &[u8]) {
        self.promised.extend(what);
        self.promised.sort_unstable();
        self.promised.dedup();
    }
}

fn send(lane: &mut Lane, owner: usize, overlay: &View, decided: Decided, answers: Vec<u8>) {
    let process = &mut lane.owners[owner];
    let record = Record::Decisions {
        before: overlay.chain,
        decided,
        by: process.by,
    };
    if let Phase::Owns { flights, .. } = &mut process.phase {
        flights.push(Flight {
            record: record.clone(),
            answers,
            report: None,
        });
        lane.fly(record);
    }
}

/// Where a `LaneOpened` with its name stands, in what it has not read.
pub(super) fn opened_at(lane: &Lane, process: &Owner) -> Option<u64> {
    let Phase::Opening { name: own, .. } = process.phase else {
        return None;
    };
    let from = process.view.next;
    (from..)
        .zip(&lane.journal.log[at(from).min(lane.journal.log.len())..])
        .find(|(_, record)| matches!(record, Record::Opened { name, .. } if *name == own))
        .map(|(offset, _)| offset)
}

/// Who waits to hear of a record: process, and place among what it has in flight.
pub(super) fn listener(lane: &Lane, record: &Record) -> Option<(usize, usize)> {
    lane.owners.iter().enumerate().find_map(|(owner, process)| {
        let Phase::Owns { flights, .. } = &process.phase else {
            return None;
        };
        let place = flights
            .iter()
            .position(|flight| flight.record == *record && flight.report.is_none())?;
        Some((owner, place))
    })
}

/// Records behind the oldest whose report is as expected, if all before them land as expected.
pub(super) fn early_reports(expected: u64, flights: &[Flight]) -> Vec<usize> {
    (expected..)
        .zip(flights)
        .enumerate()
        .skip(1)
        .filter(|(_, (offset, flight))| {
            flight.report == Some(Outcome(Some(*offset))) && !flight.answers.is_empty()
        })
        .map(|(place, _)| place)
        .collect()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Take { owner, seen, rival } => {
                let zombie = if *rival {
                    ", though another is at it"
                } else {
                    ""
                };
                write!(
                    f,
                    "{} takes the lane{zombie}: it sees the journal end at {seen}",
                    letter(*owner)
                )
            }
            Self::FoldOn(owner) => write!(f, "{} folds up to its LaneOpened", letter(*owner)),
            Self::Decide { owner, call } => write!(f, "{} decides call {call}", letter(*owner)),
            Self::Consume(owner) => {
                write!(f, "{} consumes the next of its inbox", letter(*owner))
            }
            Self::Settle(owner) => {
                write!(f, "{} settles its oldest in flight", letter(*owner))
            }
            Self::GiveUp { owner, early } => {
                let why = if *early { "is late" } else { "is gone" };
                write!(f, "{} gives up an append that {why}", letter(*owner))
            }
            Self::Land { packet, how, told } => {
                write!(f, "append {packet} in the air lands")?;
                if let Some(fault) = how {
                    write!(f, " ({fault:?})")?;
                }
                if *told {
                    Ok(())
                } else {
                    write!(f, ", unheard")
                }
            }
            Self::Lose(packet) => write!(f, "append {packet} in the air is lost"),
            Self::Crash { owner, cached } => {
                let cache = if *cached { "whole" } else { "behind" };
                write!(f, "{} dies; its cache is {cache}", letter(*owner))
            }
            Self::Stray => write!(f, "rubbish lands in the journal"),
        }
    }
}
