//! The stream of a subscriber.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_core::Stream;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::event::Event;
use crate::observe::event_kind::EventKind;
use crate::observe::stats::Registry;
use crate::rt::park;

/// The events of a cache from [`Cache::events`](crate::Cache::events) on, as a [`Stream`]. It ends when the cache is closed or
/// its last handle is dropped.
#[must_use = "nobody reads the events of a stream that is dropped"]
pub struct Events {
    received: BroadcastStream<Event>,
    /// Weak: a subscriber must not keep a dropped cache alive.
    registry: Weak<Registry>,
}

impl Events {
    pub(crate) fn of(registry: &Arc<Registry>) -> Self {
        let received = BroadcastStream::new(registry.events.subscribe());
        Self { received, registry: Arc::downgrade(registry) }
    }

    /// Returns the next event; `None` after the end of the cache.
    ///
    /// Dropping the future loses no event, so that it can be used in `select!`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # async fn f(cache: larder::Cache) {
    /// let mut events = cache.events();
    /// tokio::spawn(async move {
    ///     while let Some(event) = events.recv().await {
    ///         println!("{}", serde_json::to_string(&event).unwrap());
    ///     }
    /// });
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// [`Events::recv`] for synchronous programs. Blocks the thread.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn f(cache: larder::BlockingCache) {
    /// let mut events = cache.events();
    /// std::thread::spawn(move || {
    ///     while let Some(event) = events.blocking_recv() {
    ///         println!("{event:?}");
    ///     }
    /// });
    /// # }
    /// ```
    pub fn blocking_recv(&mut self) -> Option<Event> {
        park::block_on(self.recv())
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(ready!(Pin::new(&mut self.received).poll_next(cx)).map(|received| match received {
            Ok(event) => event,
            Err(BroadcastStreamRecvError::Lagged(missed)) => {
                Event { at: SystemTime::now(), function: None, key: None, kind: EventKind::Lagged { missed } }
            }
        }))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.events.unsubscribe();
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
