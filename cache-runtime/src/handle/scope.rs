//! The process-wide cache, and scopes in which another one takes its place.

use std::pin::pin;
use std::sync::Arc;

use super::cache::Cache;
use crate::engine::context::{Context, Scoped};
use crate::engine::global;
use crate::types::error::Error;

impl Cache {
    /// Returns the process-wide cache; inside [`Cache::scope`], the cache of the scope.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::Cache;
    ///
    /// assert!(Cache::global().is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::NotInitialised`] before [`Builder::init`](crate::Builder::init), outside every scope.
    pub fn global() -> Result<Self, Error> {
        match Context::scoped() {
            Some(scoped) => Ok(Self::of(Arc::clone(&scoped.core)).in_group(scoped.group.clone())),
            None => global::get().cloned().map(Self::of).ok_or(Error::NotInitialised),
        }
    }

    /// Returns the cache that cached functions use here, to be carried into a spawned task or thread.
    ///
    /// A scope ends at `tokio::spawn`, `spawn_blocking` and `std::thread::spawn`:
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::Cache;
    ///
    /// let cache = Cache::builder().prefix("a").build().await?;
    /// cache.scope(async {
    ///     let here = Cache::current()?;
    ///     tokio::spawn(async move {
    ///         assert!(Cache::current().is_err());
    ///         here.scope(async { assert!(Cache::current().is_ok()) }).await;
    ///     })
    ///     .await
    ///     .unwrap();
    ///     Ok::<(), larder::Error>(())
    /// })
    /// .await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Cache::global`].
    pub fn current() -> Result<Self, Error> {
        Self::global()
    }

    /// Runs `future` with this cache in place of the process-wide one.
    ///
    /// Every cached function that `future` calls uses this cache unless its attribute says `cache = ..`: nested calls,
    /// `#[cache_evict]`, `#[cache_put]` and refreshes in the background included. So tests that run in parallel need not
    /// share one. The group of the handle applies to [`Cache::current`], not to functions.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::Cache;
    ///
    /// let cache = Cache::builder().build().await?;
    /// cache
    ///     .scope(async {
    ///         Cache::global()?.set("greeting", "hello", "5m").await
    ///     })
    ///     .await?;
    /// assert_eq!(cache.get::<String>("greeting").await.as_deref(), Some("hello"));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Tasks and threads that `future` spawns are outside the scope: see [`Cache::current`].
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let scoped = self.scoped();
        async move { Context::with_cache(scoped).scope(pin!(future)).await }
    }

    /// Runs `f` with this cache in place of the process-wide one: [`Cache::scope`] for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::Cache;
    ///
    /// let cache = Cache::builder().build_blocking()?;
    /// cache.scope_blocking(|| assert!(Cache::global().is_ok()));
    /// assert!(Cache::global().is_err());
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn scope_blocking<R>(&self, f: impl FnOnce() -> R) -> R {
        Context::with_cache(self.scoped()).scope_blocking(f)
    }

    /// The cache as a scope holds it.
    pub(crate) fn scoped(&self) -> Arc<Scoped> {
        Arc::new(Scoped { core: Arc::clone(self.core()), group: self.group_name() })
    }
}
