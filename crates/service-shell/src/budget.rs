//! The hot path's budget: where the time of a command goes, and one line when it was too much.

use crate::config;
use metrics::{counter, histogram};
use std::fmt;
use std::time::Duration;

/// Where the time of one command went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From arrival until its batch began: waiting for the lane.
    pub queue: Duration,
    /// Deciding its batch.
    pub decide: Duration,
    /// Until the log acknowledged the batch's record: the disk, or the brokers.
    pub append: Duration,
    /// Until the state had it.
    pub apply: Duration,
    /// Until the caller had the answer.
    pub answer: Duration,
}

impl Stages {
    /// The stages by name, in order.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("queue", self.queue),
            ("decide", self.decide),
            ("append", self.append),
            ("apply", self.apply),
            ("answer", self.answer),
        ]
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.named().iter().map(|(_, time)| *time).sum()
    }

    /// The stage that took most, and what that usually means.
    #[must_use]
    pub fn longest(&self) -> (&'static str, &'static str) {
        let name = self
            .named()
            .into_iter()
            .max_by_key(|(_, time)| *time)
            .map_or("queue", |(name, _)| name);
        let meaning = match name {
            "queue" => "the lane was busy with what came before",
            "decide" => "the batch was large, or the machine busy",
            "append" => "the disk or the brokers were slow to acknowledge",
            "apply" => "the state was slow to take it",
            _ => "the answer was slow to leave: the machine was busy",
        };
        (name, meaning)
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, time)) in self.named().into_iter().enumerate() {
            let gap = if i == 0 { "" } else { ", " };
            write!(f, "{gap}{name} {:.1} ms", time.as_secs_f64() * 1_000.0)?;
        }
        Ok(())
    }
}

/// The budget of one service's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    limit: Duration,
}

impl Budget {
    /// The budget of a command that somebody waits for.
    #[must_use]
    pub const fn of_commands(settings: &config::Budget) -> Self {
        Self {
            limit: Duration::from_millis(settings.scan_ms),
        }
    }

    /// The budget of a durable acknowledgement.
    #[must_use]
    pub const fn of_acknowledgements(settings: &config::Budget) -> Self {
        Self {
            limit: Duration::from_millis(settings.acknowledgement_ms),
        }
    }

    /// Counts one command; over budget, also explains it in one line. True if it was over.
    pub fn observe(&self, service: &'static str, lane: u32, stages: &Stages) -> bool {
        for (stage, time) in stages.named() {
            histogram!("tenfold_call_stage_seconds", "service" => service, "stage" => stage)
                .record(time.as_secs_f64());
        }
        let total = stages.total();
        histogram!("tenfold_call_seconds", "service" => service).record(total.as_secs_f64());
        if total <= self.limit {
            return false;
        }
        let (stage, meaning) = stages.longest();
        counter!("tenfold_calls_over_budget_total", "service" => service, "stage" => stage)
            .increment(1);
        tracing::warn!(
            service,
            lane,
            total_ms = total.as_secs_f64() * 1_000.0,
            budget_ms = self.limit.as_secs_f64() * 1_000.0,
            longest = stage,
            "over budget: {stages}; most in {stage}: {meaning}"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget {
        limit: Duration::from_millis(20),
    };

    fn stages(queue: u64, append: u64) -> Stages {
        Stages {
            queue: Duration::from_millis(queue),
            append: Duration::from_millis(append),
            ..Stages::default()
        }
    }

    #[test]
    fn a_scan_within_the_budget_is_only_counted() {
        assert!(!BUDGET.observe("pooling", 0, &stages(5, 15)));
    }

    #[test]
    fn a_scan_over_the_budget_is_explained_by_its_longest_stage() {
        let slow = stages(5, 16);
        assert!(BUDGET.observe("pooling", 0, &slow));
        assert_eq!(slow.longest().0, "append");
        assert_eq!(
            slow.to_string(),
            "queue 5.0 ms, decide 0.0 ms, append 16.0 ms, apply 0.0 ms, answer 0.0 ms"
        );
    }
}
