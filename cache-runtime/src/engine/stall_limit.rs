//! The time after which a leader that could go on and is not polled is stalled.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The factor by which the delay of a timer makes the limit longer. On a busy machine nothing is polled in time, and that is
/// no reason to compute twice.
const DELAY_FACTOR: u32 = 10;

/// The longest delay that counts: a second, in microseconds.
const LONGEST_DELAY: u64 = 1_000_000;

/// The time after which a leader that could go on and is not polled is stalled: `stall_timeout`, and more while timers of this
/// process are late.
#[derive(Debug)]
pub(crate) struct StallLimit {
    timeout: Duration,
    /// The recent delay of timers, in microseconds.
    delay: AtomicU64,
}

impl StallLimit {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, delay: AtomicU64::new(0) }
    }

    /// The limit on an idle machine.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The limit now.
    pub(super) fn now(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_micros(self.delay.load(Relaxed)) * DELAY_FACTOR)
    }

    /// Notes that a timer was late by this time. A long delay counts for some time after it.
    pub(super) fn late(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX).min(LONGEST_DELAY);
        self.delay.store(delay.max(self.delay.load(Relaxed) * 3 / 4), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_timers_make_the_limit_longer_for_a_while() {
        let ms = Duration::from_millis;
        let limit = StallLimit::new(ms(50));
        assert_eq!(limit.now(), ms(50));
        limit.late(ms(20));
        assert_eq!(limit.now(), ms(250));
        limit.late(ms(0));
        assert_eq!(limit.now(), ms(200));
        (0..50).for_each(|_| limit.late(ms(0)));
        assert_eq!((limit.now(), limit.timeout()), (ms(50), ms(50)));
        limit.late(Duration::MAX);
        assert_eq!(limit.now(), ms(10_050));
    }
}
