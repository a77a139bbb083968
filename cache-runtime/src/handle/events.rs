//! The events of a cache.

use std::sync::Arc;

use super::builder::Builder;
use super::cache::Cache;
use crate::observe::events::Events;
use crate::observe::stats::Registry;

impl Cache {
    /// Returns a stream of what this cache does in this process from now on: hits, misses, what is stored, refused, invalidated,
    /// and the state of its connections.
    ///
    /// For people who look and for tests; [`Cache::stats`] counts without loss. Without a subscriber, a call pays for one load.
    /// With one, each event is stored in a ring of 1,024. A subscriber that is slower gets
    /// [`EventKind::Lagged`](crate::EventKind::Lagged) with the number of events that it missed: no call waits for it.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::EventKind;
    ///
    /// let cache = larder::Cache::builder().events_with_keys(true).build().await?;
    /// let mut events = cache.events();
    /// cache.get::<i32>("answer").await;
    ///
    /// let event = events.recv().await.unwrap();
    /// assert!(matches!(event.kind, EventKind::Miss));
    /// assert_eq!(event.key.as_deref(), Some("answer"));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn events(&self) -> Events {
        Events::of(&self.core().stats)
    }
}

impl Builder {
    /// Sets whether events hold keys. Default: `false`, because keys may hold what must not be logged.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().events_with_keys(true);
    /// ```
    pub fn events_with_keys(mut self, with_keys: bool) -> Self {
        self.store.stats = Arc::new(Registry::with_events(with_keys));
        self
    }
}
