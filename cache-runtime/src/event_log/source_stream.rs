//! A stream whose items are made by an asynchronous function.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::watch;

use super::stream_end::{StreamEnd, ended};
use crate::rt::stack::BoxFuture;

/// The next item of a source, with the source; `None` at its end.
type SourceStep<S, T> = BoxFuture<'static, (S, Option<T>)>;

/// A source of items.
pub(super) trait EventSource: Send + Unpin + 'static {
    /// The items.
    type Item: Send + 'static;

    /// Returns the next item; `None` at the end. Nothing is lost if the future is dropped.
    fn next(&mut self) -> impl Future<Output = Option<Self::Item>> + Send;
}

/// A source as a stream, which ends with its cache or by the application. A step that was begun goes on at the next poll.
pub(super) struct SourceStream<S: EventSource> {
    source: Option<S>,
    step: Option<SourceStep<S, S::Item>>,
    ends: Vec<BoxFuture<'static, ()>>,
}

impl<S: EventSource> SourceStream<S> {
    /// Returns a stream that ends when `closed` becomes true.
    pub(super) fn new(source: S, closed: watch::Receiver<bool>) -> Self {
        Self { source: Some(source), step: None, ends: vec![Box::pin(ended(closed))] }
    }

    /// Adds an end.
    pub(super) fn until(&mut self, end: &StreamEnd) {
        self.ends.push(Box::pin(ended(end.receiver())));
    }

    /// Polls for the next item.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if self.ends.iter_mut().any(|end| end.as_mut().poll(context).is_ready()) {
            // The registration of the listener ends here.
            (self.source, self.step) = (None, None);
            self.ends.clear();
        }
        if let Some(mut source) = self.source.take() {
            self.step = Some(Box::pin(async move {
                let item = source.next().await;
                (source, item)
            }));
        }
        let Some(step) = &mut self.step else { return Poll::Ready(None) };
        let (source, item) = ready!(Pin::new(step).poll(context));
        self.step = None;
        if item.is_some() {
            self.source = Some(source);
        }
        Poll::Ready(item)
    }
}
