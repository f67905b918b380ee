//! A filed sample is asked as before: its rows are made again from the stretch of the journal that its card names.

use crate::anything::{Step, run_of_steps, take};
use crate::lab::*;
use proptest::prelude::*;
use prost::Message as _;
use tenfold_domain::Timestamp;
use tenfold_domain::policy::{Library, PolicyText};
use tenfold_domain::results::recall::Recall;
use tenfold_domain::results::state::{Filed, Registered, Specimen, Standing, number_of};
use tenfold_domain::tables::ReadExt as _;
use tenfold_domain::time::Millis;
use tenfold_proto::lane::{Decisions, LaneCreated, LaneOpened};
use tenfold_proto::v1;
use tenfold_proto::v1::results_query::Query;
use tenfold_results::queries;
use tenfold_results::recall::Reader;
use tenfold_runtime::lane::record::{self, Hash, Id};
use tenfold_runtime::lane::validity::Chain;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Class, Log as _, NewRecord, Retention, Topic, TopicPlan};
use tenfold_runtime::processor::Processor as _;

const RETENTION: Millis = Millis::from_hours(14 * 24);

impl Lab {
    fn ask_for(&self, number: u64) -> v1::GetResultRequest {
        v1::GetResultRequest {
            lab: LAB.to_owned(),
            barcode: barcode(number).to_string(),
        }
    }

    /// All that can be asked about a sample.
    fn everything(
        &self,
        number: u64,
    ) -> (v1::ResultView, v1::ResultTimeline, v1::ResultExplanation) {
        let ask = || self.ask_for(number);
        (
            self.query(Query::Result(ask())),
            self.query(Query::Timeline(ask())),
            self.query(Query::Explain(ask())),
        )
    }

    /// The same of a filed one, from nothing but its card and the journal between its moments.
    fn recalled(
        &self,
        key: u64,
        card: &Filed,
    ) -> (v1::ResultView, v1::ResultTimeline, v1::ResultExplanation) {
        let policy = self.driver.state().get::<PolicyText>(&());
        let policy = policy.as_ref().map(|text| (1, text.content.as_str()));
        let mut recall = Recall::of(tube(number_of(key)), policy);
        for (at, bytes) in self.driver.journal() {
            if (card.from..=card.until).contains(&at) {
                let event = self.driver.processor().decode(bytes).expect("an event");
                recall.take(event, at).expect("it folds");
            }
        }
        recall.finish(card.until).expect("it folds");
        assert!(recall.is_found());
        let ask = || v1::GetResultRequest {
            lab: LAB.to_owned(),
            barcode: card.barcode.to_string(),
        };
        (
            answer(&recall, Query::Result(ask())),
            answer(&recall, Query::Timeline(ask())),
            answer(&recall, Query::Explain(ask())),
        )
    }
}

fn answer<R: prost::Message + Default>(recall: &Recall, query: Query) -> R {
    let query = v1::ResultsQuery { query: Some(query) }.encode_to_vec();
    let answer = queries::answer(&Library::default(), recall.tables(), &query, Timestamp(0));
    R::decode(answer.expect("an answer")).expect("it reads")
}

/// Samples that are closed, with all that can be asked about them.
type Told = (
    u64,
    (v1::ResultView, v1::ResultTimeline, v1::ResultExplanation),
);

fn closed(lab: &Lab) -> Vec<Told> {
    lab.driver
        .state()
        .all::<Specimen>()
        .into_iter()
        .filter(|(_, specimen)| specimen.standing == Standing::Closed)
        .map(|(key, _)| (key, lab.everything(number_of(key))))
        .collect()
}

/// Lets the retention pass, and compares what is answered about filed samples with what was answered before.
fn compare(lab: &mut Lab) -> usize {
    let before = closed(lab);
    lab.advance(Millis(RETENTION.0 + 1));
    let mut filed = 0;
    for (key, told) in before {
        if let Some(card) = lab.driver.state().get::<Filed>(&key) {
            assert!(lab.driver.state().get::<Registered>(&key).is_none());
            assert_eq!(lab.recalled(key, &card), told, "{}", card.barcode);
            filed += 1;
        }
    }
    filed
}

#[test]
fn the_timeline_of_a_filed_sample_is_what_it_was() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3), single("B1", member(4))]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.analyse_again("PL-1", &[("A1", POSITIVE), ("B1", GREY)]);
    lab.accept_all(RECEIVER);
    let retests = lab.retests();
    lab.advance(Millis::from_hours(30));
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[("A1", POSITIVE)]);
    lab.accept_all(RECEIVER);
    assert_eq!(compare(&mut lab), 4);
}

