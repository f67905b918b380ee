//! Checking a configuration to its bound, and refuting a flaw with its shortest run.

use crate::endless::has_endless_run;
use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::fmt::Display;
use std::hash::Hash;
use std::time::Instant;

/// With it, a property of the moments at which nothing more happens by itself is one of progress.
const ENDS: &str = "every run ends";

/// A model that can be checked and told of.
pub trait Checkable:
    Model<State: Clone + PartialEq + Hash + Send + Sync, Action: Clone + PartialEq + Display>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// What a step does in a state, in words.
    fn words(&self, state: &Self::State, step: &Self::Action) -> String;

    /// Its bound, in words.
    fn bound(&self) -> String;
}

/// A run after which a property does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The property.
    pub property: &'static str,
    /// The run's steps, in words.
    pub steps: Vec<String>,
}

/// What came of a configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its name.
    pub name: &'static str,
    /// Its bound, in words.
    pub bound: String,
    /// States that were reached, each as often as it was.
    pub states: usize,
    /// States that were reached, each once.
    pub unique: usize,
    /// Steps of the longest of the shortest runs to each state.
    pub depth: usize,
    /// How long it took.
    pub seconds: f64,
    /// What holds in every state.
    pub holds: Vec<&'static str>,
    /// What happens in some state.
    pub happens: Vec<&'static str>,
    /// What should, and does not.
    pub fails: Vec<Run>,
}

/// Checks a configuration: every run, to its end.
pub fn check<M: Checkable>(name: &'static str, model: &M) -> Checked {
    let begun = Instant::now();
    let checker = model.clone().checker().spawn_bfs().join();
    let found = checker.discoveries();
    let mut checked = Checked {
        name,
        bound: model.bound(),
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(1),
        seconds: begun.elapsed().as_secs_f64(),
        holds: Vec::new(),
        happens: Vec::new(),
        fails: Vec::new(),
    };
    if has_endless_run(model) {
        checked.fails.push(Run {
            property: ENDS,
            steps: vec!["a run comes back to where it was".to_owned()],
        });
    } else {
        checked.holds.push(ENDS);
    }
    checked.seconds = begun.elapsed().as_secs_f64();
    for property in model.properties() {
        let name = property.name;
        let path = found.get(name).cloned();
        match (property.expectation, path) {
            (Expectation::Always | Expectation::Eventually, None) => checked.holds.push(name),
            (Expectation::Sometimes, Some(_)) => checked.happens.push(name),
            (Expectation::Sometimes, None) => checked.fails.push(Run {
                property: name,
                steps: vec!["it never happens".to_owned()],
            }),
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                checked.fails.push(Run {
                    property: name,
                    steps: told(model, path.into_vec()),
                });
            }
        }
    }
    checked
}

/// Looks for a run after which a property does not hold: the shortest there is.
pub fn refute<M: Checkable>(model: &M, property: &'static str) -> Option<Run> {
    let mut shortest = None;
    let mut steps_max = usize::MAX;
    loop {
        // A run of so many steps has one state more, and is not looked at.
        let checker = model
            .clone()
            .checker()
            .target_max_depth(steps_max)
            .finish_when(HasDiscoveries::AnyOf([property].into()))
            .spawn_bfs()
            .join();
        let Some(path) = checker.discovery(property) else {
            return shortest;
        };
        let path = path.into_vec();
        steps_max = path.len();
        shortest = Some(Run {
            property,
            steps: told(model, path),
        });
    }
}

fn told<M: Checkable>(model: &M, path: Vec<(M::State, Option<M::Action>)>) -> Vec<String> {
    path.into_iter()
        .filter_map(|(state, step)| step.map(|step| model.words(&state, &step)))
        .collect()
}
