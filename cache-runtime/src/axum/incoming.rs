//! The request of a cached handler.

use std::convert::Infallible;
use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, request};

use crate::http::{CacheRequest, NamedHost, is_rewritten, named_host, original_uri};
use crate::types::max_age::IntoMaxAge;

use super::conditions::ConditionSwitch;
use super::handler::Handler;

/// The request of a cached handler, extracted beside the handler's own arguments.
pub struct Incoming {
    /// Without its headers until [`Incoming::read_headers`].
    pub(super) request: CacheRequest,
    /// The headers, copied into less memory than a map takes: most hits in this process need none of them.
    fields: Vec<(HeaderName, HeaderValue)>,
    /// True if the request has a body that no argument of the key holds, beyond what its headers say.
    pub(super) has_body: bool,
    /// The URI that the client sent.
    uri: Uri,
    /// The URI that a middleware made of it, if one did.
    rewritten: Option<Uri>,
    pub(super) conditions: ConditionSwitch,
}

impl Incoming {
    /// `client_max_age = ..` that is not a constant.
    #[must_use]
    pub fn client_max_age(mut self, handler: &Handler, time: impl IntoMaxAge) -> Self {
        let time = time.into_max_age().inspect_err(|error| handler.warn(error));
        self.request.client_max_age = Some(time.unwrap_or_default());
        self
    }

    fn new(method: &Method, uri: &Uri, headers: &HeaderMap, extensions: &mut Extensions) -> Self {
        let request = CacheRequest::without_headers(method.clone(), headers);
        let mut fields = Vec::with_capacity(headers.len());
        fields.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conditions = ConditionSwitch::leave(request.is_conditional(), extensions);
        // The whole path, of which nested routers have removed a part.
        let original = original_uri(uri, extensions);
        let rewritten = is_rewritten(original, uri, extensions).then(|| uri.clone());
        Self { request, fields, has_body: false, uri: original.clone(), rewritten, conditions }
    }

    /// Moves the headers into the request.
    pub(super) fn read_headers(&mut self) {
        self.request.headers.extend(self.fields.drain(..));
    }

    /// The path that the client sent.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The path and the query that the client sent.
    pub(super) fn url(&self) -> &str {
        path_and_query(&self.uri)
    }

    /// The path and the query that a middleware made of the URI, if one did.
    pub(super) fn rewritten(&self) -> Option<&str> {
        self.rewritten.as_ref().map(path_and_query)
    }

    /// The host in lower case, empty if there is none; `None` if several are named.
    pub(super) fn host(&mut self) -> Option<String> {
        self.read_headers();
        match named_host(&self.uri, &self.request.headers) {
            NamedHost::None => Some(String::new()),
            NamedHost::One(host) => Some(host.text()),
            NamedHost::Unclear => None,
        }
    }
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", PathAndQuery::as_str)
}

impl<S: Sync> FromRequestParts<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(&parts.method, &parts.uri, &parts.headers, &mut parts.extensions))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No headers: they may hold credentials.
        f.debug_struct("Incoming").field("method", &self.request.method).finish_non_exhaustive()
    }
}

/// The first argument of a cached handler, and the request. A handler takes as many arguments as the function under its
/// attribute, which `#[axum::debug_handler]` above it expects.
#[derive(Debug)]
pub struct WithIncoming<E> {
    incoming: Incoming,
    extractor: E,
}

impl<E> WithIncoming<E> {
    /// The request and the argument.
    pub fn into_parts(self) -> (Incoming, E) {
        (self.incoming, self.extractor)
    }
}

impl<S: Sync, E: FromRequestParts<S>> FromRequestParts<S> for WithIncoming<E> {
    type Rejection = E::Rejection;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, E::Rejection> {
        let incoming = Incoming::new(&parts.method, &parts.uri, &parts.headers, &mut parts.extensions);
        Ok(Self { incoming, extractor: E::from_request_parts(parts, state).await? })
    }
}

impl<S: Sync, E: FromRequest<S>> FromRequest<S> for WithIncoming<E> {
    type Rejection = E::Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, E::Rejection> {
        let (mut parts, body) = request.into_parts();
        let incoming = Incoming::new(&parts.method, &parts.uri, &parts.headers, &mut parts.extensions);
        let request = Request::from_parts(parts, body);
        Ok(Self { incoming, extractor: E::from_request(request, state).await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_a_request_are_all_read_once() {
        let fields = [("cookie", "a=1"), ("host", "a"), ("cookie", "b=2"), ("x-a", ""), ("cookie", "a=1")];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        let mut incoming = Incoming::new(&Method::GET, &Uri::default(), &headers, &mut Extensions::new());
        assert!(incoming.request.headers.is_empty());
        for _ in 0..2 {
            incoming.read_headers();
            assert_eq!(incoming.request.headers, headers);
        }
    }
}
