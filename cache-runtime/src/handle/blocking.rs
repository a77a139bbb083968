//! Blocking: the same calls for code without async.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Entry, EntryInfo, Health};
use crate::handle::cache::Cache;
use crate::rt::park::{block_on, unparked};
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

/// The calls of [`Cache`] for code without async: each blocks its thread until the answer is there, at most for
/// the builder's `redis_timeout`. Inside an async runtime, call it where blocking is allowed.
///
/// ```
/// use larder_runtime::Cache;
///
/// let cache = Cache::builder().build_blocking()?.blocking();
/// cache.set("answer", &42, "1h")?;
/// assert_eq!(cache.get::<i32>("answer"), Some(42));
/// # Ok::<(), larder_runtime::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingCache(Cache);

/// The calls of [`Entry`] for code without async.
#[derive(Debug, Clone)]
pub struct BlockingEntry(Entry);

impl Cache {
    /// The same calls for code without async.
    #[must_use]
    pub fn blocking(&self) -> BlockingCache {
        BlockingCache(self.clone())
    }
}

impl Entry {
    /// The same calls for code without async.
    #[must_use]
    pub fn blocking(&self) -> BlockingEntry {
        BlockingEntry(self.clone())
    }
}

#[expect(clippy::missing_errors_doc, reason = "each call documents itself at its async twin")]
impl BlockingCache {
    /// See [`Cache::get`].
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        block_on(self.0.get(key))
    }

    /// See [`Cache::try_get`].
    pub fn try_get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        block_on(self.0.try_get(key))
    }

    /// See [`Cache::set`].
    pub fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        block_on(self.0.set(key, value, expire))
    }

    /// See [`Cache::delete`].
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        block_on(self.0.delete(key))
    }

    /// See [`Cache::exists`].
    #[must_use]
    pub fn exists(&self, key: &str) -> bool {
        block_on(self.0.exists(key))
    }

    /// See [`Cache::ttl`].
    #[must_use]
    pub fn ttl(&self, key: &str) -> Option<Duration> {
        block_on(self.0.ttl(key))
    }

    /// See [`Cache::remember`].
    pub fn remember<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        expire: impl IntoExpire,
        f: impl FnOnce() -> T,
    ) -> T {
        block_on(self.0.remember(key, expire, || async { unparked(f) }))
    }

    /// See [`Cache::try_remember`].
    pub fn try_remember<T: Serialize + DeserializeOwned, E>(
        &self,
        key: &str,
        expire: impl IntoExpire,
        f: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        block_on(self.0.try_remember(key, expire, || async { unparked(f) }))
    }

    /// See [`Cache::delete_pattern`].
    pub fn delete_pattern(&self, glob: &str) -> Result<u64, Error> {
        block_on(self.0.delete_pattern(glob))
    }

    /// See [`Cache::delete_group`].
    pub fn delete_group(&self, group: &str) -> Result<(), Error> {
        block_on(self.0.delete_group(group))
    }

    /// See [`Cache::invalidate_tag`].
    pub fn invalidate_tag(&self, tag: &str) -> Result<(), Error> {
        block_on(self.0.invalidate_tag(tag))
    }

    /// See [`Cache::invalidate_tags`].
    pub fn invalidate_tags(&self, tags: &[&str]) -> Result<(), Error> {
        block_on(self.0.invalidate_tags(tags))
    }

    /// See [`Cache::clear`].
    pub fn clear(&self) -> Result<u64, Error> {
        block_on(self.0.clear())
    }

    /// The keys that match a glob; see [`Cache::keys`].
    pub fn keys(&self, glob: &str) -> impl Iterator<Item = Result<String, Error>> {
        let mut keys = Box::pin(self.0.keys(glob));
        std::iter::from_fn(move || {
            block_on(std::future::poll_fn(|context| futures_core::Stream::poll_next(keys.as_mut(), context)))
        })
    }

    /// See [`Cache::inspect`].
    pub fn inspect(&self, key: &str) -> Result<Option<EntryInfo>, Error> {
        block_on(self.0.inspect(key))
    }

    /// See [`Cache::group`].
    #[must_use]
    pub fn group(&self, name: &str) -> Self {
        Self(self.0.group(name))
    }

    /// See [`Cache::stats`].
    #[must_use]
    pub fn stats(&self) -> crate::Stats {
        self.0.stats()
    }

    /// See [`Cache::health`].
    #[must_use]
    pub fn health(&self) -> Health {
        block_on(self.0.health())
    }

    /// See [`Cache::close`].
    pub fn close(self) {
        block_on(self.0.close());
    }
}

#[expect(clippy::missing_errors_doc, reason = "each call documents itself at its async twin")]
impl BlockingEntry {
    /// See [`Entry::key`].
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.key()
    }

    /// See [`Entry::get`].
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self) -> Option<T> {
        block_on(self.0.get())
    }

    /// See [`Entry::put`].
    pub fn put<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        block_on(self.0.put(value))
    }

    /// See [`Entry::invalidate`].
    pub fn invalidate(&self) -> Result<(), Error> {
        block_on(self.0.invalidate())
    }

    /// See [`Entry::expire`].
    pub fn expire(&self) -> Result<(), Error> {
        block_on(self.0.expire())
    }

    /// See [`Entry::ttl`].
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        block_on(self.0.ttl())
    }
}
