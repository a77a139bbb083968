//! The handle of a cache for synchronous code.

use std::future::poll_fn;
use std::time::Duration;

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{EntryInfo, Health};
use crate::handle::cache::Cache;
use crate::observe::stats::Stats;
use crate::rt::park::{block_on, unparked};
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

/// The methods of [`Cache`] for synchronous code.
///
/// Each call blocks its thread until the store answers, at most for
/// [`Builder::redis_timeout`](crate::Builder::redis_timeout). Inside an async runtime, use it only where blocking is allowed.
///
/// ```
/// # use larder_runtime as larder;
/// use larder::Cache;
///
/// let cache = Cache::builder().build_blocking()?.blocking();
/// cache.set("answer", &42, "1h")?;
/// assert_eq!(cache.get::<i32>("answer"), Some(42));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingCache(Cache);

impl Cache {
    /// Returns a handle of this cache for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let cache = larder::Cache::builder().build_blocking()?;
    /// cache.blocking().set("answer", &42, "1h")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn blocking(&self) -> BlockingCache {
        BlockingCache(self.clone())
    }
}

impl BlockingCache {
    /// Returns the handle for asynchronous code.
    pub(super) fn cache(&self) -> &Cache {
        &self.0
    }

    /// Returns the value under `key`, as [`Cache::get`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.get::<i32>("answer"), None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        block_on(self.0.get(key))
    }

    /// Returns the value under `key`, as [`Cache::try_get`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.try_get::<i32>("answer")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::try_get`].
    pub fn try_get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        block_on(self.0.try_get(key))
    }

    /// Stores `value` under `key`, as [`Cache::set`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set("answer", &42, "1h")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::set`].
    pub fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        block_on(self.0.set(key, value, expire))
    }

    /// Removes the entry under `key`, as [`Cache::delete`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert!(!cache.delete("answer")?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete`].
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        block_on(self.0.delete(key))
    }

    /// Returns whether there is an entry under `key`, as [`Cache::exists`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert!(!cache.exists("answer"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn exists(&self, key: &str) -> bool {
        block_on(self.0.exists(key))
    }

    /// Returns the remaining TTL of the entry under `key`, as [`Cache::ttl`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set("answer", &42, "1h")?;
    /// assert!(cache.ttl("answer").is_some());
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn ttl(&self, key: &str) -> Option<Duration> {
        block_on(self.0.ttl(key))
    }

    /// Returns the value under `key`, or computes and stores it, as [`Cache::remember`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.remember("total", "5m", || 6 * 7), 42);
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn remember<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        expire: impl IntoExpire,
        f: impl FnOnce() -> T,
    ) -> T {
        block_on(self.0.remember(key, expire, || async { unparked(f) }))
    }

    /// Returns the value under `key`, or computes and stores it, as [`Cache::try_remember`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// let port = cache.try_remember("port", "5m", || "8080".parse::<u16>());
    /// assert_eq!(port, Ok(8080));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// The error of `f`, never one of the cache.
    pub fn try_remember<T: Serialize + DeserializeOwned, E>(
        &self,
        key: &str,
        expire: impl IntoExpire,
        f: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        block_on(self.0.try_remember(key, expire, || async { unparked(f) }))
    }

    /// Removes the entries whose key matches a glob, as [`Cache::delete_pattern`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.delete_pattern("user:*")?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete_pattern`].
    pub fn delete_pattern(&self, glob: &str) -> Result<u64, Error> {
        block_on(self.0.delete_pattern(glob))
    }

    /// Drops a group, as [`Cache::delete_group`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.delete_group("items")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete_group`].
    pub fn delete_group(&self, group: &str) -> Result<(), Error> {
        block_on(self.0.delete_group(group))
    }

    /// Invalidates all entries with a tag, as [`Cache::invalidate_tag`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.invalidate_tag("user:42")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::invalidate_tag`].
    pub fn invalidate_tag(&self, tag: &str) -> Result<(), Error> {
        block_on(self.0.invalidate_tag(tag))
    }

    /// Invalidates all entries with at least one of several tags, as [`Cache::invalidate_tags`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.invalidate_tags(&["user:42", "admins"])?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::invalidate_tag`].
    pub fn invalidate_tags(&self, tags: &[&str]) -> Result<(), Error> {
        block_on(self.0.invalidate_tags(tags))
    }

    /// Removes all entries, as [`Cache::clear`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.clear()?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::clear`].
    pub fn clear(&self) -> Result<u64, Error> {
        block_on(self.0.clear())
    }

    /// Removes the entries of one function, as [`Cache::clear_function`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.clear_function("users.get")?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::clear_function`].
    pub fn clear_function(&self, name: &str) -> Result<u64, Error> {
        block_on(self.0.clear_function(name))
    }

    /// Returns an iterator over the keys that match a glob, as [`Cache::keys`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set("user:1", "ann", "5m")?;
    /// for key in cache.keys("user:*") {
    ///     assert_eq!(key?, "user:1");
    /// }
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn keys(&self, glob: &str) -> impl Iterator<Item = Result<String, Error>> {
        let mut keys = Box::pin(self.0.keys(glob));
        std::iter::from_fn(move || block_on(poll_fn(|context| keys.as_mut().poll_next(context))))
    }

    /// Returns information about the entry under `key`, as [`Cache::inspect`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.inspect("answer")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::inspect`].
    pub fn inspect(&self, key: &str) -> Result<Option<EntryInfo>, Error> {
        block_on(self.0.inspect(key))
    }

    /// Returns a handle whose keys are inside a group, as [`Cache::group`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.group("items").set("1", "book", "5m")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn group(&self, name: &str) -> Self {
        Self(self.0.group(name))
    }

    /// Returns the counts of hits, misses and other events, as [`Cache::stats`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.stats().total.hits, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Returns a stream of what this cache does, as [`Cache::events`] does; read it with [`Events::blocking_recv`](crate::Events::blocking_recv).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// let mut events = cache.events();
    /// cache.set("answer", &42, "1h")?;
    /// assert_eq!(events.blocking_recv().unwrap().function.as_deref(), Some("handle"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[cfg(feature = "events")]
    pub fn events(&self) -> crate::observe::events::Events {
        self.0.events()
    }

    /// Returns the state of the store, as [`Cache::health`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert!(cache.health().connected);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn health(&self) -> Health {
        block_on(self.0.health())
    }

    /// Closes the cache, as [`Cache::close`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.close();
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn close(self) {
        block_on(self.0.close());
    }
}
