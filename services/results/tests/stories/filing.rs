//! Samples that are final for longer than the retention are filed: they leave the state.

use crate::lab::*;
use tenfold_domain::message::{
    FinalResult, MemberAmended, Message, RecollectionRegistered, SampleFiled,
};
use tenfold_domain::policy::Policy;
use tenfold_domain::results::state::{
    Analysis, Board, Delivery, Filed, Order, Plate, Registered, Specimen, SuspectPool, Timer,
    ToFile, tube_key,
};
use tenfold_domain::sample::Sample;
use tenfold_domain::tables::{ReadExt, Record};
use tenfold_domain::time::Millis;
use tenfold_proto::v1;

/// The retention of the default policy.
pub const RETENTION: Millis = Millis::from_hours(14 * 24);
pub const DAY: Millis = Millis::from_hours(24);

impl Lab {
    /// Rows of a table.
    pub fn rows<R: Record>(&self) -> usize {
        self.driver.state().all::<R>().len()
    }

    pub fn card(&self, number: u64) -> Option<Filed> {
        let key = tube_key(self.driver.state(), &tube(number))?;
        self.driver.state().get(&key)
    }

    /// Cards that the labs' boards count.
    pub fn filed(&self) -> u64 {
        let boards = self.driver.state().all::<Board>();
        boards.iter().map(|(_, board)| board.filed).sum()
    }

    pub fn is_at_hand(&self, number: u64) -> bool {
        let key = tube_key(self.driver.state(), &tube(number));
        key.is_some_and(|key| self.driver.state().get::<Specimen>(&key).is_some())
    }
}

/// A lab with one negative sample alone in a well, accepted now.
pub fn one_accepted() -> Lab {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    lab
}

pub fn amended(number: u64, version: u32, withdrawn: bool) -> Message {
    Message::MemberAmended(MemberAmended {
        tube: tube(number),
        sample: Some(Sample {
            version,
            ..sample(number)
        }),
        withdrawn,
    })
}

#[test]
fn a_sample_accepted_fourteen_days_ago_is_filed() {
    let mut lab = one_accepted();
    let accepted_at = lab.driver.now();
    lab.advance(Millis(RETENTION.0 - 1));
    assert!(lab.is_at_hand(1), "a millisecond early");
    lab.advance(Millis(1));
    assert!(!lab.is_at_hand(1));
    let card = lab.card(1).expect("a card");
    assert_eq!(
        (card.barcode, card.version, card.report, card.result),
        (barcode(1), 1, 1, FinalResult::Negative)
    );
    assert_eq!(card.until, accepted_at);
    assert_eq!(
        [
            lab.rows::<Registered>(),
            lab.rows::<Specimen>(),
            lab.rows::<Analysis>(),
            lab.rows::<ToFile>(),
            lab.rows::<Timer>()
        ],
        [0; 5]
    );
    let board = lab.board();
    assert_eq!(board.count.iter().sum::<u64>(), 0);
    assert_eq!(
        board.verdicts[0], 1,
        "what was reported is counted for ever"
    );
}

#[test]
fn nothing_is_filed_while_a_receiver_has_not_accepted() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let numbers = lab.send(RECEIVER);
    lab.answer(RECEIVER, &numbers, "no such site");
    lab.advance(Millis(RETENTION.0 * 3));
    assert!(lab.is_at_hand(1));
    assert_eq!(lab.rows::<Delivery>(), 1);
}

#[test]
fn a_correction_under_way_keeps_the_sample_and_starts_the_retention_anew() {
    let mut lab = one_accepted();
    lab.advance(Millis(RETENTION.0 - DAY.0));
    lab.message(amended(1, 2, false)).expect("taken");
    lab.advance(Millis(DAY.0 * 2));
    assert!(
        lab.is_at_hand(1),
        "its second version waits for its receiver"
    );
    lab.accept_all(RECEIVER);
    lab.advance(Millis(RETENTION.0 - 1));
    assert!(lab.is_at_hand(1), "closed anew");
    lab.advance(Millis(1));
    let card = lab.card(1).expect("a card");
    assert_eq!((card.version, card.report), (2, 2));
}

