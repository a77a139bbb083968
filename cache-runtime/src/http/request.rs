//! The part of a request that the cache reads.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::no_cache::NoCache;
use super::options::{Access, ResponseOptions, TOKEN_HEADERS};
use super::rfc::cache_status::ForwardReason;
use super::rfc::conditional::not_modified;
use super::rfc::directives::RequestDirectives;

/// A request, as far as the cache reads it.
#[derive(Debug, Clone)]
pub(crate) struct CacheRequest {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// The headers that are there and of interest.
    pub(super) present: HeaderSet,
}

/// The headers of a request that decide about its response: one pass over all headers instead of several searches at each
/// hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeaderSet(u8);

impl HeaderSet {
    const AUTHORIZATION: Self = Self(1);
    const COOKIE: Self = Self(1 << 1);
    /// Conditions on the state of the origin.
    const PRECONDITION: Self = Self(1 << 2);
    /// Conditions on the response that the client has.
    pub(super) const CONDITION: Self = Self(1 << 3);
    pub(super) const RANGE: Self = Self(1 << 4);
    /// Directives for caches.
    const DIRECTIVES: Self = Self(1 << 5);
    /// One of [`TOKEN_HEADERS`].
    const TOKEN: Self = Self(1 << 6);
    /// A body, or a change of protocol.
    const BODY: Self = Self(1 << 7);

    fn of(headers: &HeaderMap) -> Self {
        let read = |(name, value): (&HeaderName, &HeaderValue)| match name.as_str() {
            "content-length" if value == "0" => Self(0),
            name => Self::named(name),
        };
        Self(headers.iter().fold(0, |all, field| all | read(field).0))
    }

    fn named(name: &str) -> Self {
        match name {
            "authorization" => Self::AUTHORIZATION,
            "cookie" => Self::COOKIE,
            "if-match" | "if-unmodified-since" => Self::PRECONDITION,
            "if-none-match" | "if-modified-since" => Self::CONDITION,
            "range" => Self::RANGE,
            "cache-control" | "pragma" => Self::DIRECTIVES,
            "content-length" | "transfer-encoding" | "upgrade" => Self::BODY,
            name if TOKEN_HEADERS.contains(&name) => Self::TOKEN,
            _ => Self(0),
        }
    }

    pub(super) fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }
}

/// The way to a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Without the cache, for this reason.
    Bypass(ForwardReason),
    /// From the cache, else by computing.
    Lookup(Freshness),
}

/// The demands of a request on a cached response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// The response must be new.
    pub(crate) is_refresh: bool,
    /// The other directives, if there are any.
    pub(crate) directives: Option<RequestDirectives>,
    /// The response to this request may be stored.
    pub(crate) is_storable: bool,
}

impl Freshness {
    /// Returns whether any fresh response will do.
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_refresh && self.directives.is_none()
    }

    /// The same demands on a new response.
    #[cfg(feature = "axum")]
    pub(crate) fn refreshed(self) -> Self {
        Self { is_refresh: true, ..self }
    }
}

impl CacheRequest {
    /// A request with this method and these headers.
    pub(crate) fn new(method: Method, headers: HeaderMap) -> Self {
        let present = HeaderSet::of(&headers);
        Self { method, headers, present }
    }

    /// Returns whether the headers announce a body or an upgrade, so that the request bypasses the cache.
    #[cfg(feature = "axum")]
    pub(crate) fn announces_body(&self) -> bool {
        self.present.has(HeaderSet::BODY)
    }

    /// Returns whether the client has the response with these headers already.
    pub(super) fn knows(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::OK
            && self.present.has(HeaderSet::CONDITION)
            && not_modified(&self.headers, headers)
    }

    /// Plans the way of this request. `no_cache` is the builder's; `minds_cookies` is whether a cookie may be a credential.
    pub(crate) fn plan(&self, options: &ResponseOptions, no_cache: NoCache, minds_cookies: bool) -> Plan {
        if self.method != Method::GET && self.method != Method::HEAD {
            return Plan::Bypass(ForwardReason::Method);
        }
        // A cache cannot judge a condition on the state of the origin (RFC 9110 section 13.1), the response may depend on
        // a body, and an upgrade has none.
        if self.present.has(HeaderSet::PRECONDITION) || self.present.has(HeaderSet::BODY) {
            return Plan::Bypass(ForwardReason::Request);
        }
        if self.has_credential(options, minds_cookies) {
            return Plan::Bypass(ForwardReason::Bypass);
        }
        // A range or a head is not the response that others want.
        let is_storable = self.method == Method::GET && !self.present.has(HeaderSet::RANGE);
        if !self.present.has(HeaderSet::DIRECTIVES) {
            return Plan::Lookup(Freshness { is_storable, ..Freshness::default() });
        }
        let directives = RequestDirectives::of(&self.headers);
        if directives.no_store && !directives.only_if_cached {
            return Plan::Bypass(ForwardReason::Request);
        }
        let is_refresh =
            (directives.no_cache || directives.max_age == Some(Duration::ZERO)) && !directives.only_if_cached;
        match options.no_cache.unwrap_or(no_cache) {
            NoCache::Bypass if is_refresh => Plan::Bypass(ForwardReason::Request),
            NoCache::Ignore => {
                let only_if_cached =
                    RequestDirectives { only_if_cached: true, ..RequestDirectives::default() };
                let directives = directives.only_if_cached.then_some(only_if_cached);
                Plan::Lookup(Freshness { is_refresh: false, directives, is_storable })
            }
            NoCache::Bypass | NoCache::Refresh => {
                let directives = Some(directives).filter(|all| *all != RequestDirectives::default());
                Plan::Lookup(Freshness { is_refresh, directives, is_storable })
            }
        }
    }

    /// Returns whether the request has a credential that does not distinguish responses.
    fn has_credential(&self, options: &ResponseOptions, minds_cookies: bool) -> bool {
        if options.access != Access::Undeclared || options.obey_origin {
            return false;
        }
        let is_undeclared = |one, name| self.present.has(one) && !options.vary.contains(&name);
        is_undeclared(HeaderSet::AUTHORIZATION, header::AUTHORIZATION)
            || (minds_cookies && is_undeclared(HeaderSet::COOKIE, header::COOKIE))
            || (minds_cookies && self.present.has(HeaderSet::TOKEN) && self.has_token(options))
    }

    /// Returns whether one of [`TOKEN_HEADERS`] is there that does not distinguish responses.
    fn has_token(&self, options: &ResponseOptions) -> bool {
        let is_declared = |token: &str| options.vary.iter().any(|name| name == token);
        TOKEN_HEADERS.iter().any(|token| self.headers.contains_key(*token) && !is_declared(token))
    }
}
