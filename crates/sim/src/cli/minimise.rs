//! A failing seed made small: fewer kinds of faults, fewer tubes, a shorter day, as long as it still fails in
//! the same way.

use crate::faults::Fault;
use crate::run::{Options, Outcome, run};

/// Most runs that making one seed small may take.
const RUNS_MAX: u32 = 120;

/// What a problem is, without the numbers in it.
fn class(outcome: &Outcome) -> Option<String> {
    let first = outcome.problems.first()?;
    let letters = |c: &char| !c.is_ascii_digit();
    Some(first.chars().filter(letters).take(24).collect())
}

/// The smallest run found that fails as this one did.
#[must_use]
pub fn minimise(options: &Options, failed: &Outcome) -> Options {
    let wanted = class(failed);
    let mut small = options.clone();
    let mut runs = 0;
    let mut fails = |candidate: &Options| {
        runs += 1;
        runs <= RUNS_MAX && class(&run(candidate)) == wanted
    };
    for fault in Fault::ALL {
        if !failed.counts.kinds.contains_key(fault) {
            continue;
        }
        let mut candidate = small.clone();
        candidate.without.insert(*fault);
        if fails(&candidate) {
            small = candidate;
        }
    }
    let mut tubes = small.tubes.unwrap_or(failed.tubes).max(1);
    while tubes > 1 {
        tubes /= 2;
        let candidate = Options {
            tubes: Some(tubes),
            ..small.clone()
        };
        if !fails(&candidate) {
            break;
        }
        small = candidate;
    }
    for day in [30, 60, 120, 240, 480] {
        let candidate = Options {
            day: Some(day),
            ..small.clone()
        };
        if small.day.is_none_or(|known| day < known) && fails(&candidate) {
            small = candidate;
            break;
        }
    }
    small
}
