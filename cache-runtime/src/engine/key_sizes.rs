//! The sizes of the values of single keys.

use std::hash::BuildHasher as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The number of keys whose sizes are remembered.
const KEYS: usize = 4096;

/// Remembers which keys of functions with large values have a large one. A key may take the place of another.
#[derive(Debug, Default)]
pub(crate) struct KeySizes(OnceLock<Box<[AtomicU64]>>);

impl KeySizes {
    /// Returns `true` if the last value of the key was large; `None` if it is not known.
    pub(crate) fn is_large(&self, key: &str) -> Option<bool> {
        let (slot, hash) = place(self.0.get()?, key);
        let known = slot.load(Relaxed);
        (known & !1 == hash).then_some(known & 1 != 0)
    }

    /// Records the size of the last value of a key.
    pub(crate) fn note(&self, key: &str, is_large: bool) {
        let slots = self.0.get_or_init(|| (0..KEYS).map(|_| AtomicU64::new(0)).collect());
        let (slot, hash) = place(slots, key);
        slot.store(hash | u64::from(is_large), Relaxed);
    }
}

/// Returns the slot of a key, and its hash, whose last bit is free.
fn place<'s>(slots: &'s [AtomicU64], key: &str) -> (&'s AtomicU64, u64) {
    let hash = foldhash::fast::FixedState::default().hash_one(key);
    (&slots[hash as usize >> 1 & (KEYS - 1)], hash & !1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_remembered_for_some_keys() {
        let sizes = KeySizes::default();
        assert_eq!(sizes.is_large("a"), None);
        sizes.note("a", true);
        sizes.note("b", false);
        assert_eq!(
            (sizes.is_large("a"), sizes.is_large("b"), sizes.is_large("c")),
            (Some(true), Some(false), None)
        );
        (0..2 * KEYS).for_each(|n| sizes.note(&n.to_string(), n % 2 == 0));
        let known =
            (0..2 * KEYS).filter_map(|n| Some((n, sizes.is_large(&n.to_string())?))).collect::<Vec<_>>();
        assert!(known.len() > KEYS / 2 && known.len() <= KEYS, "{}", known.len());
        assert!(known.iter().all(|(n, is_large)| *is_large == (n % 2 == 0)));
    }
}
