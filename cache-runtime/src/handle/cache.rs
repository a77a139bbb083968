//! Cache: the handle, and what every clone of it shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::engine::core::{Core, label_text};
use crate::handle::builder::Builder;
use crate::handle::global;
use crate::observe::stats::Stats;
use crate::observe::trace;
use crate::types::error::Error;
use crate::types::key::Key;

/// A cache: the handle that the process shares.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder_runtime::Cache;
///
/// let cache = Cache::builder().url("memory://").prefix("myapi").build().await?;
/// cache.set("greeting", "hello", "5m").await?;
/// assert_eq!(cache.get::<String>("greeting").await.as_deref(), Some("hello"));
/// # Ok::<(), larder_runtime::Error>(())
/// # }).unwrap();
/// ```
///
/// Cheap to clone; all clones are one cache. Keys are relative to the builder's prefix and to [`Cache::group`].
#[derive(Clone)]
pub struct Cache {
    pub(crate) core: Arc<Core>,
    group: Option<Arc<str>>,
}

impl Cache {
    /// Starts the description of a cache; end it with [`Builder::init`] or [`Builder::build`].
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A builder with what the environment says: `LARDER_URL`, else `REDIS_URL`, else `memory://`; `LARDER_PREFIX`;
    /// `LARDER_DEFAULT_EXPIRE` (`5m`, `300`).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder_runtime::Cache::from_env().build().await?;
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// A value that cannot be used is an error of `init` and `build`, which names the variable.
    pub fn from_env() -> Builder {
        Builder::from_env()
    }

    /// The process-wide cache.
    ///
    /// # Errors
    /// [`Error::NotInitialised`] before [`Builder::init`].
    pub fn global() -> Result<Self, Error> {
        global::get().cloned().ok_or(Error::NotInitialised)
    }

    /// The same calls inside a group: keys are relative to it, and [`Cache::delete_group`] drops them in one step.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder_runtime::Cache::builder().build().await?;
    /// let items = cache.group("items");
    /// items.set("1", &"book", "5m").await?;
    /// cache.delete_group("items").await?;
    /// assert_eq!(items.get::<String>("1").await, None);
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn group(&self, name: &str) -> Self {
        Self { core: Arc::clone(&self.core), group: Some(label_text(name).into()) }
    }

    /// What happened since the cache was made, per function.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats.stats()
    }

    /// The switch that makes the store misbehave, for tests.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn chaos(&self) -> crate::test_util::Chaos {
        self.core.store.switch().clone()
    }

    /// The name of the header that cached responses carry. Default: `X-Cache`.
    #[must_use]
    pub fn response_header(&self) -> &str {
        &self.core.response_header
    }

    /// Finishes what runs in the background and carries out the invalidations that are pending, at most for five seconds,
    /// and stops using the store: from here on cached functions run uncached and calls that change something are
    /// [`Error::Closed`].
    pub async fn close(self) {
        let core = &self.core;
        if core.closed.swap(true, SeqCst) {
            return;
        }
        let finished = async {
            core.pending.drained().await;
            core.background.idle().await;
        };
        crate::rt::io::timeout(Duration::from_secs(5), finished).await;
        core.background.cancel();
        let left = core.pending.abandon();
        if left > 0 {
            trace::warn(&format!("closed with {left} invalidations that were not carried out"));
        }
        #[cfg(feature = "metrics")]
        crate::observe::publish::publish(core);
    }

    pub(crate) fn from_inner(core: Core) -> Self {
        let core = Arc::new(core);
        #[cfg(feature = "metrics")]
        crate::observe::publish::start(&core);
        Self { core, group: None }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn shared(&self) -> &Arc<Core> {
        &self.core
    }

    /// The key of a text that the handle was given.
    pub(crate) fn key(&self, text: &str) -> Key {
        self.core.key(self.group.as_deref(), &[text])
    }

    /// What stands before every key of this handle.
    pub(crate) fn base(&self) -> String {
        let mut base = self.core.prefix.clone();
        if let Some(group) = &self.group {
            base.extend(["{", group, "}:"]);
        }
        base
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("tier", &self.core.store)
            .field("prefix", &self.core.prefix)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
