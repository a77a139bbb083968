//! Cache: the handle, and what every clone of it shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use crate::background::Background;
use crate::builder::Builder;
use crate::clock::Clock;
use crate::engine::{Flights, Keeper, Outage, Overdue};
use crate::error::Error;
use crate::expire::Expire;
use crate::global;
use crate::key::{Key, Label};
use crate::stats::{Registry, Stats};
use crate::tier::{Near, Store, Tier, Token};
use crate::trace;

/// A key text longer than this is cut and ends in its hash.
const MAX_KEY: usize = 1024;
/// The same for the name of a group.
const MAX_GROUP: usize = 256;

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
    pub(crate) inner: Arc<Inner>,
    group: Option<Arc<str>>,
}

/// What all clones of a cache share.
pub(crate) struct Inner {
    /// Tells this cache from every other of this process, also from those that were dropped.
    pub(crate) id: u64,
    pub(crate) prefix: String,
    pub(crate) tier: Store,
    pub(crate) clock: Clock,
    pub(crate) default_expire: Expire,
    pub(crate) ignored: Vec<&'static str>,
    pub(crate) max_value: usize,
    pub(crate) max_wait: Duration,
    pub(crate) response_header: String,
    /// The same, as responses take it.
    #[cfg(feature = "http")]
    pub(crate) status_field: http::HeaderName,
    /// For bodies on their way into the cache.
    #[cfg(feature = "http")]
    pub(crate) room: crate::http::Room,
    /// What a request with `no-cache` leads to.
    #[cfg(feature = "http")]
    pub(crate) no_cache: crate::http::NoCache,
    pub(crate) near: Near,
    pub(crate) flights: Arc<Flights>,
    /// Begins the tokens of this cache's leases.
    pub(crate) owner: [u8; Token::OWNER],
    pub(crate) keeper: Keeper,
    pub(crate) overdue: Overdue,
    pub(crate) outage: Outage,
    pub(crate) stats: Registry,
    pub(crate) background: Background,
    pub(crate) closed: AtomicBool,
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
        Self { inner: Arc::clone(&self.inner), group: Some(label_text(name).into()) }
    }

    /// What happened since the cache was made, per function.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.stats.stats()
    }

    /// The switch that makes the store misbehave, for tests.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn chaos(&self) -> crate::test_util::Chaos {
        self.inner.tier.switch().clone()
    }

    /// The name of the header that cached responses carry. Default: `X-Cache`.
    #[must_use]
    pub fn response_header(&self) -> &str {
        &self.inner.response_header
    }

    /// Finishes what runs in the background and carries out the invalidations that are overdue, at most for five seconds,
    /// and stops using the store: from here on cached functions run uncached and calls that change something are
    /// [`Error::Closed`].
    pub async fn close(self) {
        let inner = &self.inner;
        if inner.closed.swap(true, SeqCst) {
            return;
        }
        let finished = async {
            inner.overdue.drained().await;
            inner.background.idle().await;
        };
        crate::io::timeout(Duration::from_secs(5), finished).await;
        inner.background.cancel();
        let left = inner.overdue.abandon();
        if left > 0 {
            trace::warn(&format!("closed with {left} invalidations that were not carried out"));
        }
        #[cfg(feature = "metrics")]
        crate::publish::publish(inner);
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        let inner = Arc::new(inner);
        #[cfg(feature = "metrics")]
        crate::publish::start(&inner);
        Self { inner, group: None }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn shared(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The key of a text that the handle was given.
    pub(crate) fn key(&self, text: &str) -> Key {
        self.inner.key(self.group.as_deref(), &[text])
    }

    /// What stands before every key of this handle.
    pub(crate) fn base(&self) -> String {
        let mut base = self.inner.prefix.clone();
        if let Some(group) = &self.group {
            base.extend(["{", group, "}:"]);
        }
        base
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("tier", &self.inner.tier)
            .field("prefix", &self.inner.prefix)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// An id for a new cache.
    pub(crate) fn next_id() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, SeqCst)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Drops what this process has of an entry beside the store.
    pub(crate) fn forget(&self, key: &Key) {
        self.near.forget(key);
        self.outage.forget(key);
    }

    /// Gives back the memory of what a group held, in the background.
    pub(crate) fn reclaim(self: &Arc<Self>, group: Label) {
        let inner = Arc::clone(self);
        self.background.spawn(async move {
            if let Err(error) = inner.tier.reclaim(&group).await {
                // The entries cannot be read any more and expire by themselves.
                trace::store_error("reclaim", &error);
            }
        });
    }

    /// The whole key of `body`, whose pieces are relative to prefix and group. A body that names a group itself,
    /// `{items}:1`, is in that group, so that what [`Cache::keys`] lists can be given back.
    pub(crate) fn key(&self, group: Option<&str>, body: &[&str]) -> Key {
        let len = body.iter().map(|piece| piece.len()).sum::<usize>();
        let mut text =
            String::with_capacity(self.prefix.len() + group.map_or(0, |group| group.len() + 3) + len);
        text.push_str(&self.prefix);
        let mut group_end = 0;
        if let Some(group) = group {
            text.extend(["{", group, "}"]);
            group_end = text.len();
            text.push(':');
        }
        let start = text.len();
        text.extend(body.iter().copied());
        if group.is_none() && text[start..].starts_with('{') {
            group_end = text[start..].find("}:").map_or(0, |end| start + end + 1);
        }
        if text.len() > MAX_KEY {
            // The group is bounded, so that it is never cut unless somebody wrote it into a key by hand.
            group_end = if group_end < MAX_KEY / 2 { group_end } else { 0 };
            shorten(&mut text, MAX_KEY);
        }
        Key::new(text, group_end)
    }

    /// The label of a group.
    pub(crate) fn group(&self, name: &str) -> Label {
        Label::new([&self.prefix, "{", &label_text(name), "}"].concat())
    }

    /// The label of a tag.
    pub(crate) fn tag(&self, name: &str) -> Label {
        Label::tag(&self.prefix, &label_text(name))
    }

    /// Whether a whole key is the stamp of a label rather than an entry.
    pub(crate) fn is_stamp(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_prefix('{'))
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(|rest| !rest.contains("}:"))
    }
}

/// The name of a group or a tag as keys hold it: braces would end the hash tag, and it is bounded.
pub(crate) fn label_text(name: &str) -> String {
    let mut text = name.replace('{', "%7B").replace('}', "%7D");
    if text.len() > MAX_GROUP {
        shorten(&mut text, MAX_GROUP);
    }
    text
}

/// Cuts a text to `limit` bytes, the last of which are its hash.
fn shorten(text: &mut String, limit: usize) {
    let hash = blake3::hash(text.as_bytes());
    let mut cut = limit - 33;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text.truncate(cut);
    text.push('~');
    text.push_str(&hash.to_hex()[..32]);
}
