//! Reception: racks and single tubes come, are stated, and go to the robot or the benches.

use super::Person;
use crate::faults::Fault;
use crate::shared::SECOND;
use tenfold_proto::v1;
use v1::pooling_command::Command;

/// Receives until the day is over.
pub async fn work(person: Person) {
    let mut racks = 0;
    while !person.is_over() {
        let most = person.hand.draw(1..9);
        let now = person.now();
        let batch: Vec<String> = person.desk(|desk| {
            let mut taken = Vec::new();
            desk.arriving.retain(|(at, barcode)| {
                let take = *at <= now && (taken.len() as u64) < most;
                if take {
                    taken.push(barcode.clone());
                }
                !take
            });
            taken
        });
        if batch.is_empty() {
            person.hand.pause(2 * SECOND..15 * SECOND).await;
            continue;
        }
        if person.hand.likely(0.6) {
            racks += 1;
            rack(&person, &format!("RACK{racks:04}"), &batch).await;
        } else {
            singles(&person, &batch).await;
        }
        stray(&person, &batch).await;
    }
}

async fn receive(
    person: &Person,
    arrival: v1::receive_request::Arrival,
) -> Option<Vec<v1::ReceivedTube>> {
    loop {
        let request = v1::ReceiveRequest {
            lab: person.lab.clone(),
            arrival: Some(arrival.clone()),
            ..Default::default()
        };
        match person
            .pooling::<v1::ReceiveResponse>(Command::Receive(request))
            .await
        {
            Ok(response) => return Some(response.tubes),
            Err(refused) if refused.reason == "NO_POLICY" => {
                person.hand.pause(SECOND..4 * SECOND).await;
            }
            Err(refused) => {
                person.unexpected("receiving", &refused);
                return None;
            }
        }
    }
}

fn has(person: &Person, id: &str, barcode: &str) {
    let mut ledger = person.ledger();
    if let Some(tube) = ledger.tubes.get_mut(barcode) {
        tube.received = true;
    }
    ledger
        .lab(&person.lab)
        .tubes
        .insert(id.to_owned(), barcode.to_owned());
}

async fn singles(person: &Person, batch: &[String]) {
    for barcode in batch {
        let arrival = v1::receive_request::Arrival::Tubes(v1::TubesArrived {
            barcodes: vec![barcode.clone()],
            another: false,
        });
        let Some(tubes) = receive(person, arrival.clone()).await else {
            return;
        };
        let Some(id) = tubes.first().and_then(|tube| tube.tube.clone()) else {
            person
                .hand
                .shared()
                .problem(format!("{barcode} made no tube: {tubes:?}"));
            return;
        };
        has(person, &id, barcode);
        if person.hand.likely(0.1) {
            // Once more, as people do: the same tube, and no other.
            let again = receive(person, arrival).await.unwrap_or_default();
            if again.first().and_then(|tube| tube.tube.as_ref()) != Some(&id) {
                person.hand.shared().problem(format!(
                    "{barcode} was received as {id}, again as {again:?}"
                ));
            }
        }
        person.scan_later(barcode, SECOND);
    }
}

/// A rack from its arrival to the robot.
async fn rack(person: &Person, rack: &str, batch: &[String]) {
    let mut places: Vec<(String, String, bool)> = batch
        .iter()
        .enumerate()
        .map(|(at, barcode)| {
            let unreadable = person.hand.strikes(Fault::Unreadable);
            (position(at), barcode.clone(), unreadable)
        })
        .collect();
    let Some(tubes) = state(person, rack, &places).await else {
        return;
    };
    for (place, barcode, unreadable) in &places {
        let found = tubes
            .iter()
            .find(|tube| tube.position.as_deref() == Some(place.as_str()))
            .and_then(|tube| tube.tube.clone());
        let Some(id) = found else {
            person
                .hand
                .shared()
                .problem(format!("{place} of {rack} made no tube: {tubes:?}"));
            return;
        };
        has(person, &id, barcode);
        if *unreadable {
            relabel(person, &id, barcode).await;
        }
    }
    for place in &mut places {
        place.2 = false;
    }
    if places.len() > 1 && person.hand.strikes(Fault::TubeMoved) {
        let (first, second) = (places[0].1.clone(), places[1].1.clone());
        places[0].1 = second;
        places[1].1 = first;
        state(person, rack, &places).await;
    }
    if person.hand.likely(0.1) {
        state(person, rack, &places).await;
    }
    let rack = rack.to_owned();
    person.desk(|desk| desk.racks.push_back(rack));
}

async fn state(
    person: &Person,
    rack: &str,
    places: &[(String, String, bool)],
) -> Option<Vec<v1::ReceivedTube>> {
    let positions = places.iter().map(|(place, barcode, unreadable)| {
        let found = if *unreadable {
            v1::rack_position::Found::Unreadable(true)
        } else {
            v1::rack_position::Found::Barcode(barcode.clone())
        };
        v1::RackPosition {
            position: place.clone(),
            found: Some(found),
        }
    });
    let arrival = v1::receive_request::Arrival::Rack(v1::RackContains {
        rack: rack.to_owned(),
        positions: positions.collect(),
    });
    receive(person, arrival).await
}

/// Puts a new label on a tube.
pub async fn relabel(person: &Person, id: &str, barcode: &str) {
    let request = v1::RelabelRequest {
        lab: person.lab.clone(),
        tube: id.to_owned(),
        new_barcode: barcode.to_owned(),
        reason: "the label could not be read".to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::TubeResponse>(Command::Relabel(request))
        .await
    {
        Ok(_) => {}
        // It was received before, while its label could be read; or somebody looked after it meanwhile.
        Err(refused) if refused.reason == "BARCODE_TAKEN" => {
            super::supervisor::discard(person, id).await;
        }
        Err(refused) if ["TUBE_OVER", "TUBE_FILED"].contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("relabelling {id} as {barcode}"), &refused),
    }
}

/// A tube goes to another lab by mistake, which receives it as well.
async fn stray(person: &Person, batch: &[String]) {
    let other = {
        let world = person.world();
        let others: Vec<&String> = world
            .plan
            .labs
            .iter()
            .filter(|lab| **lab != person.lab)
            .collect();
        if others.is_empty() {
            return;
        }
        let at = person.hand.draw(0..others.len() as u64);
        others
            .get(usize::try_from(at).unwrap_or(0))
            .map(|lab| (*lab).clone())
    };
    if let (Some(other), Some(barcode)) = (other, batch.first())
        && person.hand.strikes(Fault::CustodyConflict)
    {
        let at = person.now() + person.hand.draw(0..60 * SECOND);
        let barcode = barcode.clone();
        let mut world = person.change();
        let desk = world.desks.entry(other).or_default();
        desk.arriving.push_back((at, barcode));
    }
}

/// The n-th position of a rack, by columns.
fn position(at: usize) -> String {
    let row = b"ABCDEFGH"[at % 8];
    format!("{}{}", char::from(row), at / 8 + 1)
}
