//! What a batch consumed, in a form in which its events can ask for their causes.
//!
//! Commands are not in the log. What is, is their outcome with the actor and the request id: so an event
//! that a command caused is explained by an answer, not a refusal, in the same record (and, where the
//! event names who did it, by an answer to that actor). It cannot be seen which of several commands of
//! one batch caused it, or whether it is what that command asked for.

use crate::about;
use crate::lane::Batch;
use crate::pairs::About;
use crate::requests::is_done;
use prost::Message as _;
use std::collections::HashSet;
use tenfold_proto::lane::answer;
use tenfold_proto::v1::message::Message as Kind;
use tenfold_proto::v1::{
    ExternalInput, IntakeReply, LoadedPlate, MemberAmended, Message, Sample, external_input,
    intake_reply,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Causes {
    /// The inbox is gone: everything may be explained by it.
    pub unknown: bool,
    /// New messages, by what they are about.
    pub messages: HashSet<About>,
    /// Registrations, as they were told.
    pub samples: Vec<Sample>,
    /// Plates that were loaded, as they were told.
    pub plates: Vec<LoadedPlate>,
    /// Changed members, as they were told.
    pub members: Vec<MemberAmended>,
    /// Tubes that results says it has filed: name of the lab, and number.
    pub filed: HashSet<(u64, u64)>,
    /// Their barcodes.
    pub filed_barcodes: HashSet<u64>,
    /// Policies from outside: version, and hash of the text.
    pub policies: HashSet<(u32, u64)>,
    /// Barcodes of registrations from outside.
    pub registrations: HashSet<u64>,
    /// Actors that got an answer.
    pub actors: HashSet<String>,
    /// Barcodes in receipts of intake.
    pub receipts: HashSet<u64>,
    /// Timers that were due.
    pub timers: u64,
}

impl Causes {
    /// Of a batch.
    #[must_use]
    pub fn of(batch: &Batch, intake: bool) -> Self {
        let mut causes = Self {
            unknown: batch.taken.is_none(),
            ..Self::default()
        };
        if let Some(taken) = &batch.taken {
            for body in &taken.messages {
                if let Ok(Message {
                    message: Some(message),
                }) = Message::decode(body.clone())
                {
                    causes.message(message);
                }
            }
            for body in &taken.externals {
                if let Ok(ExternalInput { input: Some(input) }) =
                    ExternalInput::decode(body.clone())
                {
                    causes.external(input);
                }
            }
        }
        for outcome in batch.decisions.outcomes.iter().filter(|o| is_done(o)) {
            causes.actors.insert(outcome.actor.clone());
            let reply = outcome.answer.as_ref().and_then(|a| a.answer.as_ref());
            if let (true, Some(answer::Answer::Reply(bytes))) = (intake, reply)
                && let Ok(IntakeReply {
                    reply: Some(intake_reply::Reply::Receipt(receipt)),
                }) = IntakeReply::decode(bytes.clone())
            {
                causes.receipts.insert(about::name(&receipt.barcode));
            }
        }
        causes
    }

    fn message(&mut self, message: Kind) {
        self.messages.insert(about::of(&message));
        match message {
            Kind::SampleDetails(sample) => self.samples.push(sample),
            Kind::PlateLoaded(plate) => self.plates.push(plate),
            Kind::MemberAmended(member) => self.members.push(member),
            Kind::SamplesFiled(filed) => {
                let lab = about::name(&filed.lab);
                for sample in &filed.samples {
                    self.filed.insert((lab, sample.tube));
                    self.filed_barcodes.insert(about::name(&sample.barcode));
                }
            }
            _ => {}
        }
    }

    fn external(&mut self, input: external_input::Input) {
        match input {
            external_input::Input::Policy(policy) => {
                let text = about::name(&policy.content);
                self.policies.insert((policy.version, text));
            }
            external_input::Input::Registration(item) => {
                if let Some(registration) = item.registration {
                    let barcode = about::name(&registration.barcode);
                    self.registrations.insert(barcode);
                }
            }
        }
    }

    /// A message of this kind about this subject was consumed.
    #[must_use]
    pub fn message_about(&self, kind: u8, subject: &str) -> bool {
        let subject = about::name(subject);
        self.unknown || self.messages.contains(&About { kind, subject })
    }

    /// A message of one of these kinds was consumed.
    #[must_use]
    pub fn any_message(&self, kinds: &[u8]) -> bool {
        self.unknown
            || self
                .messages
                .iter()
                .any(|about| kinds.contains(&about.kind))
    }

    /// Results said that it has filed these tubes.
    #[must_use]
    pub fn filed(&self, lab: &str, tubes: &[u64]) -> bool {
        let lab = about::name(lab);
        self.unknown || tubes.iter().all(|tube| self.filed.contains(&(lab, *tube)))
    }

    /// Results said that it has filed the sample with this barcode.
    #[must_use]
    pub fn filed_sample(&self, barcode: &str) -> bool {
        self.unknown || self.filed_barcodes.contains(&about::name(barcode))
    }

    /// This change of a member was consumed; without a sample, it is about the one that results knows.
    #[must_use]
    pub fn member(&self, amended: &MemberAmended) -> bool {
        let same = |told: &MemberAmended| {
            told.tube == amended.tube
                && told.withdrawn == amended.withdrawn
                && (told.sample.is_none() || told.sample == amended.sample)
        };
        self.unknown || self.members.iter().any(same)
    }

    /// This very registration was consumed.
    #[must_use]
    pub fn told(&self, sample: Option<&Sample>) -> bool {
        self.unknown || sample.is_some_and(|sample| self.samples.contains(sample))
    }

    /// A policy of this version and text was consumed.
    #[must_use]
    pub fn policy(&self, version: u32, content: &str) -> bool {
        self.unknown || self.policies.contains(&(version, about::name(content)))
    }

    /// Somebody was answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        !self.actors.is_empty()
    }

    /// Anything at all was consumed.
    #[must_use]
    pub fn any(&self) -> bool {
        self.unknown
            || self.answered()
            || self.timers > 0
            || !self.messages.is_empty()
            || !self.policies.is_empty()
            || !self.registrations.is_empty()
    }
}
