//! A tube's paperwork: registered, perhaps corrected, perhaps cancelled; by a call, or in bulk through the
//! router.

use super::{INTAKE, Person, bytes, wire};
use crate::faults::Fault;
use crate::host::Host;
use crate::ledger::Tube;
use crate::log::SimLog;
use crate::shared::{MS, SECOND, lock};
use crate::task::read;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tenfold_domain::policy::Scanner;
use tenfold_intake::edge::Sorter;
use tenfold_proto::v1;
use tenfold_runtime::log::{Class, Log as _, NewRecord, Topic};
use v1::intake_command::Command;
use v1::intake_reply::Reply;

/// From the registration of a tube to the end of what a site does about it.
pub async fn paperwork(person: Person, barcode: String) {
    let planned = person
        .world()
        .plan
        .tubes
        .iter()
        .find(|tube| tube.registration.barcode == barcode)
        .cloned();
    let Some(planned) = planned else { return };
    announce(&person, &planned);
    if person.hand.strikes(Fault::RegisteredLate) {
        person.hand.pause(60 * SECOND..400 * SECOND).await;
    }
    register(&person, planned.registration.clone()).await;
    let mut registration = planned.registration;
    while person.hand.strikes(Fault::Corrected) {
        person.hand.pause(SECOND..500 * SECOND).await;
        registration.version += 1;
        correct(&person, &mut registration).await;
    }
    if person.hand.strikes(Fault::Cancelled) {
        person.hand.pause(SECOND..600 * SECOND).await;
        cancel(&person, &barcode).await;
    }
}

/// The tube is on its way.
pub fn announce(person: &Person, planned: &super::plan::Planned) {
    let barcode = planned.registration.barcode.clone();
    person.ledger().tubes.insert(
        barcode.clone(),
        Tube {
            registration: planned.registration.clone(),
            lab: planned.lab.clone(),
            truth: planned.truth,
            carrier: planned.carrier.clone(),
            acknowledged: None,
            cancelling: false,
            cancelled: false,
            discarded: false,
            received: false,
        },
    );
    let at = planned.arrives_at;
    let mut world = person.change();
    let desk = world.desks.entry(planned.lab.clone()).or_default();
    desk.arriving.push_back((at, barcode));
}

/// Registers, until it is acknowledged.
pub async fn register(person: &Person, registration: v1::Registration) {
    let version = registration.version;
    let barcode = registration.barcode.clone();
    if person.hand.likely(0.5) {
        // Without a policy it would be refused, and the outcomes would say so.
        while person.world().policy == 0 {
            person.hand.pause(SECOND..5 * SECOND).await;
        }
        bulk(person, registration).await;
        acknowledged(person, &barcode, version);
        return;
    }
    loop {
        let body = wire::intake(Command::Register(registration.clone()));
        let answer = person.hand.command(INTAKE, &barcode, body).await;
        match read::<v1::IntakeReply>(answer) {
            Ok(v1::IntakeReply {
                reply: Some(Reply::Receipt(receipt)),
            }) => {
                if receipt.barcode != barcode || receipt.version < version {
                    person
                        .hand
                        .shared()
                        .problem(format!("{barcode} version {version}: {receipt:?}"));
                }
                return acknowledged(person, &barcode, version);
            }
            Ok(other) => {
                person
                    .hand
                    .shared()
                    .problem(format!("{barcode} registered: {other:?}"));
                return;
            }
            Err(refused) if refused.reason == "NO_POLICY" => {
                person.hand.pause(SECOND..5 * SECOND).await;
            }
            Err(refused) => return person.unexpected(&format!("registering {barcode}"), &refused),
        }
    }
}

fn acknowledged(person: &Person, barcode: &str, version: u32) {
    if let Some(tube) = person.ledger().tubes.get_mut(barcode) {
        tube.acknowledged = tube.acknowledged.max(Some(version));
        tube.registration.version = tube.registration.version.max(version);
    }
}

