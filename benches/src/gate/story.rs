//! What the kernels work on: the same lab, tubes and moments each time, so that the counts are the same each time.

use crate::tubes::{BENCH, Load, RACK, barcode, policy_input};
use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Timestamp;
use tenfold_domain::tables::MemoryTables;
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::lane::Decisions;
use tenfold_proto::v1;
use tenfold_runtime::cache::{Cache as _, LaneCache, MemoryCache};
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::processor::{Input, Processor};
use v1::external_input::Input as Case;
use v1::pooling_command::Command;

/// The moment of everything: 2026-01-01.
const AT: Timestamp = Timestamp(1_767_225_600_000);

/// Racks, or 96 registrations each.
const RACKS: usize = 2;

/// A service, the state before its inputs, the inputs, and what they caused.
pub struct Story<P: Processor> {
    /// Its rules.
    pub processor: P,
    before: MemoryTables,
    /// Inputs, each decided on the state before.
    pub inputs: Vec<Bytes>,
    /// They come from outside; otherwise they are messages of another service.
    pub outside: bool,
    /// When.
    pub at: Timestamp,
    first: Vec<Bytes>,
    events: Vec<Bytes>,
    /// The inputs, and what is done with the tubes then.
    script: Vec<Said>,
}

/// One input of a script.
#[derive(Clone, Debug)]
pub enum Said {
    /// A message of another lane.
    Message(Bytes),
    /// A registration from outside.
    External(Bytes),
    /// A call.
    Command(Bytes),
}

impl Said {
    /// As the rules are given it.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        match self {
            Self::Message(body) => Input::Message { level: 1, body },
            Self::External(body) => Input::External {
                origin: "gate",
                body,
            },
            Self::Command(body) => Input::Command {
                actor: "gate",
                body,
            },
        }
    }
}

impl<P: Processor> Story<P> {
    fn new(processor: P, outside: bool) -> anyhow::Result<Self> {
        let mut story = Self {
            processor,
            before: MemoryTables::default(),
            inputs: Vec::new(),
            outside,
            at: AT,
            first: Vec::new(),
            events: Vec::new(),
            script: Vec::new(),
        };
        let load = load();
        let body = policy_input(&load);
        let mut state = MemoryTables::default();
        story.first = story.decide(
            &mut state,
            Input::External {
                origin: "gate",
                body: &body,
            },
        )?;
        story.before = state;
        Ok(story)
    }

    /// Decides and folds; answers the events in wire form.
    fn decide(&self, state: &mut MemoryTables, input: Input<'_>) -> anyhow::Result<Vec<Bytes>> {
        let decision = self.processor.decide(state, input, AT)?;
        let mut all = Vec::new();
        for event in &decision.events {
            let mut wire = Vec::new();
            self.processor.encode(event, &mut wire);
            all.push(wire.into());
        }
        decision.fold(&self.processor, state, AT)?;
        decision
            .answer
            .map_err(|rejection| anyhow!("{}", rejection.message))?;
        Ok(all)
    }

    /// Plays a script on the state before.
    fn play(&mut self, script: Vec<Said>) -> anyhow::Result<()> {
        let mut state = self.before.clone();
        for said in &script {
            let events = self.decide(&mut state, said.input())?;
            self.events.extend(events);
        }
        self.script = script;
        Ok(())
    }

    /// The inputs, and what is done with the tubes then.
    #[must_use]
    pub fn script(&self) -> &[Said] {
        &self.script
    }

    /// The events of the inputs.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn decoded(&self) -> anyhow::Result<Vec<P::Event>> {
        self.events
            .iter()
            .map(|event| Ok(self.processor.decode(event)?))
            .collect()
    }

    /// The state of a lane before the inputs, and the cache below it, which has all of it.
    ///
    /// # Errors
    /// An event cannot be read, or not be folded.
    pub fn lane(&self) -> anyhow::Result<(Box<dyn LaneCache>, LaneState)> {
        let memory = MemoryCache::default();
        let cache = memory.open(0)?;
        let mut state = LaneState::load(memory.open(0)?, self.processor.tables())?;
        for event in &self.first {
            let event = self.processor.decode(event)?;
            self.processor.evolve(&mut state, &event, AT)?;
        }
        let (batch, writes) = state.seal();
        cache.apply(writes)?;
        state.applied(batch);
        Ok((cache, state))
    }

    /// The events of the inputs as the body of one record.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        Decisions {
            events: self.events.clone(),
            ..Default::default()
        }
        .encode_to_vec()
    }
}

fn load() -> Load {
    Load::new(1, RACKS)
}

/// Registrations that pooling hears of; then racks are received, planned and confirmed.
///
/// # Errors
/// The rules refuse something.
pub fn pooling() -> anyhow::Result<Story<PoolingProcessor>> {
    let load = load();
    let lab = load.labs.first().cloned().context("a lab")?;
    let mut story = Story::new(PoolingProcessor::new(), false)?;
    story.inputs = (0..load.tubes_a_lab())
        .map(|number| load.details_at(0, number, AT.0))
        .collect();
    let mut script: Vec<Said> = story.inputs.iter().cloned().map(Said::Message).collect();
    for rack in 0..RACKS {
        let name = format!("RACK{rack:06}");
        let plan = v1::PlanRackRequest {
            lab: lab.clone(),
            bench: BENCH.to_owned(),
            rack: name.clone(),
            ..Default::default()
        };
        let confirm = v1::ConfirmRackRequest {
            lab: lab.clone(),
            bench: BENCH.to_owned(),
            rack: name.clone(),
            rest_done: true,
            ..Default::default()
        };
        let barcodes: Vec<String> = (0..RACK)
            .map(|index| barcode(0, rack * RACK + index))
            .collect();
        let arrival = crate::tubes::arrival(&lab, &name, &barcodes);
        for command in [
            Command::Receive(arrival),
            Command::PlanRack(plan),
            Command::ConfirmRack(confirm),
        ] {
            let body = v1::PoolingCommand {
                command: Some(command),
            }
            .encode_to_vec();
            script.push(Said::Command(body.into()));
        }
    }
    story.play(script)?;
    Ok(story)
}

/// Registrations from outside.
///
/// # Errors
/// The rules refuse something.
pub fn intake() -> anyhow::Result<Story<IntakeProcessor>> {
    let load = load();
    let mut story = Story::new(IntakeProcessor::new(), true)?;
    story.inputs = (0..load.tubes_a_lab())
        .map(|number| {
            let item = v1::RegistrationBatchItem {
                registration: Some(load.registration_at(0, number, AT.0)),
                sequence: number as u64 + 1,
            };
            v1::ExternalInput {
                input: Some(Case::Registration(item)),
            }
            .encode_to_vec()
            .into()
        })
        .collect();
    let script = story.inputs.iter().cloned().map(Said::External).collect();
    story.play(script)?;
    Ok(story)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stories_make_an_event_for_every_step_of_every_tube() {
        let tubes = RACKS * RACK;
        let (pooling, intake) = (pooling().expect("pooling"), intake().expect("intake"));
        assert!(
            pooling.events.len() >= 4 * tubes,
            "{} events",
            pooling.events.len()
        );
        assert!(
            intake.events.len() >= tubes,
            "{} events",
            intake.events.len()
        );
        for step in super::super::kernels::STEPS {
            super::super::kernels::run(&format!("pooling-{step}")).expect(step);
            super::super::kernels::run(&format!("intake-{step}")).expect(step);
        }
    }
}
