//! Writes a log by hand: batches of decisions become journal records in a chain, their messages arrive
//! in the inboxes they are for, and a batch consumes what its inbox brought since the last.

use bytes::Bytes;
use prost::Message as _;
use std::collections::BTreeMap;
use tenfold_audit::chain::{chained, hash};
use tenfold_audit::memory::MemorySource;
use tenfold_audit::source::Record;
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{
    Answer, Decisions, Envelope, External, InboxCreated, InboxRecord, LaneCreated, LaneOpened,
    OutMessage, Outcome, RecordKind, Relay, RelayMark, RelayedMessage, SendMark, StreamMark,
    answer,
};

/// When the day begins.
pub const START: i64 = 1_767_225_600_000;

/// One batch, before it is written.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub events: Vec<Vec<u8>>,
    /// Actor, request id, and the reply; none = a refusal.
    pub outcomes: Vec<(String, String, Option<Vec<u8>>)>,
    /// Topic, key, body.
    pub messages: Vec<(String, String, Vec<u8>)>,
}

impl Batch {
    pub fn event(mut self, event: &impl prost::Message) -> Self {
        self.events.push(event.encode_to_vec());
        self
    }

    pub fn by(mut self, actor: &str, request_id: &str) -> Self {
        let reply = Some(Vec::new());
        let id = crate::words::plate_name(request_id);
        self.outcomes.push((actor.to_owned(), id, reply));
        self
    }

    pub fn send(mut self, topic: &str, key: &str, message: &impl prost::Message) -> Self {
        let body = message.encode_to_vec();
        self.messages.push((topic.to_owned(), key.to_owned(), body));
        self
    }
}

#[derive(Default)]
struct Lane {
    stream: Vec<u8>,
    seq: u64,
    last: [u8; 32],
    unread: Vec<Record>,
    consumed: u64,
    sent: BTreeMap<String, (u64, [u8; 32])>,
}

/// Changes a batch of a step before it is written.
pub type Hook<'h> = Box<dyn FnMut(&str, &mut Batch) + 'h>;

/// See the module.
pub struct Log<'h> {
    pub source: MemorySource,
    pub now: i64,
    lanes: BTreeMap<&'static str, Lane>,
    ends: BTreeMap<String, u64>,
    hook: Hook<'h>,
}

impl<'h> Log<'h> {
    pub fn new(hook: Hook<'h>) -> Self {
        let mut log = Self {
            source: MemorySource::default(),
            now: START,
            lanes: BTreeMap::new(),
            ends: BTreeMap::new(),
            hook,
        };
        for (number, service) in (1_u8..).zip(["intake", "pooling", "results"]) {
            let (stream, inbox) = (vec![number; 16], vec![number + 100; 16]);
            let created = LaneCreated {
                journal_id: vec![number + 50; 16].into(),
                lanes: 1,
                stream_id: stream.clone().into(),
                inbox_id: inbox.clone().into(),
            };
            let opened = LaneOpened::default();
            let journal = format!("{service}.journal");
            log.write(&journal, &envelope(RecordKind::LaneCreated, 0, &created));
            log.write(&journal, &envelope(RecordKind::LaneOpened, 1, &opened));
            let inbox_id = inbox.into();
            let lane = Lane {
                stream,
                ..Lane::default()
            };
            log.lanes.insert(service, lane);
            log.put(service, Content::Created(InboxCreated { inbox_id }));
        }
        log.source.lane("reports", 0);
        log.source.lane("dead-letters", 0);
        log
    }

    /// Appends a record to lane 0 of a topic.
    pub fn write(&mut self, topic: &str, value: &[u8]) {
        self.write_keyed(topic, None, value);
    }

    fn write_keyed(&mut self, topic: &str, key: Option<String>, value: &[u8]) {
        let end = self.ends.entry(topic.to_owned()).or_default();
        let record = Record {
            offset: *end,
            appended_at: self.now,
            key: key.map(Bytes::from),
            value: Bytes::copy_from_slice(value),
            headers: Vec::new(),
        };
        *end += 1;
        let inbox = topic.strip_suffix(".inbox");
        if let Some(lane) = inbox.and_then(|service| self.lanes.get_mut(service)) {
            lane.unread.push(record.clone());
        }
        self.source.lane(topic, 0).push(record);
    }

    /// Appends to an inbox.
    pub fn put(&mut self, service: &str, content: Content) {
        let record = InboxRecord {
            content: Some(content),
            traceparent: String::new(),
        };
        self.write(&format!("{service}.inbox"), &record.encode_to_vec());
    }

    /// Puts inputs from outside into an inbox.
    pub fn outside(&mut self, service: &str, items: &[impl prost::Message]) {
        let external = External {
            origin: "test".to_owned(),
            items: items.iter().map(|i| i.encode_to_vec().into()).collect(),
        };
        self.put(service, Content::External(external));
    }

