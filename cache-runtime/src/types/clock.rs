//! The current time, and a clock for tests that can be advanced.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of one cache: the system's, plus the advance of a [`TestClock`]. Zero-sized without the feature `test-util`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    #[cfg(feature = "test-util")]
    test: TestClock,
}

impl Clock {
    /// Creates a clock that follows `test`.
    #[cfg(feature = "test-util")]
    pub(crate) fn of(test: TestClock) -> Self {
        Self { test }
    }

    /// The clock that a test moves.
    #[cfg(feature = "test-util")]
    pub(crate) fn test(&self) -> &TestClock {
        &self.test
    }

    /// Returns the milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns a monotonic time.
    #[inline]
    pub(crate) fn instant(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// Returns [`Clock::instant`] at a quarter of the cost, up to a few milliseconds late.
    #[inline]
    pub(crate) fn coarse(&self) -> coarsetime::Instant {
        // Without the update of a cached time, which all threads would write to.
        coarsetime::Instant::now_without_cache_update() + coarsetime::Duration::from(self.ahead())
    }

    /// Returns `true` when a test clock is past `end_ms`. The clock of the store cannot be advanced, so an entry may still be
    /// stored then.
    pub(crate) fn has_passed(&self, end_ms: u64) -> bool {
        self.is_moved() && self.now_ms() >= end_ms
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn is_moved(&self) -> bool {
        self.ahead() != Duration::ZERO
    }

    #[cfg(not(feature = "test-util"))]
    #[expect(clippy::unused_self, reason = "the variant with `test-util` uses it")]
    pub(crate) fn is_moved(&self) -> bool {
        false
    }

    #[cfg(feature = "test-util")]
    #[inline]
    fn ahead(&self) -> Duration {
        self.test.ahead()
    }

    #[cfg(not(feature = "test-util"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "the variant with `test-util` uses it")]
    fn ahead(&self) -> Duration {
        Duration::ZERO
    }
}

#[cfg(feature = "test-util")]
mod test {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::time::Duration;

    /// A hundred years in milliseconds, which instants can represent.
    const MAX_AHEAD: u64 = 3_155_760_000_000;

    /// A clock for tests: the system time plus the time by which the clock was advanced. Pass it to
    /// [`crate::Builder::clock`]; clones share the same time.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use larder::{Cache, test_util::TestClock};
    ///
    /// let clock = TestClock::new();
    /// let cache = Cache::builder().clock(clock.clone()).build().await?;
    /// cache.set("k", &1, "1h").await?;
    /// clock.advance(Duration::from_secs(3600));
    /// assert_eq!(cache.get::<i32>("k").await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[derive(Debug, Clone, Default)]
    pub struct TestClock(Arc<AtomicU64>);

    impl TestClock {
        /// Creates a clock that shows the system time.
        #[must_use]
        pub fn new() -> Self {
            Self::default()
        }

        /// Advances the clock, in whole milliseconds and by at most a hundred years in total.
        pub fn advance(&self, time: Duration) {
            let more = u64::try_from(time.as_millis()).unwrap_or(MAX_AHEAD);
            let moved = |ahead: u64| Some(ahead.saturating_add(more).min(MAX_AHEAD));
            // The closure always returns `Some`, so the update cannot fail.
            let _ = self.0.fetch_update(SeqCst, SeqCst, moved);
        }

        pub(crate) fn ahead(&self) -> Duration {
            Duration::from_millis(self.0.load(SeqCst))
        }
    }
}

#[cfg(feature = "test-util")]
pub use self::test::TestClock;
