//! Single values: get, set, delete, remember.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Cache;
use crate::call::Trip;
use crate::engine::{Bound, Expiries, Got, Look, Mode, Rules, Special, drive};
use crate::error::Error;
use crate::expire::{Expire, IntoExpire};
use crate::outcome::{AsPlain, AsResult, Kept, Value};
use crate::policy::Policy;
use crate::stats::{Tally, count};
use crate::tier::Life;

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
        let trip = self.trip(key, Expire::Never)?;
        match trip.look::<T>().await {
            Look::Fresh(Got { value: Some(value), .. }) | Look::Early(Got { value: Some(value), .. }) => {
                count(&trip.counters.hits);
                Ok(Some(value))
            }
            Look::Away(_, error) => Err(error),
            Look::Fresh(_) | Look::Early(_) | Look::Stale(..) | Look::Miss(_) => {
                count(&trip.counters.misses);
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
        let trip = self.trip(key, expire.into_expire()?)?;
        trip.put(Some(value), trip.expiries.value).await
    }

    /// Removes `key`. Answers whether there was an entry.
    ///
    /// # Errors
    /// The store did not answer: other processes may still find the entry. This one does not read it any more, and
    /// removes it as soon as the store can do that.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        self.trip(key, Expire::Never)?.delete().await
    }

    /// Whether `key` is stored. Trouble with the store counts as no.
    pub async fn exists(&self, key: &str) -> bool {
        !matches!(self.life(key).await, None | Some(Life::Absent))
    }

    /// How long `key` has to live: `None` when it is not stored, never expires, or the store did not answer.
    pub async fn ttl(&self, key: &str) -> Option<Duration> {
        match self.life(key).await {
            Some(Life::For(life)) => Some(life),
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
            Some(trip) => {
                drive::<T, AsPlain, _>(
                    None,
                    &trip,
                    Mode::current(),
                    Kept::bytes(),
                    &plain(),
                    Bound(async { f().await }),
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
            Some(trip) => {
                drive::<Result<T, E>, AsResult, _>(
                    None,
                    &trip,
                    Mode::current(),
                    Kept::bytes(),
                    &plain(),
                    Bound(async { f().await }),
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
    pub(crate) fn trip(&self, key: &str, expire: Expire) -> Result<Trip<'_>, Error> {
        let inner = self.shared();
        if inner.is_closed() {
            return Err(Error::Closed);
        }
        Ok(Trip {
            inner,
            key: self.key(key),
            tags: Cow::Borrowed(&[]),
            knows_tags: false,
            policy: Policy::new(),
            expiries: Expiries { value: expire, none: None },
            counters: Tally::Row(inner.stats.row(HANDLE)),
            label: HANDLE,
        })
    }

    fn prepare(&self, key: &str, expire: impl IntoExpire) -> Option<Trip<'_>> {
        let trip = match expire.into_expire() {
            Ok(expire) => self.trip(key, expire).ok()?,
            Err(error) => {
                let stats = &self.inner().stats;
                stats.once(HANDLE, || crate::trace::warn(&format!("`remember` ran uncached: {error}")));
                return None;
            }
        };
        if Mode::current() == Mode::Bypass {
            count(&trip.counters.bypasses);
            return None;
        }
        Some(trip)
    }

    async fn life(&self, key: &str) -> Option<Life> {
        let trip = self.trip(key, Expire::Never).ok()?;
        trip.life().await
    }
}

/// The row of the statistics for calls of the handle.
pub(crate) const HANDLE: &str = "handle";

/// The handle's calls have no options that look at the value.
fn plain<V: Value>() -> Rules<impl Fn(&V) -> bool, impl Fn(&V) -> Special> {
    Rules { unless: |_: &V| false, expire_with: |_: &V| None }
}