#[test]
fn an_older_version_that_nobody_accepted_keeps_the_sample_until_it_is_dealt_with() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let first = lab.send(RECEIVER);
    lab.answer(RECEIVER, &first, "no such site");
    lab.message(amended(1, 2, false)).expect("taken");
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
    lab.advance(Millis(RETENTION.0 + DAY.0));
    assert!(lab.is_at_hand(1), "version 1 is stuck");
    let item = lab.work().items.first().expect("an item").work.clone();
    lab.command(v1::results_command::Command::ResolveWork(
        v1::ResolveWorkRequest {
            lab: LAB.to_owned(),
            number: item.expect("numbered").number,
            actor: "tech-1".to_owned(),
            request_id: "r-1".to_owned(),
            note: "they have it by e-mail".to_owned(),
            how: v1::WorkResolution::Acknowledged.into(),
        },
    ))
    .expect("resolved");
    lab.advance(RETENTION);
    assert!(
        !lab.is_at_hand(1),
        "looked at again after another retention"
    );
    assert_eq!((lab.rows::<Delivery>(), lab.rows::<ToFile>()), (0, 0));
}

#[test]
fn a_suspect_pool_goes_with_the_last_of_its_members_and_so_does_its_plate() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    let retests = lab.retests();
    let (one, other) = retests.split_at(1);
    lab.load_retests("PL-2", one);
    lab.run("PL-2", &[("A1", POSITIVE)]);
    lab.accept_all(RECEIVER);
    lab.advance(Millis(RETENTION.0 + DAY.0));
    assert!(
        lab.is_at_hand(1),
        "its pool has not ended: the other waits for a test"
    );
    lab.load_retests("PL-3", other);
    lab.run("PL-3", &[]);
    lab.accept_all(RECEIVER);
    assert_eq!(lab.rows::<SuspectPool>(), 1);
    lab.advance(Millis(RETENTION.0 * 2));
    assert!(!lab.is_at_hand(1) && !lab.is_at_hand(2));
    assert_eq!(
        [
            lab.rows::<SuspectPool>(),
            lab.rows::<Order>(),
            lab.rows::<Analysis>(),
            lab.rows::<Timer>()
        ],
        [0; 4]
    );
    assert!(
        lab.driver
            .state()
            .all::<Plate>()
            .iter()
            .all(|(_, plate)| plate.filed)
    );
    assert_eq!(
        lab.card(1).expect("a card").finding,
        Some(FinalResult::Positive)
    );
}

