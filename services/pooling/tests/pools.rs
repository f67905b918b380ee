//! Stories of a scan bench and its pools.

mod lab;

use lab::{Lab, pool_name, reason, seat_of};
use tenfold_domain::policy::Risk;
use tenfold_domain::sample::Kind;
use tenfold_proto::v1::{PoolSealReason, PoolingStage};

const TEN: [&str; 10] = [
    "T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T09", "T10",
];

#[test]
fn ten_tubes_fill_a_pool_and_the_next_scan_records_each_transfer() {
    let mut lab = Lab::new();
    lab.here("routine", &TEN);
    assert_eq!(lab.seat("T01"), "P1/1");
    assert!(
        lab.pool_view(1).members[0].transferred_at.is_none(),
        "planned is not performed"
    );
    let second = lab.scan("T02").unwrap();
    assert_eq!(seat_of(&second), "P1/2");
    assert_eq!(second.transferred.unwrap().tube, "lab-1/T1");
    for barcode in &TEN[2..] {
        assert!(lab.scan(barcode).unwrap().sealed.is_empty());
    }
    assert_eq!(
        lab.pool_view(1).state,
        "open",
        "the last transfer is not recorded"
    );
    let last = lab.confirm().unwrap();
    assert_eq!(last.sealed.unwrap().reason(), PoolSealReason::Full);
    let pool = lab.pool_view(1);
    assert_eq!((pool.state.as_str(), pool.volume_ul), ("sealed", 1_000));
    assert_eq!(lab.tube("T01").volume_ul, 2_900);
}

#[test]
fn a_tube_scanned_twice_keeps_its_seat_and_nothing_is_recorded_twice() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    assert_eq!(lab.seat("T01"), "P1/1");
    let events = lab.driver.events().len();
    assert_eq!(lab.seat("T01"), "P1/1");
    assert_eq!(
        lab.driver.events().len(),
        events,
        "a double scan changes nothing"
    );
    lab.scan("T02").unwrap();
    assert_eq!(reason(lab.scan("T01")), "ALREADY_POOLED");
    assert_eq!(reason(lab.scan_at("b2", "T02")), "ALREADY_POOLED");
}

#[test]
fn a_refused_scan_leaves_the_transfer_under_way_as_it_is() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.scan("T01").unwrap();
    assert_eq!(reason(lab.scan("NOBODY")), "TUBE_UNKNOWN");
    assert!(lab.pool_view(1).members[0].transferred_at.is_none());
    assert!(lab.confirm().unwrap().transfer.is_some());
    assert_eq!(reason(lab.confirm()), "NOTHING_TO_CONFIRM");
}

#[test]
fn kinds_and_specimen_types_never_share_a_pool() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    let mut object = lab.sample("T02", "routine");
    object.kind = Kind::Object;
    let mut saliva = lab.sample("T03", "routine");
    saliva.specimen_type = "saliva".to_owned();
    lab.register(object);
    lab.register(saliva);
    lab.receive(&["T02", "T03"]);
    assert_eq!(lab.seat("T01"), "P1/1");
    assert_eq!(lab.seat("T02"), "P2/1");
    assert_eq!(lab.seat("T03"), "P3/1");
}

#[test]
fn collection_pools_and_classes_of_one_get_wells_of_their_own() {
    let mut lab = Lab::new();
    let mut collection = lab.sample("T01", "routine");
    collection.collection_pool = true;
    lab.register(collection);
    lab.receive(&["T01"]);
    lab.here("fever-clinic", &["T02"]);
    assert_eq!(lab.seat("T01"), "alone");
    assert_eq!(lab.seat("T02"), "alone");
    let ready: Vec<String> = lab.work("ready").into_iter().map(|w| w.what).collect();
    assert_eq!(ready, ["lab-1/T2", "lab-1/T1"], "STAT before routine");
}

