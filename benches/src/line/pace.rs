//! Arrivals on a schedule that waits for nobody: a tube is registered when it is due, in a batch with what came in the same quarter of a
//! second, and its time counts from when it was due.

use crate::lab::{BATCH, WINDOW, registered};
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use tokio::sync::mpsc;
use tonic::transport::Channel;

/// Between two looks at what is due: a registration goes so much later at most, and one batch carries what came together. With 20 ms,
/// 200 tubes a second on three brokers fell behind by as much as ten seconds: a record a lane for every tube or two.
const LOOK: Duration = Duration::from_millis(250);

/// Tubes of all labs, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    began: Instant,
    per_second: f64,
}

impl Pace {
    /// So many a second from now on.
    #[must_use]
    pub fn from_now(per_second: f64) -> Self {
        Self {
            began: Instant::now(),
            per_second,
        }
    }

    /// When the n-th from 0 is due.
    #[must_use]
    pub fn due(&self, nth: usize) -> Instant {
        self.began + Duration::from_secs_f64(nth as f64 / self.per_second)
    }

    /// How many were due at a moment, if they went on for ever.
    #[must_use]
    pub fn due_at(&self, moment: Instant) -> usize {
        let passed = moment.saturating_duration_since(self.began).as_secs_f64();
        (passed * self.per_second) as usize + 1
    }
}

/// Registers so many tubes, each when it is due, until all are acknowledged as durable. They are made when they are sent: all of a
/// day at once would be much memory, and collected long before.
///
/// # Errors
/// The stream ends early.
pub async fn register(
    channel: Channel,
    source: String,
    count: usize,
    pace: Pace,
    registration: impl Fn(usize) -> v1::Registration + Send + 'static,
) -> anyhow::Result<()> {
    let (sender, batches) = mpsc::channel(WINDOW);
    tokio::spawn(async move {
        let mut sent = 0;
        while sent < count {
            let due = pace.due_at(Instant::now()).min(count);
            let until = due.min(sent + BATCH);
            let batch = v1::RegisterBatch {
                actor: "bench".to_owned(),
                source: source.clone(),
                first_sequence: (sent + 1) as u64,
                registrations: (sent..until).map(&registration).collect(),
            };
            if until > sent && sender.send(batch).await.is_err() {
                return;
            }
            sent = until;
            if sent == due {
                tokio::time::sleep(LOOK).await;
            }
        }
    });
    registered(channel, batches, count).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_a_moment_is_all_whose_time_has_come() {
        let pace = Pace::from_now(100.0);
        for nth in [0, 1, 99, 100_000] {
            let at = pace.due(nth) + Duration::from_millis(1);
            assert_eq!(pace.due_at(at), nth + 1);
        }
    }
}