#[test]
fn a_collection_pool_ends_by_a_new_sample_that_was_filed_meanwhile() {
    let mut lab = Lab::new();
    let mut tube_of_two = member(1);
    tube_of_two.sample.collection_pool = true;
    tube_of_two.sample.subjects = vec!["a".into(), "b".into()];
    lab.load("PL-1", vec![single("A1", tube_of_two)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.accept_all(RECEIVER);
    let orders = lab.recollections();
    assert_eq!(orders.len(), 2);
    let mut swab = |number: u64, order: &tenfold_domain::message::RecollectionOrder| {
        let registered = RecollectionRegistered {
            order: order.order.clone(),
            barcode: barcode(number),
        };
        lab.message(Message::RecollectionRegistered(registered))
            .expect("taken");
        let mut new = member(number);
        new.sample.recollection_of = Some(barcode(1));
        new.sample.subjects = vec![order.subject.clone()];
        lab.load(&format!("PL-{number}"), vec![single("A1", new)]);
        lab.run(&format!("PL-{number}"), &[]);
        lab.accept_all(RECEIVER);
        let end = lab.explain(1).pool_end;
        lab.advance(Millis(RETENTION.0 + DAY.0));
        (lab.is_at_hand(number), lab.is_at_hand(1), end)
    };
    let (first, tube, end) = swab(11, &orders[0]);
    assert_eq!(end, "open");
    assert!(
        !first && tube,
        "the first is filed, the tube of two waits for the second"
    );
    let (second, _, end) = swab(12, &orders[1]);
    assert_eq!((second, end.as_str()), (false, "unconfirmed pool positive"));
    lab.advance(Millis(RETENTION.0 * 2));
    assert!(!lab.is_at_hand(1));
    assert_eq!(lab.rows::<SuspectPool>() + lab.rows::<Order>(), 0);
}

#[test]
fn a_result_whose_release_was_suppressed_is_filed_too() {
    let mut lab = Lab::new();
    let mut cancelled = member(1);
    cancelled.withdrawn = true;
    lab.load("PL-1", vec![single("A1", cancelled)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.advance(RETENTION);
    let card = lab.card(1).expect("a card");
    assert_eq!((card.report, card.result), (0, FinalResult::Withdrawn));
    assert_eq!(card.finding, Some(FinalResult::Positive));
}

#[test]
fn the_retention_is_the_policys() {
    let mut lab = one_accepted();
    let short = Policy::default_text()
        .replacen("\nversion = 1\n", "\nversion = 2\n", 1)
        .replacen("final_days = 14.0", "final_days = 2.0", 1);
    lab.apply(&short, 2).expect("applied");
    lab.advance(Millis(2 * DAY.0 - 1));
    assert!(lab.is_at_hand(1));
    lab.advance(Millis(1));
    assert!(!lab.is_at_hand(1));
}

#[test]
fn after_many_days_of_the_same_work_the_state_is_as_large_as_after_the_retention() {
    let mut lab = Lab::new();
    let mut sizes = Vec::new();
    for day in 0..40_u64 {
        let first = day * 10 + 1;
        let name = format!("PL-{day}");
        lab.load(
            &name,
            vec![
                pool("A1", day * 2 + 1, first..first + 3),
                pool("B1", day * 2 + 2, first + 3..first + 6),
            ],
        );
        lab.run(&name, &[("A1", POSITIVE)]);
        lab.retests_are_negative(&format!("RE-{day}"));
        lab.accept_all(RECEIVER);
        for item in lab.work().items {
            lab.command(v1::results_command::Command::ResolveWork(
                v1::ResolveWorkRequest {
                    lab: LAB.to_owned(),
                    number: item.work.expect("numbered").number,
                    actor: "tech-1".to_owned(),
                    request_id: format!("r-{day}"),
                    note: "looked at".to_owned(),
                    how: v1::WorkResolution::Done.into(),
                },
            ))
            .expect("resolved");
        }
        lab.advance(DAY);
        let plates: usize = lab
            .driver
            .state()
            .all::<Plate>()
            .iter()
            .map(|(_, p)| p.wells.len())
            .sum();
        sizes.push([
            lab.rows::<Registered>(),
            lab.rows::<Specimen>(),
            lab.rows::<Order>(),
            lab.rows::<SuspectPool>(),
            lab.rows::<Analysis>(),
            lab.rows::<Timer>(),
            lab.rows::<ToFile>(),
            lab.rows::<Delivery>(),
            plates,
        ]);
    }
    let steady = sizes[20];
    assert!(
        steady[0] >= 13 * 6,
        "the days of the retention are at hand: {steady:?}"
    );
    assert!(sizes[20..].iter().all(|size| *size == steady), "{sizes:?}");
    assert_eq!(
        lab.rows::<Filed>(),
        40 * 6 - steady[0],
        "a card each, and nothing else"
    );
}

#[test]
fn pooling_hears_of_filed_samples_by_the_group_and_intake_of_each_in_its_lane() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3), single("B1", member(4))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    lab.message(amended(4, 2, false)).expect("taken");
    lab.advance(DAY);
    lab.accept_all(RECEIVER);
    lab.messages("pooling");
    lab.messages("intake");
    let filed = |messages: Vec<Message>| -> Vec<Vec<(String, u64, u32)>> {
        let told = messages.into_iter().filter_map(|message| match message {
            Message::SamplesFiled(filed) if filed.lab.as_str() == LAB => Some(filed.samples),
            _ => None,
        });
        let sample = |s: SampleFiled| (s.barcode.to_string(), s.tube, s.version);
        told.map(|samples| samples.into_iter().map(sample).collect())
            .collect()
    };
    let one = |number: u64, version: u32| (barcode(number).to_string(), number, version);
    lab.advance(Millis(RETENTION.0 - DAY.0));
    assert_eq!(
        filed(lab.messages("pooling")),
        [[one(1, 1), one(2, 1), one(3, 1)]]
    );
    let cards = filed(lab.messages("intake"));
    assert_eq!(cards, [[one(1, 1)], [one(2, 1)], [one(3, 1)]]);
    lab.advance(DAY);
    assert_eq!(
        filed(lab.messages("pooling")),
        [[one(4, 2)]],
        "as it was last reported"
    );
    assert_eq!(filed(lab.messages("intake")), [[one(4, 2)]]);
    lab.advance(RETENTION);
    assert!(filed(lab.messages("pooling")).is_empty(), "once");
}

#[test]
fn a_card_takes_some_forty_bytes() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    let card = lab.card(1).expect("a card");
    let bytes = postcard_size(&card);
    assert!(bytes <= 60, "{bytes}");
}

fn postcard_size(card: &Filed) -> usize {
    use tenfold_domain::tables::Row as _;
    card.encode(Vec::new())
        .map_or(usize::MAX, |bytes| bytes.len())
}
