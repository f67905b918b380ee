//! Folding one journal record into a lane's state: the service's events, then the engine's own rows.
//!
//! The owner folds what it decides with the same functions, so that a replay cannot differ.

use super::record::{Hash, Id};
use super::rows::{AskedRow, NextOutcome, OutcomeRow, ReceivedRow, SentRow};
use super::state::LaneState;
use crate::processor::{FoldError, Processor};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tenfold_domain::Timestamp;
use tenfold_domain::tables::{ReadExt, WriteExt};
use tenfold_proto::lane::{Decisions, OutMessage};

/// Most expired answers forgotten with one record: a record that comes after a long pause must not
/// take long to fold.
const FORGET_MAX: usize = 2_048;

/// Folds a record that was read. Answers its messages, each with the chain digest before it.
///
/// # Errors
/// An event that this release does not know, or that contradicts the state.
pub fn record<P: Processor>(
    processor: &P,
    state: &mut LaneState,
    decisions: &Decisions,
) -> Result<Vec<(OutMessage, Hash)>, FoldError> {
    let at = Timestamp(decisions.decided_at);
    // A panic would end the thread, and with it lanes that have nothing to do with it.
    catch_unwind(AssertUnwindSafe(|| {
        for bytes in &decisions.events {
            let event = processor.decode(bytes)?;
            processor.evolve(state, &event, at)?;
        }
        Ok(())
    }))
    .unwrap_or_else(|_| Err(FoldError("folding it failed: see the log".to_owned())))?;
    rows(state, decisions)
}

/// Folds the engine's own part of a record. Answers its messages, each with the chain digest before it.
///
/// # Errors
/// A field is not of the form it must have.
pub fn rows(
    state: &mut LaneState,
    decisions: &Decisions,
) -> Result<Vec<(OutMessage, Hash)>, FoldError> {
    outcomes(state, decisions)?;
    if !decisions.inbox_id.is_empty() {
        for (stream, _) in state.all::<ReceivedRow>() {
            state.put(&stream, &AskedRow);
        }
    }
    for stream in &decisions.answered {
        let stream = Id::from_slice(stream).ok_or_else(|| bad("answered"))?;
        state.delete::<AskedRow>(&stream.to_string());
    }
    let (messages, tips) = tipped(decisions)?;
    for ((topic, lane), (n, digest)) in tips {
        let key = (topic.to_owned(), u64::from(lane));
        let mut row: SentRow = state.get(&key).unwrap_or_default();
        if row.n < n {
            row.n = n;
            row.digest = digest;
            state.put(&key, &row);
        }
    }
    for mark in &decisions.relayed {
        let key = (mark.topic.clone(), u64::from(mark.lane));
        let mut row: SentRow = state.get(&key).unwrap_or_default();
        row.relayed = row.relayed.max(mark.n);
        state.put(&key, &row);
    }
    for mark in &decisions.received {
        let stream = Id::from_slice(&mark.stream_id).ok_or_else(|| bad("stream_id"))?;
        let row = ReceivedRow {
            n: mark.n,
            digest: Hash::from_slice(&mark.digest).ok_or_else(|| bad("digest"))?,
            from_service: mark.from_service.clone(),
            from_lane: mark.from_lane,
        };
        state.put(&stream.to_string(), &row);
    }
    Ok(messages)
}

/// The messages of a record, each with the chain digest before it.
///
/// # Errors
/// A target without its mark, or a number out of order.
pub fn numbered(decisions: &Decisions) -> Result<Vec<(OutMessage, Hash)>, FoldError> {
    tipped(decisions).map(|(messages, _)| messages)
}

/// Number and digest of the last message, by target.
type Tips<'a> = BTreeMap<(&'a str, u32), (u64, Hash)>;

/// The messages of a record, and where each target stands behind them.
fn tipped(decisions: &Decisions) -> Result<(Vec<(OutMessage, Hash)>, Tips<'_>), FoldError> {
    let mut tips = Tips::new();
    for mark in &decisions.sending {
        let digest = Hash::from_slice(&mark.digest).ok_or_else(|| bad("sending.digest"))?;
        tips.insert((&mark.topic, mark.lane), (mark.n, digest));
    }
    let mut numbered = Vec::with_capacity(decisions.messages.len());
    for message in &decisions.messages {
        let tip = tips
            .get_mut(&(message.topic.as_str(), message.lane))
            .ok_or_else(|| bad("sending"))?;
        if Some(message.n) != tip.0.checked_add(1) {
            return Err(bad("messages.n"));
        }
        numbered.push((message.clone(), tip.1));
        *tip = (message.n, tip.1.chain(&message.body));
    }
    Ok((numbered, tips))
}

fn outcomes(state: &mut LaneState, decisions: &Decisions) -> Result<(), FoldError> {
    let mut expired = Vec::new();
    let is_expired = |row: &OutcomeRow| row.expires_at.0 <= decisions.decided_at;
    // Most often none is, and where the first is, is remembered: a visit copies a leaf of the cache.
    if state
        .first::<OutcomeRow>()
        .is_some_and(|(_, row)| is_expired(&row))
    {
        state.scan::<OutcomeRow>(&0, |number, row| {
            if !is_expired(&row) || expired.len() >= FORGET_MAX {
                return ControlFlow::Break(());
            }
            expired.push(number);
            ControlFlow::Continue(())
        });
    }
    for number in expired {
        state.delete::<OutcomeRow>(&number);
    }
    if decisions.outcomes.is_empty() {
        return Ok(());
    }
    let NextOutcome(mut next) = state.get(&()).unwrap_or_default();
    for outcome in &decisions.outcomes {
        let answer = outcome.answer.as_ref().ok_or_else(|| bad("answer"))?;
        let row = OutcomeRow {
            name: OutcomeRow::name_of(&outcome.actor, &outcome.request_id),
            command: Hash::from_slice(&outcome.command_hash).ok_or_else(|| bad("command_hash"))?,
            expires_at: Timestamp(outcome.expires_at),
            answer: prost::Message::encode_to_vec(answer),
        };
        state.put(&next, &row);
        next = next.saturating_add(1);
    }
    state.put(&(), &NextOutcome(next));
    Ok(())
}

fn bad(field: &str) -> FoldError {
    FoldError(format!("field {field} of the record is not as it must be"))
}
