//! Options: what a handler or a layer says of the responses that go through it.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};

use crate::types::expire::Expire;

use super::request::TOKENS;
use super::rfc::hop::strip;

/// The longest body that is kept: 10 MiB. What is longer goes out as it comes.
pub const MAX_BODY: usize = 10 << 20;
/// The longest head that is kept: 8 KiB of names and values.
pub(super) const MAX_HEADERS: usize = 8 << 10;

/// What a request with `Cache-Control: no-cache`, `max-age=0` or `Pragma: no-cache` leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NoCache {
    /// The response is computed and kept: everybody has the new one from here on.
    #[default]
    Refresh,
    /// The response is computed for this client only: what is kept stays.
    Bypass,
    /// What is kept is served all the same.
    Ignore,
}

/// Whose responses these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Access {
    /// Nobody has said: requests that carry credentials go by the cache.
    #[default]
    Unsaid,
    /// Each credential has its own.
    Private,
    /// Everybody has the same, whatever the credentials.
    Shared,
}

#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Statuses that are kept, and for how long where that is another time.
    pub(crate) statuses: Cow<'static, [(StatusCode, Option<Expire>)]>,
    /// Request headers that responses differ by, beside those in `Vary`.
    pub(crate) vary: Vec<HeaderName>,
    pub(crate) access: Access,
    /// What is said here, and not by the builder.
    pub(crate) no_cache: Option<NoCache>,
    /// Only what the origin says counts, as in a proxy.
    pub(crate) obey_origin: bool,
    /// How long a response is kept after its end for the origin to say that it is still good.
    pub(crate) compare: Option<Duration>,
    pub(crate) max_body: usize,
    pub(crate) max_headers: usize,
    /// Whether a `Cache-Status` field is added (RFC 9211).
    pub(crate) tells_status: bool,
    /// Whether `Cookie` counts as a credential.
    pub(crate) minds_cookies: bool,
    /// Whether the author looks at whole responses, so that nothing can be said of one before it is complete.
    pub(crate) looks: bool,
}

impl Options {
    /// Those of a place where nothing is said.
    pub(crate) fn new() -> Self {
        Self {
            statuses: Cow::Borrowed(&[(StatusCode::OK, None)]),
            vary: Vec::new(),
            access: Access::Unsaid,
            no_cache: None,
            obey_origin: false,
            compare: None,
            max_body: MAX_BODY,
            max_headers: MAX_HEADERS,
            tells_status: false,
            minds_cookies: true,
            looks: false,
        }
    }

    /// Whether responses differ by request headers, whatever they say themselves.
    pub(crate) fn varies(&self) -> bool {
        !self.vary.is_empty() || self.access == Access::Private
    }

    /// MoveToBackground from a response what is between two neighbours only, where this one is between a client and an origin. What
    /// changes the protocol of a connection is about that connection.
    pub(crate) fn pass_on(&self, status: StatusCode, headers: &mut HeaderMap) {
        if self.obey_origin && status != StatusCode::SWITCHING_PROTOCOLS {
            strip(headers);
        }
    }

    /// What they differ by.
    pub(crate) fn declared_names(&self) -> Vec<HeaderName> {
        let mut names = self.vary.clone();
        if self.access == Access::Private {
            names.extend([http::header::AUTHORIZATION, http::header::COOKIE]);
            names.extend(TOKENS.map(HeaderName::from_static));
        }
        names
    }
}
