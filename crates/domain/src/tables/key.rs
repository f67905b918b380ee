//! Keys: values whose bytes sort as they do.

use smallvec::SmallVec;

/// Bytes of a key; nearly all fit without an allocation.
pub type KeyBytes = SmallVec<[u8; 32]>;

/// A key whose bytes sort as its values do.
pub trait Key: Sized {
    /// Appends bytes that sort as the values do.
    fn write(&self, to: &mut KeyBytes);
    /// The value again; `None` if the bytes are not of this key's form.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
    /// Bytes that sort as the values do.
    fn to_bytes(&self) -> KeyBytes {
        let mut bytes = KeyBytes::new();
        self.write(&mut bytes);
        bytes
    }
}

/// Few bytes, in place: what is copied is known when this is compiled, which counts for what is done a hundred times a tube.
fn short<const N: usize>(bytes: [u8; N]) -> KeyBytes {
    let mut room = [0; 32];
    match room.first_chunk_mut::<N>() {
        Some(start) => {
            *start = bytes;
            KeyBytes::from_buf_and_len(room, N)
        }
        None => KeyBytes::from_slice(&bytes),
    }
}

impl Key for u64 {
    fn write(&self, to: &mut KeyBytes) {
        to.extend_from_slice(&self.to_be_bytes());
    }
    fn to_bytes(&self) -> KeyBytes {
        short(self.to_be_bytes())
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Key for i64 {
    fn write(&self, to: &mut KeyBytes) {
        to.extend_from_slice(&((*self as u64) ^ (1 << 63)).to_be_bytes());
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some((u64::from_be_bytes(bytes.try_into().ok()?) ^ (1 << 63)) as i64)
    }
}

impl Key for () {
    fn write(&self, _: &mut KeyBytes) {}
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

/// Text sorts by its bytes. As the first half of a pair it must not hold a zero byte.
impl Key for String {
    fn write(&self, to: &mut KeyBytes) {
        to.extend_from_slice(self.as_bytes());
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

/// (number, number): sorts by the first, then the second.
impl Key for (i64, u64) {
    fn write(&self, to: &mut KeyBytes) {
        self.0.write(to);
        self.1.write(to);
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(8)?;
        Some((i64::from_bytes(first)?, u64::from_bytes(second)?))
    }
}

/// (number, number): sorts by the first, then the second.
impl Key for (u64, u64) {
    fn write(&self, to: &mut KeyBytes) {
        self.0.write(to);
        self.1.write(to);
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(8)?;
        Some((u64::from_bytes(first)?, u64::from_bytes(second)?))
    }
}

/// (text, number): sorts by the text, then the number. The text must not hold a zero byte.
impl Key for (String, u64) {
    fn write(&self, to: &mut KeyBytes) {
        self.0.write(to);
        to.push(0);
        self.1.write(to);
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.len().checked_sub(9)?;
        let (text, number) = bytes.split_at(end);
        Some((
            String::from_utf8(text.to_vec()).ok()?,
            u64::from_bytes(number.get(1..)?)?,
        ))
    }
}

/// The key of a row among the rows of all tables of a store: tables one behind the other.
pub fn full_key(table: super::TableId, key: &[u8]) -> KeyBytes {
    let mut room = [0; 32];
    if let Some((first, rest)) = room.split_first_mut()
        && let Some(rest) = rest.get_mut(..key.len())
    {
        *first = table;
        rest.copy_from_slice(key);
        return KeyBytes::from_buf_and_len(room, key.len() + 1);
    }
    let mut full = KeyBytes::with_capacity(key.len() + 1);
    full.push(table);
    full.extend_from_slice(key);
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_values(a: (i64, u64), b: (i64, u64)) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(<(i64, u64)>::from_bytes(&a.to_bytes()), Some(a));
        }

        #[test]
        fn a_full_key_is_its_table_and_its_key(table: u8, key in prop::collection::vec(any::<u8>(), 0..80)) {
            let full = full_key(table, &key);
            prop_assert_eq!(full.split_first(), Some((&table, key.as_slice())));
        }

        #[test]
        fn text_and_number_sort_as_their_values(a in "[a-z]{0,3}", x: u64, b in "[a-z]{0,3}", y: u64) {
            let (a, b) = ((a, x), (b, y));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(<(String, u64)>::from_bytes(&a.to_bytes()), Some(a));
        }
    }
}
