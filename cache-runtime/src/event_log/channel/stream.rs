//! The stream of one listener of a channel.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::listener::ChannelListener;
use crate::engine::core::Core;
use crate::event_log::log::record;
use crate::event_log::source_stream::SourceStream;
use crate::event_log::stream_end::StreamEnd;
use crate::observe::event_kind::EventKind;

/// A stream of the events of a channel, made by [`Channel::listen`](super::Channel::listen). It ends with the cache, and not by itself.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let cache = larder::Cache::builder().build().await?;
/// let prices = cache.channel::<u64>("prices");
/// let mut ticks = prices.listen().await;
/// prices.publish(&100).await?;
/// assert_eq!(ticks.recv().await, Some(100));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a stream yields nothing unless it is polled"]
pub struct ChannelStream<T> {
    steps: SourceStream<ChannelListener>,
    core: Arc<Core>,
    row: String,
    events: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ChannelStream<T> {
    pub(super) fn new(listener: ChannelListener) -> Self {
        let (core, row) = (Arc::clone(&listener.core), listener.name.row.clone());
        Self { steps: SourceStream::new(listener, core.companions.closed()), core, row, events: PhantomData }
    }

    /// Returns the next event; `None` at the end.
    pub async fn recv(&mut self) -> Option<T> {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    /// Ends the stream with a switch of the application as well.
    pub fn until(mut self, end: &StreamEnd) -> Self {
        self.steps.until(end);
        self
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            let Some(json) = ready!(self.steps.poll_next(context)) else { return Poll::Ready(None) };
            match serde_json::from_slice(&json) {
                Ok(event) => return Poll::Ready(Some(event)),
                Err(_) => record(&self.core, &self.row, EventKind::Unusable),
            }
        }
    }
}

impl<T: DeserializeOwned> Stream for ChannelStream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_event(context)
    }
}

impl<T> fmt::Debug for ChannelStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelStream").finish_non_exhaustive()
    }
}
