//! What is done to the system, and in which order.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::fmt;
use tenfold_runtime::crash::PLACES;

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Kind {
    /// kill -9 of an instance, started again after a second.
    KillInstance,
    /// kill -9 of an instance that stays down until the others have its lanes.
    LoseInstance,
    /// kill -9 of a broker, started again after some seconds.
    KillBroker,
    /// An instance is stopped for 20 s and wakes as a zombie.
    Zombie,
    /// The network between an instance and the brokers is cut.
    Cut,
    /// It swallows everything, and nobody is told.
    Silent,
    /// Appends arrive, and their acknowledgements do not.
    NoAnswers,
    /// Everything takes longer.
    Slow,
    /// An instance crashes at an exact place of its loop.
    CrashPoint,
    /// An instance is killed and its cache deleted.
    DeleteCache,
    /// An instance is killed and a file of its cache truncated.
    TruncateCache,
    /// An instance is killed and leaves of its cache changed, under a right checksum.
    ChangeLeaves,
    /// All instances are restarted one after another, politely.
    RollingRestart,
    /// A third instance of each service joins, works, and leaves.
    ThirdInstance,
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind::KillInstance,
    Kind::CrashPoint,
    Kind::KillBroker,
    Kind::Zombie,
    Kind::NoAnswers,
    Kind::DeleteCache,
    Kind::Cut,
    Kind::TruncateCache,
    Kind::ChangeLeaves,
    Kind::LoseInstance,
    Kind::RollingRestart,
    Kind::Slow,
    Kind::ThirdInstance,
    Kind::Silent,
];

/// A fault with its victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Which instance (0 to 5: those of a service side by side) or broker (modulo three).
    pub victim: usize,
    /// The place of a crash; empty for others.
    pub place: &'static str,
    /// How many times the place is passed before.
    pub after: u32,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::CrashPoint => write!(f, "crash at {}", self.place),
            kind => f.write_str(kind.words()),
        }
    }
}

impl Kind {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::KillInstance => "kill -9",
            Self::LoseInstance => "kill -9, stays down",
            Self::KillBroker => "kill -9 of a broker",
            Self::Zombie => "stopped for 20 s",
            Self::Cut => "network cut",
            Self::Silent => "network silent",
            Self::NoAnswers => "acknowledgements lost",
            Self::Slow => "network slow",
            Self::CrashPoint => "crash point",
            Self::DeleteCache => "cache deleted",
            Self::TruncateCache => "cache truncated",
            Self::ChangeLeaves => "cache changed",
            Self::RollingRestart => "rolling restart",
            Self::ThirdInstance => "third instances",
        }
    }
}

/// So many faults of these kinds: every kind in turn in an order drawn by the seed, every crash place in turn; the service that is
/// hit goes round too, so that nobody is spared.
#[must_use]
pub fn plan(rounds: usize, seed: u64, of: &[Kind]) -> Vec<Fault> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut places = PLACES.iter().cycle();
    let mut kinds: Vec<Kind> = Vec::new();
    let mut service = chance.random_range(0..3_usize);
    (0..rounds)
        .map(|_| {
            if kinds.is_empty() {
                kinds = of.to_vec();
                // Crashes at exact places are many: two in every turn.
                kinds.extend(of.iter().find(|kind| **kind == Kind::CrashPoint));
                kinds.shuffle(&mut chance);
            }
            let kind = kinds.pop().unwrap_or(Kind::KillInstance);
            service = (service + 1) % 3;
            let proxied = matches!(
                kind,
                Kind::Cut | Kind::Silent | Kind::NoAnswers | Kind::Slow
            );
            let second = if proxied {
                0
            } else {
                chance.random_range(0..2)
            };
            let place = match kind {
                Kind::CrashPoint => places.next().copied().unwrap_or_default(),
                _ => "",
            };
            let often = place.starts_with("kafka.commit") || place.starts_with("cache");
            Fault {
                kind,
                victim: service * 2 + second,
                place,
                after: if often {
                    chance.random_range(1..40)
                } else {
                    chance.random_range(0..4)
                },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_hundred_rounds_do_everything_to_everybody() {
        let faults = plan(100, 7, KINDS);
        let kinds: BTreeSet<Kind> = faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        let places: BTreeSet<&str> = faults.iter().map(|fault| fault.place).collect();
        assert_eq!(places.len(), PLACES.len() + 1, "all places, and none");
        let victims: BTreeSet<usize> = faults.iter().map(|fault| fault.victim).collect();
        assert_eq!(victims.len(), 6);
    }

    #[test]
    fn the_same_seed_gives_the_same_rounds() {
        assert_eq!(plan(20, 3, KINDS), plan(20, 3, KINDS));
        assert_ne!(plan(20, 3, KINDS), plan(20, 4, KINDS));
    }
}
