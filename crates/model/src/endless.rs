//! Does every run end? Then a property of the moments at which nothing more happens by itself is one of
//! progress: whatever happens in which order, that moment comes.

use stateright::Model;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// What is known of a state: it is on the run being looked at, or all runs through it were seen to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    OnThisRun,
    Ends,
}

/// Looks for a run that comes back to a state it was in, depth first.
pub fn has_endless_run<M: Model<State: Hash>>(model: &M) -> bool {
    let hasher = RandomState::new();
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    // Of each state on the run being looked at: its name, and what is still to be tried from it.
    let mut run: Vec<(u64, Vec<M::State>)> = Vec::new();
    for first in model.init_states() {
        let mut next = Some(first);
        loop {
            if let Some(state) = next.take() {
                let name = hasher.hash_one(&state);
                match seen.get(&name) {
                    Some(Seen::OnThisRun) => return true,
                    Some(Seen::Ends) => {}
                    None => {
                        seen.insert(name, Seen::OnThisRun);
                        run.push((name, model.next_states(&state)));
                    }
                }
            }
            let Some((name, untried)) = run.last_mut() else {
                break;
            };
            next = untried.pop();
            if next.is_none() {
                seen.insert(*name, Seen::Ends);
                run.pop();
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up to a number, and goes on at another from there, or stops.
    struct Counter {
        last: u8,
        then: Option<u8>,
    }

    impl Model for Counter {
        type State = u8;
        type Action = ();

        fn init_states(&self) -> Vec<u8> {
            vec![0]
        }

        fn actions(&self, _: &u8, actions: &mut Vec<()>) {
            actions.push(());
        }

        fn next_state(&self, state: &u8, (): ()) -> Option<u8> {
            if *state < self.last {
                Some(state + 1)
            } else {
                self.then
            }
        }
    }

    #[test]
    fn only_a_run_that_comes_back_is_endless() {
        let counter = |then| Counter { last: 9, then };
        assert!(!has_endless_run(&counter(None)));
        assert!(has_endless_run(&counter(Some(4))));
        assert!(has_endless_run(&counter(Some(9))));
    }
}
