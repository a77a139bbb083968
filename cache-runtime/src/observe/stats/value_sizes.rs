//! The sizes of a function's values.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The number of values that are remembered.
const MOST: u32 = 8;
const HISTORY: u32 = (1 << MOST) - 1;

/// The last sizes of a function's values: one bit for each, and above them their number. Zero until the first large value, so
/// that functions without one pay for a single read.
#[derive(Debug, Default)]
pub(crate) struct ValueSizes(AtomicU32);

impl ValueSizes {
    /// Records a value. Returns `true` if the function has had large ones.
    pub(crate) fn note(&self, is_large: bool) -> bool {
        let before = self.0.load(Relaxed);
        if before == 0 && !is_large {
            return false;
        }
        let count = ((before >> MOST) + 1).min(MOST);
        // Two threads may lose one of two values, which does not matter.
        self.0.store(count << MOST | (before << 1 | u32::from(is_large)) & HISTORY, Relaxed);
        true
    }

    /// Returns `true` if a value whose size is not known is likely to be large; `None` if the function had no large value.
    #[inline]
    pub(crate) fn are_large(&self) -> Option<bool> {
        let sizes = self.0.load(Relaxed);
        (sizes != 0).then(|| 2 * (sizes & HISTORY).count_ones() >= sizes >> MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_the_last_values_count() {
        let sizes = ValueSizes::default();
        assert!(!sizes.note(false));
        assert_eq!(sizes.are_large(), None);
        assert!(sizes.note(true));
        assert_eq!(sizes.are_large(), Some(true));
        assert!(sizes.note(false) && sizes.note(false));
        assert_eq!(sizes.are_large(), Some(false));
        assert!((0..20).all(|_| sizes.note(true)));
        assert_eq!(sizes.are_large(), Some(true));
        assert!((0..20).all(|_| sizes.note(false)));
        assert_eq!(sizes.are_large(), Some(false));
    }
}
