//! Messages that are missing: asked for until they are here, and sent again when asked for.
//!
//! A gap in a sender's numbers shows itself, and is asked for when it stays. An inbox that was made anew shows
//! nothing: what was lost with it may have been the sender's last. So every sender it knows is asked, again and
//! again until it says how far its messages went; that they were asked and did not answer yet is in the journal.

use super::outbox::is_inbox;
use super::owned::Owned;
use super::record::Id;
use super::rows::{AskedRow, ReceivedRow};
use super::{Lane, Phase};
use crate::log::{Class, NewRecord, Topic};
use crate::metrics as m;
use crate::processor::Processor;
use bytes::Bytes;
use prost::Message;
use std::time::Duration;
use tenfold_domain::tables::ReadExt;
use tenfold_proto::lane::{InboxRecord, Relay, Resend, SentThrough, inbox_record::Content};

/// Messages of a sender that are missing, or may be.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// When it is asked for (monotonic), and how long after that again.
    due: Duration,
    every: Duration,
    /// The highest number that is known to exist: the gap stays until it is taken.
    seen: u64,
    /// The inbox was made anew.
    anew: Anew,
    /// The sender.
    from_service: String,
    from_lane: u32,
}

/// What a sender has said since the inbox was made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anew {
    /// It was not made anew: the gap showed itself.
    No,
    /// Nothing: it is asked.
    Asked,
    /// How far its messages went.
    Told,
}

impl Gap {
    /// Nothing is missing any more, with messages up to `n` taken, and nobody must be told.
    pub(super) fn is_filled(&self, n: u64) -> bool {
        self.anew == Anew::No && self.seen <= n
    }
}

impl<P: Processor> Lane<P> {
    /// A sender's numbers have a gap: passed over, and asked for when it stays.
    pub(super) fn gap(&mut self, stream: Id, relay: &Relay) {
        metrics::counter!(m::RELAYS_EARLY, "service" => self.context.service).increment(1);
        let every = self.context.limits.resend_after;
        let due = self.context.clock.monotonic() + every;
        let last = relay.messages.len().saturating_sub(1) as u64;
        let Phase::Owned(owned) = &mut self.phase else {
            return;
        };
        let gap = owned.gaps.entry(stream).or_insert_with(|| Gap {
            due,
            every,
            seen: 0,
            anew: Anew::No,
            from_service: relay.from_service.clone(),
            from_lane: relay.from_lane,
        });
        gap.seen = gap.seen.max(relay.first_n.saturating_add(last));
    }

    /// The lane was taken: senders who must still answer are asked, and all of them if the inbox was made anew.
    pub(super) fn ask_anew(&mut self) {
        let (Phase::Owned(owned), Some(state)) = (&mut self.phase, &self.state) else {
            return;
        };
        let now = self.context.clock.monotonic();
        for (name, row) in state.all::<ReceivedRow>() {
            let asked = owned.new_inbox.is_some() || state.get::<AskedRow>(&name).is_some();
            if asked && let Ok(uuid) = uuid::Uuid::parse_str(&name) {
                let gap = Gap {
                    due: now,
                    every: self.context.limits.resend_after,
                    seen: 0,
                    anew: Anew::Asked,
                    from_service: row.from_service,
                    from_lane: row.from_lane,
                };
                owned.gaps.insert(Id(*uuid.as_bytes()), gap);
            }
        }
    }

    /// Asks senders for what is missing too long: by itself, as nothing more may ever come.
    pub(super) fn ask_for_gaps(&mut self) {
        let now = self.context.clock.monotonic();
        let (Phase::Owned(owned), Some(state)) = (&mut self.phase, &self.state) else {
            return;
        };
        let mut asks = Vec::new();
        for (stream, gap) in &mut owned.gaps {
            if now >= gap.due {
                gap.due = now + gap.every;
                if gap.anew == Anew::Asked {
                    gap.every = (gap.every * 2).min(self.context.limits.resend_max);
                }
                let row: Option<ReceivedRow> = state.get(&stream.to_string());
                let resend = Resend {
                    stream_id: stream.to_bytes(),
                    to_topic: self.context.inbox().as_str().to_owned(),
                    to_lane: self.number,
                    from_n: row.map_or(0, |row| row.n).saturating_add(1),
                    answer: gap.anew != Anew::No,
                };
                asks.push((Topic::inbox(&gap.from_service), gap.from_lane, resend));
            }
        }
        for (inbox, lane, resend) in asks {
            tracing::warn!(
                service = self.context.service,
                lane = self.number,
                from = inbox.as_str(),
                from_lane = lane,
                from_n = resend.from_n,
                "asking a sender to send again"
            );
            // Lost on the way, it is asked for again as long as the gap stays.
            self.tell(&inbox, lane, Content::Resend(resend));
        }
    }

    /// Senders who have answered, and nothing of theirs is missing: the journal must know it.
    pub(super) fn answered(&self) -> Vec<Bytes> {
        let (Phase::Owned(owned), Some(state)) = (&self.phase, &self.state) else {
            return Vec::new();
        };
        let complete = |stream: &Id, seen: u64| {
            let row: Option<ReceivedRow> = state.get(&stream.to_string());
            row.map_or(0, |row| row.n) >= seen
        };
        owned
            .gaps
            .iter()
            .filter(|(stream, gap)| gap.anew == Anew::Told && complete(stream, gap.seen))
            .map(|(stream, _)| stream.to_bytes())
            .collect()
    }

    /// A sender says how far its messages went.
    pub(super) fn take_sent_through(&mut self, told: &SentThrough) {
        let every = self.context.limits.resend_after;
        let due = self.context.clock.monotonic() + every;
        if let Phase::Owned(Owned { gaps, .. }) = &mut self.phase
            && let Some(stream) = Id::from_slice(&told.stream_id)
            && let Some(gap) = gaps.get_mut(&stream)
            && gap.anew != Anew::No
        {
            gap.anew = Anew::Told;
            gap.seen = gap.seen.max(told.n);
            (gap.due, gap.every) = (due, every);
        }
    }

    /// A receiver asks for our messages from a number on.
    pub(super) fn take_resend(&mut self, resend: &Resend) {
        let ours = self
            .stamp
            .as_ref()
            .is_some_and(|stamp| resend.stream_id[..] == stamp.journal.stream.0[..]);
        if !ours {
            return;
        }
        let pair = (resend.to_topic.clone(), resend.to_lane);
        let n = self.outbox.acked(&pair);
        // Only to an inbox that there is: the request may be anybody's.
        let lanes = self.context.lanes.get(&resend.to_topic);
        let there = is_inbox(&pair) && lanes.is_some_and(|lanes| resend.to_lane < *lanes);
        if resend.answer && there {
            let told = SentThrough {
                stream_id: resend.stream_id.clone(),
                n,
            };
            let inbox = Topic::named(&resend.to_topic);
            self.tell(&inbox, resend.to_lane, Content::SentThrough(told));
        }
        if !self.outbox.go_back(&pair, resend.from_n) && resend.from_n <= n {
            self.send_history(pair, resend.from_n);
        }
    }

    fn tell(&self, inbox: &Topic, lane: u32, content: Content) {
        let record = InboxRecord {
            content: Some(content),
            traceparent: String::new(),
        };
        let record = NewRecord::of(record.encode_to_vec());
        self.context
            .log
            .append(Class::Relay, inbox, lane, record, Box::new(|_| {}));
    }
}
