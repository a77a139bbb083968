//! The conditions of a client on the response that it has.

#[cfg(feature = "axum")]
use http::Extensions;
use http::{HeaderMap, Request, header};

#[cfg(feature = "axum")]
use super::rfc::conditional::not_modified;

/// The conditions of a client on the response that it has: `If-None-Match` and `If-Modified-Since`. A layer removes them from
/// requests whose response it may store, and passes them on as an extension.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientConditions(HeaderMap);

impl ClientConditions {
    /// The conditions that a request has, or had before a layer removed them.
    #[cfg(feature = "axum")]
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self::in_headers(headers))
    }

    /// Takes the conditions out of a request.
    pub(super) fn take<I>(request: &mut Request<I>) -> Option<Self> {
        let own = Self::in_headers(request.headers());
        request.headers_mut().remove(header::IF_NONE_MATCH);
        request.headers_mut().remove(header::IF_MODIFIED_SINCE);
        let outer = request.extensions_mut().remove::<Self>();
        Some(own).filter(|own| !own.0.is_empty()).or(outer)
    }

    /// Returns whether the client has the response with these headers.
    #[cfg(feature = "axum")]
    pub(crate) fn hold(&self, response: &HeaderMap) -> bool {
        !self.0.is_empty() && not_modified(&self.0, response)
    }

    fn in_headers(headers: &HeaderMap) -> Self {
        let mut own = HeaderMap::new();
        for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            for value in headers.get_all(&name) {
                own.append(name.clone(), value.clone());
            }
        }
        Self(own)
    }
}
