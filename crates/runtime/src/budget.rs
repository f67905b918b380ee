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
    /// From there until the answer was given: reading the journal where the log was unclear.
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

/// Looks at one answered call; over `budget`, counts it and explains it in one line. True if it was over.
pub fn observe(service: &'static str, lane: u32, stages: &Stages, budget: Duration) -> bool {
    metrics::histogram!(m::ANSWER_SECONDS, "service" => service)
        .record(stages.answer.as_secs_f64());
    let total = stages.total();
    if total <= budget {
        return false;
    }
    let (stage, meaning) = stages.longest();
    metrics::counter!(m::CALLS_OVER_BUDGET, "service" => service, "stage" => stage).increment(1);
    tracing::warn!(
        service,
        lane,
        total_ms = total.as_secs_f64() * 1_000.0,
        budget_ms = budget.as_secs_f64() * 1_000.0,
        longest = stage,
        "over budget: {stages}; most in {stage}: {meaning}"
    );
    true
}

/// Looks at one durable acknowledgement of inputs from outside: its time is the log's alone.
pub fn posted(service: &'static str, lane: u32, took: Duration, budget: Duration) {
    metrics::histogram!(m::POST_SECONDS, "service" => service).record(took.as_secs_f64());
    if took > budget {
        metrics::counter!(m::CALLS_OVER_BUDGET, "service" => service, "stage" => "post")
            .increment(1);
        tracing::warn!(
            service,
            lane,
            total_ms = took.as_secs_f64() * 1_000.0,
            budget_ms = budget.as_secs_f64() * 1_000.0,
            "over budget: an acknowledgement waited for the disk, the brokers, or others before it"
        );
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
        assert!(!observe("pooling", 0, &stages(5, 15), BUDGET));
    }

    #[test]
    fn a_scan_over_the_budget_is_explained_by_its_longest_stage() {
        let slow = stages(5, 16);
        assert!(observe("pooling", 0, &slow, BUDGET));
        assert_eq!(slow.longest().0, "append");
        assert_eq!(
            slow.to_string(),
            "queue 5.0 ms, decide 0.0 ms, append 16.0 ms, answer 0.0 ms"
        );
    }
}
