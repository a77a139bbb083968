//! The switch of a cache.

use super::builder::Builder;

impl Builder {
    /// Sets whether anything is read or stored. Default: `true`.
    ///
    /// With `false`, functions, handlers and layers run uncached, `get` finds nothing, and `set`, `put` and `#[cache_put]` remove the
    /// entry instead of storing. Invalidations are carried out as ever, so that other processes of the same prefix serve nothing old.
    /// Such calls are counted as bypasses, and responses have `X-Cache: BYPASS`. `LARDER_ENABLED=false` does the same with
    /// [`Cache::from_env`](crate::Cache::from_env).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder::Cache::builder().enabled(false).build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert_eq!(cache.get::<i32>("answer").await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}
