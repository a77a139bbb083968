//! Judge: whether a response is kept, for how long, and what other responses it stands beside.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header, response};

use crate::site::policy::{Policy, WHOLE};
use crate::site::rules::ValueRules;
use crate::types::expire::Expire;
use crate::types::windows::StaleWindows;

use super::cached::{CachedResponse, ResponseTimes, date};
use super::options::{Access, Options};
use super::request::Asked;
use super::rfc::directives::Directives;
use super::rfc::etag::strong;
use super::rfc::freshness::{explicit, heuristic, initial_age};
use super::rfc::hop::strip;
use super::rfc::storable::{Refusal, Rules, refusal};
use super::rfc::targeted::targeted;
use super::rfc::vary::{self, Varies};

/// What is said where the response is made.
pub(super) struct Declared {
    pub(super) expire: Expire,
    pub(super) policy: Policy,
    /// What jitter takes off, in parts per million of its share.
    pub(super) chance: u32,
}

/// A response that is kept.
pub(super) struct Kept {
    pub(super) times: ResponseTimes,
    /// What it differs by.
    pub(super) names: Box<[HeaderName]>,
}

/// A life that does not end by itself, for headers that have to say a number.
const FOREVER: Duration = Duration::from_secs(31_536_000);

/// Whether a response to this request is kept.
pub(super) fn judge(
    asked: &Asked,
    options: &Options,
    declared: &Declared,
    parts: &response::Parts,
    (requested_ms, received_ms): (u64, u64),
) -> Result<Kept, Refusal> {
    let (headers, directives) = (&parts.headers, directives(&parts.headers, options));
    let received = at(received_ms);
    let explicit = explicit(headers, &directives, received);
    let (fresh, initial_age) = if options.obey_origin {
        let age = initial_age(headers, at(requested_ms), received);
        let life =
            explicit.or_else(|| heuristic(parts.status, headers, &directives, received)).unwrap_or_default();
        let life = if directives.no_cache { Duration::ZERO } else { life };
        (life.saturating_sub(age), age)
    } else {
        let life = life(options, declared, parts.status);
        (explicit.map_or(life, |explicit| explicit.min(life)), Duration::ZERO)
    };
    let rules = Rules {
        statuses: &statuses(options),
        obey_origin: options.obey_origin,
        is_private: options.access == Access::Private,
        is_shared: options.access == Access::Shared,
        max_headers: options.max_headers,
    };
    if let Some(refusal) =
        refusal(&asked.headers, &asked.method, &rules, parts.status, headers, &directives, !fresh.is_zero())
    {
        return Err(refusal);
    }
    if fresh.is_zero() && !options.obey_origin {
        return Err(Refusal::NoFreshness);
    }
    let varies = match vary::of(headers) {
        Varies::Always => return Err(Refusal::VaryAny),
        Varies::By(names) => names,
        Varies::Not => Box::default(),
    };
    let windows = windows(options, &declared.policy, &directives, headers);
    let times = ResponseTimes { received_ms, initial_age, fresh, windows };
    Ok(Kept { times, names: names(varies, options) })
}

/// What a response says to caches. One that speaks to caches like this one apart is not heard by the others' field
/// (RFC 9213).
pub(super) fn directives(headers: &HeaderMap, options: &Options) -> Directives {
    let targeted = if options.obey_origin { targeted(headers) } else { None };
    targeted.unwrap_or_else(|| Directives::of(headers))
}

/// Whether a response has no end that could be waited for.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], http::HeaderValue::as_bytes);
    let streams = [&b"text/event-stream"[..], b"multipart/x-mixed-replace", b"application/grpc"];
    let is = |stream: &&[u8]| kind.get(..stream.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(stream));
    streams.iter().any(is)
}

/// The response with the life that `expire_with` works out, or what it says itself where that is shorter.
pub(super) fn with_own_life(
    page: CachedResponse,
    answers: &impl ValueRules<CachedResponse>,
    options: &Options,
) -> CachedResponse {
    let Some(Ok(Expire::After(life))) = answers.expiry(&page) else { return page };
    let said = directives(page.headers(), options);
    page.with_life(said.s_maxage.or(said.max_age).map_or(life, |said| said.min(life)))
}

/// How long its body is, if its head says so.
pub(super) fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The response as it is kept.
pub(super) fn page(
    parts: response::Parts,
    body: Bytes,
    times: ResponseTimes,
    options: &Options,
) -> CachedResponse {
    let mut headers = parts.headers;
    strip(&mut headers);
    // Both are made anew for each client.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::AGE);
    if options.obey_origin {
        headers.entry(header::DATE).or_insert_with(|| date(at(times.received_ms)));
    } else {
        headers.remove(header::DATE);
        headers.remove(header::EXPIRES);
        if parts.status == StatusCode::OK && !headers.contains_key(header::ETAG) {
            let tag = strong(&body, headers.get(header::CONTENT_ENCODING));
            headers.insert(header::ETAG, tag);
        }
    }
    CachedResponse::page(parts.status, headers, body, times)
}

/// How long a response with this status is fresh here.
fn life(options: &Options, declared: &Declared, status: StatusCode) -> Duration {
    let own = options.statuses.iter().find(|(known, _)| *known == status).and_then(|(_, life)| *life);
    let Expire::After(life) = own.unwrap_or(declared.expire) else { return FOREVER };
    let whole = u128::from(WHOLE);
    let off = u128::from(declared.policy.jitter) * u128::from(declared.chance) / whole;
    let millis = life.as_millis() * whole.saturating_sub(off) / whole;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX).max(1))
}

/// What a response may be used for after its end. One that must be validated has no old age (RFC 9111, 4.2.4; RFC 5861).
fn windows(options: &Options, policy: &Policy, directives: &Directives, headers: &HeaderMap) -> StaleWindows {
    let compare = options
        .compare
        .filter(|_| headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED));
    let is_strict = directives.must_revalidate || directives.proxy_revalidate || directives.no_cache;
    if is_strict || (options.obey_origin && directives.s_maxage.is_some()) {
        return StaleWindows { compare, ..StaleWindows::default() };
    }
    let some = |window: Option<Duration>| window.filter(|window| !window.is_zero());
    StaleWindows {
        revalidate: policy.stale_while_revalidate.or(some(directives.stale_while_revalidate)),
        // While an origin cannot be reached, what it gave before may be served (RFC 9111, 4.2.4).
        error: policy.stale_if_error.or(some(directives.stale_if_error)).max(options.compare),
        compare,
    }
}

fn names(varies: Box<[HeaderName]>, options: &Options) -> Box<[HeaderName]> {
    let declared = options.declared_names();
    if declared.is_empty() {
        return varies;
    }
    let mut names = varies.into_vec();
    names.extend(declared);
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names.into()
}

fn statuses(options: &Options) -> Vec<StatusCode> {
    options.statuses.iter().map(|(status, _)| *status).collect()
}

pub(super) fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}
