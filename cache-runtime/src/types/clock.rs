//! The time of day, and how tests move it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time as one cache sees it. Without the feature `test-util` it is the system's, and takes no room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    #[cfg(feature = "test-util")]
    test: TestClock,
}

impl Clock {
    /// A clock that a test moves.
    #[cfg(feature = "test-util")]
    pub(crate) fn of(test: TestClock) -> Self {
        Self { test }
    }

    /// The clock that a test moves.
    #[cfg(feature = "test-util")]
    pub(crate) fn test(&self) -> &TestClock {
        &self.test
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    /// For what lasts.
    #[inline]
    pub(crate) fn instant(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// [`Clock::instant`], a few milliseconds late and at a quarter of the cost.
    #[inline]
    pub(crate) fn coarse(&self) -> coarsetime::Instant {
        coarsetime::Instant::now() + coarsetime::Duration::from(self.ahead())
    }

    /// Whether something ends by this clock that may be there still by that of the store, which no test moves.
    pub(crate) fn has_passed(&self, end_ms: u64) -> bool {
        self.is_moved() && self.now_ms() >= end_ms
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn is_moved(&self) -> bool {
        self.ahead() != Duration::ZERO
    }

    #[cfg(not(feature = "test-util"))]
    #[expect(clippy::unused_self, reason = "its twin has a test to ask")]
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
    #[expect(clippy::unused_self, reason = "its twin has a test to ask")]
    fn ahead(&self) -> Duration {
        Duration::ZERO
    }
}

#[cfg(feature = "test-util")]
mod test {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::time::Duration;

    /// More than anybody means, and far from what instants cannot count.
    const FARTHEST: u64 = 3_155_760_000_000;

    /// A clock for tests: the system's, and ahead of it by as much as it was advanced. Give it to
    /// [`crate::Builder::clock`]; clones are one clock.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use larder_runtime::{Cache, test_util::TestClock};
    ///
    /// let clock = TestClock::new();
    /// let cache = Cache::builder().clock(clock.clone()).build().await?;
    /// cache.set("k", &1, "1h").await?;
    /// clock.advance(Duration::from_secs(3600));
    /// assert_eq!(cache.get::<i32>("k").await, None);
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    #[derive(Debug, Clone, Default)]
    pub struct TestClock(Arc<AtomicU64>);

    impl TestClock {
        /// A clock that shows the system's time.
        #[must_use]
        pub fn new() -> Self {
            Self::default()
        }

        /// Moves it on, to the millisecond, and to a hundred years in all.
        pub fn advance(&self, time: Duration) {
            let more = u64::try_from(time.as_millis()).unwrap_or(FARTHEST);
            let moved = |ahead: u64| Some(ahead.saturating_add(more).min(FARTHEST));
            // It never refuses, so there is nothing to be told.
            let _ = self.0.fetch_update(SeqCst, SeqCst, moved);
        }

        pub(crate) fn ahead(&self) -> Duration {
            Duration::from_millis(self.0.load(SeqCst))
        }
    }
}

#[cfg(feature = "test-util")]
pub use self::test::TestClock;
