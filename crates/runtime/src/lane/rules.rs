//! The rules of an owner as pure functions: when a lane is owned, and when a record is committed.
//!
//! Shared by the lane and by the model that checks the protocol (`crates/model`), so that what is
//! proven is what runs. The rule of what counts is [`super::validity`]; the rules of messages are
//! [`super::outbox`] and [`super::receive`].

use super::record::{self, Id};
use super::validity::{Chain, Verdict, judge};
use crate::log::{AppendError, Appended};
use bytes::Bytes;
use tenfold_proto::lane::Envelope;

/// What a record is to a would-be owner that reads on for its own `LaneOpened`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Not ours: read on.
    On,
    /// Ours, and valid: the lane is owned.
    Owned,
    /// Ours, and too late: another took the lane.
    Fenced,
}

/// Taking a lane: it is owned when the own `LaneOpened`, named `own`, is read back and valid. That it
/// was appended proves nothing.
#[must_use]
pub fn opening(own: Id, verdict: Verdict, envelope: Option<&Envelope>) -> Opening {
    if envelope.is_none_or(|envelope| envelope.owner[..] != own.0[..]) {
        return Opening::On;
    }
    match verdict {
        Verdict::Opened => Opening::Owned,
        Verdict::Ignored(_) => Opening::Fenced,
        Verdict::Created | Verdict::Decisions | Verdict::Stop(_) => Opening::On,
    }
}

/// What an owner does about the oldest record in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head<'a> {
    /// Its append has not ended.
    Wait,
    /// It is committed.
    Commit,
    /// It is in the log, but not where it was expected, or nobody knows where: read what is there.
    Look,
    /// It may be in the log, or not: the lane is taken again.
    Failed(&'a AppendError),
}

/// Commits: success *at the expected offset*. Only ever asked of the oldest record in flight, so that
/// reports are used strictly in the order of seq.
#[must_use]
pub fn head(expected: u64, report: Option<&Result<Appended, AppendError>>) -> Head<'_> {
    match report {
        None => Head::Wait,
        Some(Ok(Appended { offset })) if *offset == Some(expected) => Head::Commit,
        Some(Ok(_)) => Head::Look,
        Some(Err(error)) => Head::Failed(error),
    }
}

/// What a record behind the expected offset is to an owner who looks for its oldest in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Counts for nobody: look further.
    On,
    /// It is the one, and it counts.
    Committed,
    /// Another took the lane before it.
    Fenced,
    /// It carries our epoch and name, and counts, and is not ours: the lane must stop.
    Another,
}

/// Looking for the oldest record in flight, whose stored bytes are `own`, with the valid prefix at `chain`.
#[must_use]
pub fn look(chain: &Chain, own: &Bytes, stored: &Bytes, supported: u32) -> Look {
    match judge(chain, false, record::read(stored).as_ref(), supported) {
        Verdict::Opened => Look::Fenced,
        Verdict::Decisions if own == stored => Look::Committed,
        Verdict::Decisions | Verdict::Stop(_) => Look::Another,
        Verdict::Created | Verdict::Ignored(_) => Look::On,
    }
}

/// Does a record behind all of its own tell an owner, whose valid prefix is at `chain`, that another took the lane?
#[must_use]
pub fn taken(chain: &Chain, stored: &Bytes, supported: u32) -> bool {
    let verdict = judge(chain, false, record::read(stored).as_ref(), supported);
    verdict == Verdict::Opened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::validity::Stray;
    use tenfold_proto::lane::{Decisions, LaneOpened};

    const OURS: Id = Id([1; 16]);

    #[test]
    fn only_our_own_valid_lane_opened_gives_us_the_lane() {
        let ours = record::opened(4, OURS, &LaneOpened::default());
        let theirs = record::opened(4, Id([2; 16]), &LaneOpened::default());
        let (ours, theirs) = (record::read(&ours), record::read(&theirs));
        let late = Verdict::Ignored(Stray::OldEpoch);
        for (verdict, envelope, what) in [
            (Verdict::Opened, ours.as_ref(), Opening::Owned),
            (late, ours.as_ref(), Opening::Fenced),
            (Verdict::Opened, theirs.as_ref(), Opening::On),
            (late, theirs.as_ref(), Opening::On),
            (Verdict::Ignored(Stray::Unreadable), None, Opening::On),
        ] {
            assert_eq!(opening(OURS, verdict, envelope), what, "{verdict:?}");
        }
    }

    #[test]
    fn only_success_at_the_expected_offset_commits() {
        let at = |offset| Ok(Appended { offset });
        let unknown = AppendError::Unknown("time-out".to_owned());
        assert_eq!(head(7, None), Head::Wait);
        assert_eq!(head(7, Some(&at(Some(7)))), Head::Commit);
        assert_eq!(head(7, Some(&at(Some(6)))), Head::Look);
        assert_eq!(head(7, Some(&at(Some(8)))), Head::Look);
        assert_eq!(head(7, Some(&at(None))), Head::Look);
        let failed = Err(unknown.clone());
        assert_eq!(head(7, Some(&failed)), Head::Failed(&unknown));
    }

    #[test]
    fn whoever_looks_for_its_record_finds_it_or_the_one_who_fenced_it() {
        let chain = Chain {
            epoch: 4,
            owner: OURS,
            ..Chain::default()
        };
        let own = record::decisions(&chain, 1, &Decisions::default());
        let other = Decisions {
            decided_at: 9,
            ..Decisions::default()
        };
        let other = record::decisions(&chain, 1, &other);
        let opened = record::opened(5, Id([2; 16]), &LaneOpened::default());
        let again = record::opened(4, OURS, &LaneOpened::default());
        for (stored, what) in [
            (own.clone(), Look::Committed),
            (opened, Look::Fenced),
            (other, Look::Another),
            (again, Look::On),
            (Bytes::from_static(b"\xff"), Look::On),
        ] {
            assert_eq!(look(&chain, &own, &stored, 1), what);
            assert_eq!(taken(&chain, &stored, 1), what == Look::Fenced);
        }
    }
}
