//! The handle of one entry, which the function of `entry = ..` returns.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::engine::entry_target::EntryTarget;
use crate::engine::lookup::{Hit, Lookup};
use crate::engine::pending_invalidation::PendingInvalidation;
use crate::engine::write_guard::WriteTarget;
use crate::handle::cache::{Cache, HANDLE};
use crate::handle::values::reads_nothing;
use crate::observe::event_kind::EventKind;
use crate::observe::stats::Tally;
use crate::site::expiries::{Expiries, capped};
use crate::site::policy::Policy;
use crate::store::Ttl;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label};

/// The cache entry of one function for one set of arguments.
///
/// `#[cache(entry = user_entry)]` on `fn user(id: u64)` generates `fn user_entry(id: u64) -> Entry`. An entry does not access
/// the store until one of its methods is called.
///
/// ```
/// # use larder_runtime as larder;
/// # use larder::__private::{Call, CallSite};
/// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
/// # let cache = larder::Cache::builder().build_blocking().unwrap();
/// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let entry = user_entry(42);
/// entry.put("ann").await?;
/// assert_eq!(entry.get::<String>().await.as_deref(), Some("ann"));
/// entry.invalidate().await?;
/// assert_eq!(entry.get::<String>().await, None);
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "an entry does nothing by itself"]
pub struct Entry(Result<(Cache, EntryTarget), Error>);

impl Call {
    /// Returns the handle of the entry, as the function of `entry = ..` does.
    #[inline]
    pub fn entry(&mut self) -> Entry {
        let Some(core) = self.core().cloned() else { return Entry(Err(Error::NotInitialised)) };
        Entry::new(Cache::of(core), self.target().unwrap_or(Err(Error::Closed)))
    }

    /// [`Call::entry`] of a function whose value has a type of this name.
    #[inline]
    pub fn entry_of_type(&mut self, name: &'static str) -> Entry {
        Entry(self.entry().0.map(|(cache, target)| (cache, target.with_value_type(name))))
    }

    /// [`Call::entry`] of a handler with `private` or `vary(..)`, whose requests select one of several responses.
    #[cfg(feature = "axum")]
    pub fn entry_with_variants(&mut self) -> Entry {
        Entry(self.entry().0.map(|(cache, target)| (cache, target.with_variants())))
    }
}

impl Entry {
    /// Combines a cache and a target; with an error, all calls of the entry fail with it.
    pub(crate) fn new(cache: Cache, target: Result<EntryTarget, Error>) -> Self {
        Self(target.map(|target| (cache, target)))
    }

    /// Returns the entry as the target of a write; `None` if its calls fail.
    pub(crate) fn as_write_target(&self) -> Option<WriteTarget> {
        let (cache, target) = self.0.as_ref().ok()?;
        Some((Arc::clone(cache.core()), PendingInvalidation::Key(target.key().into())))
    }

    /// Returns the cache and the target of the entry.
    pub(crate) fn into_parts(self) -> Result<(Cache, EntryTarget), Error> {
        self.0
    }

    /// Returns whether requests select one of several responses, which are removed together.
    #[cfg(feature = "axum")]
    pub(crate) fn has_variants(&self) -> bool {
        self.0.as_ref().is_ok_and(|(_, target)| target.has_variants())
    }

    /// Returns an entry whose calls all fail with this error.
    #[cfg(feature = "axum")]
    pub(crate) fn failed(error: Error) -> Self {
        Self(Err(error))
    }

    /// Returns the whole key, as in Redis; empty if there is no cache yet, or if the arguments make no key.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// assert_eq!(user_entry(42).key(), "42");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.as_ref().map_or("", |(_, target)| target.key())
    }

    /// Returns the cached value: the function's result without `Ok` or `Some`. Returns `None` if there is none, if it has
    /// another type, or if the store failed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// assert_eq!(user_entry(42).get::<String>().await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get<T: DeserializeOwned>(&self) -> Option<T> {
        let op = self.op().ok()?;
        if reads_nothing(&op) {
            return None;
        }
        match op.lookup::<T>().await {
            Lookup::Fresh(Hit { value: Some(value), snapshot })
            | Lookup::Early(Hit { value: Some(value), snapshot }) => {
                op.record(EventKind::Hit { tier: snapshot.tier });
                Some(value)
            }
            _ => {
                op.record(EventKind::Miss);
                None
            }
        }
    }

    /// Stores `value` as if the function had returned it, with the TTL of the attribute.
    ///
    /// In the body of a `#[cache_put]` of the same entry, the value is stored under the lease of that function: if the entry was
    /// invalidated since the function began, nothing is stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// user_entry(42).put("ann").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The arguments make no key, there is no cache yet, the cache is closed, the value cannot be encoded or is larger than
    /// [`Builder::max_value`](crate::Builder::max_value), or the store failed. If encoding or storing fails, the previous value
    /// is removed as by [`Entry::invalidate`].
    pub async fn put<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        let op = self.op()?;
        op.put(Some(value), op.expiries.value).await
    }

    /// Removes the entry. Once this returns, no older value is served, even from a computation that was already running.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let entry = user_entry(42);
    /// entry.put("ann").await?;
    /// entry.invalidate().await?;
    /// assert_eq!(entry.get::<String>().await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The arguments make no key, there is no cache yet, the cache is closed, or the store failed: then other processes may
    /// still read the entry. This process no longer does, and removes the entry as soon as the store is available. Or the key
    /// holds what is not an entry of this cache ([`Error::Foreign`]).
    pub async fn invalidate(&self) -> Result<(), Error> {
        self.op()?.delete().await.map(drop)
    }

    /// Expires the entry now. A function with stale values, such as with `stale_while_revalidate`, can still serve this one as
    /// stale; otherwise this is the same as [`Entry::invalidate`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let entry = user_entry(42);
    /// entry.put("ann").await?;
    /// entry.expire().await?;
    /// assert_eq!(entry.get::<String>().await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Entry::invalidate`]. After a failure of the store the entry is removed as soon as the store is available.
    pub async fn expire(&self) -> Result<(), Error> {
        self.op()?.mark_stale().await
    }

    /// Returns the remaining TTL; `None` if there is no entry, if it never expires, or if the store failed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking().unwrap();
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let entry = user_entry(42);
    /// entry.put("ann").await?;
    /// assert!(entry.ttl().await.is_some());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn ttl(&self) -> Option<Duration> {
        let op = self.op().ok()?;
        if reads_nothing(&op) {
            return None;
        }
        match op.ttl().await {
            Some(Ttl::For(ttl)) => Some(ttl),
            _ => None,
        }
    }

    /// Returns an access to the entry, counted for the handle.
    pub(crate) fn op(&self) -> Result<EntryOp<'_>, Error> {
        let (cache, target) = self.0.as_ref().map_err(Clone::clone)?;
        cache.open()?;
        let core = cache.core();
        Ok(target.op(core, Tally::Row(core.stats.row(HANDLE)), HANDLE))
    }

    /// Returns the entry with a given key, for `#[cache_put(key = ..)]`.
    pub(crate) fn keyed(
        cache: &Cache,
        (key, tags): (Key, Vec<Label>),
        policy: Policy,
        expire: Option<Expire>,
        name: &'static FunctionName,
    ) -> Self {
        let mut expiries = Expiries::of(&policy, cache.core().default_expire);
        expiries.value = expire.map_or(expiries.value, capped);
        Self::new(cache.clone(), Ok(EntryTarget::new(key, tags, policy, expiries, name)))
    }
}
