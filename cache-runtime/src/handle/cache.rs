//! Cache: the handle, and what every clone of it shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::engine::call::AsCache;
use crate::engine::core::{Core, label_text};
use crate::observe::stats::Stats;
use crate::observe::trace;
use crate::site::probe::IgnoreInKey;
use crate::types::key::Key;

/// The row of the statistics for calls of the handle.
pub(crate) const HANDLE: &str = "handle";

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
    core: Arc<Core>,
    group: Option<Arc<str>>,
}

impl Cache {
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

    /// A handle without a group.
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core, group: None }
    }

    /// This cache, in a group whose name is escaped already.
    pub(crate) fn in_group(mut self, group: Option<Arc<str>>) -> Self {
        self.group = group;
        self
    }

    pub(crate) fn group_name(&self) -> Option<Arc<str>> {
        self.group.clone()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The key of a text that the handle was given.
    pub(crate) fn key(&self, text: &str) -> Key {
        self.core.key(self.group.as_deref(), &[text])
    }

    /// The text before every key of this handle.
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

impl AsCache for Cache {
    fn as_core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl IgnoreInKey for Cache {
    const TELLS_WHO: bool = false;
}
