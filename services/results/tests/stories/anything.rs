//! Whatever happens, in whatever order: the invariants hold after every step, and nobody whose tube
//! never showed a target is called positive.

use crate::lab::*;
use proptest::prelude::*;
use tenfold_domain::message::{LoadedWell, MemberAmended, Message, PlateVoided};
use tenfold_domain::time::Millis;

/// Plates that take part; each is loaded once at most.
const PLATES: u64 = 6;

/// After so long, all that is closed is filed.
const RETENTION_MINUTES: i64 = 14 * 24 * 60;

#[derive(Clone, Debug)]
pub enum Step {
    Load(u64),
    Run {
        plate: u64,
        calls: [u8; 3],
        reason: bool,
    },
    Retests,
    Amend {
        tube: u64,
        withdrawn: bool,
    },
    Void(u64),
    Answer {
        accept: bool,
        share: usize,
    },
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let plate = 0..PLATES;
    prop_oneof![
        3 => plate.clone().prop_map(Step::Load),
        6 => (plate.clone(), prop::array::uniform3(0..5_u8), any::<bool>())
            .prop_map(|(plate, calls, reason)| Step::Run { plate, calls, reason }),
        3 => Just(Step::Retests),
        2 => (0..60_u64, any::<bool>()).prop_map(|(tube, withdrawn)| Step::Amend { tube, withdrawn }),
        1 => plate.prop_map(Step::Void),
        3 => (any::<bool>(), 1..4_usize).prop_map(|(accept, share)| Step::Answer { accept, share }),
        2 => (1..600_i64).prop_map(Step::Wait),
        1 => Just(Step::Wait(RETENTION_MINUTES)),
    ]
}

/// A few of them.
pub fn run_of_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..30)
}

fn cts(call: u8) -> Cts {
    [NEGATIVE, POSITIVE, GREY, SINGLE, INVALID][usize::from(call) % 5]
}

/// A pool of three, a collection pool, and a single tube.
fn wells(plate: u64) -> Vec<LoadedWell> {
    let first = plate * 10 + 1;
    let mut collection = member(first + 3);
    collection.sample.collection_pool = true;
    collection.sample.subjects = vec!["a".into(), "b".into()];
    vec![
        pool("A1", plate + 1, first..first + 3),
        single("B1", collection),
        single("C1", member(first + 4)),
    ]
}

pub fn take(lab: &mut Lab, step: &Step, version: u32) {
    match step {
        Step::Load(plate) => {
            let name = format!("PL-{plate}");
            if !lab.knows(&name) {
                lab.load(&name, wells(*plate));
            }
        }
        Step::Run {
            plate,
            calls,
            reason,
        } => {
            let name = format!("PL-{plate}");
            let [a, b, c] = calls.map(cts);
            let file = lab.file(&name, &[("A1", a), ("B1", b), ("C1", c)]);
            let run = format!("run-{}", u8::from(*reason));
            let _ = lab.import(&name, &run, if *reason { "again" } else { "" }, &file);
        }
        Step::Retests => {
            let retests = lab.retests();
            let name = format!("RE-{version}");
            if !retests.is_empty() && retests.len() <= 80 {
                lab.load_retests(&name, &retests);
                lab.run(
                    &name,
                    &[(&Lab::retest_well(0), cts(version.to_le_bytes()[0]))],
                );
            }
        }
        Step::Amend {
            tube: number,
            withdrawn,
        } => {
            let sample = tenfold_domain::sample::Sample {
                version,
                ..sample(*number)
            };
            let amended = MemberAmended {
                tube: tube(*number),
                sample: Some(sample),
                withdrawn: *withdrawn,
            };
            let _ = lab.message(Message::MemberAmended(amended));
        }
        Step::Void(plate) => {
            let voided = PlateVoided {
                lab: LAB.into(),
                plate: format!("PL-{plate}").as_str().into(),
                reason: "dropped".to_owned(),
            };
            let _ = lab.message(Message::PlateVoided(voided));
        }
        Step::Answer { accept, share } => {
            let numbers: Vec<u64> = lab.send(RECEIVER).into_iter().step_by(*share).collect();
            if !numbers.is_empty() {
                lab.answer(
                    RECEIVER,
                    &numbers,
                    if *accept { "" } else { "no such site" },
                );
            }
        }
        Step::Wait(minutes) => lab.advance(Millis::from_mins(*minutes)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_invariants_hold_after_every_step(steps in run_of_steps()) {
        let mut lab = Lab::new();
        for (step, version) in steps.iter().zip(2..) {
            take(&mut lab, step, version);
        }
    }
}
