//! Whatever people, robots and other services do, in whatever order: no invariant is ever violated, and
//! the journal folds to the same state (the driver checks that after every step).

mod lab;

use lab::Lab;
use proptest::prelude::*;
use tenfold_domain::sample::{Hold, Kind};

#[derive(Clone, Debug)]
enum Step {
    Register {
        tube: u8,
        class: u8,
        odd: u8,
        version: u8,
    },
    Receive {
        tube: u8,
        another: bool,
    },
    Rack {
        rack: u8,
        first: u8,
        shift: u8,
        bad: u8,
    },
    Scan {
        tube: u8,
        bench: u8,
    },
    Confirm {
        failed: bool,
    },
    Undo(u8),
    Close(u8),
    Void(u8),
    PlanRack(u8),
    ConfirmRack {
        rack: u8,
        rest: bool,
        failed: u8,
    },
    Start(u8),
    Fill(u8),
    Place {
        plate: u8,
        well: u8,
        content: u8,
    },
    ConfirmPlate {
        plate: u8,
        fail_first: bool,
    },
    SealPlate(u8),
    VoidPlate(u8),
    Load(u8),
    Retest {
        tube: u8,
        round: u8,
    },
    Replate {
        plate: u8,
        well: Option<u8>,
    },
    CloseSample(u8),
    File(u8),
    Cancel(u8),
    Custody(u8),
    Hold(u8),
    Release {
        what: u8,
        pool: bool,
    },
    Relabel {
        tube: u8,
        new: u8,
    },
    Discard(u8),
    Labels {
        bench: Option<u8>,
        count: u8,
    },
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let tube = 0u8..14;
    prop_oneof![
        6 => (tube.clone(), 0u8..4, 0u8..5, 1u8..4)
            .prop_map(|(tube, class, odd, version)| Step::Register { tube, class, odd, version }),
        5 => (tube.clone(), prop::bool::weighted(0.1)).prop_map(|(tube, another)| Step::Receive { tube, another }),
        3 => (0u8..2, tube.clone(), 0u8..3, 0u8..4)
            .prop_map(|(rack, first, shift, bad)| Step::Rack { rack, first, shift, bad }),
        12 => (tube.clone(), 0u8..3).prop_map(|(tube, bench)| Step::Scan { tube, bench }),
        3 => prop::bool::weighted(0.2).prop_map(|failed| Step::Confirm { failed }),
        2 => tube.clone().prop_map(Step::Undo),
        4 => (1u8..6).prop_map(Step::Close),
        1 => (1u8..6).prop_map(Step::Void),
        3 => (0u8..2).prop_map(Step::PlanRack),
        3 => (0u8..2, any::<bool>(), tube.clone())
            .prop_map(|(rack, rest, failed)| Step::ConfirmRack { rack, rest, failed }),
        3 => (0u8..3).prop_map(Step::Start),
        4 => (0u8..3).prop_map(Step::Fill),
        3 => (0u8..3, 0u8..96, 0u8..20).prop_map(|(plate, well, content)| Step::Place { plate, well, content }),
        4 => (0u8..3, prop::bool::weighted(0.2))
            .prop_map(|(plate, fail_first)| Step::ConfirmPlate { plate, fail_first }),
        4 => (0u8..3).prop_map(Step::SealPlate),
        1 => (0u8..3).prop_map(Step::VoidPlate),
        4 => (0u8..3).prop_map(Step::Load),
        3 => (1u8..16, 2u8..5).prop_map(|(tube, round)| Step::Retest { tube, round }),
        2 => (0u8..3, prop::option::of(0u8..96)).prop_map(|(plate, well)| Step::Replate { plate, well }),
        3 => (1u8..16).prop_map(Step::CloseSample),
        3 => (1u8..16).prop_map(Step::File),
        2 => tube.clone().prop_map(Step::Cancel),
        1 => tube.clone().prop_map(Step::Custody),
        1 => tube.clone().prop_map(Step::Hold),
        2 => (0u8..14, any::<bool>()).prop_map(|(what, pool)| Step::Release { what, pool }),
        1 => (tube.clone(), 0u8..5).prop_map(|(tube, new)| Step::Relabel { tube, new }),
        1 => tube.prop_map(Step::Discard),
        1 => (prop::option::of(0u8..3), 0u8..4).prop_map(|(bench, count)| Step::Labels { bench, count }),
        3 => prop_oneof![1u16..40, 200u16..900].prop_map(Step::Wait),
    ]
}

fn name(tube: u8) -> String {
    format!("T{tube:02}")
}

