//! The answer: lines enough to clear in time, when it clears, and what would break first.

use crate::flow::{Cleared, clear};
use crate::machines::{self, Costs, Machine, Machines};
use crate::plan::{Lines, Plan, Refused};
use serde::Serialize;

/// As many as nobody has: that stage never waits.
const PLENTY: u32 = 10_000_000;
/// Steps of a bisection over the number of people.
const STEPS: u32 = 40;

/// Something that would break, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// What: `benches`, `extractors`, `instruments`, `services`.
    pub what: &'static str,
    /// People a round at which it no longer clears in time, everything else plenty.
    pub people: f64,
}

/// What is needed, how it goes, and what breaks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// As asked.
    pub plan: Plan,
    /// Tubes that arrive.
    pub tubes: f64,
    /// Wells of the first round.
    pub pools: f64,
    /// Plates of the first round.
    pub plates: f64,
    /// Tests again, one by one.
    pub retests: f64,
    /// Their plates.
    pub retest_plates: f64,
    /// Tests a person, first and again.
    pub tests_a_person: f64,
    /// The pool size with the fewest.
    pub best_pool: u32,
    /// As given, or the fewest that clear in time; `None` if none do.
    pub lines: Option<Lines>,
    /// The lines were given.
    pub given: bool,
    /// How it goes with them.
    pub cleared: Cleared,
    /// Machines.
    pub machines: Machines,
    /// What breaks, the first first.
    pub limits: Vec<Limit>,
}

/// Answers.
///
/// # Errors
/// The plan has a number that cannot be.
pub fn advise(
    plan: Plan,
    given: Option<Lines>,
    costs: &Costs,
    machine: Machine,
) -> Result<Advice, Refused> {
    let plan = plan.checked()?;
    let lines = given.or_else(|| fewest(&plan));
    let machines = machines::needed(&plan, costs, machine);
    let mut limits = Vec::new();
    if let Some(lines) = lines {
        limits = breaks(&plan, lines);
        let instances = [machines.intake, machines.pooling, machines.results];
        let carried = machines::carried(instances, costs, machine);
        limits.push(Limit {
            what: "services",
            people: plan.people as f64 * carried / machines.peak.max(f64::MIN_POSITIVE),
        });
        limits.sort_by(|a, b| a.people.total_cmp(&b.people));
    }
    let cleared = lines.map(|lines| clear(&plan, lines)).unwrap_or_default();
    Ok(Advice {
        plan,
        tubes: plan.tubes(),
        pools: plan.pools(),
        plates: (plan.pools() / f64::from(plan.wells)).ceil(),
        retests: plan.retests(),
        retest_plates: (plan.retests() / f64::from(plan.wells)).ceil(),
        tests_a_person: (plan.pools() + plan.retests()) / plan.people as f64,
        best_pool: crate::pooling::best(plan.prevalence),
        lines,
        given: given.is_some(),
        cleared,
        machines,
        limits,
    })
}

fn in_time(plan: &Plan, lines: Lines) -> bool {
    clear(plan, lines)
        .hours
        .is_some_and(|hours| hours <= plan.hours)
}

/// Fewest lines of each stage that clear in time. Each alone first, with the others plenty; then all together, more
/// of each by a twentieth until it does.
fn fewest(plan: &Plan) -> Option<Lines> {
    let plenty = Lines {
        benches: PLENTY,
        extractors: PLENTY,
        instruments: PLENTY,
    };
    if !in_time(plan, plenty) {
        return None;
    }
    let alone = |set: fn(Lines, u32) -> Lines| {
        let (mut too_few, mut enough) = (0, PLENTY);
        while enough - too_few > 1 {
            let middle = too_few + (enough - too_few) / 2;
            if in_time(plan, set(plenty, middle)) {
                enough = middle;
            } else {
                too_few = middle;
            }
        }
        enough
    };
    let mut lines = Lines {
        benches: alone(|lines, benches| Lines { benches, ..lines }),
        extractors: alone(|lines, extractors| Lines {
            extractors,
            ..lines
        }),
        instruments: alone(|lines, instruments| Lines {
            instruments,
            ..lines
        }),
    };
    while !in_time(plan, lines) {
        let more = |count: u32| count.saturating_add((count / 20).max(1)).min(PLENTY);
        lines = Lines {
            benches: more(lines.benches),
            extractors: more(lines.extractors),
            instruments: more(lines.instruments),
        };
    }
    Some(trim(plan, lines))
}

/// Takes back what turned out not to be needed, the dearest first.
fn trim(plan: &Plan, mut lines: Lines) -> Lines {
    let fewer: [fn(Lines, u32) -> Lines; 3] = [
        |lines, less| Lines {
            instruments: lines.instruments.saturating_sub(less).max(1),
            ..lines
        },
        |lines, less| Lines {
            extractors: lines.extractors.saturating_sub(less).max(1),
            ..lines
        },
        |lines, less| Lines {
            benches: lines.benches.saturating_sub(less).max(1),
            ..lines
        },
    ];
    for take in fewer {
        let mut step = lines.instruments.max(lines.extractors).max(lines.benches);
        while step > 0 {
            let tried = take(lines, step);
            if tried != lines && in_time(plan, tried) {
                lines = tried;
            } else {
                step /= 2;
            }
        }
    }
    lines
}

/// For each stage, the people at which it alone would be late.
fn breaks(plan: &Plan, lines: Lines) -> Vec<Limit> {
    let plenty = Lines {
        benches: PLENTY,
        extractors: PLENTY,
        instruments: PLENTY,
    };
    [
        (
            "benches",
            Lines {
                benches: lines.benches,
                ..plenty
            },
        ),
        (
            "extractors",
            Lines {
                extractors: lines.extractors,
                ..plenty
            },
        ),
        (
            "instruments",
            Lines {
                instruments: lines.instruments,
                ..plenty
            },
        ),
    ]
    .into_iter()
    .map(|(what, lines)| Limit {
        what,
        people: most_people(plan, lines),
    })
    .collect()
}

fn most_people(plan: &Plan, lines: Lines) -> f64 {
    let (mut good, mut late) = (0_u64, plan.people.saturating_mul(1_000));
    for _ in 0..STEPS {
        let people = good + (late - good) / 2;
        if people == good {
            break;
        }
        if in_time(&Plan { people, ..*plan }, lines) {
            good = people;
        } else {
            late = people;
        }
    }
    good as f64
}
