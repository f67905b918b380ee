//! What a message is about, in a few bytes: enough to know, at the end, what is on its way.

use crate::hashes::hash64;
use crate::pairs::About;
use crate::public;
use crate::source::PUBLIC;
use prost::Message as _;
use tenfold_proto::lane::OutMessage;
use tenfold_proto::v1::{Message, message::Message as Kind};

/// A record of a public topic.
pub const PUBLISHED: u8 = 255;
/// `SampleDetails`, by barcode.
pub const DETAILS: u8 = 1;
/// `SampleWithdrawn`, by barcode.
pub const WITHDRAWN: u8 = 2;
/// `TubeSeen`, by barcode.
pub const SEEN: u8 = 4;
/// `SampleClosed`, by barcode.
pub const CLOSED: u8 = 10;

/// `SamplesFiled`, by the barcode of the first.
pub const FILED: u8 = 15;

/// `CardDropped`, by barcode.
pub const DROPPED: u8 = 16;

/// Hash of a name.
#[must_use]
pub fn name(text: &str) -> u64 {
    hash64(&[text.as_bytes()])
}

/// What a message sent is about.
#[must_use]
pub fn about(message: &OutMessage) -> About {
    if PUBLIC.contains(&message.topic.as_str()) {
        let content = public::content(message.key.as_bytes(), &message.body);
        return About {
            kind: PUBLISHED,
            subject: content ^ public::topic(&message.topic),
        };
    }
    Message::decode(message.body.clone())
        .ok()
        .and_then(|message| message.message)
        .map_or(
            About {
                kind: 0,
                subject: 0,
            },
            |message| of(&message),
        )
}

/// What a message is about.
#[must_use]
pub fn of(message: &Kind) -> About {
    let (kind, subject) = match message {
        Kind::SampleDetails(sample) => (DETAILS, &sample.barcode),
        Kind::SampleWithdrawn(withdrawn) => (WITHDRAWN, &withdrawn.barcode),
        Kind::CustodyConflict(conflict) => (3, &conflict.barcode),
        Kind::TubeSeen(seen) => (SEEN, &seen.barcode),
        Kind::PlateLoaded(plate) => (5, &plate.plate),
        Kind::PlateVoided(plate) => (6, &plate.plate),
        Kind::MemberAmended(member) => (7, &member.tube),
        Kind::RetestOrdered(order) => (8, &order.order),
        Kind::ReplateOrdered(order) => (9, &order.plate),
        Kind::SampleClosed(closed) => (CLOSED, &closed.barcode),
        Kind::RecollectionOrdered(order) => (11, &order.order),
        Kind::Recollected(new) => (12, &new.old),
        Kind::RecollectionRegistered(registered) => (13, &registered.order),
        Kind::RecollectionFound(found) => (14, &found.order),
        Kind::SamplesFiled(filed) => (
            FILED,
            filed.samples.first().map_or(&filed.lab, |one| &one.barcode),
        ),
        Kind::CardDropped(dropped) => (DROPPED, &dropped.barcode),
    };
    About {
        kind,
        subject: name(subject),
    }
}
