//! The stream over the keys of a cache.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::handle::cache::Cache;
use crate::store::{Cursor, KeyPage, Store};
use crate::types::error::Error;
use crate::types::key::escape_glob;

type NextPage = Pin<Box<dyn Future<Output = Result<KeyPage, Error>> + Send>>;

/// A stream of keys, which [`Cache::keys`] returns.
///
/// Each item is a key relative to prefix and group. After an error the stream ends.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let cache = larder::Cache::builder().build().await?;
/// use futures_core::Stream;
///
/// cache.set("user:1", "ann", "5m").await?;
/// let mut keys = std::pin::pin!(cache.keys("*"));
/// while let Some(key) = std::future::poll_fn(|cx| keys.as_mut().poll_next(cx)).await {
///     println!("{}", key?);
/// }
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
pub struct Keys {
    cache: Cache,
    base: String,
    pattern: String,
    ready: VecDeque<String>,
    next: Option<NextPage>,
}

impl Cache {
    /// Returns a stream of the keys of this cache's entries that match a glob, relative to prefix and group.
    ///
    /// The stream reads page by page. A key that is written meanwhile may be listed twice or not at all. While slots of a
    /// cluster are moved, any key may be listed more than once, and the stream may end with [`Error::KeysMoved`]. The syntax of a
    /// glob is that of [`Cache::delete_pattern`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("user:1", "ann", "5m").await?;
    /// let mut keys = std::pin::pin!(cache.keys("user:*"));
    /// let first = std::future::poll_fn(|context| futures_core::Stream::poll_next(keys.as_mut(), context)).await;
    /// assert_eq!(first.unwrap()?, "user:1");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn keys(&self, glob: &str) -> Keys {
        let base = self.base();
        let pattern = escape_glob(&base) + glob;
        let next = page(self.clone(), pattern.clone(), Cursor::START);
        Keys { cache: self.clone(), base, pattern, ready: VecDeque::new(), next: Some(next) }
    }
}

impl Stream for Keys {
    type Item = Result<String, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(key) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(key)));
            }
            let Some(next) = &mut self.next else { return Poll::Ready(None) };
            let page = ready!(next.as_mut().poll(context));
            self.next = None;
            match page {
                Ok(found) => self.take(&found),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl Keys {
    /// Takes over the keys of a page and starts to read the next one.
    fn take(&mut self, found: &KeyPage) {
        self.next = found.next.map(|cursor| page(self.cache.clone(), self.pattern.clone(), cursor));
        let base = &self.base;
        self.ready =
            found.keys.iter().filter_map(|key| key.strip_prefix(base.as_str()).map(str::to_owned)).collect();
    }
}

fn page(cache: Cache, pattern: String, cursor: Cursor) -> NextPage {
    Box::pin(async move {
        cache.open()?;
        let core = cache.core();
        let KeyPage { mut keys, next } = core.store.scan(&pattern, cursor).await?;
        keys.retain(|key| !core.is_stamp(key));
        Ok(KeyPage { keys: core.store.own(keys, core.prefix.len()).await?, next })
    })
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}
