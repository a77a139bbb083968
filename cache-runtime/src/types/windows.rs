//! How long after its expiry a value may still be used.

use std::time::Duration;

/// How long after its expiry a value may be used, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StaleWindows {
    /// To be served at once, while a new one is computed apart.
    pub(crate) revalidate: Option<Duration>,
    /// To be served when the function fails.
    pub(crate) error: Option<Duration>,
    /// To be shown to the computation, which may find that it is still good.
    pub(crate) compare: Option<Duration>,
}

impl StaleWindows {
    /// Whether a value may be used after its expiry at all.
    pub(crate) fn are_any(self) -> bool {
        self != Self::default()
    }

    /// The longest of them.
    pub(crate) fn longest(self) -> Duration {
        self.revalidate.max(self.error).max(self.compare).unwrap_or_default()
    }
}