#[test]
fn the_smallest_of_assay_class_and_risk_limits_a_pool() {
    let mut lab = Lab::with(|policy| {
        policy.pooling.site_risk.insert("s-01".into(), Risk::Medium);
    });
    lab.here("routine", &TEN);
    for barcode in &TEN[..6] {
        lab.scan(barcode).unwrap();
    }
    let pool = lab.pool_view(1);
    assert_eq!((pool.limit, pool.state.as_str()), (5, "sealed"));
    assert_eq!(pool.members.len(), 5);
    assert!(
        lab.explain(1).because[0].contains("risk"),
        "{:?}",
        lab.explain(1).because
    );

    let mut high = Lab::with(|policy| policy.pooling.risk = Risk::High);
    high.here("routine", &["T01"]);
    assert_eq!(high.seat("T01"), "alone");
}

#[test]
fn classes_that_do_not_mix_get_pools_of_their_own() {
    let mut lab = Lab::with(|policy| {
        policy
            .pooling
            .mixing
            .insert("companion".into(), "hospital".to_owned());
    });
    lab.here("routine", &["T01", "T02"]);
    lab.here("companion", &["T03"]);
    assert_eq!(lab.seat("T01"), "P1/1");
    assert_eq!(lab.seat("T03"), "P2/1");
    assert_eq!(lab.seat("T02"), "P1/2");
}

#[test]
fn an_open_pool_seals_when_it_waited_long_enough() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01", "T02"]);
    lab.wait(19);
    assert_eq!(lab.pool_view(1).state, "open");
    lab.wait(1);
    assert_eq!(lab.pool_view(1).state, "sealed");
    assert!(
        lab.explain(1)
            .because
            .iter()
            .any(|b| b.contains("waited for members"))
    );
}

#[test]
fn a_pool_whose_time_has_come_waits_for_the_transfer_under_way_and_takes_nobody() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.scan("T01").unwrap();
    lab.wait(25);
    assert_eq!(lab.pool_view(1).state, "open");
    assert!(
        lab.explain(1)
            .blocked_by
            .iter()
            .any(|b| b.contains("seals as soon as"))
    );
    let next = lab.scan("T02").unwrap();
    assert_eq!(next.sealed[0].reason(), PoolSealReason::Linger);
    assert_eq!(seat_of(&next), "P2/1");
}

#[test]
fn a_pool_seals_early_when_its_oldest_deadline_requires_it() {
    let mut lab = Lab::with(|policy| {
        if let Some(class) = policy.classes.get_mut("patient") {
            class.hours = 0.5;
        }
    });
    lab.here("patient", &["T01"]);
    lab.pool(&["T01"]);
    lab.wait(11);
    assert_eq!(lab.pool_view(1).state, "open");
    lab.wait(1);
    assert_eq!(
        lab.pool_view(1).state,
        "sealed",
        "40% of half an hour are 12 minutes"
    );
    assert!(
        lab.explain(1)
            .because
            .iter()
            .any(|b| b.contains("deadline"))
    );
}

#[test]
fn tubes_that_are_late_already_still_share_a_pool() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.wait(30 * 60);
    lab.pool(&["T01", "T02"]);
    assert_eq!(lab.pool_view(1).members.len(), 2);
    lab.wait(2);
    assert_eq!(lab.pool_view(1).state, "sealed");
}

#[test]
fn a_pool_closed_by_hand_records_the_last_transfer() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    let sealed = lab.close(1).unwrap();
    assert_eq!(
        (sealed.members, sealed.reason()),
        (2, PoolSealReason::ByHand)
    );
    assert_eq!(reason(lab.close(1)), "POOL_NOT_OPEN");
    assert_eq!(reason(lab.close(9)), "POOL_UNKNOWN");
}

#[test]
fn an_undone_scan_frees_the_slot_and_after_the_liquid_moved_it_is_refused() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02", "T03"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    lab.undo("T02").unwrap();
    assert_eq!(lab.stage("T02"), PoolingStage::Waiting);
    assert_eq!(reason(lab.undo("T01")), "LIQUID_MOVED");
    assert_eq!(reason(lab.undo("T03")), "NOTHING_TO_UNDO");
    assert_eq!(lab.seat("T03"), "P1/2");
    assert_eq!(lab.pool_view(1).left.len(), 1);
}

