//! The result of a warm-up.

use std::fmt;

use serde::Serialize;

/// The result of a warm-up: the numbers of its calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WarmUpReport {
    /// Values that were computed and stored.
    pub computed: usize,
    /// Values that were there, or that another process has computed meanwhile.
    pub already: usize,
    /// Calls whose value was not stored: the function failed or panicked, its value may not be cached, or the store failed.
    pub failed: usize,
    /// Calls that had not begun or not ended at the deadline. Those that had begun go on.
    pub skipped: usize,
}

impl fmt::Display for WarmUpReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { computed, already, failed, skipped } = self;
        write!(f, "{computed} computed, {already} there already, {failed} failed, {skipped} skipped")
    }
}