    /// Writes a batch: one second later, with everything its inbox holds.
    pub fn decide(&mut self, step: &str, service: &'static str, mut batch: Batch) {
        self.now += 1_000;
        (self.hook)(step, &mut batch);
        let Some(lane) = self.lanes.get_mut(service) else {
            panic!("there is no {service}");
        };
        let unread = std::mem::take(&mut lane.unread);
        lane.consumed += unread.len() as u64;
        let (messages, sending, relays) = number(lane, service, &batch);
        let decisions = Decisions {
            decided_at: self.now,
            inbox_next: lane.consumed,
            events: batch.events.into_iter().map(Bytes::from).collect(),
            outcomes: batch.outcomes.into_iter().map(outcome).collect(),
            messages: messages.clone(),
            relayed: Vec::new(),
            received: received(&unread),
            traceparent: String::new(),
            inbox_id: Bytes::new(),
            sending,
            answered: Vec::new(),
        };
        let record = Envelope {
            format: 1,
            kind: RecordKind::Decisions.into(),
            epoch: 1,
            owner: vec![1; 16].into(),
            seq: lane.seq + 1,
            prev_hash: lane.last.to_vec().into(),
            level: 1,
            body: decisions.encode_to_vec().into(),
        }
        .encode_to_vec();
        lane.seq += 1;
        lane.last = hash(&record);
        self.write(&format!("{service}.journal"), &record);
        for message in messages.iter().filter(|m| !m.key.is_empty()) {
            self.write_keyed(&message.topic, Some(message.key.clone()), &message.body);
        }
        for (to, relay) in relays {
            self.put(&to, Content::Relay(relay));
        }
    }

    /// How many messages a service sent to a topic.
    pub fn sent(&self, service: &str, topic: &str) -> u64 {
        let sent = self
            .lanes
            .get(service)
            .and_then(|lane| lane.sent.get(topic));
        sent.map_or(0, |(n, _)| *n)
    }

    /// A batch that says how far public messages arrived.
    pub fn arrived(&mut self, service: &'static str, topic: &str, n: u64) {
        self.now += 1_000;
        let lane = self.lanes.get_mut(service).expect("a service");
        let decisions = Decisions {
            decided_at: self.now,
            inbox_next: lane.consumed,
            relayed: vec![RelayMark {
                topic: topic.to_owned(),
                lane: 0,
                n,
            }],
            ..Decisions::default()
        };
        let record = Envelope {
            format: 1,
            kind: RecordKind::Decisions.into(),
            epoch: 1,
            owner: vec![1; 16].into(),
            seq: lane.seq + 1,
            prev_hash: lane.last.to_vec().into(),
            level: 1,
            body: decisions.encode_to_vec().into(),
        }
        .encode_to_vec();
        lane.seq += 1;
        lane.last = hash(&record);
        self.write(&format!("{service}.journal"), &record);
    }
}

fn envelope(kind: RecordKind, epoch: u64, body: &impl prost::Message) -> Vec<u8> {
    Envelope {
        format: 1,
        kind: kind.into(),
        epoch,
        owner: vec![1; 16].into(),
        body: body.encode_to_vec().into(),
        ..Envelope::default()
    }
    .encode_to_vec()
}

fn outcome((actor, request_id, reply): (String, String, Option<Vec<u8>>)) -> Outcome {
    let answer = match reply {
        Some(reply) => answer::Answer::Reply(reply.into()),
        None => answer::Answer::Rejection(tenfold_proto::lane::Rejection::default()),
    };
    Outcome {
        actor,
        request_id,
        command_hash: vec![0; 32].into(),
        expires_at: i64::MAX,
        answer: Some(Answer {
            answer: Some(answer),
        }),
    }
}

type Numbered = (Vec<OutMessage>, Vec<SendMark>, Vec<(String, Relay)>);

fn number(lane: &mut Lane, service: &str, batch: &Batch) -> Numbered {
    let (mut messages, mut sending) = (Vec::new(), Vec::new());
    let mut relays: BTreeMap<String, Relay> = BTreeMap::new();
    for (topic, key, body) in &batch.messages {
        let (n, digest) = lane.sent.entry(topic.clone()).or_default();
        if !sending.iter().any(|s: &SendMark| s.topic == *topic) {
            sending.push(SendMark {
                topic: topic.clone(),
                lane: 0,
                n: *n,
                digest: digest.to_vec().into(),
            });
        }
        if let Some(to) = topic.strip_suffix(".inbox") {
            let relay = relays.entry(to.to_owned()).or_insert_with(|| Relay {
                stream_id: lane.stream.clone().into(),
                from_service: service.to_owned(),
                from_lane: 0,
                first_n: *n + 1,
                messages: Vec::new(),
                prev_digest: digest.to_vec().into(),
            });
            relay.messages.push(RelayedMessage {
                level: 1,
                body: body.clone().into(),
            });
        }
        *n += 1;
        *digest = chained(digest, body);
        messages.push(OutMessage {
            topic: topic.clone(),
            lane: 0,
            n: *n,
            level: 1,
            body: body.clone().into(),
            key: key.clone(),
            may_wait: false,
        });
    }
    (messages, sending, relays.into_iter().collect())
}

/// The marks of a receiver that takes everything.
fn received(unread: &[Record]) -> Vec<StreamMark> {
    let mut marks: BTreeMap<Bytes, StreamMark> = BTreeMap::new();
    for record in unread {
        let Ok(InboxRecord {
            content: Some(Content::Relay(relay)),
            ..
        }) = InboxRecord::decode(record.value.clone())
        else {
            continue;
        };
        let mut digest: [u8; 32] = relay.prev_digest[..].try_into().expect("a digest");
        for message in &relay.messages {
            digest = chained(&digest, &message.body);
        }
        let mark = StreamMark {
            stream_id: relay.stream_id.clone(),
            n: relay.first_n + relay.messages.len() as u64 - 1,
            digest: digest.to_vec().into(),
            from_service: relay.from_service,
            from_lane: 0,
        };
        marks.insert(relay.stream_id, mark);
    }
    marks.into_values().collect()
}
