//! Whether a response may be kept (RFC 9111 section 3).

use http::{
    HeaderMap, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_RANGE, ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE},
};

use super::{
    directives::{Directives, Wishes},
    freshness::is_cacheable_by_default,
    vary::{self, Varies},
};

/// Why a response is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
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
}

/// What the author of a handler or the owner of a layer allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'r> {
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
/// The RFC lets `Set-Cookie` be kept; here it takes a `public` of the response to say that the
/// cookie is nobody's own, and the author alone cannot.
pub(crate) fn refusal(
    request_headers: &HeaderMap,
    method: &Method,
    rules: &Rules<'_>,
    status: StatusCode,
    response_headers: &HeaderMap,
    directives: &Directives,
    has_freshness: bool,
) -> Option<Refusal> {
    let has_validator = response_headers.contains_key(ETAG) || response_headers.contains_key(LAST_MODIFIED);
    let is_explicit = directives.s_maxage.or(directives.max_age).is_some()
        || response_headers.contains_key(EXPIRES)
        || directives.public;

    // Who understands a status that must be understood need not heed `no-store` (section 5.2.2.3).
    let is_overruled = rules.obey_origin && directives.must_understand && is_understood(status);

    // The first reason in this order is the one that is told.
    let reasons = [
        (Refusal::Method, method != Method::GET),
        (Refusal::NotModified, status == StatusCode::NOT_MODIFIED),
        (
            Refusal::Partial,
            // In a whole response the field means nothing (RFC 9110 section 14.4), yet its author may have meant a part.
            status == StatusCode::PARTIAL_CONTENT
                || (!rules.obey_origin && response_headers.contains_key(CONTENT_RANGE)),
        ),
        (Refusal::NoStore, (directives.no_store && !is_overruled) || Wishes::of(request_headers).no_store),
        (Refusal::Private, directives.private && !rules.is_private),
        (
            Refusal::Authorization,
            request_headers.contains_key(AUTHORIZATION) && !may_share(rules, directives),
        ),
        (
            Refusal::SetCookie,
            response_headers.contains_key(SET_COOKIE) && !(rules.obey_origin && directives.public),
        ),
        (Refusal::VaryAny, vary::of(response_headers) == Varies::Always),
        // Kept to be asked about again, which needs something to ask by.
        (Refusal::NoCache, directives.no_cache && !(rules.obey_origin && has_validator)),
        (Refusal::Status, !is_kept(rules, status, directives, is_explicit)),
        (Refusal::NoFreshness, !has_freshness && !has_validator),
        (Refusal::Headers, size(response_headers) > rules.max_headers),
    ];
    reasons.into_iter().find(|(_, applies)| *applies).map(|(refusal, _)| refusal)
}

impl Refusal {
    /// One word for `Cache-Status` and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
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
        }
    }
}

/// Whether the answer to a request with credentials may be kept (section 3.5).
fn may_share(rules: &Rules<'_>, directives: &Directives) -> bool {
    let is_told = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    rules.is_private || rules.is_shared || (rules.obey_origin && is_told)
}

fn is_kept(rules: &Rules<'_>, status: StatusCode, directives: &Directives, is_explicit: bool) -> bool {
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
