//! The time at which an entry expires.

use std::time::{Duration, Instant};

use crate::types::clock::Clock;

/// An upper bound of the delay of the coarse clock.
const MARGIN: Duration = Duration::from_millis(50);

/// The time at which an entry expires. The exact clock is read only near that time. Before, the system's coarse clock
/// decides, which is a few milliseconds late and takes a quarter of the time.
#[derive(Clone)]
pub(super) struct ExpiresAt {
    coarse: coarsetime::Instant,
    exact: Instant,
    clock: Clock,
}

impl ExpiresAt {
    /// Returns the end of `ttl`, or `None` if it is too far away to be represented.
    pub(super) fn after(ttl: Duration, clock: &Clock) -> Option<Self> {
        let exact = clock.instant().checked_add(ttl)?;
        let coarse = clock.coarse() + coarsetime::Duration::from(ttl.saturating_sub(MARGIN));
        Some(Self { coarse, exact, clock: clock.clone() })
    }

    /// Returns a moment of the coarse clock before which the entry has not expired.
    pub(super) fn coarse(&self) -> coarsetime::Instant {
        self.coarse
    }

    pub(super) fn left(&self) -> Duration {
        self.exact.saturating_duration_since(self.clock.instant())
    }

    #[inline]
    pub(super) fn is_ahead(&self) -> bool {
        self.clock.coarse() < self.coarse || self.clock.instant() < self.exact
    }
}
