//! The conditions of a request, by which a handler answers `304` before it computes.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::SystemTime;

use axum::extract::FromRequestParts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header, request};
use axum::response::{IntoResponse, Response};

use crate::http::{ClientConditions, http_date};
use crate::site::ignore_in_key::IgnoreInKey;

use super::etag::Etag;

/// An extractor of the conditions of a request (`If-None-Match`, `If-Modified-Since`), by which a handler answers `304` before
/// it computes.
///
/// ```
/// # mod larder { pub mod http { pub use larder_runtime::{Conditions, Etag}; } }
/// # async fn version_of(id: u64) -> u64 { id }
/// # async fn load(id: u64) -> String { id.to_string() }
/// # fn main() {
/// use axum::extract::Path;
/// use axum::response::{IntoResponse, Result};
/// use larder::http::{Conditions, Etag};
///
/// async fn item(conditions: Conditions, Path(id): Path<u64>) -> Result<impl IntoResponse> {
///     let tag = Etag::weak(format_args!("{id}-{}", version_of(id).await));
///     conditions.fresh_if(&tag)?;
///     Ok((tag, load(id).await))
/// }
/// # }
/// ```
///
/// The `?` works where the error of the handler is made from [`NotModified`]: [`axum::response::Result`], `Result<_, Response>`,
/// and an error type of your own with a `From<NotModified>`:
///
/// ```
/// # mod larder { pub mod http { pub use larder_runtime::NotModified; } }
/// # fn main() {}
/// use axum::http::StatusCode;
/// use axum::response::{IntoResponse, Response};
/// use larder::http::NotModified;
///
/// enum AppError {
///     NotModified(NotModified),
///     Database,
/// }
///
/// impl From<NotModified> for AppError {
///     fn from(answer: NotModified) -> Self {
///         Self::NotModified(answer)
///     }
/// }
///
/// impl IntoResponse for AppError {
///     fn into_response(self) -> Response {
///         match self {
///             Self::NotModified(answer) => answer.into_response(),
///             Self::Database => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
///         }
///     }
/// }
/// ```
///
/// Without the `From`, write `conditions.fresh_if(&tag).map_err(AppError::NotModified)?`.
///
/// # Below a cache
///
/// A handler with `#[cache(response)]`, and one below a [`ResponseCacheLayer`](crate::http::ResponseCacheLayer), is not called
/// while a cached response can be served; larder answers `304` from that response itself. When nothing is cached, the conditions
/// are the client's: a `304` that the handler makes is for this client only and is not cached. When a cached response is
/// replaced (`no-cache`, a refresh in the background, after the expiry within a stale window), there are no conditions, so that
/// the handler makes the whole response that all clients get.
///
/// `Conditions` are never part of a key.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    conditions: ClientConditions,
    switch: ConditionSwitch,
}

/// The answer to a client that has the response already: `304`, with the tag or the date that was compared.
///
/// It is no `std::error::Error`: an error type that takes every error would answer `500`.
#[derive(Debug, Clone)]
#[must_use = "a client that has the response already should get this answer"]
pub struct NotModified {
    headers: HeaderMap,
}

/// Hides the conditions of a request from its handler, once a response for all clients is wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct ConditionSwitch(Option<Arc<AtomicBool>>);

impl Conditions {
    /// Returns an error, which is the answer, if the client has the response with this tag. Tags are compared weakly;
    /// `If-None-Match` may be a list or `*`. Other methods than `GET` and `HEAD` have no such condition.
    ///
    /// # Errors
    /// [`NotModified`], with the tag as its `ETag`.
    pub fn fresh_if(&self, tag: &Etag) -> Result<(), NotModified> {
        self.fresh_if_has(header::ETAG, tag.value().clone())
    }

    /// Returns an error, which is the answer, if the client has the response that was last modified at this time. Clients
    /// count in seconds. A request with `If-None-Match` is not judged by its date.
    ///
    /// # Errors
    /// [`NotModified`], with the time as its `Last-Modified`.
    pub fn fresh_if_modified(&self, last_modified: SystemTime) -> Result<(), NotModified> {
        self.fresh_if_has(header::LAST_MODIFIED, http_date(last_modified))
    }

    fn fresh_if_has(&self, name: header::HeaderName, validator: HeaderValue) -> Result<(), NotModified> {
        let headers = HeaderMap::from_iter([(name, validator)]);
        if self.switch.is_off() || !self.conditions.hold(&headers) {
            return Ok(());
        }
        Err(NotModified { headers })
    }
}

impl IgnoreInKey for Conditions {}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Ok(Self::default());
        }
        let conditions = ClientConditions::of(&parts.headers, &parts.extensions);
        Ok(Self { conditions, switch: parts.extensions.get().cloned().unwrap_or_default() })
    }
}

impl IntoResponse for NotModified {
    fn into_response(self) -> Response {
        (StatusCode::NOT_MODIFIED, self.headers).into_response()
    }
}

impl From<NotModified> for Response {
    fn from(answer: NotModified) -> Self {
        answer.into_response()
    }
}

impl ConditionSwitch {
    /// The switch of a request with conditions, left for [`Conditions`].
    pub(super) fn leave(has_conditions: bool, extensions: &mut Extensions) -> Self {
        if !has_conditions && extensions.get::<ClientConditions>().is_none() {
            return Self(None);
        }
        let switch = Self(Some(Arc::default()));
        extensions.insert(switch.clone());
        switch
    }

    /// Hides the conditions.
    pub(super) fn turn_off(&self) {
        self.0.iter().for_each(|is_off| is_off.store(true, Relaxed));
    }

    fn is_off(&self) -> bool {
        self.0.as_ref().is_some_and(|is_off| is_off.load(Relaxed))
    }
}
