//! Cards of filed samples are dropped when their own time is up.

use crate::filing::{DAY, RETENTION, amended, one_accepted};
use crate::lab::*;
use tenfold_domain::message::{CardDropped, Message};
use tenfold_domain::policy::Policy;
use tenfold_domain::results::state::{Filed, Plate, ToDrop};
use tenfold_domain::time::Millis;

/// How long the default policy keeps a card.
const CARDS: Millis = Millis::from_hours(400 * 24);

#[test]
fn a_card_is_dropped_when_its_time_is_up_and_intake_is_told() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2), single("B1", member(3))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    lab.advance(RETENTION);
    assert_eq!(lab.filed(), 3);
    assert_eq!(lab.rows::<ToDrop>(), 1, "one decision filed them");
    lab.messages("intake");
    lab.messages("pooling");
    lab.advance(Millis(CARDS.0 - 1));
    assert_eq!(lab.rows::<Filed>(), 3, "a millisecond early");
    lab.advance(Millis(1));
    assert_eq!((lab.rows::<Filed>(), lab.rows::<ToDrop>()), (0, 0));
    assert_eq!(lab.filed(), 0);
    assert_eq!(lab.board().verdicts[0], 3, "counted for ever");
    let told = lab.messages("intake");
    let card = |number: u64| {
        Message::CardDropped(CardDropped {
            barcode: barcode(number),
            tube: tube(number),
        })
    };
    assert_eq!(told, [card(1), card(2), card(3)]);
    assert_eq!(lab.messages("pooling"), [], "nothing of them is there");
    assert_eq!(
        lab.rows::<Plate>(),
        1,
        "plates' barcodes stay taken: one for a thousand samples"
    );
}

#[test]
fn what_comes_late_of_a_sample_without_a_card_is_told_that_no_plate_had_it() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    lab.advance(CARDS);
    assert_eq!(lab.card(1), None);
    assert!(lab.message(amended(1, 2, false)).is_err());
    assert_eq!(lab.work().items.len(), 0);
}

#[test]
fn cards_of_the_oldest_decision_go_first_and_a_shorter_time_counts_at_once() {
    let mut lab = Lab::new();
    for number in 1..=3 {
        let plate = format!("PL-{number}");
        lab.load(&plate, vec![single("A1", member(number))]);
        lab.run(&plate, &[]);
        lab.accept_all(RECEIVER);
        lab.advance(DAY);
    }
    lab.advance(Millis(RETENTION.0 + DAY.0));
    assert_eq!(lab.rows::<ToDrop>(), 3);
    let shorter = Policy::default_text()
        .replacen("\nversion = 1\n", "\nversion = 2\n", 1)
        .replacen("card_days = 400.0", "card_days = 3.5", 1);
    lab.apply(&shorter, 2).expect("applied");
    lab.advance(Millis(1));
    let left = [1, 2, 3].map(|number| lab.card(number).is_some());
    assert_eq!(left, [false, true, true]);
    lab.advance(DAY);
    let left = [1, 2, 3].map(|number| lab.card(number).is_some());
    assert_eq!(left, [false, false, true]);
}
