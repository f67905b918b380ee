//! The configurations that are checked, each with its bound: several small ones that each bring out one
//! matter, rather than one that has everything and never ends.

use crate::check::{Checkable, Checked, Run, check, refute};
use crate::fault::Fault;
use crate::flaw::{Flaw, Place};
use crate::lane::{Inputs, LaneModel};
use crate::relay::RelayModel;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For every run of the tests: seconds without optimisation.
    Small,
    /// A minute or so each, optimised.
    Full,
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its name.
    pub name: &'static str,
    /// What it brings out.
    pub about: &'static str,
    /// The model.
    pub model: AnyModel,
}

/// One of the two models.
#[derive(Clone, Debug)]
pub enum AnyModel {
    /// One lane and its would-be owners.
    Lane(LaneModel),
    /// Messages from lane to lane.
    Relay(RelayModel),
}

const TAKING: &[Fault] = &[
    Fault::Rival,
    Fault::Crash,
    Fault::TimeOut,
    Fault::Lost,
    Fault::Twice,
];
const COMMITTING: &[Fault] = &[
    Fault::Rival,
    Fault::Lost,
    Fault::Overtaken,
    Fault::Unheard,
    Fault::NoOffset,
    Fault::FalseOffset,
    Fault::Stray,
];
const EVERYTHING: &[Fault] = &[
    Fault::Rival,
    Fault::Crash,
    Fault::TimeOut,
    Fault::Lost,
    Fault::Twice,
    Fault::Overtaken,
    Fault::Unheard,
    Fault::NoOffset,
    Fault::FalseOffset,
    Fault::Stray,
];
const RECEIVING: &[Fault] = &[
    Fault::Rival,
    Fault::Crash,
    Fault::TimeOut,
    Fault::Lost,
    Fault::Twice,
    Fault::Overtaken,
];
const RELAYING: &[Fault] = &[
    Fault::Rival,
    Fault::Crash,
    Fault::TimeOut,
    Fault::Lost,
    Fault::Twice,
    Fault::Overtaken,
    Fault::Unheard,
    Fault::NoOffset,
    Fault::FalseOffset,
];

/// All configurations.
pub fn all(size: Size) -> Vec<Configuration> {
    let full = size == Size::Full;
    let pick = |small: u8, large: u8| if full { large } else { small };
    let lane = |owners, inputs, window, faults, kinds| {
        AnyModel::Lane(LaneModel {
            owners,
            inputs,
            window,
            faults,
            kinds,
            flaw: None,
        })
    };
    let relay = |messages, window, packed, faults| {
        AnyModel::Relay(RelayModel {
            senders: 2,
            messages,
            window,
            packed,
            faults,
            kinds: RELAYING,
            flaw: None,
        })
    };
    vec![
        Configuration {
            name: "taking",
            about: "three processes that each may take the lane",
            model: lane(3, Inputs::Calls(1), 1, pick(1, 2), TAKING),
        },
        Configuration {
            name: "committing",
            about: "appends one after another in flight, and reports of them that are lost or wrong",
            model: lane(2, Inputs::Calls(2), 2, pick(1, 2), COMMITTING),
        },
        Configuration {
            name: "everything",
            about: "every kind of fault at once",
            model: lane(2, Inputs::Calls(1), 2, 2, EVERYTHING),
        },
        Configuration {
            name: "receiving",
            about: "an inbox with repeats and gaps, consumed over takeovers of the receiver",
            model: lane(2, Inputs::Inbox, pick(2, 3).into(), 1, RECEIVING),
        },
        Configuration {
            name: "relaying",
            about: "messages that go back N, over takeovers of the sender",
            model: relay(pick(2, 3), 2, 1, 2),
        },
        Configuration {
            name: "packing",
            about: "the same, several messages in one record",
            model: relay(3, 2, 2, pick(1, 2)),
        },
    ]
}

impl Configuration {
    /// Checks it: every run, to its end.
    pub fn check(&self) -> Checked {
        match &self.model {
            AnyModel::Lane(model) => check(self.name, model),
            AnyModel::Relay(model) => check(self.name, model),
        }
    }

    /// Its bound, in words.
    pub fn bound(&self) -> String {
        match &self.model {
            AnyModel::Lane(model) => model.bound(),
            AnyModel::Relay(model) => model.bound(),
        }
    }
}

/// Faults that a flaw may need to show.
const FAULTS_MAX: u8 = 3;

/// Plants a flaw where its matter is brought out, and looks for the run that shows it with the fewest
/// faults, and of those the shortest.
pub fn refutation(flaw: Flaw) -> Option<Run> {
    let property = flaw.falls();
    (0..=FAULTS_MAX).find_map(|faults| match flaw.place() {
        Place::Lane => refute(
            &LaneModel {
                owners: 2,
                inputs: Inputs::Calls(2),
                window: 2,
                faults,
                kinds: EVERYTHING,
                flaw: Some(flaw),
            },
            property,
        ),
        Place::Relay => refute(
            &RelayModel {
                senders: 2,
                messages: 2,
                window: 2,
                packed: 1,
                faults,
                kinds: RELAYING,
                flaw: Some(flaw),
            },
            property,
        ),
    })
}
