//! Invalidations of a transaction, which are sent after its commit.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use super::blocking::BlockingCache;
use super::cache::Cache;
use crate::engine::context::Context;
use crate::engine::deferred::{DeferredSet, DeferredTarget};
use crate::engine::deferred_send::{abandon, send};
use crate::rt::park::block_on;
use crate::types::error::Error;

/// The invalidations of a transaction, collected in [`scope`](Deferred::scope) and sent by [`send`](Deferred::send).
///
/// An invalidation inside a transaction comes too early: a reader between it and the commit caches the old value again. Inside
/// `scope`, every invalidation is collected instead: `#[cache_evict]`, `#[cache_put]`, which does not store, [`Entry`] and the
/// calls of [`Cache`], of every cache, by key, tag, group or pattern. Nothing uncommitted is cached, and nothing cached is read:
///
/// | inside `scope` | effect |
/// |---|---|
/// | cached functions, bulk functions, tables, `remember` | run uncached, also under [`refresh`](crate::refresh) |
/// | `get`, `get_many`, `exists`, `ttl` | find nothing |
/// | `#[cache_evict]` after a success | collected |
/// | `#[cache_put]` after a success, `set`, `set_many`, `Entry::put`, `Table::insert` | the removal of the entry is collected |
/// | `delete`, `delete_many`, `delete_pattern`, `clear`, `clear_function`, `invalidate_url` | the removal is collected; numbers are 0, `bool`s `false` |
/// | `Entry::invalidate`, `Entry::expire`, `Table::invalidate` | the removal is collected |
/// | `delete_group`, `invalidate_tag`, `invalidate_tags` | collected |
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # struct Transaction;
/// # impl Transaction {
/// #     async fn commit(self) -> Result<(), larder::Error> { Ok(()) }
/// # }
/// # async fn rename(cache: &larder::Cache, _: &mut Transaction, id: u64) -> Result<(), larder::Error> {
/// #     cache.invalidate_tag(&format!("user:{id}")).await
/// # }
/// # let cache = larder::Cache::builder().build().await?;
/// # let mut transaction = Transaction;
/// let later = cache.defer();
/// later.scope(rename(&cache, &mut transaction, 42)).await?;
/// transaction.commit().await?;
/// later.send().await?;
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
///
/// After a rollback call [`discard`](Deferred::discard). A set that is dropped without either, because of an early return, a
/// panic or a cancelled request, may belong to a transaction that was committed: its invalidations are carried out in the
/// background, at once and once more after four times [`redis_timeout`](crate::Builder::redis_timeout), and counted as
/// [`deferred_unsent`](crate::Counts::deferred_unsent). After a rollback that costs some computations, and nothing else.
///
/// A set holds as many invalidations of a cache as can be [pending](crate::Builder::max_pending_invalidations), 10,000 by default and at
/// least 1,000, each once. With one more, all of them become one invalidation of the whole cache, as [`Cache::clear`] makes it, and a warning
/// names the function: a transaction that changes so much is better served by a tag or a group.
///
/// A set that is created inside the scope of another belongs to it, as a savepoint to a transaction: `send` passes its
/// invalidations on to the outer set, and `discard` drops them.
///
/// The scope ends at `tokio::spawn`, `spawn_blocking` and `std::thread::spawn`: share the set in an `Arc` and call `scope`
/// again there.
///
/// [`Entry`]: crate::Entry
#[must_use = "the invalidations are sent at once by a set that is dropped"]
pub struct Deferred {
    cache: Cache,
    set: Arc<DeferredSet>,
    /// The set in whose scope this one was created.
    outer: Option<Arc<DeferredSet>>,
}

impl Cache {
    /// Returns an empty set of invalidations, for a transaction.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// let later = cache.defer();
    /// later.scope(cache.delete("answer")).await?;
    /// assert!(cache.exists("answer").await);
    /// later.send().await?;
    /// assert!(!cache.exists("answer").await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn defer(&self) -> Deferred {
        Deferred { cache: self.clone(), set: Arc::new(DeferredSet::new()), outer: Context::deferred() }
    }
}

impl BlockingCache {
    /// Returns an empty set of invalidations, as [`Cache::defer`] does. Use [`Deferred::scope_blocking`] and
    /// [`Deferred::send_blocking`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set("answer", &42, "1h")?;
    /// let later = cache.defer();
    /// later.scope_blocking(|| cache.delete("answer"))?;
    /// later.send_blocking()?;
    /// assert!(!cache.exists("answer"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn defer(&self) -> Deferred {
        self.cache().defer()
    }
}

impl Deferred {
    /// Runs `future`, and collects its invalidations. May be called several times.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let later = cache.defer();
    /// later.scope(cache.invalidate_tag("user:42")).await?;
    /// later.scope(cache.delete_group("items")).await?;
    /// later.send().await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        Context::deferring(Arc::clone(&self.set)).scope(pin!(future)).await
    }

    /// Runs `f`, and collects its invalidations: [`Deferred::scope`] for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let later = cache.defer();
    /// later.scope_blocking(|| cache.blocking().delete("answer"))?;
    /// later.send_blocking()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn scope_blocking<R>(&self, f: impl FnOnce() -> R) -> R {
        Context::deferring(Arc::clone(&self.set)).scope_blocking(f)
    }

    /// Sends the invalidations, all at once. Once this returns, no older value is served. A key that holds what is not an entry
    /// of the cache is left alone.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let later = cache.defer();
    /// later.scope(cache.delete("answer")).await?;
    /// later.send().await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed for at least one of the invalidations: other processes may still read what it was about. This process no
    /// longer does, and invalidates again as soon as the store is available. Or a cache is closed. The others are carried out
    /// all the same.
    pub async fn send(self) -> Result<(), Error> {
        match self.pass_on() {
            targets if targets.is_empty() => Ok(()),
            targets => send(targets).await,
        }
    }

    /// Sends the invalidations: [`Deferred::send`] for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let later = cache.defer();
    /// later.scope_blocking(|| cache.blocking().delete("answer"))?;
    /// later.send_blocking()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Deferred::send`].
    pub fn send_blocking(self) -> Result<(), Error> {
        block_on(self.send())
    }

    /// Drops the invalidations: the transaction was rolled back.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// let later = cache.defer();
    /// later.scope(cache.delete("answer")).await?;
    /// later.discard();
    /// assert!(cache.exists("answer").await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn discard(self) {
        drop(self.set.end());
    }

    /// Ends the set, passes its invalidations on to the set around it, and returns those that no set has taken.
    fn pass_on(&self) -> Vec<DeferredTarget> {
        let mut targets = self.set.end();
        for outer in Context::deferred().iter().chain(&self.outer) {
            match outer.take_over(targets) {
                Ok(()) => return Vec::new(),
                Err(left) => targets = left,
            }
        }
        targets
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        abandon(self.pass_on());
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferred")
            .field("cache", &self.cache)
            .field("invalidations", &self.set.len())
            .finish_non_exhaustive()
    }
}
