//! Whether a response may be kept (RFC 9111 section 3).

use http::{
    HeaderMap, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_RANGE, ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE},
};

use super::{
    directives::{Directives, RequestDirectives},
    freshness::is_cacheable_by_default,
    vary::{self, Varies},
};

/// With more the map of headers might have no room for our own.
const MOST_HEADERS: usize = 10_000;

/// Why a response is not kept.
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
}

/// What the author of a handler or the owner of a layer allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageRules<'r> {
    /// Statuses that are kept although the response does not say for how long.
    pub(crate) statuses: &'r [StatusCode],
    /// The response decides, by the RFC; otherwise the author has.
    pub(crate) obey_origin: bool,
    /// There is one entry per credential, so nobody sees what was made for another.
    pub(crate) is_private: bool,
    /// The author says that the response is the same for everybody.
    pub(crate) is_shared: bool,
    /// Bytes of names and values of all response headers.
    pub(crate) max_headers: usize,
}

/// Why this response is not kept; none if it is.
///
/// `has_freshness` is whether anything gives it a life: the response, a guess, or the author.
///
/// The RFC lets a fresh response with `Set-Cookie` be kept. Too many sessions have been given to strangers that
/// way, so here it takes `public` in the response, or an owner who has asked for the letter of the RFC.
pub(crate) fn refusal(
    request_headers: &HeaderMap,
    method: &Method,
    rules: &StorageRules<'_>,
    status: StatusCode,
    response_headers: &HeaderMap,
    directives: &Directives,
    has_freshness: bool,
) -> Option<Refusal> {
    let has_validator = response_headers.contains_key(ETAG) || response_headers.contains_key(LAST_MODIFIED);
    let is_explicit = directives.s_maxage.or(directives.max_age).is_some()
        || response_headers.contains_key(EXPIRES)
        || directives.public;

    // The first reason in this order is the one that is told.
    let reasons = [
        (Refusal::Method, method != Method::GET),
        (Refusal::NotModified, status == StatusCode::NOT_MODIFIED),
        (Refusal::Partial, is_partial(rules, status, response_headers)),
        (
            Refusal::NoStore,
            RequestDirectives::of(request_headers).no_store || is_forbidden(rules, status, directives),
        ),
        (Refusal::Private, directives.private && !rules.is_private),
        (
            Refusal::Authorization,
            request_headers.contains_key(AUTHORIZATION) && !may_share(rules, directives),
        ),
        (
            Refusal::SetCookie,
            response_headers.contains_key(SET_COOKIE) && !may_keep_cookies(rules, directives),
        ),
        (Refusal::VaryAny, vary::of(response_headers) == Varies::Always),
        // Kept to be asked about again, which needs something to ask by.
        (Refusal::NoCache, directives.no_cache && !(rules.obey_origin && has_validator)),
        (Refusal::Status, !is_kept(rules, status, directives, is_explicit)),
        (Refusal::NoFreshness, !has_freshness && !has_validator),
        (
            Refusal::Headers,
            size(response_headers) > rules.max_headers || response_headers.len() > MOST_HEADERS,
        ),
    ];
    reasons.into_iter().find(|(_, applies)| *applies).map(|(refusal, _)| refusal)
}

impl Refusal {
    /// One word for `Cache-Status` and logs.
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
        }
    }
}

/// The answer to a range, which is nobody's who asks for the whole. `Content-Range` has no meaning but in these
/// two (RFC 9110 section 14.4); in a handler's own 200 it is a mistake.
fn is_partial(rules: &StorageRules<'_>, status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE)
        || (!rules.obey_origin && headers.contains_key(CONTENT_RANGE))
}

/// `no-store`, unless it is there for caches that do not know `must-understand` or the status (section
/// 5.2.2.3).
fn is_forbidden(rules: &StorageRules<'_>, status: StatusCode, directives: &Directives) -> bool {
    let is_for_others = rules.obey_origin && directives.must_understand && is_understood(status);
    directives.no_store && !is_for_others
}

fn may_keep_cookies(rules: &StorageRules<'_>, directives: &Directives) -> bool {
    rules.obey_origin && directives.public
}

/// Whether the answer to a request with credentials may be kept (section 3.5).
fn may_share(rules: &StorageRules<'_>, directives: &Directives) -> bool {
    let is_told = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    rules.is_private || rules.is_shared || (rules.obey_origin && is_told)
}

fn is_kept(rules: &StorageRules<'_>, status: StatusCode, directives: &Directives, is_explicit: bool) -> bool {
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

/// The final statuses of RFC 9110 section 15: what `must-understand` asks for (RFC 9111 section 5.2.2.3).
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505)
}

/// What the headers take on the wire, with the colon, the blank and the line end of each.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

#[cfg(test)]
#[path = "tests/storable.rs"]
mod tests;
