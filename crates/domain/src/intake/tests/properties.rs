//! What holds whatever comes, in whatever order.

use super::bench::{Lane, collection, single};
use crate::intake::register::Effect;
use crate::intake::registration::Registration;
use crate::intake::state::Life;
use crate::intake::{evolve, query};
use crate::message::FinalResult;
use crate::sample::Kind;
use crate::tables::MemoryTables;
use crate::time::{Millis, Timestamp};
use proptest::prelude::*;

fn any_registration() -> impl Strategy<Value = Registration> {
    let text = || "\\PC{0,70}";
    let known = |known: &'static str| prop_oneof![3 => Just(known.to_owned()), 1 => "\\PC{0,70}"];
    (
        (
            prop_oneof![3 => "[0-9A-Z]{8,9}", 1 => "\\PC{0,70}"],
            known("s-01"),
            known("np-swab"),
            known("routine"),
            any::<u32>(),
            any::<Option<i64>>(),
        ),
        (
            prop::collection::vec("[a-c]{0,2}", 0..25),
            any::<bool>(),
            any::<Option<u32>>(),
            prop_oneof![
                Just(None),
                Just(Some(Kind::Person)),
                Just(Some(Kind::Object))
            ],
            prop::option::of(text()),
            prop::option::of(text()),
        ),
    )
        .prop_map(|((barcode, site, specimen, class, version, at), rest)| {
            let (subjects, pool, swabs, kind, lab, old) = rest;
            Registration {
                barcode: barcode.into(),
                version,
                site: site.into(),
                lab: lab.map(Into::into),
                kind,
                specimen_type: specimen,
                class: class.into(),
                subjects: subjects.into_iter().map(Into::into).collect(),
                collection_pool: pool,
                observed_swabs: swabs,
                collected_at: at.map(Timestamp),
                recollection_of: old.map(Into::into),
                ..Registration::default()
            }
        })
}

/// Something that happens to one of four barcodes in one of two labs.
#[derive(Clone, Debug)]
enum Step {
    Register(u8, u32, bool),
    Amend(u8, bool),
    Cancel(u8),
    Seen(u8, u8, u64),
    Closed(u8),
    Filed(u8, u64, u32),
    Ordered(u8),
    Pass(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let tube = 0..4_u8;
    prop_oneof![
        (tube.clone(), 0..4_u32, any::<bool>()).prop_map(|(b, v, c)| Step::Register(b, v, c)),
        (tube.clone(), any::<bool>()).prop_map(|(b, c)| Step::Amend(b, c)),
        tube.clone().prop_map(Step::Cancel),
        (tube.clone(), 1..3_u8, 1..3_u64).prop_map(|(b, l, t)| Step::Seen(b, l, t)),
        tube.clone().prop_map(Step::Closed),
        (tube.clone(), 1..3_u64, 1..3_u32).prop_map(|(b, t, v)| Step::Filed(b, t, v)),
        tube.prop_map(Step::Ordered),
        (0..12_u8).prop_map(Step::Pass),
    ]
}

fn barcode(n: u8) -> String {
    format!("ABCD000{n}")
}

fn stated(n: u8, version: u32, pool: bool) -> Registration {
    let mut registration = if pool {
        collection(&barcode(n), 3)
    } else {
        single(&barcode(n))
    };
    registration.version = version;
    registration
}

fn run(lane: &mut Lane, step: Step) {
    match step {
        Step::Register(n, version, pool) => {
            let _ = lane.take(stated(n, version, pool), 1);
        }
        Step::Amend(n, pool) => {
            let _ = lane.amend(stated(n, 0, pool));
        }
        Step::Cancel(n) => {
            let _ = lane.cancel(&barcode(n));
        }
        Step::Seen(n, lab, tube) => lane.seen(&barcode(n), &format!("lab-{lab}"), tube),
        Step::Closed(n) => {
            let _ = lane.closed(&barcode(n), FinalResult::Negative);
        }
        Step::Filed(n, tube, version) => lane.filed(&barcode(n), tube, version),
        Step::Ordered(n) => lane.ordered(u64::from(n) + 1, &barcode(n), "p-1"),
        Step::Pass(hours) => lane.pass(Millis::from_hours(i64::from(hours))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_registration_is_accepted_or_refused_with_a_reason(registration in any_registration()) {
        let mut lane = Lane::new();
        match lane.take(registration.clone(), 1) {
            Ok(receipt) => {
                prop_assert_eq!(receipt.effect, Effect::Accepted);
                let again = lane.register(registration).expect("the same again is no error");
                prop_assert_eq!(again.effect, Effect::AlreadyKnown);
                prop_assert_eq!(again.version, receipt.version);
            }
            Err(refused) => {
                prop_assert!(refused.reason.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
                prop_assert!(!refused.help.is_empty());
                prop_assert!(lane.sent().is_empty());
            }
        }
    }

    /// The bench checks the board after every step; here custody is compared with what each lab said first.
    #[test]
    fn in_any_order_the_first_lab_has_the_tube_and_the_board_adds_up(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut lane = Lane::new();
        let mut first = std::collections::BTreeMap::new();
        for step in steps {
            if let Step::Seen(n, lab, _) = step {
                first.entry(n).or_insert(format!("lab-{lab}"));
            }
            run(&mut lane, step);
            // A card says who has the tube, also of a sample whose tube was never told of.
            for n in 0..4_u8 {
                let entry = query::entry(&lane.state, &barcode(n).into());
                if entry.is_some_and(|entry| matches!(entry.life, Life::Filed(_))) {
                    first.entry(n).or_insert("lab-1".to_owned());
                }
            }
        }
        for (n, lab) in first {
            let entry = query::entry(&lane.state, &barcode(n).into()).expect("an entry");
            let holder = entry.holder().expect("custody");
            prop_assert_eq!(holder.tube.lab.as_str(), &lab);
            if let Life::Open(open) = entry.life {
                prop_assert_eq!(open.sample.lab.as_str(), &lab);
            }
        }
    }

    /// Whichever of the two comes first, the lab ends up with the newest details.
    #[test]
    fn seen_and_registered_in_either_order_give_the_lab_the_details(seen_first: bool, lab in 1..3_u8) {
        let mut lane = Lane::new();
        let lab = format!("lab-{lab}");
        if seen_first {
            lane.seen("ABCD0001", &lab, 1);
            lane.register(single("ABCD0001")).expect("accepted");
        } else {
            lane.register(single("ABCD0001")).expect("accepted");
            lane.seen("ABCD0001", &lab, 1);
        }
        let last = lane.sent().pop();
        prop_assert_eq!(last, Some((lab, "details")));
    }
}

#[test]
fn folding_the_journal_again_gives_the_same_tables() {
    let mut lane = Lane::new();
    for n in 0..4 {
        run(&mut lane, Step::Register(n, 1, n % 2 == 0));
        run(&mut lane, Step::Seen(n, 1 + n % 2, 1));
        run(&mut lane, Step::Amend(n, true));
        run(&mut lane, Step::Ordered(n));
    }
    let mut again = MemoryTables::default();
    for event in &lane.events {
        evolve(&mut again, event, lane.now).expect("folds");
    }
    assert!(lane.state.rows().eq(again.rows()));
}
