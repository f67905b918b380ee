//! What a registry and a bench must never do, each done once.

use crate::day::{opened, planned, sealed, transferred};
use crate::log::{Batch, START};
use crate::words::*;
use crate::{assert_found, day_with, events};
use prost::Message as _;
use tenfold_audit::Rule;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::*;

pub fn append(batch: &mut Batch, event: &impl prost::Message) {
    batch.events.push(event.encode_to_vec());
}

/// Puts an event in front of the last one.
pub fn before_last(batch: &mut Batch, event: &impl prost::Message) {
    let at = batch.events.len() - 1;
    batch.events.insert(at, event.encode_to_vec());
}

#[test]
fn inv_01_a_barcode_is_registered_twice() {
    let report = day_with("registered", |batch| {
        let first = batch.events[0].clone();
        batch.events.push(first);
    });
    assert_found(&report, Rule::Inv01, "AB00000001 is registered again");
}

#[test]
fn inv_01_a_sample_is_registered_and_no_lab_hears_of_it() {
    let report = day_with("registered", |batch| {
        append(batch, &intake(Registry::Registered(stated(6))));
    });
    assert_found(&report, Rule::Inv01, "no lab expects it or has it");
}

#[test]
fn inv_01_a_tube_is_closed_and_intake_never_hears() {
    let report = day_with("delivered 2", |batch| {
        batch.messages.retain(|(topic, ..)| topic != "intake.inbox");
    });
    assert_found(&report, Rule::Unexplained, "is closed");
    let mut silent = crate::day::day(|step, batch| match step {
        "delivered 2" => batch.messages.retain(|(topic, ..)| topic != "intake.inbox"),
        "delivered 2 intake" => batch.events.clear(),
        _ => {}
    });
    silent.now += 1;
    let report = crate::judge(&silent.source);
    assert_found(&report, Rule::Inv01, "intake was not told");
}

#[test]
fn inv_01_a_second_tube_with_one_label_is_not_held() {
    let report = day_with("received", |batch| {
        let twin = What::TubeReceived(PoolingTubeReceived {
            tube: tube(6),
            barcode: Some(barcode(1)),
            clock: Some(PoolingClock {
                stat: false,
                ..clock_between(START, START + 24 * HOUR)
            }),
            ..PoolingTubeReceived::default()
        });
        append(batch, &pooling("tech", twin));
    });
    assert_found(&report, Rule::Inv01, "is not held");
}

#[test]
fn inv_02_a_tube_is_in_two_pools_of_one_round() {
    let report = day_with("pool 2", |batch| {
        batch.events[1] = planned(2, 1, 1).encode_to_vec();
        batch.events[2] = transferred(2, 1).encode_to_vec();
    });
    assert_found(
        &report,
        Rule::Inv02,
        "tube lab-1/T1 is planned for pool lab-1/P2",
    );
}

#[test]
fn inv_02_two_tubes_share_a_slot() {
    let report = day_with("pool 1", |batch| {
        batch.events[3] = planned(1, 2, 1).encode_to_vec();
    });
    assert_found(&report, Rule::Inv02, "the slot is taken");
}

#[test]
fn inv_02_a_pool_is_larger_than_its_limit() {
    let report = day_with("pool 1", |batch| {
        before_last(batch, &planned(1, 5, 3));
        before_last(batch, &transferred(1, 5));
    });
    assert_found(&report, Rule::Inv02, "its member 3 of at most 2");
}

#[test]
fn inv_02_a_pool_is_sealed_before_a_member_is_in_it() {
    let report = day_with("pool 1", |batch| {
        batch.events.remove(4);
    });
    assert_found(&report, Rule::Inv02, "pool lab-1/P1 cannot change so");
}

#[test]
fn inv_02_a_pool_number_is_used_again() {
    let report = day_with("pool 2", |batch| {
        let again = [opened(1), planned(1, 5, 1), transferred(1, 5), sealed(1)];
        for event in &again {
            append(batch, event);
        }
    });
    assert_found(&report, Rule::Inv02, "its number was used before");
}

/// A roll of two labels for bench `b-1`, and whether the rest of the batch uses it in order.
fn with_roll(batch: &mut Batch, first: u64, pools: [u64; 2]) {
    let roll = PoolingLabelsReserved {
        lab: "lab-1".to_owned(),
        bench: "b-1".to_owned(),
        first,
        last: first + 1,
    };
    append(batch, &pooling("tech", What::PoolLabelsReserved(roll)));
    for number in pools {
        append(batch, &opened(number));
    }
}

#[test]
fn inv_02_a_roll_of_labels_is_used_in_its_order() {
    let report = day_with("pool 2", |batch| with_roll(batch, 3, [3, 4]));
    let wrong: Vec<_> = report
        .findings
        .iter()
        .filter(|found| found.rule == Rule::Inv02)
        .map(|found| &found.text)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let report = day_with("pool 2", |batch| with_roll(batch, 3, [4, 3]));
    assert_found(&report, Rule::Inv02, "its number was used before");
    let report = day_with("pool 2", |batch| with_roll(batch, 2, [2, 3]));
    assert_found(&report, Rule::Inv02, "their numbers were given before");
    let report = day_with("pool 2", |batch| with_roll(batch, 3, [5, 3]));
    assert_found(&report, Rule::Inv02, "or one was left out");
}

#[test]
fn inv_03_a_pool_of_persons_goes_into_a_pool() {
    let report = day_with("expected", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::SampleExpected(expected)) = &mut event.what {
                expected.sample.as_mut().expect("a sample").collection_pool = true;
            }
        });
    });
    assert_found(&report, Rule::Inv03, "a pool of pools does not exist");
}

#[test]
fn inv_03_another_kind_is_mixed_in() {
    let report = day_with("pool 1", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::PoolOpened(opened)) = &mut event.what {
                opened.mix.as_mut().expect("a mix").kind = Kind::Environment.into();
            }
        });
    });
    assert_found(&report, Rule::Inv03, "kind, specimen type or group");
}

fn in_well(batch: &mut Batch, at: usize, well: &str) {
    events(batch, |event: &mut PoolingEvent| {
        if let Some(What::WellsPlanned(planned)) = &mut event.what {
            planned.wells[at].well = well.to_owned();
        }
    });
}

#[test]
fn inv_04_a_well_holds_two_things_or_a_control() {
    let report = day_with("plate-1", |batch| in_well(batch, 1, "A1"));
    assert_found(
        &report,
        Rule::Inv04,
        "well A1 of plate plate-1 holds something",
    );
    let report = day_with("plate-1", |batch| in_well(batch, 1, "H12"));
    assert_found(
        &report,
        Rule::Inv04,
        "well H12 of plate plate-1 holds something",
    );
}

#[test]
fn inv_04_a_sealed_plate_changes() {
    let report = day_with("load 1", |batch| {
        let failed = What::WellFailed(PoolingWellFailed {
            plate: Some(plate("plate-1")),
            well: "A1".to_owned(),
            reason: "spilled".to_owned(),
        });
        batch
            .events
            .insert(0, pooling("tech", failed).encode_to_vec());
    });
    assert_found(&report, Rule::Inv04, "is Sealed, and wells of it are lost");
}

#[test]
fn inv_04_one_pool_stands_in_two_wells() {
    let report = day_with("plate-2", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::WellsPlanned(planned)) = &mut event.what {
                planned.wells[1].content = pool(1);
            }
        });
    });
    assert_found(&report, Rule::Inv04, "lab-1/P1 is planned for well B1");
}
