//! What may happen next: steps that are nobody's fault, and mishaps, each of which uses up one fault.

use super::sender::{Message, Sender, Up};
use super::{Arrival, Entry, RelayModel, Relaying};
use crate::fault::{Fault, Faults};
use crate::flaw::Flaw;
use crate::lane::step::letter;
use std::fmt;
use tenfold_runtime::log::Appended;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A process takes the sending lane, and goes on from its journal.
    Take {
        /// Which.
        sender: usize,
        /// Another is at it.
        rival: bool,
    },
    /// It decides the next message.
    Decide(usize),
    /// Its record is committed, or it learns that another owns the lane.
    Commit(usize),
    /// It journals how far messages have arrived.
    Mark(usize),
    /// An append to the inbox lands, and the receiver reads it.
    Land {
        /// Which, by its place in the air.
        packet: usize,
        /// What goes wrong with it, if anything.
        how: Option<Fault>,
    },
    /// A sender hears of an append that landed.
    Hear {
        /// Which, by its place among those not heard of.
        arrival: usize,
        /// Before one that landed earlier.
        overtaken: bool,
    },
    /// A sender hears that nobody knows what became of an append.
    Fail {
        /// Which sender.
        sender: usize,
        /// Which append, by its place among those on their way.
        flying: usize,
        /// Too early: it, or the report of it, is only late.
        early: bool,
    },
    /// An append never lands.
    Lose(usize),
    /// A process dies.
    Crash(usize),
}

impl RelayModel {
    /// Steps that are nobody's fault.
    pub(super) fn steps(&self, now: &Relaying, steps: &mut Vec<Step>) {
        let nobody_is_up = now.senders.iter().all(|s| *s == Sender::Away);
        // Those that are away are alike: one stands for all.
        let away = now.senders.iter().position(|s| *s == Sender::Away);
        for (sender, process) in now.senders.iter().enumerate() {
            match process {
                Sender::Away if nobody_is_up && away == Some(sender) && !self.is_done(now) => {
                    let rival = false;
                    steps.push(Step::Take { sender, rival });
                }
                Sender::Away => {}
                Sender::Up(up) => self.steps_of(now, sender, up, steps),
            }
        }
        for (packet, it) in now.air.iter().enumerate() {
            if it.copy || !overtakes(now, packet) {
                steps.push(Step::Land { packet, how: None });
            }
        }
        for arrival in 0..now.heard.len() {
            if !heard_early(now, arrival) {
                let overtaken = false;
                steps.push(Step::Hear { arrival, overtaken });
            }
        }
    }

    fn steps_of(&self, now: &Relaying, sender: usize, up: &Up, steps: &mut Vec<Step>) {
        if up.deciding.is_some() {
            steps.push(Step::Commit(sender));
        } else if up.decided.0 < u64::from(self.messages) {
            steps.push(Step::Decide(sender));
        } else if up.out.mark().is_some() {
            steps.push(Step::Mark(sender));
        }
        for flying in 0..up.flying.len() {
            if !is_late(now, sender, up, flying) {
                let early = false;
                steps.push(Step::Fail {
                    sender,
                    flying,
                    early,
                });
            }
        }
    }

    /// Steps that use up a fault.
    pub(super) fn mishaps(&self, now: &Relaying, steps: &mut Vec<Step>) {
        let away = now.senders.iter().position(|s| *s == Sender::Away);
        let up = now.senders.iter().any(|s| *s != Sender::Away);
        if let Some(sender) = away.filter(|_| up && self.may(Fault::Rival) && !self.is_done(now)) {
            let rival = true;
            steps.push(Step::Take { sender, rival });
        }
        for (sender, process) in now.senders.iter().enumerate() {
            match process {
                Sender::Away => {}
                Sender::Up(up) => {
                    if self.may(Fault::Crash) {
                        steps.push(Step::Crash(sender));
                    }
                    for flying in 0..up.flying.len() {
                        if self.may(Fault::TimeOut) && is_late(now, sender, up, flying) {
                            let early = true;
                            steps.push(Step::Fail {
                                sender,
                                flying,
                                early,
                            });
                        }
                    }
                }
            }
        }
        for (packet, _) in now.air.iter().enumerate().filter(|(_, it)| !it.copy) {
            self.mishaps_of(now, packet, steps);
        }
        for arrival in 0..now.heard.len() {
            if self.may(Fault::Overtaken) && heard_early(now, arrival) {
                let overtaken = true;
                steps.push(Step::Hear { arrival, overtaken });
            }
        }
    }

