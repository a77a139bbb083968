//! Calls of the cache for one value: get, set, delete, remember.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::computation::Borrowed;
use crate::engine::context::CallMode;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::{Hit, Lookup};
use crate::engine::run::execute;
use crate::engine::silence::SilenceOf;
use crate::handle::cache::{Cache, HANDLE, handle_name};
use crate::observe::event_kind::EventKind;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::site::expiries::Expiries;
use crate::site::outcome::{AsPlain, AsResult, Value};
use crate::site::policy::Policy;
use crate::site::rules::{Rules, ValueExpiry};
use crate::site::value_caps::ValueCaps;
use crate::store::Ttl;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The policy of entries under keys: their calls say what there is to say.
const PLAIN: &Policy = &Policy::new();

impl Cache {
    /// Returns the value under `key`, or `None` if there is none, if it has another type, or if the store failed. A failure
    /// of the store is counted and logged.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert_eq!(cache.get::<i32>("answer").await, Some(42));
    /// assert_eq!(cache.get::<String>("answer").await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.try_get(key).await.ok().flatten()
    }

    /// Returns the value under `key`, as [`Cache::get`] does, but reports a failure of the store.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// assert_eq!(cache.try_get::<i32>("answer").await?, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed, or the cache is closed.
    pub async fn try_get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let op = self.op(key, Expire::Never)?;
        if reads_nothing(&op) {
            return Ok(None);
        }
        found(op.lookup().await, &op)
    }

    /// Stores `value` under `key` for `expire`: seconds, `"5m"`, a `Duration`, or [`Expire::Never`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// cache.set("greeting", "hello", larder::Expire::Never).await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `expire` is zero or negative, the value cannot be encoded or is larger than
    /// [`Builder::max_value`](crate::Builder::max_value), the store failed, or the cache is closed. If encoding or storing
    /// fails, the previous entry is removed as by [`Cache::delete`].
    pub async fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        let op = self.op(key, expire.into_expire()?)?;
        op.put(Some(value), op.expiries.value).await
    }

    /// Removes the entry under `key` and returns whether there was one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert!(cache.delete("answer").await?);
    /// assert!(!cache.delete("answer").await?);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed: other processes may still read the entry. This process no longer does, and removes the entry as
    /// soon as the store is available. Or the cache is closed, or the key holds what is not an entry of this cache
    /// ([`Error::Foreign`]).
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.op(key, Expire::Never)?.delete().await
    }

    /// Returns whether there is an entry under `key`; `false` if the store failed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert!(cache.exists("answer").await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn exists(&self, key: &str) -> bool {
        !matches!(self.stored_ttl(key).await, None | Some(Ttl::Absent))
    }

    /// Returns the remaining TTL of the entry under `key`; `None` if there is no entry, if it never expires, or if the store
    /// failed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert!(cache.ttl("answer").await.is_some());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn ttl(&self, key: &str) -> Option<Duration> {
        match self.stored_ttl(key).await {
            Some(Ttl::For(ttl)) => Some(ttl),
            _ => None,
        }
    }

    /// Returns the value under `key`; if there is none, computes it with `f` and stores it for `expire`.
    ///
    /// However many calls miss at once, one computes. The computed value is returned even if it cannot be stored: an `expire`
    /// that is zero or negative is logged, and nothing is stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// for _ in 0..2 {
    ///     let total = cache.remember("total", "5m", || async { 6 * 7 }).await;
    ///     assert_eq!(total, 42);
    /// }
    /// assert_eq!(cache.stats().function("handle").unwrap().hits, 1);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn remember<T, F, Fut>(&self, key: &str, expire: impl IntoExpire, f: F) -> T
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        match self.prepare(key, expire) {
            Some(op) => {
                execute::<T, AsPlain, _>(
                    None,
                    &op,
                    CallMode::current(),
                    ValueCaps::bytes(),
                    &plain(),
                    Borrowed(pin!(Some(async { f().await }))),
                )
                .await
            }
            None => f().await,
        }
    }

    /// Returns the value under `key`, as [`Cache::remember`] does, with a computation that can fail. An `Err` is never stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let parsed = cache.try_remember("port", "5m", || async { "8080".parse::<u16>() }).await;
    /// assert_eq!(parsed, Ok(8080));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The error of `f`, never one of the cache.
    pub async fn try_remember<T, E, F, Fut>(&self, key: &str, expire: impl IntoExpire, f: F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        match self.prepare(key, expire) {
            Some(op) => {
                execute::<Result<T, E>, AsResult, _>(
                    None,
                    &op,
                    CallMode::current(),
                    ValueCaps::bytes(),
                    &plain(),
                    Borrowed(pin!(Some(async { f().await }))),
                )
                .await
            }
            None => f().await,
        }
    }

    /// Returns an access to the entry under `key`, or [`Error::Closed`].
    pub(crate) fn op(&self, key: &str, expire: Expire) -> Result<EntryOp<'_>, Error> {
        self.core().check_open()?;
        Ok(self.open_op(key, expire))
    }

    /// [`Cache::op`] of a cache that is known to be open, for whatever else a call accesses.
    pub(crate) fn open_op(&self, key: &str, expire: Expire) -> EntryOp<'_> {
        let core = self.core();
        EntryOp {
            core,
            key: Cow::Owned(self.key(key)),
            tags: Cow::Borrowed(&[]),
            late_tags: 0,
            knows_tags: false,
            policy: PLAIN,
            expiries: Expiries { value: expire, none: None },
            counters: Tally::Row(core.stats.row(HANDLE)),
            function: HANDLE,
            name: handle_name(),
            silence: SilenceOf::default(),
            waiting: None,
        }
    }

    /// Returns the access of `remember`; `None` if the computation runs uncached.
    fn prepare(&self, key: &str, expire: impl IntoExpire) -> Option<EntryOp<'_>> {
        let op = match expire.into_expire() {
            Ok(expire) => self.op(key, expire).ok()?,
            Err(error) => {
                let stats = &self.core().stats;
                stats.once(HANDLE, || {
                    trace::warn(&format!("`remember` ran uncached: {error}"));
                });
                return None;
            }
        };
        if CallMode::current().bypasses() || !op.core.is_enabled {
            op.record(EventKind::Bypass);
            return None;
        }
        Some(op)
    }

    async fn stored_ttl(&self, key: &str) -> Option<Ttl> {
        let op = self.op(key, Expire::Never).ok()?;
        if reads_nothing(&op) {
            return None;
        }
        op.ttl().await
    }
}