/// Something was stated wrongly, or changes.
async fn correct(person: &Person, registration: &mut v1::Registration) {
    let barcode = registration.barcode.clone();
    match person.hand.draw(0..4) {
        0 if registration.sampling_class == "routine" => {
            "voluntary".clone_into(&mut registration.sampling_class);
        }
        1 if registration.sampling_class == "routine" => {
            // It may not be in the pool it is in.
            "key-population".clone_into(&mut registration.sampling_class);
        }
        2 => registration.round = Some(format!("round-{}", registration.version)),
        _ => registration.collector = Some(format!("collector-{}", registration.version)),
    }
    if person.hand.likely(0.4) {
        bulk(person, registration.clone()).await;
        return acknowledged(person, &barcode, registration.version);
    }
    let body = wire::intake(Command::Amend(registration.clone()));
    match read::<v1::IntakeReply>(person.hand.command(INTAKE, &barcode, body).await) {
        Ok(_) => acknowledged(person, &barcode, registration.version),
        // A bulk registration is still on its way; or it is reported already.
        Err(refused)
            if [
                "SAMPLE_UNKNOWN",
                "SAMPLE_CLOSED",
                "SAMPLE_WITHDRAWN",
                "VERSION_OLD",
                "NO_POLICY",
            ]
            .contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("correcting {barcode}"), &refused),
    }
}

async fn cancel(person: &Person, barcode: &str) {
    if let Some(tube) = person.ledger().tubes.get_mut(barcode) {
        tube.cancelling = true;
    }
    let body = wire::intake(Command::Cancel(v1::IntakeCancel {
        barcode: barcode.to_owned(),
        reason: "registered by mistake".to_owned(),
    }));
    match read::<v1::IntakeReply>(person.hand.command(INTAKE, barcode, body).await) {
        Ok(_) => {
            if let Some(tube) = person.ledger().tubes.get_mut(barcode) {
                tube.cancelled = true;
            }
        }
        Err(refused)
            if ["SAMPLE_UNKNOWN", "SAMPLE_CLOSED", "NO_POLICY"]
                .contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("cancelling {barcode}"), &refused),
    }
}

/// In bulk, as the router does it: at least once, late, again.
async fn bulk(person: &Person, registration: v1::Registration) {
    let mut sorter = Sorter::new(person.hand.outside.lanes[INTAKE]);
    sorter.add(&Scanner::default(), registration, 0);
    let records: Vec<(u32, Bytes)> = sorter
        .into_records()
        .flat_map(|(lane, chunks)| {
            chunks
                .into_iter()
                .map(move |items| (lane, wire::external("router", items)))
        })
        .collect();
    for (lane, record) in records {
        if person.hand.strikes(Fault::BulkLate) {
            person.hand.pause(SECOND..60 * SECOND).await;
        }
        post(person, INTAKE, lane, record.clone()).await;
        if person.hand.strikes(Fault::BulkTwice) {
            person.hand.pause(MS..20 * SECOND).await;
            post(person, INTAKE, lane, record).await;
        }
    }
}

/// Appends to an inbox, and waits until it is durable.
pub async fn post(person: &Person, service: usize, lane: u32, record: Bytes) {
    let shared = Arc::clone(person.hand.shared());
    let log = SimLog {
        shared,
        host: Host::outside(0),
    };
    let done = Arc::new(Mutex::new(false));
    let told = Arc::clone(&done);
    log.append(
        Class::Relay,
        &Topic::inbox(crate::cluster::SERVICES[service]),
        lane,
        NewRecord::of(record),
        Box::new(move |result| *lock(&told) = result.is_ok()),
    );
    while !*lock(&done) {
        person.hand.sleep(20 * MS).await;
    }
}

/// Rubbish in an inbox, which somebody must find in the dead letters.
pub async fn rubbish(person: &Person, service: usize, lane: u32) {
    let mark = person.hand.draw(0..u64::MAX);
    let content: Bytes = format!("rubbish {mark:016x}").into_bytes().into();
    let record = if person.hand.likely(0.5) {
        person.ledger().rubbish.insert(content.clone());
        wire::undecodable("router", content)
    } else {
        // No record at all: the first byte is no field of any message.
        let mut raw = vec![0xFF, 0xFF];
        raw.extend_from_slice(&content);
        let raw = Bytes::from(raw);
        person.ledger().rubbish.insert(raw.clone());
        raw
    };
    post(person, service, lane, record).await;
}

/// Sends a policy through every lane of every service.
pub async fn apply_policy(person: &Person, version: u32) {
    let text = person.world().plan.policy(version);
    let record = wire::policy(&text, version);
    for (service, lanes) in person.hand.outside.lanes.into_iter().enumerate() {
        for lane in 0..lanes {
            post(person, service, lane, record.clone()).await;
        }
    }
}

/// A question that any lane of intake answers.
#[must_use]
pub fn cheap_question() -> Bytes {
    bytes(&v1::IntakeQuery {
        query: Some(v1::intake_query::Query::Policy(v1::GetPolicyRequest {})),
    })
}
