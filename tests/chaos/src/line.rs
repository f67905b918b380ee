//! What a round came to, for people and for programs.

use crate::fault::{Fault, Kind};
use crate::strike::Struck;
use serde_json::{Value, json};
use std::time::Duration;

/// A round.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number, from 1.
    pub round: usize,
    /// What was done.
    pub fault: Fault,
    /// To whom.
    pub struck: Struck,
    /// From the fault until everything ran again.
    pub healed: Duration,
    /// How long each scan took that was under way in the round, in order of size.
    pub scans: Vec<Duration>,
    /// Lanes that got a new owner.
    pub moved: usize,
    /// Owners that were fenced.
    pub fenced: usize,
    /// Lanes lost for other reasons: unknown outcomes, new assignments.
    pub lost: usize,
}

/// The columns of [`Line::text`].
pub const HEAD: &str = "round  fault                                   victim            healed  scans   p50     p99     max     moved fenced lost";

impl Line {
    /// The longest scan.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.scans.last().copied().unwrap_or_default()
    }

    /// A part of the scans took no longer.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        quantile(&self.scans, part)
    }

    /// Whether an instance was killed with -9, in whatever way.
    #[must_use]
    pub const fn is_kill(&self) -> bool {
        matches!(
            self.fault.kind,
            Kind::KillInstance
                | Kind::LoseInstance
                | Kind::DeleteCache
                | Kind::TruncateCache
                | Kind::ChangeLeaves
                | Kind::CrashPoint
        )
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let missed = if self.struck.missed {
            " (not reached)"
        } else {
            ""
        };
        format!(
            "{:>5}  {:<38}  {:<16}  {:>5.1}s  {:>5}  {:>6}  {:>6}  {:>6}  {:>5}  {:>5}  {:>4}",
            self.round,
            format!("{}{missed}", self.fault),
            self.struck.victim,
            self.healed.as_secs_f64(),
            self.scans.len(),
            short(self.quantile(0.5)),
            short(self.quantile(0.99)),
            short(self.longest()),
            self.moved,
            self.fenced,
            self.lost,
        )
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
        json!({
            "round": self.round,
            "fault": self.fault.to_string(),
            "victim": self.struck.victim,
            "missed": self.struck.missed,
            "healed_ms": ms(self.healed),
            "scans": self.scans.len(),
            "p50_ms": ms(self.quantile(0.5)),
            "p99_ms": ms(self.quantile(0.99)),
            "max_ms": ms(self.longest()),
            "lanes_moved": self.moved,
            "owners_fenced": self.fenced,
            "lanes_lost": self.lost,
        })
    }
}

/// A part of a sorted list is no larger than this.
#[must_use]
pub fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

fn short(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