    fn mishaps_of(&self, now: &Relaying, packet: usize, steps: &mut Vec<Step>) {
        if self.may(Fault::Lost) {
            steps.push(Step::Lose(packet));
        }
        let faults: &[Fault] = if overtakes(now, packet) {
            &[Fault::Overtaken]
        } else {
            &[
                Fault::Twice,
                Fault::Unheard,
                Fault::NoOffset,
                Fault::FalseOffset,
            ]
        };
        for fault in faults.iter().copied().filter(|fault| self.may(*fault)) {
            let how = Some(fault);
            steps.push(Step::Land { packet, how });
        }
    }

    /// Takes a step.
    pub(super) fn take_step(&self, now: &mut Relaying, step: Step) {
        match step {
            Step::Take { sender, rival } => {
                now.faults -= u8::from(rival);
                now.attempts += 1;
                now.owner = Some(sender);
                now.senders[sender] = Sender::Up(self.new_owner(now));
            }
            Step::Decide(sender) => self.decide(now, sender),
            Step::Commit(sender) => self.commit(now, sender),
            Step::Mark(sender) => Self::mark(now, sender),
            Step::Land { packet, how } => {
                now.faults -= u8::from(how.is_some());
                self.land(now, packet, how);
            }
            Step::Hear { arrival, overtaken } => {
                now.faults -= u8::from(overtaken);
                self.hear(now, arrival);
            }
            Step::Fail {
                sender,
                flying,
                early,
            } => {
                now.faults -= u8::from(early);
                if let Sender::Up(up) = &mut now.senders[sender] {
                    let note = up.flying[flying].clone();
                    up.ended(&note, None);
                }
            }
            Step::Lose(packet) => {
                now.faults -= 1;
                now.air.remove(packet);
            }
            Step::Crash(sender) => {
                now.faults -= 1;
                now.senders[sender] = Sender::Away;
            }
        }
        self.pump(now);
    }

    fn new_owner(&self, now: &Relaying) -> Up {
        let marked = if self.flaw == Some(Flaw::RelayedFromOwnStart) {
            // Planted: what others decided is not its matter.
            now.decided().count() as u64
        } else {
            0
        };
        let selective = self.flaw == Some(Flaw::OnlyFailedResent);
        Up::new(now.attempts, &now.journal, marked, selective)
    }

    fn decide(&self, now: &mut Relaying, sender: usize) {
        let Sender::Up(up) = &mut now.senders[sender] else {
            return;
        };
        let message = Message {
            n: up.decided.0 + 1,
            content: up.by,
        };
        up.deciding = Some(message);
        if self.flaw == Some(Flaw::RelayedUncommitted) {
            up.relay(message);
        }
    }

    fn commit(&self, now: &mut Relaying, sender: usize) {
        let Sender::Up(up) = &mut now.senders[sender] else {
            return;
        };
        let Some(message) = up.deciding.take() else {
            return;
        };
        if now.owner != Some(sender) {
            now.senders[sender] = Sender::Away;
            return;
        }
        now.journal.push(Entry::Message(message));
        if self.flaw == Some(Flaw::RelayedUncommitted) {
            up.decided = (message.n, super::sender::digest(up.decided.1, &message));
        } else {
            up.committed(message);
        }
        Self::mark(now, sender);
    }

    fn mark(now: &mut Relaying, sender: usize) {
        let Sender::Up(up) = &mut now.senders[sender] else {
            return;
        };
        if now.owner != Some(sender) {
            now.senders[sender] = Sender::Away;
        } else if let Some(n) = up.out.mark() {
            up.out.set_marked(n);
            now.journal.push(Entry::Mark(n));
        }
    }

