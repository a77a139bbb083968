//! Single values: get, set, delete, remember.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::computation::Borrowed;
use crate::engine::context::CallMode;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::Hit;
use crate::engine::lookup::Lookup;
use crate::engine::run::execute;
use crate::handle::cache::{Cache, HANDLE};
use crate::observe::stats::{Tally, count};
use crate::site::expiries::Expiries;
use crate::site::outcome::{AsPlain, AsResult, Value, ValueCaps};
use crate::site::policy::Policy;
use crate::site::rules::Rules;
use crate::site::rules::ValueExpiry;
use crate::store::Ttl;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

impl Cache {
    /// The value stored under `key`. Nothing stored, a value of another type and trouble with the store all give
    /// `None`; trouble is counted and logged.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder_runtime::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert_eq!(cache.get::<i32>("answer").await, Some(42));
    /// assert_eq!(cache.get::<String>("answer").await, None);
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.try_get(key).await.ok().flatten()
    }

    /// [`Cache::get`] for those who want to know about trouble with the store.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn try_get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let op = self.op(key, Expire::Never)?;
        match op.lookup::<T>().await {
            Lookup::Fresh(Hit { value: Some(value), .. }) | Lookup::Early(Hit { value: Some(value), .. }) => {
                count(&op.counters.hits);
                Ok(Some(value))
            }
            Lookup::Unavailable(_, error) => Err(error),
            Lookup::Fresh(_) | Lookup::Early(_) | Lookup::Stale(..) | Lookup::Miss(_) => {
                count(&op.counters.misses);
                Ok(None)
            }
        }
    }

    /// Stores `value` under `key` for `expire`: seconds, `"5m"`, a `Duration`, or [`Expire::Never`].
    ///
    /// # Errors
    /// An expiry that is zero or negative, a value that cannot be encoded or is too large, a store that did not answer:
    /// what was there before is then removed as [`Cache::delete`] says.
    pub async fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        let op = self.op(key, expire.into_expire()?)?;
        op.put(Some(value), op.expiries.value).await
    }

    /// Removes `key` and returns whether there was an entry.
    ///
    /// # Errors
    /// The store did not answer: other processes may still find the entry. This one does not read it any more, and
    /// removes it as soon as the store can do that.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.op(key, Expire::Never)?.delete().await
    }

    /// Whether `key` is stored. Trouble with the store counts as no.
    pub async fn exists(&self, key: &str) -> bool {
        !matches!(self.stored_ttl(key).await, None | Some(Ttl::Absent))
    }

    /// How long `key` has to live: `None` when it is not stored, never expires, or the store did not answer.
    pub async fn ttl(&self, key: &str) -> Option<Duration> {
        match self.stored_ttl(key).await {
            Some(Ttl::For(life)) => Some(life),
            _ => None,
        }
    }

    /// The value stored under `key`, else what `f` computes, which is then kept for `expire`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder_runtime::Cache::builder().build().await?;
    /// for _ in 0..2 {
    ///     let total = cache.remember("total", "5m", || async { 6 * 7 }).await;
    ///     assert_eq!(total, 42);
    /// }
    /// assert_eq!(cache.stats().function("handle").unwrap().hits, 1);
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// However many ask at once, one computes. The computed value always arrives, also when it could not be kept: an
    /// expiry that is zero or negative is logged, and nothing is kept.
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
                    Borrowed(async { f().await }),
                )
                .await
            }
            None => f().await,
        }
    }

    /// [`Cache::remember`] for computations that can fail. `Err` is never kept.
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
                    Borrowed(async { f().await }),
                )
                .await
            }
            None => f().await,
        }
    }

    /// The steps for one key of the handle.
    ///
    /// # Errors
    /// The cache is closed.
    pub(crate) fn op(&self, key: &str, expire: Expire) -> Result<EntryOp<'_>, Error> {
        let core = self.core();
        if core.is_closed() {
            return Err(Error::Closed);
        }
        Ok(EntryOp {
            core,
            key: self.key(key),
            tags: Cow::Borrowed(&[]),
            knows_tags: false,
            policy: Policy::new(),
            expiries: Expiries { value: expire, none: None },
            counters: Tally::Row(core.stats.row(HANDLE)),
            function: HANDLE,
        })
    }

    fn prepare(&self, key: &str, expire: impl IntoExpire) -> Option<EntryOp<'_>> {
        let op = match expire.into_expire() {
            Ok(expire) => self.op(key, expire).ok()?,
            Err(error) => {
                let stats = &self.core().stats;
                stats.once(HANDLE, || {
                    crate::observe::trace::warn(&format!("`remember` ran uncached: {error}"));
                });
                return None;
            }
        };
        if CallMode::current() == CallMode::Bypass {
            count(&op.counters.bypasses);
            return None;
        }
        Some(op)
    }

    async fn stored_ttl(&self, key: &str) -> Option<Ttl> {
        let op = self.op(key, Expire::Never).ok()?;
        op.ttl().await
    }
}

/// The handle's calls have no options that look at the value.
fn plain<V: Value>() -> Rules<impl Fn(&V) -> bool, impl Fn(&V) -> ValueExpiry> {
    Rules::new(|_: &V| false, |_: &V| None)
}
