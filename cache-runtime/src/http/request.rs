//! What a request asks of the cache.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::options::{Access, NoCache, Options};
use super::rfc::cache_status::Reason;
use super::rfc::conditional::not_modified;
use super::rfc::directives::Wishes;

/// Headers that programs send in the place of `Authorization`.
pub(super) const TOKENS: [&str; 4] = ["proxy-authorization", "x-access-token", "x-api-key", "x-auth-token"];

/// A request, as far as the cache cares.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// What is among the headers.
    pub(super) has: Has,
}

/// Which of the headers that decide about the answer a request has: one pass over them, in place of a search for each at
/// every hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Has(u8);

impl Has {
    /// `Authorization`.
    const AUTHORIZATION: Self = Self(1);
    /// `Cookie`.
    const COOKIE: Self = Self(1 << 1);
    /// What is conditional on the state of the origin.
    const PRECONDITION: Self = Self(1 << 2);
    /// What is conditional on what the client has.
    pub(super) const CONDITION: Self = Self(1 << 3);
    /// `Range`.
    pub(super) const RANGE: Self = Self(1 << 4);
    /// What is said to caches.
    const WISHES: Self = Self(1 << 5);
    /// One of [`TOKENS`].
    const TOKEN: Self = Self(1 << 6);
    /// What no `GET` for everybody has: a body, or the wish for another protocol.
    const MORE: Self = Self(1 << 7);

    fn among(headers: &HeaderMap) -> Self {
        let said = |(name, value): (&HeaderName, &HeaderValue)| match name.as_str() {
            "content-length" if value == "0" => Self(0),
            name => Self::named(name),
        };
        Self(headers.iter().fold(0, |all, field| all | said(field).0))
    }

    fn named(name: &str) -> Self {
        match name {
            "authorization" => Self::AUTHORIZATION,
            "cookie" => Self::COOKIE,
            "if-match" | "if-unmodified-since" => Self::PRECONDITION,
            "if-none-match" | "if-modified-since" => Self::CONDITION,
            "range" => Self::RANGE,
            "cache-control" | "pragma" => Self::WISHES,
            "content-length" | "transfer-encoding" | "upgrade" => Self::MORE,
            name if TOKENS.contains(&name) => Self::TOKEN,
            _ => Self(0),
        }
    }

    pub(super) fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

/// How a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Without the cache, because of this.
    Past(Reason),
    /// From the cache, else by computing.
    Through(Demand),
}

/// What a request demands of a response that is kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// To be new.
    pub(crate) is_refresh: bool,
    /// What else, if anything.
    pub(crate) wishes: Option<Wishes>,
    /// Whether what is computed may be kept.
    pub(crate) keeps: bool,
}

impl Demand {
    /// Whether whatever is fresh will do.
    #[cfg(feature = "axum")]
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_refresh && self.wishes.is_none()
    }

    /// The same, and what is kept is to be made anew.
    #[cfg(feature = "axum")]
    pub(crate) fn refreshed(self) -> Self {
        Self { is_refresh: true, ..self }
    }
}

impl Asked {
    /// A request with this method and these headers.
    pub(crate) fn new(method: Method, headers: HeaderMap) -> Self {
        let has = Has::among(&headers);
        Self { method, headers, has }
    }

    /// Whether the client has the response with these headers already.
    pub(super) fn knows(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::OK && self.has.any(Has::CONDITION) && not_modified(&self.headers, headers)
    }

    /// Whether a credential that is neither `Authorization` nor `Cookie` is there, and responses are not kept apart by it.
    fn has_token(&self, options: &Options) -> bool {
        let is_declared = |token: &str| options.vary.iter().any(|name| name == token);
        TOKENS.iter().any(|token| self.headers.contains_key(*token) && !is_declared(token))
    }

    /// The way of this request; `no_cache` is what the builder says, `minds_cookies` whether a cookie may be a credential.
    pub(crate) fn way(&self, options: &Options, no_cache: NoCache, minds_cookies: bool) -> Way {
        if self.method != Method::GET && self.method != Method::HEAD {
            return Way::Past(Reason::Method);
        }
        let has = |of| self.has.any(of);
        // What is conditional on the state of the origin is not for a cache to judge (RFC 9110, 13.1).
        // And a body could be what the response is about, and an upgrade is no response.
        if has(Has::PRECONDITION) || has(Has::MORE) {
            return Way::Past(Reason::Request);
        }
        let is_guarded = options.access == Access::Unsaid && !options.obey_origin;
        // A header that responses are kept apart by gives nobody what is another's.
        let is_credential = |of, name| has(of) && !options.vary.contains(&name);
        if is_guarded
            && (is_credential(Has::AUTHORIZATION, header::AUTHORIZATION)
                || (minds_cookies && is_credential(Has::COOKIE, header::COOKIE))
                || (minds_cookies && has(Has::TOKEN) && self.has_token(options)))
        {
            return Way::Past(Reason::Bypass);
        }
        // A part, and the head alone, are not what others ask for.
        let keeps = self.method == Method::GET && !has(Has::RANGE);
        if !has(Has::WISHES) {
            return Way::Through(Demand { keeps, ..Demand::default() });
        }
        let wishes = Wishes::of(&self.headers);
        if wishes.no_store && !wishes.only_if_cached {
            return Way::Past(Reason::Request);
        }
        let is_refresh =
            (wishes.no_cache || wishes.max_age == Some(Duration::ZERO)) && !wishes.only_if_cached;
        match options.no_cache.unwrap_or(no_cache) {
            NoCache::Bypass if is_refresh => Way::Past(Reason::Request),
            NoCache::Ignore => {
                let wishes =
                    wishes.only_if_cached.then(|| Wishes { only_if_cached: true, ..Wishes::default() });
                Way::Through(Demand { is_refresh: false, wishes, keeps })
            }
            NoCache::Bypass | NoCache::Refresh => Way::Through(Demand {
                is_refresh,
                wishes: Some(wishes).filter(|wishes| *wishes != Wishes::default()),
                keeps,
            }),
        }
    }
}
