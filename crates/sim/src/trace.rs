//! What happened in a run: always as a hash, that two runs of one seed can be compared by; and in words,
//! for whoever reads one run.

use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
#[derive(Debug)]
pub struct Trace {
    hash: AtomicU64,
    told: bool,
}

const PRIME: u64 = 0x0000_0100_0000_01B3;

impl Trace {
    /// `told`: print every step.
    #[must_use]
    pub const fn new(told: bool) -> Self {
        Self {
            hash: AtomicU64::new(0xCBF2_9CE4_8422_2325),
            told,
        }
    }

    /// Somebody reads the run.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.told
    }

    /// Takes a number into the hash.
    pub fn mix(&self, value: u64) {
        let hash = self.hash.load(Ordering::Relaxed);
        let mixed = (hash ^ value).wrapping_mul(PRIME).rotate_left(23);
        self.hash.store(mixed, Ordering::Relaxed);
    }

    /// Takes bytes into the hash.
    pub fn mix_bytes(&self, bytes: &[u8]) {
        self.mix(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut eight = [0; 8];
            for (to, from) in eight.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(eight));
        }
    }

    /// The hash of everything so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.load(Ordering::Relaxed)
    }

    /// Words for a reader, made only if somebody reads.
    pub fn say(&self, now: u64, words: impl FnOnce() -> String) {
        if self.told {
            let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
            println!("{seconds:>6}.{micros:06} {}", words());
        }
    }
}
