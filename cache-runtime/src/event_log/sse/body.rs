//! The body of a response: the events of a listener until it ends, or until a check fails.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;

use super::parts::SseParts;
use super::recheck::{Recheck, RecheckRule};
use crate::engine::core::Core;
use crate::event_log::source_stream::{EventSource, SourceStream};
use crate::rt::first::first;

/// Asks proxies of the kind of nginx to pass events on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A source whose events are checked for authorisation.
struct CheckedSource<S> {
    source: S,
    recheck: Option<Recheck>,
}

/// The events of a response.
struct SseStream<S: EventSource<Item = Event>>(SourceStream<CheckedSource<S>>);

impl<S: EventSource<Item = Event>> EventSource for CheckedSource<S> {
    type Item = Event;

    async fn next(&mut self) -> Option<Event> {
        let Self { source, recheck } = self;
        match recheck {
            Some(recheck) => {
                let failed = async {
                    recheck.failed().await;
                    None
                };
                // First, so that a stream of many events is ended as well.
                first(failed, source.next()).await
            }
            None => source.next().await,
        }
    }
}

impl<S: EventSource<Item = Event>> Stream for SseStream<S> {
    type Item = Result<Event, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.get_mut().0.poll_next(context));
        Poll::Ready(event.map(Ok))
    }
}

/// Returns the response with the events of a source.
pub(super) fn response(
    core: &Arc<Core>,
    parts: SseParts,
    source: impl EventSource<Item = Event>,
) -> Response {
    let source = CheckedSource { source, recheck: parts.recheck.map(RecheckRule::begin) };
    let mut steps = SourceStream::new(source, core.companions.closed());
    parts.ends.iter().for_each(|end| steps.until(end));
    let keep_alive = KeepAlive::new().interval(parts.keep_alive);
    let mut response = Sse::new(SseStream(steps)).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}
