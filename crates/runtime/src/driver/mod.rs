//! The test driver: real service code, no broker, the clock in hand.
//!
//! ```text
//! let mut lab = Driver::new(PoolingProcessor::new());
//! lab.message("lab-1", details);                       // given
//! let answer = lab.command("lab-1", "tech-7", scan)?;  // when
//! assert_eq!(lab.sent(), [...]);                       // then
//! lab.advance(Millis::from_mins(30));                  // timers fire
//! ```
//!
//! After every step the events are written to wire form, read back, and folded again from zero in a
//! second state; a difference between the two fails the test (INV-08).

pub mod hostile;
mod overlay;

use crate::processor::{Answer, Input, Outgoing, Processor, Undecodable};
use bytes::Bytes;
use overlay::Overlay;
use tenfold_domain::tables::{MemoryTables, Read};
use tenfold_domain::time::{Millis, Timestamp};

/// Most timer rounds in one [`Driver::advance`]: a timer that is never done with is a bug.
const TIMER_ROUNDS_MAX: usize = 100_000;

/// Runs one lane of one service.
pub struct Driver<P: Processor> {
    processor: P,
    now: Timestamp,
    state: MemoryTables,
    replayed: MemoryTables,
    events: Vec<Vec<u8>>,
    times: Vec<Timestamp>,
    heard: Vec<Vec<u8>>,
    sent: Vec<Outgoing>,
}

