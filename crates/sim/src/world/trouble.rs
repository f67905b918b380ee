//! Trouble that comes by itself: old messages again, rubbish, strays in journals, a new policy, too many calls.

use super::{INTAKE, Person, site};
use crate::cluster::SERVICES;
use crate::faults::Fault;
use crate::host::Host;
use crate::log::SimLog;
use crate::shared::SECOND;
use bytes::Bytes;
use std::sync::Arc;
use tenfold_runtime::lane::record;
use tenfold_runtime::log::{Class, Log as _, NewRecord, Topic};

/// Calls of a flood: more than any queue of a small day takes.
const FLOOD: usize = 40;

/// Makes trouble until everything is healed.
pub async fn work(person: Person) {
    let mut version = 1;
    site::apply_policy(&person, version).await;
    person.change().policy = version;
    while !person.world().healed {
        person.hand.pause(SECOND..20 * SECOND).await;
        let service = usize::try_from(person.hand.draw(0..3)).unwrap_or(0);
        let lanes = person.hand.outside.lanes[service];
        let lane = u32::try_from(person.hand.draw(0..u64::from(lanes))).unwrap_or(0);
        if person.hand.strikes(Fault::RelayAgain) {
            again(&person, &Topic::inbox(SERVICES[service]), lane);
        }
        if person.hand.strikes(Fault::StrayJournal) {
            stray(&person, &Topic::journal(SERVICES[service]), lane);
        }
        if person.hand.strikes(Fault::Undecodable) {
            site::rubbish(&person, service, lane).await;
        }
        if person.hand.strikes(Fault::QueueFull) {
            let lane = lane % person.hand.outside.lanes[INTAKE];
            person
                .hand
                .flood(INTAKE, lane, FLOOD, &site::cheap_question());
        }
        if person.hand.strikes(Fault::PolicyChanged) {
            version += 1;
            site::apply_policy(&person, version).await;
            person.change().policy = version;
        }
    }
}

fn append(person: &Person, topic: &Topic, lane: u32, value: Bytes) {
    let log = SimLog {
        shared: Arc::clone(person.hand.shared()),
        host: Host::outside(0),
    };
    log.append(
        Class::Relay,
        topic,
        lane,
        NewRecord::of(value),
        Box::new(|_| {}),
    );
}

/// A record drawn from a lane, if it has any but the first.
fn drawn(person: &Person, topic: &Topic, lane: u32) -> Option<Bytes> {
    let log = person.hand.shared().log();
    let records = &log.lane(topic, lane)?.records;
    if records.len() < 2 {
        return None;
    }
    let at = person.hand.draw(1..records.len() as u64);
    let at = usize::try_from(at).unwrap_or(1);
    records.get(at).map(|record| record.value.clone())
}

/// An old record of an inbox comes again.
fn again(person: &Person, topic: &Topic, lane: u32) {
    if let Some(value) = drawn(person, topic, lane) {
        append(person, topic, lane, value);
    }
}

/// A journal gets a record of an owner that was fenced long ago, one of the present owner again, or rubbish.
fn stray(person: &Person, topic: &Topic, lane: u32) {
    let value = match person.hand.draw(0..3) {
        0 => Bytes::from_static(b"\xFF\xFFno record"),
        1 => drawn(person, topic, lane).unwrap_or_default(),
        _ => record::opened(
            1,
            record::Id([7; 16]),
            &tenfold_proto::lane::LaneOpened::default(),
        ),
    };
    append(person, topic, lane, value);
}