#[test]
fn what_came_after_the_closing_is_part_of_the_timeline() {
    let mut lab = Lab::new();
    let mut tube_of_two = member(1);
    tube_of_two.sample.collection_pool = true;
    tube_of_two.sample.subjects = vec!["a".into()];
    lab.load("PL-1", vec![single("A1", tube_of_two)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
    lab.advance(Millis::from_hours(72));
    let order = lab.recollections().remove(0).order;
    let registered = tenfold_domain::message::RecollectionRegistered {
        order,
        barcode: barcode(11),
    };
    lab.message(tenfold_domain::message::Message::RecollectionRegistered(
        registered,
    ))
    .expect("taken");
    let mut new = member(11);
    new.sample.recollection_of = Some(barcode(1));
    new.sample.subjects = vec!["a".into()];
    lab.load("PL-2", vec![single("A1", new)]);
    lab.run("PL-2", &[]);
    lab.accept_all(RECEIVER);
    let told = lab.explain(1);
    assert_eq!(
        (told.pool_end.as_str(), told.orders[0].state.as_str()),
        ("unconfirmed pool positive", "registered")
    );
    assert_eq!(compare(&mut lab), 2);
}

#[test]
fn a_plate_that_was_read_again_after_the_closing_is_told_with_both_readings() {
    let mut lab = Lab::new();
    let wells = vec![single("A1", member(1)), single("B1", member(2))];
    lab.load("PL-1", wells);
    let first = lab.file("PL-1", &[("A1", NEGATIVE), ("B1", NEGATIVE)]);
    lab.import("PL-1", "run-1", "", &first).expect("read");
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
    lab.advance(Millis::from_hours(72));
    let second = lab.file("PL-1", &[("A1", NEGATIVE), ("B1", GREY)]);
    lab.import("PL-1", "run-1", "", &second).expect("read");
    assert!(compare(&mut lab) >= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_happened_a_filed_sample_is_told_as_before(steps in run_of_steps()) {
        let mut lab = Lab::new();
        for (step, version) in steps.iter().zip(2..) {
            // Time passes only at the end: then all that is filed is filed at once.
            if !matches!(step, Step::Wait(_)) {
                take(&mut lab, step, version);
                lab.advance(Millis::from_mins(7));
            }
        }
        let numbers = lab.send(RECEIVER);
        if !numbers.is_empty() {
            lab.answer(RECEIVER, &numbers, "");
        }
        compare(&mut lab);
    }
}

/// The story's journal as a log has it, one record a moment, with a change of owners now and then.
fn as_log(lab: &Lab) -> MemoryLog {
    let (log, topic) = (MemoryLog::new(), Topic::journal("results"));
    let plan = TopicPlan {
        topic: topic.clone(),
        lanes: 1,
        retention: Retention::Forever,
    };
    log.create(&[plan]).expect("created");
    let append = |value: bytes::Bytes| {
        let done = Box::new(|_| {});
        log.append(Class::Commit, &topic, 0, NewRecord::of(value), done);
    };
    append(record::created(&LaneCreated::default()));
    let mut chain = Chain::default();
    let mut moments: Vec<Decisions> = Vec::new();
    for (at, event) in lab.driver.journal() {
        if moments.last().is_none_or(|last| last.decided_at != at.0) {
            moments.push(Decisions {
                decided_at: at.0,
                ..Decisions::default()
            });
        }
        let last = moments.last_mut().expect("a moment");
        last.events.push(event.to_vec().into());
    }
    for (number, decisions) in moments.iter().enumerate() {
        if number % 5 == 0 {
            chain.epoch += 1;
            chain.owner = Id([u8::try_from(number % 250).expect("small"); 16]);
            append(record::opened(
                chain.epoch,
                chain.owner,
                &LaneOpened::default(),
            ));
        }
        let bytes = record::decisions(&chain, 1, decisions);
        chain.seq += 1;
        chain.hash = Hash::of(&bytes);
        append(bytes);
    }
    log
}

#[test]
fn a_filed_sample_is_read_from_the_log_it_was_decided_on() {
    let mut lab = Lab::new();
    for day in 0..20_u64 {
        let first = day * 10 + 1;
        lab.load(
            &format!("PL-{day}"),
            vec![pool("A1", day + 1, first..first + 3)],
        );
        lab.run(&format!("PL-{day}"), &[]);
        lab.accept_all(RECEIVER);
        lab.advance(Millis::from_hours(1));
    }
    let told = lab.everything(92);
    lab.advance(RETENTION);
    let card = lab.result(92).filed.expect("it is filed");
    let policy = v1::PolicyActivated::default();
    let query = Query::Explain(lab.ask_for(92));
    let reader = Reader::new(std::sync::Arc::new(as_log(&lab)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let ask = |card: v1::FiledSample| {
        runtime.block_on(reader.answer::<v1::ResultExplanation>(
            0,
            card,
            policy.clone(),
            query.clone(),
        ))
    };
    assert_eq!(ask(card.clone()), Ok(told.2));
    let elsewhere = v1::FiledSample {
        from: card.from + 1,
        ..card
    };
    let missing = ask(elsewhere).expect_err("its plate was loaded before");
    assert!(missing.contains("does not have it"), "{missing}");
}
