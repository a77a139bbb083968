//! Entry: the handle of one entry, as `entry = ..` generates it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::call::Call;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::Hit;
use crate::engine::lookup::Lookup;
use crate::handle::cache::{Cache, HANDLE};
use crate::observe::stats::{Tally, count};
use crate::site::expiries::{Expiries, capped};
use crate::site::policy::Policy;
use crate::store::Ttl;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::key::{Key, Label};

/// The cache entry of one function for one set of arguments.
///
/// `#[cache(entry = user_entry)]` on `fn user(id: u64)` generates `fn user_entry(id: u64) -> Entry`. Nothing is asked
/// of the store until one of these methods is called.
#[derive(Debug, Clone)]
#[must_use = "an entry does nothing by itself"]
pub struct Entry(Result<Located, Error>);

#[derive(Debug, Clone)]
struct Located {
    cache: Cache,
    target: Target,
}

/// What an entry is about, apart from the cache it is in.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    key: Key,
    tags: Box<[Label]>,
    policy: Policy,
    expiries: Expiries,
}

impl Target {
    pub(crate) fn of(op: EntryOp<'_>) -> Self {
        let EntryOp { key, tags, policy, expiries, .. } = op;
        Self { key, tags: tags.into_owned().into(), policy, expiries }
    }

    pub(crate) fn new(key: Key, tags: Vec<Label>, policy: Policy, expiries: Expiries) -> Self {
        Self { key, tags: tags.into(), policy, expiries }
    }

    /// An access to the entry, counted under `function`.
    pub(crate) fn op<'t>(
        &'t self,
        core: &'t Arc<Core>,
        counters: Tally<'t>,
        function: &'t str,
    ) -> EntryOp<'t> {
        EntryOp {
            core,
            key: self.key.clone(),
            tags: Cow::Borrowed(&self.tags),
            knows_tags: true,
            policy: self.policy,
            expiries: self.expiries,
            counters,
            function,
        }
    }
}

impl Call {
    /// The handle that the function of `entry = ..` returns.
    #[inline]
    pub fn entry(&mut self) -> Entry {
        let Some(core) = self.core().cloned() else { return Entry(Err(Error::NotInitialised)) };
        Entry::made(Cache::of(core), self.op().unwrap_or(Err(Error::Closed)).map(Target::of))
    }
}

impl Entry {
    pub(crate) fn made(cache: Cache, made: Result<Target, Error>) -> Self {
        Self(made.map(|target| Located { cache, target }))
    }

    /// An entry whose calls all fail with this error.
    #[cfg(feature = "axum")]
    pub(crate) fn failed(error: Error) -> Self {
        Self(Err(error))
    }

    /// The whole key, as in Redis. Empty when there is no cache yet.
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.as_ref().map_or("", |located| located.target.key.as_str())
    }

    /// What is stored: the value that the function returned, without its `Ok` or `Some`. Trouble with the store, and a
    /// value of another type, give `None`.
    pub async fn get<T: DeserializeOwned>(&self) -> Option<T> {
        let op = self.op().ok()?;
        match op.lookup::<T>().await {
            Lookup::Fresh(Hit { value: Some(value), .. }) | Lookup::Early(Hit { value: Some(value), .. }) => {
                count(&op.counters.hits);
                Some(value)
            }
            _ => {
                count(&op.counters.misses);
                None
            }
        }
    }

    /// Stores `value` as if the function had returned it, for as long as the attribute says.
    ///
    /// # Errors
    /// No cache yet, a value that cannot be encoded or is too large, a store that did not answer: what was there before is
    /// then removed as [`Entry::invalidate`] says.
    pub async fn put<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        let op = self.op()?;
        op.put(Some(value), op.expiries.value).await
    }

    /// Removes the entry: it is never served again.
    ///
    /// # Errors
    /// No cache yet, or the store did not answer: other processes may still find the entry. This one does not read it any
    /// more, and removes it as soon as the store can do that.
    pub async fn invalidate(&self) -> Result<(), Error> {
        self.op()?.delete().await.map(drop)
    }

    /// Lets the entry end now. Where the function may serve old values, this one is kept for that; where it may not, the
    /// same as [`Entry::invalidate`].
    ///
    /// # Errors
    /// As [`Entry::invalidate`]: what is made up for later is a removal.
    pub async fn expire(&self) -> Result<(), Error> {
        self.op()?.mark_stale().await
    }

    /// How long the entry has to live: `None` when it is not stored, never expires, or the store did not answer.
    pub async fn ttl(&self) -> Option<Duration> {
        match self.op().ok()?.ttl().await {
            Some(Ttl::For(life)) => Some(life),
            _ => None,
        }
    }

    pub(crate) fn op(&self) -> Result<EntryOp<'_>, Error> {
        let Located { cache, target } = self.0.as_ref().map_err(Clone::clone)?;
        cache.open()?;
        let core = cache.core();
        Ok(target.op(core, Tally::Row(core.stats.row(HANDLE)), HANDLE))
    }

    /// An entry that is named by its key, for `#[cache_put(key = ..)]`.
    pub(crate) fn keyed(
        cache: &Cache,
        (key, tags): (Key, Vec<Label>),
        policy: Policy,
        expire: Option<Expire>,
    ) -> Self {
        let mut expiries = Expiries::of(&policy, cache.core().default_expire);
        expiries.value = expire.map_or(expiries.value, capped);
        Self::made(cache.clone(), Ok(Target::new(key, tags, policy, expiries)))
    }
}