impl<P: Processor> Driver<P> {
    /// A lane with an empty journal at 2026-01-01T00:00:00Z.
    pub fn new(processor: P) -> Self {
        Self {
            processor,
            now: Timestamp(1_767_225_600_000),
            state: MemoryTables::default(),
            replayed: MemoryTables::default(),
            events: Vec::new(),
            times: Vec::new(),
            heard: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Another lane in the same state, at the same time.
    #[must_use]
    pub fn fork(&self, processor: P) -> Self {
        Self {
            processor,
            now: self.now,
            state: self.state.clone(),
            replayed: self.replayed.clone(),
            events: self.events.clone(),
            times: self.times.clone(),
            heard: self.heard.clone(),
            sent: Vec::new(),
        }
    }

    /// Lane time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The state, to look at.
    pub fn state(&self) -> &dyn Read {
        &self.state
    }

    /// Decides a command.
    ///
    /// # Errors
    /// The service's rejection.
    pub fn command(&mut self, actor: &str, body: impl AsRef<[u8]>) -> Answer {
        self.decide(Input::Command {
            actor,
            body: body.as_ref(),
        })
    }

    /// Delivers a message of another service.
    pub fn message(&mut self, body: impl AsRef<[u8]>) -> Answer {
        let level = self.processor.level();
        self.decide(Input::Message {
            level,
            body: body.as_ref(),
        })
    }

    /// Delivers an input from outside.
    pub fn external(&mut self, origin: &str, body: impl AsRef<[u8]>) -> Answer {
        self.decide(Input::External {
            origin,
            body: body.as_ref(),
        })
    }

    /// Asks a question.
    ///
    /// # Errors
    /// The service's rejection.
    pub fn query(&self, body: impl AsRef<[u8]>) -> Answer {
        self.processor.query(&self.state, body.as_ref(), self.now)
    }

    /// Lets time pass: every timer on the way fires at its own moment.
    pub fn advance(&mut self, length: Millis) {
        let until = self.now.plus(length);
        for _ in 0..TIMER_ROUNDS_MAX {
            match self.processor.next_timer(&self.state) {
                Some(due) if due <= until => self.now = self.now.max(due),
                _ => {
                    self.now = until;
                    return;
                }
            }
            for timer in self.processor.due_timers(&self.state, self.now, 100) {
                let _ = self.decide(Input::Timer { body: &timer });
            }
        }
        panic!("timers are still due after {TIMER_ROUNDS_MAX} rounds: one is never done with");
    }

    /// Takes the messages sent since the last call.
    pub fn sent(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.sent)
    }

    /// The journal so far: every event in wire form.
    pub fn events(&self) -> &[Vec<u8>] {
        &self.events
    }

    /// The journal with the lane time of each event.
    pub fn journal(&self) -> impl Iterator<Item = (Timestamp, &[u8])> {
        let events = self.events.iter().map(Vec::as_slice);
        self.times.iter().copied().zip(events)
    }

    /// Every input so far, as bytes: what hostile ones are made from.
    pub fn heard(&self) -> &[Vec<u8>] {
        &self.heard
    }

    /// Brings bytes to every door: as a command, a message, an input from outside, a timer, a question.
    /// Each may refuse them; none may panic, and what is decided must fold. True if a door took them.
    pub fn throw(&mut self, bytes: &[u8]) -> bool {
        let level = self.processor.level();
        let (actor, origin, body) = ("anybody", "anywhere", bytes);
        let mut taken = false;
        for input in [
            Input::Command { actor, body },
            Input::Message { level, body },
            Input::External { origin, body },
            Input::Timer { body },
        ] {
            taken |= self.try_decide(input).is_ok_and(|answer| answer.is_ok());
        }
        taken | self.query(bytes).is_ok()
    }

    /// Folds bytes as if a journal held them, beside the lane's own state: they may be refused, and
    /// may not panic. Whatever they make of the state, timers and questions must live with it. True if
    /// at least one was folded.
    pub fn fold_anything(&self, journal: &[Vec<u8>], questions: &[Vec<u8>]) -> bool {
        let mut state = self.state.clone();
        let mut folded = false;
        for bytes in journal {
            let Ok(event) = self.processor.decode(bytes) else {
                continue;
            };
            let mut wire = Vec::new();
            self.processor.encode(&event, &mut wire);
            // Half an event is no state: the lane would stop here, and so does this.
            if self.processor.evolve(&mut state, &event, self.now).is_err() {
                break;
            }
            folded = true;
            let _ = self.processor.next_timer(&state);
        }
        let _ = self.processor.due_timers(&state, self.now, 100);
        for question in questions {
            let _ = self.processor.query(&state, question, self.now);
        }
        folded
    }

    fn decide(&mut self, input: Input<'_>) -> Answer {
        self.try_decide(input)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_decide(&mut self, input: Input<'_>) -> Result<Answer, Undecodable> {
        let mut over = Overlay::over(&self.state);
        let decision = self.processor.decide(&mut over, input, self.now)?;
        let folded = decision.folded.then(|| over.into_folded());
        if let Input::Command { body, .. }
        | Input::Message { body, .. }
        | Input::External { body, .. } = input
        {
            self.heard.push(body.to_vec());
        }
        for event in &decision.events {
            let mut wire = Vec::new();
            self.processor.encode(event, &mut wire);
            self.replay(&wire);
            self.events.push(wire);
            self.times.push(self.now);
        }
        if let Some(folded) = folded {
            folded.write(&mut self.state);
        }
        decision
            .fold(&self.processor, &mut self.state, self.now)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(
            self.state.rows().eq(self.replayed.rows()),
            "the fold of the journal differs from the state it was decided on (INV-08)"
        );
        self.sent.extend(decision.messages);
        Ok(decision.answer)
    }

    fn replay(&mut self, wire: &[u8]) {
        let again = self
            .processor
            .decode(wire)
            .unwrap_or_else(|error| panic!("an event just written cannot be read: {error}"));
        self.processor
            .evolve(&mut self.replayed, &again, self.now)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// The processor.
    pub const fn processor(&self) -> &P {
        &self.processor
    }
}

/// The bodies of messages for one lane key of a service.
pub fn to_lane<'a>(sent: &'a [Outgoing], service: &str, key: &str) -> Vec<&'a Bytes> {
    use crate::processor::Destination;
    sent.iter()
        .filter(|m| matches!(&m.to, Destination::Lane { service: s, key: k } if *s == service && k == key))
        .map(|m| &m.body)
        .collect()
}
