//! A set of many 64-bit hashes in little more than six bytes each.
//!
//! Two different names have one hash in one of 18 quintillion pairs: among ten million names, one
//! time in 370,000 audits there is such a pair.

/// Buckets: one for each value of the first two bytes, which therefore need not be kept.
const BUCKETS: usize = 1 << 16;

/// The other six bytes.
type Rest = [u8; 6];

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
    /// In order.
    all: Vec<Rest>,
    /// A bit for each that is marked; empty until the first mark.
    marks: Vec<u64>,
}

impl Bucket {
    /// False if it was there.
    fn insert(&mut self, rest: Rest) -> bool {
        let Err(at) = self.all.binary_search(&rest) else {
            return false;
        };
        if self.all.len() == self.all.capacity() {
            // A sixteenth more: doubling would cost half of the memory.
            self.all.reserve_exact((self.all.len() / 16).max(4));
        }
        self.all.insert(at, rest);
        true
    }

    /// False if it was not there. Not after the first mark: marks go by place.
    fn remove(&mut self, rest: Rest) -> bool {
        let found = self.all.binary_search(&rest);
        if let Ok(at) = found {
            self.all.remove(at);
        }
        found.is_ok()
    }

    /// Marks one; false if it is not there.
    fn mark(&mut self, rest: Rest) -> bool {
        let Ok(at) = self.all.binary_search(&rest) else {
            return false;
        };
        if self.marks.is_empty() {
            self.marks = vec![0; self.all.len().div_ceil(64)];
        }
        if let Some(word) = self.marks.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
        true
    }

    fn unmarked(&self) -> impl Iterator<Item = Rest> + '_ {
        self.all.iter().enumerate().filter_map(|(at, rest)| {
            let word = self.marks.get(at / 64).copied().unwrap_or_default();
            (word >> (at % 64) & 1 == 0).then_some(*rest)
        })
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

/// Its bucket, and what is kept there.
fn place(hash: u64) -> (usize, Rest) {
    let [a, b, rest @ ..] = hash.to_be_bytes();
    (usize::from(u16::from_be_bytes([a, b])), rest)
}

/// The hash that is kept so.
fn hash_at(bucket: usize, rest: Rest) -> u64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&rest);
    u64::from_be_bytes(bytes) | (bucket as u64) << 48
}

impl Hashes {
    /// Adds one; false if it was there.
    pub fn insert(&mut self, hash: u64) -> bool {
        let (bucket, rest) = place(hash);
        let is_new = self
            .buckets
            .get_mut(bucket)
            .is_some_and(|bucket| bucket.insert(rest));
        self.count = self.count.saturating_add(u64::from(is_new));
        is_new
    }

    /// Takes one out, before the first is marked; false if it was not there.
    pub fn remove(&mut self, hash: u64) -> bool {
        let (bucket, rest) = place(hash);
        let was_there = self
            .buckets
            .get_mut(bucket)
            .is_some_and(|bucket| bucket.remove(rest));
        self.count = self.count.saturating_sub(u64::from(was_there));
        was_there
    }

    /// It is there.
    #[must_use]
    pub fn has(&self, hash: u64) -> bool {
        let (bucket, rest) = place(hash);
        self.buckets
            .get(bucket)
            .is_some_and(|bucket| bucket.all.binary_search(&rest).is_ok())
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
        let (bucket, rest) = place(hash);
        self.buckets
            .get_mut(bucket)
            .is_some_and(|bucket| bucket.mark(rest))
    }

    /// Those that are not marked.
    pub fn unmarked(&self) -> impl Iterator<Item = u64> + '_ {
        let buckets = self.buckets.iter().enumerate();
        buckets.flat_map(|(at, bucket)| bucket.unmarked().map(move |rest| hash_at(at, rest)))
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
