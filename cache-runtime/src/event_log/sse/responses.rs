//! The responses of logs and channels.

use axum::response::Response;
use axum::response::sse::Event;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body::response;
use super::frame;
use super::parts::SseParts;
use crate::event_log::channel::{Channel, ChannelListener};
use crate::event_log::event_id::EventId;
use crate::event_log::log::{EventLog, LogListener, LogStep, record};
use crate::event_log::source_stream::EventSource;
use crate::observe::event_kind::EventKind;

/// Makes the JSON for a client.
type Render = Box<dyn Fn(Bytes) -> Rendered + Send>;

/// An event for a client.
enum Rendered {
    Json(Bytes),
    /// Not for this client.
    Skipped,
    /// Not an event.
    Unusable,
}

/// A listener of a log whose events are rendered.
struct LogSource {
    listener: LogListener,
    render: Render,
}

/// A listener of a channel whose events are rendered.
struct ChannelSource {
    listener: ChannelListener,
    render: Render,
    has_begun: bool,
}

impl<T: DeserializeOwned + 'static> EventLog<T> {
    /// Returns a response of server-sent events: those after the last one that the client got, then each that is published.
    ///
    /// Each event has its id, so that a browser resumes by itself after a break. An event `reset` tells the page to load its state anew, because the
    /// log does not hold all that the client missed. The response has `Cache-Control: no-store` and `X-Accel-Buffering: no`, a comment every 15 seconds, and
    /// a `retry` between one and five seconds. It ends with the cache or by [`SseParts::until`], and lasts while Redis cannot be reached.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use axum::extract::State;
    /// use axum::response::Response;
    /// use larder::event_log::{EventLog, SseParts};
    ///
    /// async fn events(parts: SseParts, State(orders): State<EventLog<String>>) -> Response {
    ///     orders.sse(parts)
    /// }
    /// ```
    pub fn sse(&self, parts: SseParts) -> Response {
        self.respond(parts, as_published::<T>())
    }

    /// Returns a response as [`EventLog::sse`] does, of what `map` makes of each event. `None` leaves an event out for this client.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use axum::extract::State;
    /// use axum::response::Response;
    /// use larder::event_log::{EventLog, SseParts};
    ///
    /// async fn events(parts: SseParts, State(orders): State<EventLog<(u64, String)>>) -> Response {
    ///     let user = 7; // from the session
    ///     orders.sse_map(parts, move |(owner, text)| (owner == user).then_some(text))
    /// }
    /// ```
    pub fn sse_map<U: Serialize>(
        &self,
        parts: SseParts,
        map: impl Fn(T) -> Option<U> + Send + 'static,
    ) -> Response {
        self.respond(parts, mapped(map))
    }

    fn respond(&self, parts: SseParts, render: Render) -> Response {
        let listener = self.listener(parts.last_event_id());
        let core = listener.core.clone();
        response(&core, parts, LogSource { listener, render })
    }
}

impl<T: DeserializeOwned + 'static> Channel<T> {
    /// Returns a response of server-sent events: each that is published from now on. Events have no ids, and a client that was away misses some.
    ///
    /// Apart from that as [`EventLog::sse`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use axum::extract::State;
    /// use axum::response::Response;
    /// use larder::event_log::{Channel, SseParts};
    ///
    /// async fn prices(parts: SseParts, State(prices): State<Channel<u64>>) -> Response {
    ///     prices.sse(parts)
    /// }
    /// ```
    pub fn sse(&self, parts: SseParts) -> Response {
        self.respond(parts, as_published::<T>())
    }

    /// Returns a response as [`Channel::sse`] does, of what `map` makes of each event. `None` leaves an event out for this client.
    pub fn sse_map<U: Serialize>(
        &self,
        parts: SseParts,
        map: impl Fn(T) -> Option<U> + Send + 'static,
    ) -> Response {
        self.respond(parts, mapped(map))
    }

    fn respond(&self, parts: SseParts, render: Render) -> Response {
        let listener = self.listener();
        let core = listener.core.clone();
        response(&core, parts, ChannelSource { listener, render, has_begun: false })
    }
}

impl EventSource for LogSource {
    type Item = Event;

    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.listener.next().await? {
                LogStep::Started(id) => return Some(frame::first(Some(id))),
                LogStep::Reset(id) => return Some(frame::reset(id)),
                LogStep::Entry(entry) => {
                    let rendered = entry.json.map_or(Rendered::Unusable, &self.render);
                    match framed(Some(entry.id), rendered) {
                        Ok(Some(event)) => return Some(event),
                        Ok(None) => {}
                        Err(Unframed) => {
                            record(&self.listener.core, &self.listener.name.row, EventKind::Unusable);
                        }
                    }
                }
            }
        }
    }
}

impl EventSource for ChannelSource {
    type Item = Event;

    async fn next(&mut self) -> Option<Event> {
        if !self.has_begun {
            // A client that has the first frame gets all later messages.
            self.listener.join().await;
            self.has_begun = true;
            return Some(frame::first(None));
        }
        loop {
            let json = self.listener.next().await?;
            match framed(None, (self.render)(json)) {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(Unframed) => record(&self.listener.core, &self.listener.name.row, EventKind::Unusable),
            }
        }
    }
}

/// The error of an entry that is not an event.
struct Unframed;

/// Returns the event to send; `None` for one that is left out.
fn framed(id: Option<EventId>, rendered: Rendered) -> Result<Option<Event>, Unframed> {
    match rendered {
        Rendered::Json(json) => frame::event(id, &json).map(Some).ok_or(Unframed),
        Rendered::Skipped => Ok(None),
        Rendered::Unusable => Err(Unframed),
    }
}

/// Sends events as they were published, if they are of this type.
fn as_published<T: DeserializeOwned>() -> Render {
    Box::new(|json| match serde_json::from_slice::<T>(&json) {
        Ok(_) => Rendered::Json(json),
        Err(_) => Rendered::Unusable,
    })
}

/// Sends what a function makes of events.
fn mapped<T: DeserializeOwned, U: Serialize>(map: impl Fn(T) -> Option<U> + Send + 'static) -> Render {
    Box::new(move |json| {
        let Ok(event) = serde_json::from_slice(&json) else { return Rendered::Unusable };
        match map(event).map(|event| serde_json::to_vec(&event)) {
            Some(Ok(json)) => Rendered::Json(json.into()),
            Some(Err(_)) => Rendered::Unusable,
            None => Rendered::Skipped,
        }
    })
}
