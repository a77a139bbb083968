//! Caches for tests: a store, a clock and a chaos switch of their own.

use super::cache::Cache;
use crate::store::chaos::Chaos;
use crate::types::clock::TestClock;

impl Cache {
    /// Returns a fresh `memory://` cache with a clock and a chaos switch of its own, so that tests that run in parallel
    /// share nothing.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use larder::Cache;
    ///
    /// let cache = Cache::for_test();
    /// cache
    ///     .scope(async {
    ///         Cache::current()?.set("greeting", "hello", "5m").await?;
    ///         cache.clock().advance(Duration::from_secs(300));
    ///         assert_eq!(cache.get::<String>("greeting").await, None);
    ///         Ok::<(), larder::Error>(())
    ///     })
    ///     .await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// Never: the default settings of a memory store are valid.
    #[must_use]
    pub fn for_test() -> Self {
        Self::builder().url("memory://").build_blocking().expect("the default settings are valid")
    }

    /// Returns the clock of this cache, which a test moves. All clones of the cache share it.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        self.core().clock.test()
    }

    /// Returns the switch that makes the store of this cache fail. All clones of the cache share it.
    #[must_use]
    pub fn chaos(&self) -> Chaos {
        self.core().store.switch().clone()
    }
}
