//! The part of a request that the cache reads.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::engine::core::Core;

use super::bypass_reason::BypassReason;
use super::credentials::{CredentialRules, is_identity_header};
use super::no_cache::NoCache;
use super::options::{Access, ResponseOptions};
use super::rfc::conditional::not_modified;
use super::rfc::directives::RequestDirectives;

/// A request, as far as the cache reads it.
#[derive(Debug, Clone)]
pub(crate) struct CacheRequest {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// The headers that are there and of interest.
    pub(super) present: HeaderSet,
    /// The time that the client is told, where the handler computes it for each request.
    pub(crate) client_max_age: Option<Duration>,
    /// The key holds something that may tell users apart, of which caches further on know nothing.
    pub(crate) is_personal: bool,
}

/// The headers of a request that decide about its response: one pass over all headers instead of several searches at each
/// hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeaderSet(u8);

impl HeaderSet {
    /// `Authorization`, `Cookie` or a well-known identity header.
    const CREDENTIAL: Self = Self(1);
    /// Conditions on the state of the origin.
    const PRECONDITION: Self = Self(1 << 1);
    /// Conditions on the response that the client has.
    pub(super) const CONDITION: Self = Self(1 << 2);
    pub(super) const RANGE: Self = Self(1 << 3);
    /// Directives for caches.
    const DIRECTIVES: Self = Self(1 << 4);
    /// A body, or a change of protocol.
    const BODY: Self = Self(1 << 5);

    fn of(headers: &HeaderMap) -> Self {
        let read = |(name, value): (&HeaderName, &HeaderValue)| match name.as_str() {
            "content-length" if value == "0" => Self(0),
            name => Self::named(name),
        };
        Self(headers.iter().fold(0, |all, field| all | read(field).0))
    }

    fn named(name: &str) -> Self {
        match name {
            "authorization" | "cookie" => Self::CREDENTIAL,
            "if-match" | "if-unmodified-since" => Self::PRECONDITION,
            "if-none-match" | "if-modified-since" => Self::CONDITION,
            "range" => Self::RANGE,
            "cache-control" | "pragma" => Self::DIRECTIVES,
            "content-length" | "transfer-encoding" | "upgrade" => Self::BODY,
            name if is_identity_header(name) => Self::CREDENTIAL,
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
    Bypass(BypassReason),
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
        Self { method, headers, present, client_max_age: None, is_personal: false }
    }

    /// A request with this method, and what these headers say about its plan. The request itself has none of them.
    #[cfg(feature = "axum")]
    pub(crate) fn without_headers(method: Method, headers: &HeaderMap) -> Self {
        Self {
            method,
            headers: HeaderMap::new(),
            present: HeaderSet::of(headers),
            client_max_age: None,
            is_personal: false,
        }
    }

    /// Returns whether [`CacheRequest::plan`] and a hit need the headers themselves.
    #[cfg(feature = "axum")]
    pub(crate) fn plan_reads_headers(&self, options: &ResponseOptions, core: &Core) -> bool {
        self.present != HeaderSet(0)
            || options.access == Access::Private
            || core.credentials.has_own_headers()
    }

    /// Returns whether the headers announce a body or an upgrade, so that the request bypasses the cache.
    #[cfg(feature = "axum")]
    pub(crate) fn announces_body(&self) -> bool {
        self.present.has(HeaderSet::BODY)
    }

    /// Returns whether the response to this request may be stored: a range or a head is not the response that others want.
    pub(super) fn is_storable(&self) -> bool {
        self.method == Method::GET && !self.present.has(HeaderSet::RANGE)
    }

    /// Returns whether the request has a condition on the response that the client has.
    pub(crate) fn is_conditional(&self) -> bool {
        self.present.has(HeaderSet::CONDITION)
    }

    /// Returns whether the client wants a response as all others get it.
    pub(super) fn wants_whole(&self) -> bool {
        self.method == Method::GET
            && !self.present.has(HeaderSet::CONDITION)
            && !self.present.has(HeaderSet::RANGE)
            && self.client_max_age.is_none()
            && !self.is_personal
    }

    /// Returns whether the client has the response with these headers already.
    pub(super) fn knows(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::OK
            && self.present.has(HeaderSet::CONDITION)
            && not_modified(&self.headers, headers)
    }

    /// Plans the way of this request.
    pub(crate) fn plan(&self, options: &ResponseOptions, core: &Core) -> Plan {
        if self.method != Method::GET && self.method != Method::HEAD {
            return Plan::Bypass(BypassReason::Method);
        }
        // A cache cannot judge a condition on the state of the origin (RFC 9110 section 13.1), the response may depend on
        // a body, and an upgrade has none.
        if self.present.has(HeaderSet::PRECONDITION) {
            return Plan::Bypass(BypassReason::Precondition);
        }
        if self.present.has(HeaderSet::BODY) {
            let is_upgrade = self.headers.contains_key(header::UPGRADE);
            return Plan::Bypass(if is_upgrade { BypassReason::Upgrade } else { BypassReason::Body });
        }
        if let Some(reason) = self.bypassed_by_credential(options, &core.credentials) {
            return Plan::Bypass(reason);
        }
        let is_storable = self.is_storable();
        if !self.present.has(HeaderSet::DIRECTIVES) {
            return Plan::Lookup(Freshness { is_storable, ..Freshness::default() });
        }
        let directives = RequestDirectives::of(&self.headers);
        if directives.no_store && !directives.only_if_cached {
            return Plan::Bypass(BypassReason::NoStore);
        }
        let is_refresh =
            (directives.no_cache || directives.max_age == Some(Duration::ZERO)) && !directives.only_if_cached;
        match options.no_cache.unwrap_or(core.no_cache) {
            NoCache::Bypass if is_refresh => Plan::Bypass(BypassReason::NoCache),
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

    /// The names of the headers that are credentials, each once, without proofs that belong to another one.
    pub(super) fn credentials<'r>(
        &'r self,
        rules: &'r CredentialRules,
    ) -> impl Iterator<Item = &'r HeaderName> {
        let may_be_any = self.present.has(HeaderSet::CREDENTIAL) || rules.has_own_headers();
        let names = may_be_any.then(|| self.headers.keys()).into_iter().flatten();
        names.filter(|name| rules.is_credential(name, &self.headers) && !rules.is_proof(name, &self.headers))
    }

    /// The first credential that does not distinguish responses.
    pub(super) fn undeclared_credential<'r>(
        &'r self,
        options: &ResponseOptions,
        rules: &'r CredentialRules,
    ) -> Option<&'r HeaderName> {
        self.credentials(rules).find(|name| !options.vary.contains(name))
    }

    /// The reason for which the credentials of the request, or their absence, keep it from the cache.
    fn bypassed_by_credential(
        &self,
        options: &ResponseOptions,
        rules: &CredentialRules,
    ) -> Option<BypassReason> {
        let (bypasses, reason) = match options.access {
            Access::Shared => return None,
            Access::Private => (self.credentials(rules).next().is_none(), BypassReason::NoCredential),
            Access::Undeclared => {
                let has_one = !options.obey_origin && self.undeclared_credential(options, rules).is_some();
                (has_one, BypassReason::Credential)
            }
        };
        bypasses.then_some(reason)
    }
}
