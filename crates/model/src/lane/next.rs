//! What may happen next: steps that are nobody's fault, and mishaps, each of which uses up one fault.

use super::owner::{Owner, Phase, Settled};
use super::record::Record;
use super::step::{Step, early_reports, listener, opened_at};
use super::{Inputs, Lane, LaneModel, Packet, inbox};
use crate::fault::{Fault, Faults};
use crate::flaw::Flaw;

impl LaneModel {
    /// Steps that are nobody's fault.
    pub(super) fn steps(&self, lane: &Lane, steps: &mut Vec<Step>) {
        let nobody_is_up = !lane.owners.iter().any(Owner::is_up);
        for (owner, process) in lane.owners.iter().enumerate() {
            match &process.phase {
                Phase::Away if nobody_is_up && !self.is_done(lane) => {
                    self.takes(lane, owner, false, steps);
                }
                Phase::Away | Phase::Stopped => {}
                Phase::Opening { .. } => {
                    if opened_at(lane, process).is_some() {
                        steps.push(Step::FoldOn(owner));
                    } else if !in_air(lane, process.by, 0) {
                        let early = false;
                        steps.push(Step::GiveUp { owner, early });
                    }
                }
                Phase::Owns { flights, .. } => {
                    if flights.len() < self.window {
                        self.inputs(lane, owner, process, steps);
                    }
                    self.settles(lane, owner, process, steps);
                }
            }
        }
        for (packet, it) in lane.air.iter().enumerate() {
            if it.copy || !overtakes(lane, packet) {
                let (how, told) = (None, true);
                steps.push(Step::Land { packet, how, told });
            }
        }
    }

    /// The ends it may see: only the epoch it finds there makes a difference.
    fn takes(&self, lane: &Lane, owner: usize, rival: bool, steps: &mut Vec<Step>) {
        let untried = lane.owners.iter().position(|process| process.by == 0);
        if lane.owners[owner].by == 0 && untried != Some(owner) {
            // Those that never tried are alike: one stands for all.
            return;
        }
        let mut view = lane.owners[owner].view.clone();
        let end = lane.journal.reader.next;
        while view.next <= end {
            let (seen, epoch) = (view.next.max(1), view.chain.epoch);
            let more = view.next < end;
            view.read_to(&lane.journal.log, view.next + 1, self.flaw);
            if !more || view.chain.epoch > epoch {
                steps.push(Step::Take { owner, seen, rival });
            }
            if !more {
                return;
            }
        }
    }

    fn inputs(&self, lane: &Lane, owner: usize, process: &Owner, steps: &mut Vec<Step>) {
        match self.inputs {
            Inputs::Inbox if process.overlay().folded.inbox_next < inbox::len() => {
                steps.push(Step::Consume(owner));
            }
            Inputs::Inbox => {}
            Inputs::Calls(calls) => {
                for call in (1..=calls).filter(|call| !lane.promised.contains(call)) {
                    if (1..call).any(|other| !is_known(lane, other)) && !is_known(lane, call) {
                        // Calls that nobody has seen are alike: one stands for all.
                        continue;
                    }
                    let waits = waits(process, call);
                    if !waits || self.flaw == Some(Flaw::RepeatUncommitted) {
                        steps.push(Step::Decide { owner, call });
                    }
                }
            }
        }
    }

    fn settles(&self, lane: &Lane, owner: usize, process: &Owner, steps: &mut Vec<Step>) {
        let Phase::Owns { expected, flights } = &process.phase else {
            return;
        };
        let Some(head) = flights.first() else {
            return;
        };
        let flying = in_air(lane, process.by, head.record.seq());
        match process.settle(&lane.journal.log, self.flaw) {
            Settled::Wait | Settled::NotFound if !flying => {
                let early = false;
                steps.push(Step::GiveUp { owner, early });
            }
            Settled::Wait | Settled::NotFound => {}
            Settled::Committed(_) | Settled::Fenced | Settled::Stopped => {
                steps.push(Step::Settle(owner));
            }
        }
        if self.flaw == Some(Flaw::ReportsOutOfOrder)
            && !early_reports(*expected, flights).is_empty()
        {
            steps.push(Step::Settle(owner));
        }
    }

