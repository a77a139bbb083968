//! The times after its expiry in which a value can still be used.

use std::time::Duration;

/// The times after its expiry in which a value can still be used, by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StaleWindows {
    /// Serving the value at once, while a new one is computed in the background.
    pub(crate) revalidate: Option<Duration>,
    /// Serving the value when the function fails.
    pub(crate) error: Option<Duration>,
    /// Passing the value to the computation, which may confirm it.
    pub(crate) compare: Option<Duration>,
}

impl StaleWindows {
    /// Returns `true` when a value can be used after its expiry at all.
    pub(crate) fn are_any(self) -> bool {
        self != Self::default()
    }

    /// Returns the longest of these times.
    pub(crate) fn longest(self) -> Duration {
        self.revalidate.max(self.error).max(self.compare).unwrap_or_default()
    }
}
