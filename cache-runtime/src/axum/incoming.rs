//! The request of a cached handler.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, OriginalUri};
use axum::http::request;
use axum::http::uri::PathAndQuery;

use crate::http::CacheRequest;
use crate::types::max_age::IntoMaxAge;

use super::handler::Handler;

/// The request of a cached handler, extracted beside the handler's own arguments.
pub struct Incoming {
    pub(super) request: CacheRequest,
    route: Option<MatchedPath>,
    url: Option<PathAndQuery>,
    /// The time that clients are told, where the request computes it.
    pub(super) client_max_age: Option<Duration>,
}

impl Incoming {
    /// `client_max_age = ..` that is not a constant.
    #[must_use]
    pub fn client_max_age(mut self, handler: &Handler, time: impl IntoMaxAge) -> Self {
        let time = time.into_max_age().inspect_err(|error| handler.warn(error));
        self.client_max_age = Some(time.unwrap_or_default());
        self
    }

    /// The route, or the path if no route matched.
    pub(super) fn route(&self) -> &str {
        let path = || self.url.as_ref().map_or("", PathAndQuery::path);
        self.route.as_ref().map_or_else(path, MatchedPath::as_str)
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_ref().map_or("", PathAndQuery::as_str)
    }
}

impl<S: Sync> FromRequestParts<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        let request = CacheRequest::new(parts.method.clone(), parts.headers.clone());
        // The whole path, of which nested routers have removed a part.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let (route, url) = (parts.extensions.get::<MatchedPath>(), uri.path_and_query());
        Ok(Self { request, route: route.cloned(), url: url.cloned(), client_max_age: None })
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No headers: they may hold credentials.
        f.debug_struct("Incoming").field("method", &self.request.method).finish_non_exhaustive()
    }
}
