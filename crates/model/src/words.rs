//! Runs in words, so that a counterexample can be read by somebody who knows the protocol and not the code.

use crate::check::Checkable;
use crate::fault::Fault;
use crate::lane::owner::Settled;
use crate::lane::step::{Step as LaneStep, letter};
use crate::lane::{Inputs, Lane, LaneModel};
use crate::relay::RelayModel;
use crate::relay::step::Step as RelayStep;

impl Checkable for LaneModel {
    fn words(&self, lane: &Self::State, step: &LaneStep) -> String {
        let at = lane.journal.reader.next;
        match step {
            LaneStep::Land { packet, how, told } => {
                let what = lane.air.get(*packet).map(|p| p.record.to_string());
                let what = what.unwrap_or_default();
                format!("{what} lands at {at}{}{}", mishap(*how), unheard(*told))
            }
            LaneStep::Lose(packet) => {
                let what = lane.air.get(*packet).map(|p| p.record.to_string());
                format!("{} never lands", what.unwrap_or_default())
            }
            LaneStep::Take { .. } => {
                let attempt = u32::from(lane.attempts) + 1;
                format!("{step}, and appends LaneOpened (attempt {attempt})")
            }
            LaneStep::Settle(owner) => self.settling(lane, *owner),
            _ => step.to_string(),
        }
    }

    fn bound(&self) -> String {
        let inputs = match self.inputs {
            Inputs::Calls(1) => "1 call".to_owned(),
            Inputs::Calls(n) => format!("{n} calls"),
            Inputs::Inbox => "an inbox of 5 records".to_owned(),
        };
        format!(
            "{} owners, {inputs}, {} in flight, any {} faults of {} kinds",
            self.owners,
            self.window,
            self.faults,
            self.kinds.len()
        )
    }
}

impl Checkable for RelayModel {
    fn words(&self, now: &Self::State, step: &RelayStep) -> String {
        let numbers = |packet: usize| {
            let numbers = now.air.get(packet).map(|packet| {
                let numbers: Vec<String> =
                    packet.messages.iter().map(|m| m.n.to_string()).collect();
                (numbers.join(" and "), letter(packet.sender))
            });
            numbers.unwrap_or_default()
        };
        match step {
            RelayStep::Land { packet, how } => {
                let (numbers, by) = numbers(*packet);
                let at = now.inbox;
                format!("message {numbers} from {by} lands at {at}{}", mishap(*how))
            }
            RelayStep::Lose(packet) => {
                let (numbers, by) = numbers(*packet);
                format!("message {numbers} from {by} never lands")
            }
            RelayStep::Hear { arrival, .. } => now.heard.get(*arrival).map_or_else(
                || step.to_string(),
                |heard| {
                    let at = heard
                        .offset
                        .map_or("somewhere".to_owned(), |o| format!("at {o}"));
                    format!("{} hears that a message landed {at}", letter(heard.sender))
                },
            ),
            _ => step.to_string(),
        }
    }

    fn bound(&self) -> String {
        format!(
            "{} owners, {} messages, {} in flight, {} in a record, any {} faults of {} kinds",
            self.senders,
            self.messages,
            self.window,
            self.packed,
            self.faults,
            self.kinds.len()
        )
    }
}

impl LaneModel {
    fn settling(&self, lane: &Lane, owner: usize) -> String {
        let who = letter(owner);
        let Some(process) = lane.owners.get(owner) else {
            return String::new();
        };
        match process.settle(&lane.journal.log, self.flaw) {
            Settled::Committed(offset) => {
                format!("{who} holds its oldest record for committed at {offset}, and answers")
            }
            Settled::Fenced => format!("{who} finds that another took the lane"),
            Settled::Stopped => format!("{who} finds another record in its place, and stops"),
            Settled::NotFound | Settled::Wait => {
                format!("{who} uses a report that is not its oldest record's, and answers")
            }
        }
    }
}

const fn mishap(how: Option<Fault>) -> &'static str {
    match how {
        Some(Fault::Twice) => " (and once more later)",
        Some(Fault::Overtaken) => " (before one that was sent before it)",
        Some(Fault::Unheard) => " (its sender never hears of it)",
        Some(Fault::NoOffset) => " (its sender is told no offset)",
        Some(Fault::FalseOffset) => " (its sender is told offset 0)",
        _ => "",
    }
}

const fn unheard(told: bool) -> &'static str {
    if told { "" } else { ", unheard of yet" }
}