/// Returns whether the call reads nothing that is cached: caching is switched off, or the call is part of a transaction, which may
/// have changed what is cached. Such a call is counted.
pub(super) fn reads_nothing(op: &EntryOp<'_>) -> bool {
    let reads_nothing = !op.core.is_enabled || CallMode::current() == CallMode::Deferred;
    if reads_nothing {
        op.record(EventKind::Bypass);
    }
    reads_nothing
}

/// Returns the rules of the handle, which has neither `unless` nor `expire_with`.
fn plain<V: Value>() -> Rules<impl Fn(&V) -> bool, impl Fn(&V) -> ValueExpiry> {
    Rules::new(|_: &V| false, |_: &V| None)
}

/// The value of a lookup, which is counted.
pub(super) fn found<T>(lookup: Lookup<T>, op: &EntryOp<'_>) -> Result<Option<T>, Error> {
    match lookup {
        Lookup::Fresh(Hit { value: Some(value), snapshot })
        | Lookup::Early(Hit { value: Some(value), snapshot }) => {
            op.record(EventKind::Hit { tier: snapshot.tier });
            Ok(Some(value))
        }
        Lookup::Unavailable(_, error) => Err(error),
        Lookup::Fresh(_) | Lookup::Early(_) | Lookup::Stale(..) | Lookup::Miss(_) => {
            op.record(EventKind::Miss);
            Ok(None)
        }
    }
}
