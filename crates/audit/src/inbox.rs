//! What a record of decisions consumed: the inbox is read again, and go back N played again, so that
//! what the journal says it received can be compared with what there was to receive.

use crate::chain::{Digest, Name, chained};
use crate::source::{LaneName, Place, Record, Records, SourceError};
use bytes::Bytes;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{InboxRecord, Relay};

/// How far a stream was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Number of the last message.
    pub n: u64,
    /// Chain digest up to it.
    pub digest: Digest,
}

/// Who sends under a stream, as a relay says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Service.
    pub service: String,
    /// Lane.
    pub lane: u32,
}

/// What a batch took from its inbox.
#[derive(Debug, Default)]
pub struct Taken {
    /// Messages that were new, in order.
    pub messages: Vec<Bytes>,
    /// Items from outside.
    pub externals: Vec<Bytes>,
    /// Records that nobody can read, and so make dead letters.
    pub unreadable: u64,
    /// The streams that had something new, and how far they are now.
    pub streams: BTreeMap<Name, (Received, Sender)>,
    /// The first and last offset that were consumed.
    pub offsets: Option<(u64, u64)>,
    /// Relays whose content contradicts what was taken before.
    pub contradictions: Vec<u64>,
    /// Relays that brought nothing new.
    pub duplicates: u64,
    /// Relays that came before those in front of them.
    pub early: u64,
}

impl Taken {
    /// The records consumed, as places.
    #[must_use]
    pub fn places(&self, inbox: &LaneName) -> Vec<Place> {
        let Some((first, last)) = self.offsets else {
            return Vec::new();
        };
        let offsets = if first == last {
            vec![first]
        } else {
            vec![first, last]
        };
        offsets.into_iter().map(|o| place(inbox, o)).collect()
    }
}

/// A record's place.
#[must_use]
pub fn place(name: &LaneName, offset: u64) -> Place {
    Place {
        topic: name.topic.to_string(),
        lane: name.lane,
        offset,
    }
}

/// One lane's inbox, read once from its beginning, as far as its journal has consumed it.
pub struct Inbox {
    name: LaneName,
    records: Box<dyn Records>,
    /// Read, and not yet consumed.
    next: Option<Record>,
    /// Its own name, from its first record.
    id: Option<Name>,
    streams: BTreeMap<Name, Received>,
    consumed: u64,
    below: u64,
}