    /// Steps that use up a fault.
    pub(super) fn mishaps(&self, lane: &Lane, steps: &mut Vec<Step>) {
        for (owner, process) in lane.owners.iter().enumerate() {
            let others_up = lane
                .owners
                .iter()
                .enumerate()
                .any(|(other, process)| other != owner && process.is_up());
            let away = process.phase == Phase::Away;
            if away && others_up && self.may(Fault::Rival) && !self.is_done(lane) {
                self.takes(lane, owner, true, steps);
            }
            if process.is_up() && self.may(Fault::Crash) {
                for cached in [true, false] {
                    if cached || process.cache != process.view {
                        steps.push(Step::Crash { owner, cached });
                    }
                }
            }
            if self.may(Fault::TimeOut) && self.waits_for_air(lane, process) {
                let early = true;
                steps.push(Step::GiveUp { owner, early });
            }
        }
        for (packet, it) in lane.air.iter().enumerate().filter(|(_, it)| !it.copy) {
            self.mishaps_of(lane, packet, it, steps);
        }
        if self.may(Fault::Stray) {
            steps.push(Step::Stray);
        }
    }

    fn waits_for_air(&self, lane: &Lane, process: &Owner) -> bool {
        match &process.phase {
            Phase::Opening { .. } => {
                opened_at(lane, process).is_none() && in_air(lane, process.by, 0)
            }
            Phase::Owns { flights, .. } => flights.first().is_some_and(|head| {
                let settled = process.settle(&lane.journal.log, self.flaw);
                let late = head.report.is_none() && settled == Settled::Wait;
                let flying = in_air(lane, process.by, head.record.seq());
                flying && (late || settled == Settled::NotFound)
            }),
            Phase::Away | Phase::Stopped => false,
        }
    }

    fn mishaps_of(&self, lane: &Lane, packet: usize, it: &Packet, steps: &mut Vec<Step>) {
        if self.may(Fault::Lost) {
            steps.push(Step::Lose(packet));
        }
        let mut land = |fault: Fault, told: bool| {
            if self.may(fault) {
                let how = Some(fault);
                steps.push(Step::Land { packet, how, told });
            }
        };
        if overtakes(lane, packet) {
            land(Fault::Overtaken, true);
            return;
        }
        land(Fault::Twice, true);
        if listener(lane, &it.record).is_some() {
            land(Fault::Twice, false);
            land(Fault::Unheard, false);
            land(Fault::NoOffset, true);
            land(Fault::FalseOffset, true);
        }
    }
}

/// Is an append of an attempt still in the air? Seq 0 means its `LaneOpened`.
fn in_air(lane: &Lane, by: u8, seq: u64) -> bool {
    lane.air
        .iter()
        .any(|packet| packet.record.by() == by && packet.record.seq() == seq)
}

/// Would it land before one that the same attempt sent before it?
fn overtakes(lane: &Lane, packet: usize) -> bool {
    let by = lane.air[packet].record.by();
    lane.air[..packet]
        .iter()
        .any(|before| before.record.by() == by && !before.copy)
}

/// Has anybody decided it, as far as the journal, the air and what is in flight show?
fn is_known(lane: &Lane, call: u8) -> bool {
    let decides = |record: &Record| matches!(record, Record::Decisions { decided, .. } if decided.effects.contains(&call));
    lane.promised.contains(&call)
        || lane.journal.log.iter().any(decides)
        || lane.air.iter().any(|packet| decides(&packet.record))
        || lane.owners.iter().any(|process| {
            matches!(&process.phase, Phase::Owns { flights, .. }
                if flights.iter().any(|flight| decides(&flight.record)))
        })
}

fn waits(process: &Owner, call: u8) -> bool {
    matches!(&process.phase, Phase::Owns { flights, .. }
        if flights.iter().any(|flight| flight.answers.contains(&call)))
}