fn perform(lab: &mut Lab, step: &Step) {
    let bench = |bench: u8| ["b1", "b2", "plan"][usize::from(bench)];
    let rack_name = |rack: u8| format!("R{rack}");
    let plate_name = |plate: u8| format!("PL{plate}");
    match step.clone() {
        Step::Register {
            tube,
            class,
            odd,
            version,
        } => {
            let class = ["routine", "patient", "emergency", "companion"][usize::from(class)];
            let mut sample = lab.sample(&name(tube), class);
            sample.version = u32::from(version);
            match odd {
                0 => sample.collection_pool = true,
                1 => sample.kind = Kind::Object,
                2 => {
                    sample.hold = Some(Hold::CountMismatch {
                        registered: 1,
                        observed: 2,
                    })
                }
                _ => {}
            }
            lab.register(sample);
        }
        Step::Receive { tube, another } => {
            lab.receive_tubes(&[&name(tube)], another);
        }
        Step::Rack {
            rack,
            first,
            shift,
            bad,
        } => {
            let mut stated = Vec::new();
            for index in 0..5u8 {
                let what = match (index == bad, shift) {
                    (true, 0) => "?".to_owned(),
                    (true, 1) => "-".to_owned(),
                    (true, _) => name(first),
                    _ => name((first + index) % 14),
                };
                stated.push((format!("A{}", index + 1 + shift), what));
            }
            let stated: Vec<(&str, &str)> = stated
                .iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .collect();
            lab.receive_rack(&rack_name(rack), &stated);
        }
        Step::Scan { tube, bench: at } => drop(lab.scan_at(bench(at), &name(tube))),
        Step::Confirm { failed } => drop(lab.confirm_as(failed.then_some("clot"))),
        Step::Undo(tube) => drop(lab.undo(&name(tube))),
        Step::Close(pool) => drop(lab.close(pool.into())),
        Step::Void(pool) => drop(lab.void(pool.into())),
        Step::PlanRack(rack) => drop(lab.plan_rack(&rack_name(rack))),
        Step::ConfirmRack { rack, rest, failed } => {
            let failed = name(failed);
            let _ = lab.confirm_rack(&rack_name(rack), &[(&failed, "clot")], rest);
            let _ = lab.confirm_rack(&rack_name(rack), &[], rest);
        }
        Step::Start(plate) => drop(lab.start_plate(&plate_name(plate))),
        Step::Fill(plate) => drop(lab.fill(&plate_name(plate))),
        Step::Place {
            plate,
            well,
            content,
        } => {
            let well = format!("{}{}", char::from(b'A' + well / 12), well % 12 + 1);
            let content = match content {
                tube if tube < 14 => name(tube),
                pool => lab::pool_name(u64::from(pool) - 13),
            };
            let _ = lab.place(&plate_name(plate), &well, &content);
        }
        Step::ConfirmPlate { plate, fail_first } => {
            let first = fail_first.then_some("A1");
            let failed: Vec<(&str, &str)> = first.iter().map(|w| (*w, "bubble")).collect();
            let _ = lab.confirm_plate(&plate_name(plate), &failed);
        }
        Step::SealPlate(plate) => drop(lab.seal_plate(&plate_name(plate))),
        Step::VoidPlate(plate) => drop(lab.void_plate(&plate_name(plate))),
        Step::Load(plate) => drop(lab.load(&plate_name(plate))),
        Step::Retest { tube, round } => {
            let order = u64::from(tube) * 10 + u64::from(round);
            let _ = lab.order_retest(tube.into(), order, round.into());
        }
        Step::Replate { plate, well } => {
            let well = well.map(|w| format!("{}{}", char::from(b'A' + w / 12), w % 12 + 1));
            let wells: Vec<&str> = well.iter().map(String::as_str).collect();
            let _ = lab.order_replate(&plate_name(plate), &wells);
        }
        Step::CloseSample(tube) => lab.close_sample("any", tube.into()),
        Step::File(tube) => {
            let mut labels: Vec<String> = (0..14).map(name).collect();
            labels.rotate_left(usize::from(tube) % 14);
            // Some with the label that they bear, some with another: results may know an older one.
            let tubes: Vec<(&str, u64)> = (0..4_u8)
                .map(|n| (labels[usize::from(n)].as_str(), u64::from(tube + n)))
                .collect();
            lab.file(&tubes);
        }
        Step::Cancel(tube) => lab.cancel(&name(tube)),
        Step::Custody(tube) => lab.custody_conflict(&name(tube)),
        Step::Hold(tube) => drop(lab.hold(&name(tube))),
        Step::Release { what, pool } => {
            let what = if pool {
                lab::pool_name(what.into())
            } else {
                name(what)
            };
            let _ = lab.release(&what);
        }
        Step::Relabel { tube, new } => drop(lab.relabel(&name(tube), &format!("N{new}"))),
        Step::Discard(tube) => drop(lab.discard(&name(tube))),
        Step::Labels { bench: at, count } => {
            let _ = lab.reserve(at.map(bench), count.into());
        }
        Step::Wait(minutes) => lab.wait(minutes.into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_steps_violates_an_invariant(
        planning in any::<bool>(),
        steps in prop::collection::vec(step(), 1..160),
    ) {
        use tenfold_domain::policy::{Bench, BenchMode};
        let mut lab = Lab::with(|policy| {
            policy.pooling.tube_volume_ul = 700;
            policy.pooling.pool_max = 4;
            if planning {
                let bench = Bench { mode: BenchMode::Plan, assay: None };
                policy.pooling.benches.insert("lab-1/plan".to_owned(), bench);
            }
        });
        for step in &steps {
            perform(&mut lab, step);
        }
    }
}