impl Inbox {
    /// An inbox from its first record on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(name: LaneName, mut records: Box<dyn Records>) -> Result<Self, SourceError> {
        let next = records.next()?;
        let id = next.as_ref().and_then(|record| {
            match InboxRecord::decode(record.value.clone()).ok()?.content? {
                Content::Created(created) => Name::try_from(&created.inbox_id[..]).ok(),
                _ => None,
            }
        });
        Ok(Self {
            name,
            records,
            next,
            id,
            streams: BTreeMap::new(),
            consumed: 0,
            below: 0,
        })
    }

    /// Which lane of which topic it is.
    #[must_use]
    pub const fn name(&self) -> &LaneName {
        &self.name
    }

    /// Its own name; `None` if it does not begin as an inbox must.
    #[must_use]
    pub const fn id(&self) -> Option<Name> {
        self.id
    }

    /// How many of its records were consumed.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// One above the last record that was consumed.
    #[must_use]
    pub const fn below(&self) -> u64 {
        self.below
    }

    /// How far a stream was received.
    #[must_use]
    pub fn received(&self, stream: &Name) -> Received {
        self.streams.get(stream).copied().unwrap_or_default()
    }

    /// Takes a journal's word for how far a stream was received.
    pub fn believe(&mut self, stream: Name, received: Received) {
        self.streams.insert(stream, received);
    }

    /// Consumes everything below an offset. `passed` names records that the journal dead-letters
    /// because what they cause is too large: they are passed over as a whole. `told` is how far the journal
    /// says that it received streams then: of the record at that offset it may have taken the first messages only.
    ///
    /// # Errors
    /// It cannot be read; or it ends before that offset, told as `Ok(None)`.
    pub fn consume(
        &mut self,
        to: u64,
        passed: &BTreeSet<u64>,
        told: &BTreeMap<Name, u64>,
    ) -> Result<Option<Taken>, SourceError> {
        let mut taken = Taken::default();
        while let Some(record) = self.next.take_if(|record| record.offset < to) {
            self.next = self.records.next()?;
            self.consumed = self.consumed.saturating_add(1);
            let first = taken.offsets.map_or(record.offset, |(first, _)| first);
            taken.offsets = Some((first, record.offset));
            self.below = record.offset.saturating_add(1);
            if !passed.contains(&record.offset) {
                self.take(&record, &mut taken);
            }
        }
        self.take_part(told, &mut taken);
        let there = self.below >= to || self.next.is_some();
        Ok(there.then_some(taken))
    }

    /// What of the items from outside no journal has consumed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn rest(&mut self) -> Result<Vec<Bytes>, SourceError> {
        let mut rest = Vec::new();
        while let Some(record) = self.next.take() {
            self.next = self.records.next()?;
            if let Ok(InboxRecord {
                content: Some(Content::External(external)),
                ..
            }) = InboxRecord::decode(record.value)
            {
                rest.extend(external.items);
            }
        }
        Ok(rest)
    }

    fn take_part(&mut self, told: &BTreeMap<Name, u64>, taken: &mut Taken) {
        let Some(Record { offset, value, .. }) = &self.next else {
            return;
        };
        let offset = *offset;
        let content = InboxRecord::decode(value.clone())
            .ok()
            .and_then(|r| r.content);
        if let Some(Content::Relay(mut relay)) = content
            && let Ok(stream) = Name::try_from(&relay.stream_id[..])
            && let Some(n) = told.get(&stream)
            && *n > self.received(&stream).n
            && let Some(before) = n.checked_sub(relay.first_n)
            && let Ok(before) = usize::try_from(before)
            && before < relay.messages.len()
        {
            relay.messages.truncate(before.saturating_add(1));
            self.relayed(offset, relay, taken);
        }
    }

    fn take(&mut self, record: &Record, taken: &mut Taken) {
        let content = InboxRecord::decode(record.value.clone())
            .ok()
            .and_then(|record| record.content);
        match content {
            Some(Content::Created(_) | Content::Resend(_) | Content::SentThrough(_)) => {}
            Some(Content::External(external)) => taken.externals.extend(external.items),
            Some(Content::Relay(relay)) => self.relayed(record.offset, relay, taken),
            Some(Content::Undecodable(_)) | None => {
                taken.unreadable = taken.unreadable.saturating_add(1);
            }
        }
    }

    fn relayed(&mut self, offset: u64, relay: Relay, taken: &mut Taken) {
        let (Ok(stream), Ok(before)) = (
            Name::try_from(&relay.stream_id[..]),
            Digest::try_from(&relay.prev_digest[..]),
        ) else {
            taken.unreadable = taken.unreadable.saturating_add(1);
            return;
        };
        if relay.first_n == 0 || relay.messages.is_empty() {
            taken.unreadable = taken.unreadable.saturating_add(1);
            return;
        }
        let have = self.received(&stream);
        if relay.first_n > have.n.saturating_add(1) {
            taken.early = taken.early.saturating_add(1);
            return;
        }
        let (mut digest, mut new) = (before, Vec::new());
        for (n, message) in (relay.first_n..).zip(relay.messages) {
            if n == have.n.saturating_add(1) && digest != have.digest {
                taken.contradictions.push(offset);
                return;
            }
            digest = chained(&digest, &message.body);
            if n == have.n && digest != have.digest {
                taken.contradictions.push(offset);
                return;
            }
            if n > have.n {
                new.push(message.body);
            }
        }
        if new.is_empty() {
            taken.duplicates = taken.duplicates.saturating_add(1);
            return;
        }
        let n = have.n.saturating_add(new.len() as u64);
        let received = Received { n, digest };
        self.streams.insert(stream, received);
        let sender = Sender {
            service: relay.from_service,
            lane: relay.from_lane,
        };
        taken.streams.insert(stream, (received, sender));
        taken.messages.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::lane::RelayedMessage;

    struct Listed(std::vec::IntoIter<Record>);

    impl Records for Listed {
        fn next(&mut self) -> Result<Option<Record>, SourceError> {
            Ok(self.0.next())
        }
    }

    /// What a record of the inbox causes may be more than one journal record holds.
    #[test]
    fn a_record_may_be_taken_in_parts_and_no_further_than_the_journal_says() {
        let stream: Name = [7; 16];
        let relay = Relay {
            stream_id: stream.to_vec().into(),
            first_n: 1,
            messages: ["a", "b", "c"]
                .map(|body| RelayedMessage {
                    level: 1,
                    body: body.into(),
                })
                .to_vec(),
            prev_digest: vec![0; 32].into(),
            ..Relay::default()
        };
        let content = InboxRecord {
            content: Some(Content::Relay(relay)),
            traceparent: String::new(),
        };
        let record = Record {
            value: content.encode_to_vec().into(),
            offset: 0,
            appended_at: 0,
            key: None,
            headers: Vec::new(),
        };
        let records = Listed(vec![record].into_iter());
        let mut inbox = Inbox::open(LaneName::new("x.inbox", 0), Box::new(records)).unwrap();
        let mut consume = |to, told: &[(Name, u64)]| {
            let told = told.iter().copied().collect();
            let taken = inbox.consume(to, &BTreeSet::new(), &told).unwrap().unwrap();
            (taken.messages, taken.streams.values().next().map(|s| s.0.n))
        };
        assert_eq!(consume(0, &[]), (vec![], None), "nothing is said of it");
        assert_eq!(
            consume(0, &[(stream, 4)]),
            (vec![], None),
            "it has no fourth"
        );
        assert_eq!(
            consume(0, &[(stream, 2)]),
            (vec!["a".into(), "b".into()], Some(2))
        );
        assert_eq!(consume(0, &[(stream, 2)]), (vec![], None), "that was taken");
        assert_eq!(consume(1, &[(stream, 3)]), (vec!["c".into()], Some(3)));
    }
}