#[test]
fn a_failed_transfer_leaves_the_pool_with_its_reason() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.scan("T01").unwrap();
    assert!(lab.confirm_as(Some("clot")).unwrap().failed);
    assert_eq!(lab.pool_view(1).left[0].reason, "clot");
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
    assert_eq!(lab.tube("T01").volume_ul, 3_000);
    assert_eq!(reason(lab.close(1)), "POOL_EMPTY");
    lab.wait(30);
    assert_eq!(lab.pool_view(1).state, "void", "nobody came");
}

#[test]
fn the_members_of_a_spilled_pool_go_back_in_a_new_round_with_less_volume() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02", "T03"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    lab.scan("T03").unwrap();
    let voided = lab.void(1).unwrap();
    assert_eq!(voided.tubes.len(), 3);
    let (mixed, planned) = (lab.tube("T01"), lab.tube("T03"));
    assert_eq!((mixed.round, mixed.volume_ul), (2, 2_900));
    assert_eq!((planned.round, planned.volume_ul), (1, 3_000));
    assert_eq!(lab.seat("T01"), "P2/1");
    assert_eq!(reason(lab.void(1)), "POOL_VOID");
}

#[test]
fn a_bench_has_only_so_many_open_pools() {
    let mut lab = Lab::with(|policy| policy.pooling.open_pools_max = 1);
    lab.here("routine", &["T01"]);
    let mut saliva = lab.sample("T02", "routine");
    saliva.specimen_type = "saliva".to_owned();
    lab.register(saliva);
    lab.receive(&["T02"]);
    lab.scan("T01").unwrap();
    let refused = lab.scan("T02").expect_err("full");
    assert_eq!(refused.reason, "BENCH_FULL");
    assert!(
        refused.message.contains(&pool_name(1)),
        "{}",
        refused.message
    );
    assert_eq!(seat_of(&lab.scan_at("b2", "T02").unwrap()), "P2/1");
}

#[test]
fn a_tube_with_too_little_left_is_not_pooled() {
    let mut lab = Lab::with(|policy| policy.pooling.tube_volume_ul = 150);
    lab.here("routine", &["T01"]);
    lab.pool(&["T01"]);
    lab.void(1).unwrap();
    assert_eq!(reason(lab.scan("T01")), "VOLUME_LOW");
}

#[test]
fn before_a_policy_is_active_nothing_is_decided() {
    let mut lab = Lab::without_policy();
    assert_eq!(reason(lab.scan("T01")), "NO_POLICY");
}

#[test]
fn the_assays_validation_limits_the_pools_of_its_bench() {
    use tenfold_domain::policy::{Bench, BenchMode};
    let mut lab = Lab::with(|policy| {
        if let Some(assay) = policy.assays.get_mut(lab::ASSAY) {
            assay.max_pool = 3;
        }
        let bench = Bench {
            mode: BenchMode::Scan,
            assay: Some(lab::ASSAY.into()),
        };
        policy.pooling.benches.insert("lab-1/b1".to_owned(), bench);
    });
    lab.here("routine", &TEN);
    lab.pool(&TEN[..4]);
    assert_eq!(lab.pool_view(1).members.len(), 3);
    assert_eq!(lab.pool_view(1).state, "sealed");
}

#[test]
fn a_pool_made_for_one_assay_does_not_go_on_the_plate_of_another() {
    use tenfold_domain::policy::{Bench, BenchMode};
    let mut lab = Lab::with(|policy| {
        let bench = Bench {
            mode: BenchMode::Scan,
            assay: Some("da-an".into()),
        };
        policy.pooling.benches.insert("lab-1/b1".to_owned(), bench);
    });
    lab.here("routine", &["T01"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.start_plate("PL1").unwrap();
    let filled = lab.fill("PL1").unwrap();
    assert_eq!(filled.passed_over.len(), 1, "the plate is for another kit");
    assert_eq!(reason(lab.place("PL1", "A1", "lab-1/P1")), "CONTENT_MISFIT");
}
