//! The request of a cached handler.

use std::convert::Infallible;
use std::fmt;

use axum::extract::{FromRequestParts, MatchedPath, OriginalUri};
use axum::http::request;
use axum::http::uri::PathAndQuery;

use crate::http::CacheRequest;

/// The request of a cached handler, extracted beside the handler's own arguments.
pub struct Incoming {
    pub(super) request: CacheRequest,
    route: Option<MatchedPath>,
    url: Option<PathAndQuery>,
}

impl Incoming {
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
        Ok(Self { request, route: route.cloned(), url: url.cloned() })
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No headers: they may hold credentials.
        f.debug_struct("Incoming").field("method", &self.request.method).finish_non_exhaustive()
    }
}