    fn land(&self, now: &mut Relaying, packet: usize, how: Option<Fault>) {
        let it = now.air[packet].clone();
        if how == Some(Fault::Twice) {
            now.air[packet].copy = true;
        } else {
            now.air.remove(packet);
        }
        let offset = now.inbox;
        now.inbox += 1;
        now.receiver.read(it.messages, it.before, self.flaw);
        let waits = matches!(&now.senders[it.sender],
            Sender::Up(up) if up.by == it.by && up.flying.contains(&it.note));
        let told = now
            .heard
            .iter()
            .any(|arrival| (arrival.by, &arrival.note) == (it.by, &it.note));
        if waits && !told && how != Some(Fault::Unheard) {
            now.heard.push(Arrival {
                sender: it.sender,
                by: it.by,
                note: it.note,
                offset: match how {
                    Some(Fault::NoOffset) => None,
                    Some(Fault::FalseOffset) => Some(0),
                    _ => Some(offset),
                },
            });
        }
    }

    fn hear(&self, now: &mut Relaying, arrival: usize) {
        let heard = now.heard.remove(arrival);
        let Sender::Up(up) = &mut now.senders[heard.sender] else {
            return;
        };
        if up.by == heard.by {
            let mut offset = heard.offset;
            if self.flaw == Some(Flaw::RelayOffsetIgnored) {
                // Planted: as if everything landed in the order in which it is heard of.
                offset = Some(up.out.acked() + 1);
            }
            up.ended(&heard.note, Some(Appended { offset }));
        }
    }

    /// Whatever may be sent, is sent.
    fn pump(&self, now: &mut Relaying) {
        for (sender, process) in now.senders.iter_mut().enumerate() {
            if let Sender::Up(up) = process {
                now.air.extend(up.pump(sender, self.window, self.packed));
            }
        }
        // Between attempts there is no order in the air.
        now.air.sort_by_key(|packet| packet.by);
        let senders = &now.senders;
        now.heard.retain(
            |arrival| matches!(&senders[arrival.sender], Sender::Up(up) if up.by == arrival.by),
        );
    }
}

/// Would it land before one that the same attempt sent before it?
fn overtakes(now: &Relaying, packet: usize) -> bool {
    let by = now.air[packet].by;
    now.air[..packet].iter().any(|p| p.by == by && !p.copy)
}

/// Would its sender hear of it before it hears of one that landed earlier?
fn heard_early(now: &Relaying, arrival: usize) -> bool {
    let by = now.heard[arrival].by;
    now.heard[..arrival].iter().any(|earlier| earlier.by == by)
}

/// It, or the report of it, is still on its way.
fn is_late(now: &Relaying, sender: usize, up: &Up, flying: usize) -> bool {
    let note = &up.flying[flying];
    let in_air = now
        .air
        .iter()
        .any(|p| p.sender == sender && p.by == up.by && p.note == *note);
    let heard = now
        .heard
        .iter()
        .any(|a| a.sender == sender && a.by == up.by && a.note == *note);
    in_air || heard
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Take { sender, rival } => {
                let zombie = if *rival {
                    ", though another is at it"
                } else {
                    ""
                };
                write!(f, "{} takes the sending lane{zombie}", letter(*sender))
            }
            Self::Decide(sender) => write!(f, "{} decides a message", letter(*sender)),
            Self::Commit(sender) => write!(f, "{} hears of its record", letter(*sender)),
            Self::Mark(sender) => {
                write!(f, "{} journals how far messages arrived", letter(*sender))
            }
            Self::Land { packet, how } => {
                write!(f, "append {packet} in the air lands")?;
                how.map_or(Ok(()), |fault| write!(f, " ({fault:?})"))
            }
            Self::Hear { arrival, .. } => write!(f, "arrival {arrival} is heard of"),
            Self::Fail { sender, early, .. } => {
                let why = if *early { "is late" } else { "is gone" };
                write!(f, "{} gives up an append that {why}", letter(*sender))
            }
            Self::Lose(packet) => write!(f, "append {packet} in the air is lost"),
            Self::Crash(sender) => write!(f, "{} dies", letter(*sender)),
        }
    }
}
