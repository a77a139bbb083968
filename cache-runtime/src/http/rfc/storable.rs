//! The rules for storing a response (RFC 9111 section 3).

use http::{
    HeaderMap, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_RANGE, ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE},
};

use super::{
    directives::{Directives, RequestDirectives},
    freshness::is_cacheable_by_default,
    vary::{self, Varies},
};

/// The largest number of headers: with more the map might have no room for those that the cache adds.
const MOST_HEADERS: usize = 10_000;

/// The reason why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Stream,
    Method,
    NotModified,
    Partial,
    NoStore,
    Private,
    Authorization,
    SetCookie,
    VaryAny,
    NoCache,
    Status,
    NoFreshness,
    Headers,
    Length,
    Unless,
    ExpireWith,
    Panic,
}

/// The declarations of a handler or a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageRules<'r> {
    /// Statuses that are stored although the response states no lifetime.
    pub(crate) statuses: &'r [StatusCode],
    /// The response decides, by the RFC; otherwise the declarations do.
    pub(crate) obey_origin: bool,
    /// There is one entry per credential, so no user gets the response of another.
    pub(crate) is_private: bool,
    /// The response may be shared by requests with these credentials.
    pub(crate) is_shared: bool,
    /// The largest size of all response headers, in bytes of names and values.
    pub(crate) max_headers: usize,
}

/// Returns the reason why a response is not stored; `None` if it is.
///
/// `has_freshness` is whether anything gives the response a lifetime: its headers, the heuristic, or the declarations.
///
/// The RFC allows storing a fresh response with `Set-Cookie`. That has leaked many sessions, so here it takes both
/// `obey_origin` and `public` in the response.
pub(crate) fn refusal(
    request_headers: &HeaderMap,
    method: &Method,
    rules: &StorageRules<'_>,
    status: StatusCode,
    response_headers: &HeaderMap,
    directives: &Directives,
    has_freshness: bool,
) -> Option<Refusal> {
    let has_validator =
        || response_headers.contains_key(ETAG) || response_headers.contains_key(LAST_MODIFIED);
    let is_explicit = || {
        directives.s_maxage.or(directives.max_age).is_some()
            || response_headers.contains_key(EXPIRES)
            || directives.public
    };

    // The first reason that applies is reported, and those after it cost nothing.
    let reasons: [(Refusal, &dyn Fn() -> bool); 12] = [
        (Refusal::Method, &|| method != Method::GET),
        (Refusal::NotModified, &|| status == StatusCode::NOT_MODIFIED),
        (Refusal::Partial, &|| is_partial(rules, status, response_headers)),
        (Refusal::NoStore, &|| {
            is_forbidden(rules, status, directives) || RequestDirectives::of(request_headers).no_store
        }),
        (Refusal::Private, &|| directives.private && !rules.is_private),
        (Refusal::Authorization, &|| {
            request_headers.contains_key(AUTHORIZATION) && !may_share(rules, directives)
        }),
        (Refusal::SetCookie, &|| {
            response_headers.contains_key(SET_COOKIE) && !may_store_cookies(rules, directives)
        }),
        (Refusal::VaryAny, &|| vary::of(response_headers) == Varies::Always),
        // Stored for revalidation, which needs a validator.
        (Refusal::NoCache, &|| directives.no_cache && !(rules.obey_origin && has_validator())),
        (Refusal::Status, &|| !is_storable(rules, status, directives, is_explicit())),
        (Refusal::NoFreshness, &|| !has_freshness && !has_validator()),
        (Refusal::Headers, &|| {
            size(response_headers) > rules.max_headers || response_headers.len() > MOST_HEADERS
        }),
    ];
    reasons.into_iter().find(|(_, applies)| applies()).map(|(refusal, _)| refusal)
}

impl Refusal {
    /// Returns whether the refusal is about one client: it says nothing about the responses to others.
    pub(crate) fn is_of_one_client(self) -> bool {
        matches!(self, Self::Authorization | Self::NotModified)
    }

    /// The reason in one word, for `Cache-Status` and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Stream => "stream",
            Self::NotModified => "not-modified",
            Self::Partial => "partial",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::SetCookie => "set-cookie",
            Self::VaryAny => "vary-any",
            Self::NoCache => "no-cache",
            Self::Status => "status",
            Self::NoFreshness => "no-freshness",
            Self::Headers => "headers",
            Self::Length => "length",
            Self::Unless => "unless",
            Self::ExpireWith => "expire-with",
            Self::Panic => "panic",
        }
    }
}

/// Returns whether a response is the answer to a range. `Content-Range` has a meaning only with these two statuses (RFC 9110
/// section 14.4); in the 200 of a handler it is a mistake.
fn is_partial(rules: &StorageRules<'_>, status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE)
        || (!rules.obey_origin && headers.contains_key(CONTENT_RANGE))
}

/// Returns whether `no-store` counts: not where it is meant for caches that do not know `must-understand` or the status
/// (section 5.2.2.3).
fn is_forbidden(rules: &StorageRules<'_>, status: StatusCode, directives: &Directives) -> bool {
    let is_for_others = rules.obey_origin && directives.must_understand && is_understood(status);
    directives.no_store && !is_for_others
}

fn may_store_cookies(rules: &StorageRules<'_>, directives: &Directives) -> bool {
    rules.obey_origin && directives.public
}

/// Returns whether the response to a request with credentials may be stored (section 3.5).
fn may_share(rules: &StorageRules<'_>, directives: &Directives) -> bool {
    let is_allowed = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    rules.is_private || rules.is_shared || (rules.obey_origin && is_allowed)
}

fn is_storable(
    rules: &StorageRules<'_>,
    status: StatusCode,
    directives: &Directives,
    is_explicit: bool,
) -> bool {
    if status.is_informational() {
        return false;
    }
    let is_listed = rules.statuses.contains(&status);
    if !rules.obey_origin {
        return is_listed && !status.is_server_error();
    }
    (is_explicit || is_listed || is_cacheable_by_default(status))
        && (!directives.must_understand || is_understood(status))
}

/// Returns whether a status is a final one of RFC 9110 section 15, as `must-understand` requires (RFC 9111 section
/// 5.2.2.3).
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505)
}

/// The size of headers on the wire, with the colon, the blank and the line end of each.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

#[cfg(test)]
#[path = "tests/storable.rs"]
mod tests;
