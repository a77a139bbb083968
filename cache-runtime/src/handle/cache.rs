//! The handle of a cache.

use std::fmt;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::engine::core::{Core, label_text};
use crate::engine::owner::AsCache;
use crate::observe::stats::Stats;
use crate::observe::trace;
use crate::site::ignore_in_key::IgnoreInKey;
use crate::types::function_name::FunctionName;
use crate::types::key::Key;

/// The function name under which statistics and events show calls of the handle.
pub(crate) const HANDLE: &str = "handle";

/// Returns [`HANDLE`] as the name of a function.
pub(crate) fn handle_name() -> &'static FunctionName {
    static NAME: LazyLock<&FunctionName> = LazyLock::new(|| FunctionName::plain(HANDLE));
    *NAME
}

/// A handle of a cache: reads, stores and invalidates entries directly, without an attribute.
///
/// A `Cache` is cheap to clone, and all clones are the same cache. Keys are relative to the builder's prefix and to
/// [`Cache::group`].
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::Cache;
///
/// let cache = Cache::builder().url("memory://").prefix("myapi").build().await?;
/// cache.set("greeting", "hello", "5m").await?;
/// assert_eq!(cache.get::<String>("greeting").await.as_deref(), Some("hello"));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Cache {
    core: Arc<Core>,
    group: Option<Arc<str>>,
}

impl Cache {
    /// Returns a handle whose keys are inside a group. [`Cache::delete_group`] drops the whole group in one step.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let items = cache.group("items");
    /// items.set("1", &"book", "5m").await?;
    /// cache.delete_group("items").await?;
    /// assert_eq!(items.get::<String>("1").await, None);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn group(&self, name: &str) -> Self {
        Self { core: Arc::clone(&self.core), group: Some(label_text(name).into()) }
    }

    /// Returns the counts of hits, misses and other events since the cache was built, for each function.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.get::<i32>("answer").await;
    /// assert_eq!(cache.stats().total.misses, 1);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats.stats()
    }

    /// Returns the name of the header that cached responses carry. Default: `X-Cache`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// assert_eq!(cache.response_header(), "X-Cache");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn response_header(&self) -> &str {
        &self.core.response_header
    }

    /// Closes the cache: from now on cached functions run uncached, and calls that change something return
    /// [`Error::Closed`](crate::Error::Closed).
    ///
    /// Waits up to five seconds for refreshes in the background, for pending invalidations, and for the memory of dropped groups.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.clone().close().await;
    /// assert!(cache.set("answer", &42, "1h").await.is_err());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn close(self) {
        let core = &self.core;
        if core.closed.swap(true, SeqCst) {
            return;
        }
        #[cfg(feature = "event_log")]
        core.companions.close();
        let finished = async {
            core.hurry_abandoned();
            core.pending.drained().await;
            core.background.idle().await;
            core.reclaim.idle().await;
        };
        crate::rt::io::timeout(Duration::from_secs(5), finished).await;
        core.background.cancel();
        let left = core.pending.abandon();
        if left > 0 {
            trace::warn(&format!(
                "the cache was closed before {left} pending invalidations were carried out"
            ));
        }
        #[cfg(feature = "metrics")]
        crate::observe::publish::publish(core);
        #[cfg(feature = "events")]
        core.stats.close();
    }

    /// Returns a handle without a group.
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core, group: None }
    }

    /// Returns this cache in a group whose name is already escaped.
    pub(crate) fn in_group(mut self, group: Option<Arc<str>>) -> Self {
        self.group = group;
        self
    }

    /// Returns the escaped name of the group of this handle.
    pub(crate) fn group_name(&self) -> Option<Arc<str>> {
        self.group.clone()
    }

    /// Returns the state that all clones share.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Returns the whole key of a text that is relative to prefix and group.
    pub(crate) fn key(&self, text: &str) -> Key {
        self.core.key(self.group.as_deref(), &[text])
    }

    /// [`Cache::key`] of a text in pieces.
    #[cfg(feature = "http")]
    pub(crate) fn key_of(&self, pieces: &[&str]) -> Key {
        self.core.key(self.group.as_deref(), pieces)
    }

    /// Returns the text before every key of this handle.
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
            .field("store", &self.core.store)
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

impl IgnoreInKey for Cache {}
