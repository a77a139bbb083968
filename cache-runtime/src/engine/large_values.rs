//! Values that are large: others must not wait for them.

use super::entry_op::EntryOp;
use crate::observe::trace;
use crate::store::LARGE;
use crate::types::error::Error;

impl EntryOp<'_> {
    /// Returns `true` if the stored value is likely to be large: if the last value of the key was, or for other keys, if those of
    /// the function were.
    pub(crate) fn is_large(&self) -> bool {
        let Some(are_large) = self.counters.sizes.are_large() else { return false };
        self.core.key_sizes.is_large(self.key.as_str()).unwrap_or(are_large)
    }

    /// Records the size of a value that was read or is to be stored.
    pub(crate) fn note_size(&self, size: usize) {
        let is_large = size > LARGE;
        if is_large && self.counters.sizes.are_large().is_none() {
            trace::large(self.function, size);
        }
        if self.counters.sizes.note(is_large) {
            self.core.key_sizes.note(self.key.as_str(), is_large);
        }
    }

    /// Warns once per function that a large value was too slow. `step` is what was to be done with it.
    pub(crate) fn large_value_failed(&self, step: &str, size: Option<usize>, error: &Error) {
        if !matches!(error, Error::Timeout { .. }) {
            return;
        }
        let size =
            size.map_or_else(String::new, |size| format!(" of {:.1} MiB", size as f64 / f64::from(1 << 20)));
        self.core.stats.once(&format!("large {}", self.function), || {
            trace::warn(&format!(
                "a large value of `{}`{size} was not {step}: {error}; the line to redis may be too slow for it",
                self.function
            ));
        });
    }
}
