//! Messages from lane to lane: each pair of stream and target has numbers without gaps, and what the
//! receiver says it took must be what the sender's journal says it sent.
//!
//! Both sides keep a chain digest over all bodies, so that comparing it at one number compares every
//! message up to it. What was sent and not yet applied is kept, about 40 bytes a message, to count it.

use crate::chain::{Digest, Name, chained};
use crate::source::LaneName;
use std::collections::{HashMap, VecDeque};

/// What a message is about, as far as the sums need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct About {
    /// Which message.
    pub kind: u8,
    /// Hash of the barcode, tube or plate it is about.
    pub subject: u64,
}

#[derive(Debug)]
struct InFlight {
    digest: [u8; 16],
    about: About,
}

/// One stream to one target.
#[derive(Debug, Default)]
pub struct Pair {
    /// Number of the last message sent.
    pub sent: u64,
    digest: Digest,
    /// Number of the last message applied (inboxes) or known to have arrived (public topics).
    pub applied: u64,
    /// Number up to which the sender says that all have arrived.
    pub relayed: u64,
    flying: VecDeque<InFlight>,
}

/// What is wrong with how far a message was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The sender never sent so many.
    NeverSent {
        /// How many it sent.
        sent: u64,
    },
    /// It took a number again that it had taken.
    Again {
        /// The last that it had taken.
        had: u64,
    },
    /// The messages up to it are others than those sent.
    Content,
}

impl Pair {
    /// The chain digest up to the last message sent.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// One more message sent.
    pub fn send(&mut self, body: &[u8], about: About) {
        self.sent = self.sent.saturating_add(1);
        self.digest = chained(&self.digest, body);
        let mut digest = [0; 16];
        digest.copy_from_slice(&self.digest[..16]);
        self.flying.push_back(InFlight { digest, about });
    }

    /// The receiver applied everything up to a number, with this digest.
    ///
    /// # Errors
    /// It cannot have.
    pub fn apply(&mut self, n: u64, digest: &Digest) -> Result<(), Mismatch> {
        if n > self.sent {
            return Err(Mismatch::NeverSent { sent: self.sent });
        }
        if n <= self.applied {
            return Err(Mismatch::Again { had: self.applied });
        }
        let last = self.pass(n);
        if last.is_none_or(|last| last.digest[..] != digest[..16]) {
            return Err(Mismatch::Content);
        }
        Ok(())
    }

    /// The target is known to have everything up to a number.
    fn pass(&mut self, n: u64) -> Option<InFlight> {
        let mut last = None;
        while self.applied < n {
            last = self.flying.pop_front();
            self.applied = self.applied.saturating_add(1);
        }
        last
    }

    /// The sender's journal says that all up to a number have arrived. For a public topic that is the
    /// end of the way.
    pub fn arrived(&mut self, n: u64, public: bool) {
        self.relayed = self.relayed.max(n);
        if public {
            self.pass(n.min(self.sent));
        }
    }

    /// What was sent and not applied, with its numbers.
    pub fn in_flight(&self) -> impl Iterator<Item = About> + '_ {
        self.flying.iter().map(|flying| flying.about)
    }
}

/// All pairs.
#[derive(Debug, Default)]
pub struct Pairs(HashMap<(Name, LaneName), Pair>);

impl Pairs {
    /// A pair, made if it is not there.
    pub fn of(&mut self, stream: Name, to: &LaneName) -> &mut Pair {
        self.0.entry((stream, to.clone())).or_default()
    }

    /// Number of the last message sent.
    #[must_use]
    pub fn sent(&self, stream: Name, to: &LaneName) -> u64 {
        self.0
            .get(&(stream, to.clone()))
            .map_or(0, |pair| pair.sent)
    }

    /// All pairs.
    pub fn all(&self) -> impl Iterator<Item = (&LaneName, &Pair)> {
        self.0.iter().map(|((_, to), pair)| (to, pair))
    }
}
