//! The parts of a request for server-sent events, and the settings of the response.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request;

use super::recheck::RecheckRule;
use crate::event_log::event_id::EventId;
use crate::event_log::stream_end::StreamEnd;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The header in which a client that connects again names the last event that it got.
const HEADER: &str = "last-event-id";
/// The same in the query, for the first request: pages cannot set the header.
const QUERY: &str = "last_event_id=";
/// The interval of comments, so that neither proxies nor clients take the connection for lost.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An extractor of what a request for server-sent events says, with the settings of the response.
///
/// The last event that the client got is read from the header `Last-Event-ID`, else from `last_event_id` in the query; what is not the id of an
/// event counts as nothing.
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
#[derive(Clone)]
pub struct SseParts {
    pub(super) last_id: Option<EventId>,
    pub(super) keep_alive: Duration,
    pub(super) recheck: Option<RecheckRule>,
    pub(super) ends: Vec<StreamEnd>,
}

impl SseParts {
    /// Returns the id of the last event that the client got; `None` without one.
    #[must_use]
    pub fn last_event_id(&self) -> Option<EventId> {
        self.last_id
    }

    /// Goes on from another id than the client says.
    #[must_use]
    pub fn resume_from(mut self, last_id: Option<EventId>) -> Self {
        self.last_id = last_id;
        self
    }

    /// Ends the response when `check` returns `false`, which is asked each time that `every` has passed. A check that takes as long as
    /// `every` counts as `false`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use axum::extract::State;
    /// # use axum::response::Response;
    /// # use larder::event_log::{EventLog, SseParts};
    /// # async fn may_read(_: u64) -> bool { true }
    /// async fn events(parts: SseParts, State(orders): State<EventLog<String>>) -> Response {
    ///     let user = 7; // from the session
    ///     orders.sse(parts.recheck("30s", move || async move { may_read(user).await }))
    /// }
    /// ```
    ///
    /// # Panics
    /// If `every` is not a time, such as `0` or `"soon"`.
    #[must_use]
    #[track_caller]
    pub fn recheck<F>(mut self, every: impl IntoExpire, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.recheck = interval(every.into_expire()).map(|every| RecheckRule::new(every, check));
        self
    }

    /// Sets the interval of comments, which keep the connection open. Default: 15 seconds.
    ///
    /// # Panics
    /// If `every` is not a time, such as `0` or `"soon"`.
    #[must_use]
    #[track_caller]
    pub fn keep_alive(mut self, every: impl IntoExpire) -> Self {
        self.keep_alive = interval(every.into_expire()).unwrap_or(KEEP_ALIVE);
        self
    }

    /// Ends the response with a switch of the application as well as with the cache.
    #[must_use]
    pub fn until(mut self, end: &StreamEnd) -> Self {
        self.ends.push(end.clone());
        self
    }
}

/// Returns an interval; `None` for one that never passes.
#[track_caller]
fn interval(every: Result<Expire, Error>) -> Option<Duration> {
    match every {
        Ok(Expire::After(every)) => Some(every),
        Ok(Expire::Never) => None,
        Err(error) => panic!("{error}"),
    }
}

impl<S: Sync> FromRequestParts<S> for SseParts {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(HEADER).and_then(|header| header.to_str().ok());
        let last_id = match header {
            Some(header) => EventId::parse(header),
            None => {
                let mut pairs = parts.uri.query().unwrap_or_default().split('&');
                pairs.find_map(|pair| pair.strip_prefix(QUERY)).and_then(EventId::parse)
            }
        };
        Ok(Self { last_id, keep_alive: KEEP_ALIVE, recheck: None, ends: Vec::new() })
    }
}

impl fmt::Debug for SseParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseParts")
            .field("last_id", &self.last_id)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}
