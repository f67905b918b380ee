//! A set of many 64-bit hashes in little more than eight bytes each.
//!
//! Two different names have one hash in one of 18 quintillion pairs: among ten million names, one
//! time in 370,000 audits there is such a pair.

/// Buckets; a power of two.
const BUCKETS: usize = 4_096;

/// Hashes of a bucket that are not yet in order.
const TAIL_MAX: usize = 64;

/// Hash of a name.
#[must_use]
pub fn hash64(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[derive(Debug, Default)]
struct Bucket {
    all: Vec<u64>,
    /// The first so many are in order.
    sorted: usize,
    /// A bit for each that is marked; empty until the first mark.
    marks: Vec<u64>,
}

impl Bucket {
    fn has(&self, hash: u64) -> bool {
        let (sorted, tail) = self.all.split_at(self.sorted.min(self.all.len()));
        sorted.binary_search(&hash).is_ok() || tail.contains(&hash)
    }

    /// Marks one; false if it is not there.
    fn mark(&mut self, hash: u64) -> bool {
        if self.marks.is_empty() {
            self.all.sort_unstable();
            self.sorted = self.all.len();
            self.marks = vec![0; self.all.len().div_ceil(64)];
        }
        let Ok(at) = self.all.binary_search(&hash) else {
            return false;
        };
        if let Some(word) = self.marks.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
        true
    }

    fn unmarked(&self) -> impl Iterator<Item = u64> + '_ {
        self.all.iter().enumerate().filter_map(|(at, hash)| {
            let word = self.marks.get(at / 64).copied().unwrap_or_default();
            (word >> (at % 64) & 1 == 0).then_some(*hash)
        })
    }

    fn push(&mut self, hash: u64) {
        if self.all.len() == self.all.capacity() {
            // An eighth more: doubling would cost half of the memory.
            self.all.reserve_exact((self.all.len() / 8).max(16));
        }
        self.all.push(hash);
        if self.all.len() - self.sorted > TAIL_MAX {
            self.all.sort_unstable();
            self.sorted = self.all.len();
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Hashes {
    buckets: Vec<Bucket>,
    count: u64,
}

impl Default for Hashes {
    fn default() -> Self {
        Self {
            buckets: std::iter::repeat_with(Bucket::default)
                .take(BUCKETS)
                .collect(),
            count: 0,
        }
    }
}

impl Hashes {
    fn bucket(hash: u64) -> usize {
        // The top bits; the rest orders the bucket.
        (hash >> 52) as usize % BUCKETS
    }

    /// Adds one; false if it was there.
    pub fn insert(&mut self, hash: u64) -> bool {
        let Some(bucket) = self.buckets.get_mut(Self::bucket(hash)) else {
            return false;
        };
        if bucket.has(hash) {
            return false;
        }
        bucket.push(hash);
        self.count = self.count.saturating_add(1);
        true
    }

    /// It is there.
    #[must_use]
    pub fn has(&self, hash: u64) -> bool {
        self.buckets
            .get(Self::bucket(hash))
            .is_some_and(|bucket| bucket.has(hash))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// None are there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Marks one; false if it is not there. After the first mark, nothing may be added.
    pub fn mark(&mut self, hash: u64) -> bool {
        self.buckets
            .get_mut(Self::bucket(hash))
            .is_some_and(|bucket| bucket.mark(hash))
    }

    /// Those that are not marked.
    pub fn unmarked(&self) -> impl Iterator<Item = u64> + '_ {
        self.buckets.iter().flat_map(Bucket::unmarked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_once() {
        let mut hashes = Hashes::default();
        let names: Vec<u64> = (0..20_000_u32)
            .map(|n| hash64(&[b"name", &n.to_le_bytes()]))
            .collect();
        for name in &names {
            assert!(hashes.insert(*name));
        }
        for name in &names {
            assert!(!hashes.insert(*name));
            assert!(hashes.has(*name));
        }
        assert!(!hashes.has(hash64(&[b"other"])));
        assert_eq!(hashes.len(), 20_000);
        for name in names.iter().skip(1) {
            assert!(hashes.mark(*name));
            assert!(hashes.mark(*name), "the same again");
        }
        assert!(!hashes.mark(hash64(&[b"other"])));
        assert_eq!(hashes.unmarked().collect::<Vec<_>>(), names[..1]);
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(hash64(&[b"ab", b"c"]), hash64(&[b"a", b"bc"]));
    }
}
