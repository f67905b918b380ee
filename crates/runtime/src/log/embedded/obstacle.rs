//! What may stand in the way of the next commit: no room, or a file that must be opened again.

use super::reserve;
use super::shared::Op;
use super::store;
use super::writer::Writer;
use crate::log::AppendError;
use std::time::{Duration, Instant};

/// The disk is full.
pub(super) struct Full {
    reason: String,
    look_again: Instant,
}

/// The database could not be opened again.
pub(super) struct Closed {
    pub(super) full: bool,
    pub(super) reason: String,
}

/// How often room is looked for while there is none.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Writer {
    /// Why nothing can be written now, if so: there is no room, or the file cannot be opened.
    pub(super) fn obstacle(&mut self) -> Option<AppendError> {
        if let Some(full) = &self.full
            && Instant::now() < full.look_again
        {
            return Some(AppendError::NoRoom(full.reason.clone()));
        }
        let kept = self.reserve.keep();
        // Reading needs no room once the file is open.
        let opened = match self.shared.is_open() {
            true => Ok(()),
            false => self.reopen().map(|()| {
                for wake in self.reload() {
                    wake();
                }
            }),
        };
        let (full, reason) = match (kept, opened) {
            (Err(error), _) => (true, format!("the log's disk is full ({error})")),
            (_, Err(closed)) => (closed.full, closed.reason),
            (Ok(()), Ok(())) => {
                if self.full.take().is_some() {
                    tracing::info!("log: there is room again");
                }
                return None;
            }
        };
        if !full {
            return Some(AppendError::NotSent(reason));
        }
        self.full = Some(Full {
            reason: reason.clone(),
            look_again: Instant::now() + LOOK_EVERY,
        });
        Some(AppendError::NoRoom(reason))
    }

    pub(super) fn refuse(ops: Vec<Op>, obstacle: &AppendError) {
        for op in ops {
            match op {
                Op::Append { done, .. } => done(Err(obstacle.clone())),
                Op::Reject(error, done) => done(Err(error)),
                // Its caller may have given up waiting.
                Op::StorePosition { reply, .. }
                | Op::Trim { reply, .. }
                | Op::Create { reply, .. } => {
                    drop(reply.send(Err(obstacle.to_string())));
                }
            }
        }
    }

    pub(super) fn reopen(&self) -> Result<(), Closed> {
        let mut opened = Ok(());
        self.shared.replace_database(|| match (self.opener)() {
            Ok(database) => Some(database),
            Err(error) => {
                tracing::error!(%error, "log: cannot be opened again; tried again at the next append");
                let reason = error.to_string();
                let full = is_full(&error.into());
                opened = Err(Closed { full, reason });
                None
            }
        });
        opened
    }

    pub(super) fn reload(&self) -> Vec<crate::log::Wake> {
        let loaded = self.shared.with_database(|database| {
            let topics = store::load_topics(database)?;
            let lanes = store::load_lanes(database, &topics)?;
            Ok((topics, lanes))
        });
        match loaded {
            Ok((topics, lanes)) => {
                self.shared.set_topics(topics);
                self.shared.publish(lanes)
            }
            Err(error) => {
                tracing::error!(%error, "log: cannot be read after opening it again");
                self.shared.replace_database(|| None);
                Vec::new()
            }
        }
    }
}

/// The disk is why this failed.
pub(super) fn is_full(error: &redb::Error) -> bool {
    matches!(error, redb::Error::Io(error) if reserve::is_full(error))
}
