//! The settings of a log.

use std::time::Duration;

/// The number of entries that a log keeps.
const KEEP: u64 = 1_000;
/// The time after which a log without new entries is removed.
const EXPIRE: Duration = Duration::from_secs(86_400);

/// The settings that decide what of a log is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    /// The least number of the newest entries that are kept.
    pub(super) keep: u64,
    /// The time after the last entry at which the log is removed.
    pub(super) expire: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: KEEP, expire: Some(EXPIRE) }
    }
}
