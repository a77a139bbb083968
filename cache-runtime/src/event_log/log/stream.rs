//! The stream of one listener.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::event::{LogEvent, LogStep};
use super::failures::record;
use super::listener::LogListener;
use crate::engine::core::Core;
use crate::event_log::event_id::EventId;
use crate::event_log::source_stream::SourceStream;
use crate::event_log::stream_end::StreamEnd;
use crate::observe::event_kind::EventKind;

/// A stream of the events of a log, made by [`EventLog::listen`](super::EventLog::listen). It ends with the cache, and not by itself.
///
/// A listener that is slower than the log reads what it missed from the log, and gets a [`LogEvent::Reset`] if the log holds no more of
/// it. Nobody waits for a slow listener.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::event_log::LogEvent;
///
/// # let cache = larder::Cache::builder().build().await?;
/// let orders = cache.event_log::<String>("orders");
/// let mut events = orders.listen(None).await;
/// orders.publish(&"shipped".to_owned()).await?;
/// match events.recv().await {
///     Some(LogEvent::Event { data, .. }) => assert_eq!(data, "shipped"),
///     Some(LogEvent::Reset { .. }) => { /* load the state anew */ }
///     _ => { /* the cache was closed */ }
/// }
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a stream yields nothing unless it is polled"]
pub struct LogStream<T> {
    steps: SourceStream<LogListener>,
    core: Arc<Core>,
    row: String,
    last: Option<EventId>,
    events: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> LogStream<T> {
    pub(super) fn new(listener: LogListener) -> Self {
        let (core, row, last) = (Arc::clone(&listener.core), listener.name.row.clone(), listener.last());
        let steps = SourceStream::new(listener, core.companions.closed());
        Self { steps, core, row, last, events: PhantomData }
    }

    /// Returns the next event; `None` at the end. No event is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<LogEvent<T>> {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    /// Ends the stream with a switch of the application as well.
    pub fn until(mut self, end: &StreamEnd) -> Self {
        self.steps.until(end);
        self
    }

    /// Returns the id after which the stream goes on; `None` while Redis cannot be asked for the first time.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders");
    /// let last_id = orders.listen(None).await.last_id();
    /// orders.publish(&"shipped".to_owned()).await?;
    /// let event = orders.listen(last_id).await.recv().await;
    /// assert_eq!(event.and_then(|event| event.data()).as_deref(), Some("shipped"));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn last_id(&self) -> Option<EventId> {
        self.last
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<LogEvent<T>>> {
        loop {
            let Some(step) = ready!(self.steps.poll_next(context)) else { return Poll::Ready(None) };
            match step {
                LogStep::Started(id) => self.last = Some(id),
                LogStep::Reset(id) => {
                    self.last = Some(id);
                    return Poll::Ready(Some(LogEvent::Reset { id }));
                }
                LogStep::Entry(entry) => {
                    self.last = Some(entry.id);
                    match entry.json.and_then(|json| serde_json::from_slice(&json).ok()) {
                        Some(data) => return Poll::Ready(Some(LogEvent::Event { id: entry.id, data })),
                        None => record(&self.core, &self.row, EventKind::Unusable),
                    }
                }
            }
        }
    }
}

impl<T: DeserializeOwned> Stream for LogStream<T> {
    type Item = LogEvent<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<LogEvent<T>>> {
        self.get_mut().poll_event(context)
    }
}

impl<T> fmt::Debug for LogStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStream").field("last_id", &self.last).finish_non_exhaustive()
    }
}
