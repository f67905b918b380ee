//! Rounds as a city plans them: given so many people and so many lines, then this.

use proptest::prelude::*;
use tenfold_capacity::machines::Machine;
use tenfold_capacity::{Costs, Lines, Mixed, Plan, advise, clear};

const COSTS: Costs = Costs {
    intake_us: 100.0,
    pooling_us: 50.0,
    results_us: 200.0,
    log_bytes: 2_000.0,
    cache_bytes: 1_000.0,
};

const MANY: Lines = Lines {
    benches: 100_000,
    extractors: 100_000,
    instruments: 100_000,
};

#[test]
fn five_million_people_ten_in_one_are_half_a_million_tubes_and_5556_plates() {
    let advice = advise(Plan::default(), None, &COSTS, Machine::default()).unwrap();
    assert!((advice.tubes - 500_000.0).abs() < 1e-6);
    assert!((advice.plates - 5_556.0).abs() < 1e-6);
    assert!(advice.lines.is_some());
    assert!(advice.cleared.hours.unwrap() <= 24.0);
}

#[test]
fn with_lines_enough_a_round_takes_its_delays_and_nothing_more() {
    let plan = Plan {
        prevalence: 0.0,
        ..Plan::default()
    };
    let cleared = clear(&plan, MANY);
    // Six hours of swabs, one of transport, half of extraction, 100 minutes of a run.
    let delays = 6.0 + (60.0 + 30.0 + 100.0) / 60.0;
    assert!((cleared.hours.unwrap() - delays).abs() < 0.2, "{cleared:?}");
    assert!((cleared.wells - 500_000.0).abs() < 1.0);
}

#[test]
fn one_bench_scans_half_a_million_tubes_in_417_hours() {
    let lines = Lines { benches: 1, ..MANY };
    let plan = Plan {
        prevalence: 0.0,
        ..Plan::default()
    };
    let hours = clear(&plan, lines).hours.unwrap();
    assert!((hours - 416.7 - 1.0 - 130.0 / 60.0).abs() < 0.3, "{hours}");
}

#[test]
fn a_lab_that_mixes_itself_scans_ten_times_as_many_tubes() {
    let plan = Plan {
        mixed: Mixed::InTheLab,
        ..Plan::default()
    };
    let site = advise(Plan::default(), None, &COSTS, Machine::default()).unwrap();
    let lab = advise(plan, None, &COSTS, Machine::default()).unwrap();
    assert!((lab.tubes / site.tubes - 10.0).abs() < 1e-9);
    assert!(lab.lines.unwrap().benches > 5 * site.lines.unwrap().benches);
}

#[test]
fn a_round_whose_delays_alone_are_too_long_has_no_answer() {
    let plan = Plan {
        hours: 8.0,
        ..Plan::default()
    };
    let advice = advise(plan, None, &COSTS, Machine::default()).unwrap();
    assert_eq!(advice.lines, None);
}

#[test]
fn what_breaks_first_is_what_there_is_least_of() {
    let needed = advise(Plan::default(), None, &COSTS, Machine::default())
        .unwrap()
        .lines
        .unwrap();
    let given = Lines {
        instruments: needed.instruments / 2,
        benches: needed.benches * 3,
        extractors: needed.extractors * 3,
    };
    let advice = advise(Plan::default(), Some(given), &COSTS, Machine::default()).unwrap();
    let first = &advice.limits[0];
    assert_eq!(first.what, "instruments");
    assert!(first.people < 5_000_000.0);
    assert!(advice.cleared.hours.unwrap() > 24.0);
}

#[test]
fn a_number_that_cannot_be_is_named() {
    let plan = Plan {
        prevalence: 1.5,
        ..Plan::default()
    };
    assert_eq!(plan.checked().unwrap_err().field, "prevalence");
    let plan = Plan {
        hours: f64::NAN,
        ..Plan::default()
    };
    assert_eq!(plan.checked().unwrap_err().field, "hours");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Nothing is lost or run twice: each first test once, each retest once.
    #[test]
    fn every_well_is_run_once(
        people in 10_u64..200_000, pool in 1_u32..20, prevalence in 0.0..0.2_f64,
        benches in 2_u32..30, extractors in 2_u32..30, instruments in 2_u32..60, lab in any::<bool>(),
    ) {
        let mixed = if lab { Mixed::InTheLab } else { Mixed::AtTheSite };
        let plan = Plan { people, pool, prevalence, mixed, ..Plan::default() };
        let cleared = clear(&plan, Lines { benches, extractors, instruments });
        if cleared.hours.is_some() {
            let wells = plan.pools() + plan.retests();
            prop_assert!((cleared.wells - wells).abs() < 1e-3 * wells.max(1.0), "{cleared:?} {wells}");
        }
    }

    /// One more of anything never makes a round later.
    #[test]
    fn more_never_hurts(benches in 1_u32..40, extractors in 1_u32..40, instruments in 1_u32..80) {
        let plan = Plan { people: 200_000, prevalence: 0.0, ..Plan::default() };
        let lines = Lines { benches, extractors, instruments };
        let hours = |lines| clear(&plan, lines).hours.unwrap_or(f64::INFINITY);
        let now = hours(lines);
        for more in [
            Lines { benches: benches + 1, ..lines },
            Lines { extractors: extractors + 1, ..lines },
            Lines { instruments: instruments + 1, ..lines },
        ] {
            prop_assert!(hours(more) <= now + 0.02);
        }
    }
}
