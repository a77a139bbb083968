//! Storability: whether a response is stored, for how long, and what it differs by.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header, response};

use crate::engine::decide::Expiry;
use crate::rt::random::chance;
use crate::site::policy::Policy;
use crate::types::expire::Expire;
use crate::types::windows::StaleWindows;

use super::cached::Selectors;
use super::credentials::CredentialRules;
use super::options::{Access, ResponseOptions};
use super::request::CacheRequest;
use super::rfc::directives::Directives;
use super::rfc::freshness::{explicit, heuristic, initial_age};
use super::rfc::storable::{Refusal, StorageRules, refusal};
use super::rfc::targeted::targeted;
use super::rfc::vary::{self, Matching, Varies};
use super::times::{ResponseTimes, time};

/// The expiry that was declared for the responses of a handler or a layer.
#[derive(Clone, Copy)]
pub(crate) struct DeclaredExpiry {
    pub(crate) expire: Expire,
    pub(crate) policy: Policy,
}

/// The properties of a response that is to be stored.
pub(super) struct Storable {
    pub(super) times: ResponseTimes,
    /// The parts of a request that the response differs by.
    pub(super) selectors: Selectors,
}

/// The freshness of a response without an end, for headers that need a number.
pub(super) const FOREVER: Duration = Duration::from_secs(31_536_000);

/// Decides whether a response to this request is stored.
pub(super) fn storability(
    request: &CacheRequest,
    (options, rules): (&ResponseOptions, &CredentialRules),
    declared: &DeclaredExpiry,
    parts: &response::Parts,
    (requested_ms, received_ms): (u64, u64),
) -> Result<Storable, Refusal> {
    let (headers, directives) = (&parts.headers, directives(&parts.headers, options));
    let received = time(received_ms);
    let explicit = explicit(headers, &directives, received);
    let (fresh, initial_age) = if options.obey_origin {
        let age = initial_age(headers, time(requested_ms), received);
        let fresh =
            explicit.or_else(|| heuristic(parts.status, headers, &directives, received)).unwrap_or_default();
        let fresh = if directives.no_cache { Duration::ZERO } else { fresh };
        (fresh.saturating_sub(age), age)
    } else {
        let fresh = declared_fresh(options, declared, parts.status);
        (explicit.map_or(fresh, |explicit| explicit.min(fresh)), Duration::ZERO)
    };
    let storage_rules = StorageRules {
        statuses: &options.statuses.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        obey_origin: options.obey_origin,
        is_private: options.access == Access::Private,
        // A request with credentials that nothing was declared about is bypassed.
        is_shared: !options.obey_origin,
        max_headers: options.max_headers,
    };
    let has_freshness = !fresh.is_zero();
    let refusal = refusal(
        &request.headers,
        &request.method,
        &storage_rules,
        parts.status,
        headers,
        &directives,
        has_freshness,
    );
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    if !has_freshness && !options.obey_origin {
        return Err(Refusal::NoFreshness);
    }
    let varies = match vary::of(headers) {
        Varies::Always => return Err(Refusal::VaryAny),
        Varies::By(names) => names,
        Varies::Not => Box::default(),
    };
    let selectors = options.selectors(varies, rules);
    if !fits(options, &selectors, &request.headers, headers) {
        return Err(Refusal::VaryAny);
    }
    let windows = windows(options, &declared.policy, &directives, headers);
    let times = ResponseTimes { received_ms, initial_age, fresh, windows };
    Ok(Storable { times, selectors })
}

/// The directives of a response for this cache: a targeted field replaces `Cache-Control` (RFC 9213).
///
/// A handler that writes `s-maxage` speaks to the cache in front of it, so `no-cache` beside it is for clients.
pub(super) fn directives(headers: &HeaderMap, options: &ResponseOptions) -> Directives {
    if options.obey_origin {
        return targeted(headers).unwrap_or_else(|| Directives::of(headers));
    }
    let mut directives = Directives::of(headers);
    directives.no_cache &= directives.s_maxage.is_none_or(|time| time.is_zero());
    directives
}

/// Returns whether a response is an endless stream by its type.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let streams = [&b"text/event-stream"[..], b"multipart/x-mixed-replace", b"application/grpc"];
    let is =
        |stream: &&[u8]| media.get(..stream.len()).is_some_and(|media| media.eq_ignore_ascii_case(stream));
    streams.iter().any(is)
}

/// Returns the reason for which a body cannot be collected: it is a stream, or too long by its head. `least` is the length
/// that it has at least.
pub(super) fn body_refusal(headers: &HeaderMap, least: u64, options: &ResponseOptions) -> Option<Refusal> {
    if is_stream(headers) {
        return Some(Refusal::Stream);
    }
    let length = length_of(headers).unwrap_or(0).max(least);
    (length > options.max_body as u64).then_some(Refusal::Length)
}

/// The length of the body by its head.
pub(super) fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The declared freshness of a response with this status.
fn declared_fresh(options: &ResponseOptions, declared: &DeclaredExpiry, status: StatusCode) -> Duration {
    let own = options.statuses.iter().find(|(known, _)| *known == status).and_then(|(_, expire)| *expire);
    Expiry::of(&declared.policy, own.unwrap_or(declared.expire), chance).fresh.unwrap_or(FOREVER)
}

/// Returns whether a response is one for all requests that select it.
fn fits(options: &ResponseOptions, selectors: &Selectors, request: &HeaderMap, response: &HeaderMap) -> bool {
    let is_exact =
        options.matching() == Matching::Exact || !selectors.names.contains(&header::ACCEPT_ENCODING);
    is_exact || vary::fits(request, response)
}

/// The uses of a response after its expiry. One that must be revalidated has none (RFC 9111 section 4.2.4; RFC 5861).
fn windows(
    options: &ResponseOptions,
    policy: &Policy,
    directives: &Directives,
    headers: &HeaderMap,
) -> StaleWindows {
    let has_validator = headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    let compare = options.compare.filter(|_| has_validator);
    let is_strict = directives.must_revalidate || directives.proxy_revalidate || directives.no_cache;
    if is_strict || (options.obey_origin && directives.s_maxage.is_some()) {
        return StaleWindows { compare, ..StaleWindows::default() };
    }
    let non_zero = |window: Option<Duration>| window.filter(|window| !window.is_zero());
    StaleWindows {
        revalidate: policy.stale_while_revalidate.or(non_zero(directives.stale_while_revalidate)),
        // While an origin cannot be reached, a stale response may be served (RFC 9111 section 4.2.4).
        error: policy.stale_if_error.or(non_zero(directives.stale_if_error)).max(options.compare),
        compare,
    }
}
