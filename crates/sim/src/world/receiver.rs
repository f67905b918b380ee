//! The reporting system, at one lane of results: takes reports; accepts, rejects, forgets, answers twice.

use super::plan::Planned;
use super::{Person, RESULTS, site, wire};
use crate::faults::Fault;
use crate::ledger::Told;
use crate::shared::{MS, SECOND};
use crate::task::read;
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1;
use v1::results_command::Command;
use v1::results_delivery::Cargo;

/// The receiver of the default policy.
const RECEIVER: &str = "cdc";

/// Class of those who are swabbed again: tested alone.
const AGAIN: &str = "close-contact";

/// Takes reports until the day is over.
pub async fn work(person: Person, lane: u32) {
    while !person.is_over() {
        person.hand.pause(2 * SECOND..15 * SECOND).await;
        let query = v1::PendingDeliveriesQuery {
            receiver: RECEIVER.to_owned(),
            after: 0,
            limit: 50,
        };
        let query = wire::results_query(v1::results_query::Query::Pending(query));
        let answer = person.hand.query(RESULTS, lane, query).await;
        let pending: v1::PendingDeliveries = match read(answer) {
            Ok(pending) => pending,
            // A lane without a policy, or that nobody reports in yet.
            Err(_) => continue,
        };
        if !pending.deliveries.is_empty() {
            take(&person, &pending).await;
        }
    }
}

async fn take(person: &Person, pending: &v1::PendingDeliveries) {
    let send = v1::SendDeliveries {
        receiver: RECEIVER.to_owned(),
        numbers: pending.deliveries.iter().map(|d| d.number).collect(),
    };
    let body = wire::results(Command::Send(send));
    let answer = person.hand.command(RESULTS, &pending.lab, body).await;
    let numbers = match read::<v1::ResultsReply>(answer) {
        Ok(v1::ResultsReply {
            reply: Some(v1::results_reply::Reply::Sent(sent)),
        }) => sent.numbers,
        Ok(other) => {
            return person.hand.shared().problem(format!("sending: {other:?}"));
        }
        Err(refused) => return person.unexpected("sending deliveries", &refused),
    };
    let mut answers = Vec::new();
    for delivery in &pending.deliveries {
        if !numbers.contains(&delivery.number) {
            continue;
        }
        let Some(cargo) = delivery.delivery.as_ref().and_then(|d| d.cargo.as_ref()) else {
            person
                .hand
                .shared()
                .problem(format!("an empty delivery: {delivery:?}"));
            continue;
        };
        told(person, cargo);
        if person.hand.strikes(Fault::ReportForgotten) {
            continue;
        }
        let rejected = person.hand.strikes(Fault::ReportRejected);
        if !rejected && let Cargo::Report(report) = cargo {
            let key = (report.barcode.clone(), report.version);
            if let Some(told) = person.ledger().reports.get_mut(&key) {
                told.accepted = true;
            }
        }
        answers.push(v1::NumberedAnswer {
            number: delivery.number,
            rejected: if rejected {
                "the format".to_owned()
            } else {
                String::new()
            },
        });
    }
    person.hand.pause(MS..2 * SECOND).await;
    acknowledge(person, &pending.lab, &answers).await;
    if !answers.is_empty() && person.hand.strikes(Fault::ReportAnsweredTwice) {
        person.hand.pause(MS..20 * SECOND).await;
        acknowledge(person, &pending.lab, &answers).await;
    }
}

async fn acknowledge(person: &Person, lab: &str, answers: &[v1::NumberedAnswer]) {
    let body = wire::results(Command::Acknowledge(v1::AcknowledgeDeliveries {
        receiver: RECEIVER.to_owned(),
        answers: answers.to_vec(),
    }));
    let answer = person.hand.command(RESULTS, lab, body).await;
    if let Err(refused) = read::<v1::ResultsReply>(answer) {
        person.unexpected("acknowledging deliveries", &refused);
    }
}

/// A report or alert came: the first time, or again with the same words.
fn told(person: &Person, cargo: &Cargo) {
    match cargo {
        Cargo::Report(report) => {
            let key = (report.barcode.clone(), report.version);
            let known = person.ledger().reports.get(&key).cloned();
            match known {
                None => {
                    let told = Told {
                        report: report.clone(),
                        accepted: false,
                    };
                    person.ledger().reports.insert(key, told);
                    if report.verdict() == v1::Verdict::Recollect {
                        swab_again(person, report);
                    }
                }
                Some(known) if known.report == *report => {}
                Some(known) => person.hand.shared().problem(format!(
                    "INV-06: version {} of {} came as {:?}, and again as {report:?}",
                    report.version, report.barcode, known.report
                )),
            }
        }
        Cargo::Alert(alert) => {
            let known = person
                .ledger()
                .alerts
                .insert(alert.pool.clone(), alert.clone());
            if known.is_some_and(|known| known.at != alert.at || known.call != alert.call) {
                person
                    .hand
                    .shared()
                    .problem(format!("pool {} was alerted twice", alert.pool));
            }
        }
    }
}

/// One new tube for each person of a collection tube.
fn swab_again(person: &Person, report: &v1::Report) {
    let old = person.ledger().tubes.get(&report.barcode).cloned();
    let Some(old) = old else { return };
    let now = person.now();
    let labs = person.world().plan.labs.clone();
    for (number, subject) in old.registration.subjects.iter().enumerate() {
        let mut registration = old.registration.clone();
        registration.version = 1;
        registration.barcode = format!("{}N{number}", report.barcode);
        registration.subjects = vec![subject.clone()];
        registration.collection_pool = false;
        registration.observed_swabs = None;
        AGAIN.clone_into(&mut registration.sampling_class);
        registration.recollection_of = Some(report.barcode.clone());
        let known = person
            .world()
            .plan
            .tubes
            .iter()
            .any(|tube| tube.registration.barcode == registration.barcode);
        if known {
            // The report was corrected: they were called already.
            continue;
        }
        let truth = if old.carrier.as_ref() == Some(subject) {
            old.truth
        } else {
            Truth::Negative
        };
        person.change().plan.tubes.push(Planned {
            registration,
            lab: tested_by(&labs, &old.lab, number),
            truth,
            carrier: None,
            registered_at: now,
            arrives_at: now + 30 * SECOND,
        });
    }
}

/// Every second person is sent to the next lab, which knows nothing of the order.
fn tested_by(labs: &[String], old: &str, number: usize) -> String {
    let here = labs.iter().position(|lab| lab == old).unwrap_or(0);
    labs.iter()
        .cycle()
        .nth(here + number % 2)
        .map_or_else(|| old.to_owned(), Clone::clone)
}

/// Registers the tubes of those who are swabbed again; one actor for all labs.
pub async fn recollect(person: Person) {
    let mut seen = person.world().plan.tubes.len();
    while !person.is_over() {
        person.hand.pause(3 * SECOND..10 * SECOND).await;
        let new: Vec<Planned> = {
            let world = person.world();
            world.plan.tubes.get(seen..).unwrap_or_default().to_vec()
        };
        seen += new.len();
        for planned in new {
            site::announce(&person, &planned);
            site::register(&person, planned.registration).await;
        }
    }
}
