//! The hot path's budget: where the time of a call went, and one line when it was too much.
//!
//! Applying to the cache is not part of a call: answers do not wait for it.

use crate::metrics as m;
use std::fmt;
use std::time::Duration;

/// Where the time of one call went, in its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From arrival until its batch began: the lane was busy with what came before.
    pub queue: Duration,
    /// Deciding its batch.
    pub decide: Duration,
    /// Until the log acknowledged the batch's record: the disk, or the brokers.
    pub append: Duration,
    /// From there until the answer was given: the lane had to wait for its turn, or to read the journal where the log was unclear.
    pub answer: Duration,
}

impl Stages {
    /// The stages by name, in order, with what it usually means when one takes most.
    const fn named(&self) -> [(&'static str, Duration, &'static str); 4] {
        [
            (
                "queue",
                self.queue,
                "the lane was busy with what came before",
            ),
            (
                "decide",
                self.decide,
                "the batch was large, or the machine busy",
            ),
            (
                "append",
                self.append,
                "the disk or the brokers were slow to acknowledge",
            ),
            ("answer", self.answer, "the machine was busy"),
        ]
    }

    /// All of it.
    pub fn total(&self) -> Duration {
        self.named().iter().map(|(_, time, _)| *time).sum()
    }

    /// The stage that took most, and what that usually means.
    pub fn longest(&self) -> (&'static str, &'static str) {
        self.named()
            .into_iter()
            .max_by_key(|(_, time, _)| *time)
            .map_or(("queue", ""), |(name, _, meaning)| (name, meaning))
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, time, _)) in self.named().into_iter().enumerate() {
            let gap = if i == 0 { "" } else { ", " };
            write!(f, "{gap}{name} {:.1} ms", time.as_secs_f64() * 1_000.0)?;
        }
        Ok(())
    }
}

/// At most one line in so long: where one call is late, hundreds are.
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// Watches the time of calls, or of posts: counts each that is over its budget, and explains one a second.
#[derive(Debug)]
pub struct Watch {
    service: &'static str,
    budget: Duration,
    /// No line before this time of the monotonic clock.
    quiet_until: Duration,
    /// Over budget since the last line, and not told.
    untold: u64,
}

impl Watch {
    /// What takes longer than `budget` is explained.
    pub const fn new(service: &'static str, budget: Duration) -> Self {
        Self {
            service,
            budget,
            quiet_until: Duration::ZERO,
            untold: 0,
        }
    }

    /// Looks at one answered call. True if a line told of it.
    pub fn call(&mut self, lane: u32, stages: &Stages, now: Duration) -> bool {
        metrics::histogram!(m::ANSWER_SECONDS, "service" => self.service)
            .record(stages.answer.as_secs_f64());
        let total = stages.total();
        let (stage, meaning) = stages.longest();
        let Some(before) = self.over(total, stage, now) else {
            return false;
        };
        tracing::warn!(
            service = self.service,
            lane,
            total_ms = total.as_secs_f64() * 1_000.0,
            budget_ms = self.budget.as_secs_f64() * 1_000.0,
            longest = stage,
            before,
            "over budget: {stages}; most in {stage}: {meaning}"
        );
        true
    }

    /// Looks at one durable acknowledgement of inputs from outside: its time is the log's alone. True if a line told
    /// of it.
    pub fn post(&mut self, lane: u32, took: Duration, now: Duration) -> bool {
        metrics::histogram!(m::POST_SECONDS, "service" => self.service).record(took.as_secs_f64());
        let Some(before) = self.over(took, "post", now) else {
            return false;
        };
        tracing::warn!(
            service = self.service,
            lane,
            total_ms = took.as_secs_f64() * 1_000.0,
            budget_ms = self.budget.as_secs_f64() * 1_000.0,
            before,
            "over budget: an acknowledgement waited for the disk, the brokers, or others before it"
        );
        true
    }

    /// Counts one that took too long. If it is time for a line: how many were over budget since the last.
    fn over(&mut self, total: Duration, stage: &'static str, now: Duration) -> Option<u64> {
        if total <= self.budget {
            return None;
        }
        metrics::counter!(m::CALLS_OVER_BUDGET, "service" => self.service, "stage" => stage)
            .increment(1);
        if now < self.quiet_until {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.quiet_until = now.saturating_add(BETWEEN_LINES);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Duration = Duration::from_millis(20);

    fn stages(queue: u64, append: u64) -> Stages {
        Stages {
            queue: Duration::from_millis(queue),
            append: Duration::from_millis(append),
            ..Stages::default()
        }
    }

    #[test]
    fn a_scan_within_the_budget_is_no_news() {
        let mut watch = Watch::new("pooling", BUDGET);
        assert!(!watch.call(0, &stages(5, 15), Duration::ZERO));
    }

    #[test]
    fn a_scan_over_the_budget_is_explained_by_its_longest_stage() {
        let slow = stages(5, 16);
        assert!(Watch::new("pooling", BUDGET).call(0, &slow, Duration::ZERO));
        assert_eq!(slow.longest().0, "append");
        assert_eq!(
            slow.to_string(),
            "queue 5.0 ms, decide 0.0 ms, append 16.0 ms, answer 0.0 ms"
        );
    }

    #[test]
    fn when_a_broker_dies_under_a_hundred_scans_one_line_a_second_tells_of_them() {
        let mut watch = Watch::new("pooling", BUDGET);
        let at = Duration::from_secs(60);
        let lines = (0..100)
            .filter(|_| watch.call(0, &stages(0, 6_000), at))
            .count();
        assert_eq!(lines, 1);
        assert_eq!(watch.untold, 99);
        assert!(watch.call(0, &stages(0, 30), at + BETWEEN_LINES));
        assert_eq!(watch.untold, 0, "the line said how many came before it");
    }
}
