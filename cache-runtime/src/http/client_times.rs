//! The headers that limit how long clients may use a response.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use super::header_memo::HeaderMemo;
use super::options::{Access, ResponseOptions};
use super::rfc::directives::Directives;
use super::status_headers::CacheResult;
use super::times::ResponseTimes;

/// Writes the times of a response for its client: `Cache-Control` with what is left of the TTL that was declared here, or
/// `Age` beside the origin's own `Cache-Control`. Both at once would count the age twice.
pub(super) fn write_times(
    headers: &mut HeaderMap,
    times: &ResponseTimes,
    expires: Option<HeaderValue>,
    result: CacheResult,
    options: &ResponseOptions,
    now_ms: u64,
) {
    if options.obey_origin {
        if result != CacheResult::Miss || times.initial_age.as_secs() > 0 {
            headers.insert(header::AGE, times.age(now_ms).as_secs().into());
        }
        return;
    }
    // In whole seconds, as all clients count.
    let in_cache = times.time_in_cache(now_ms).as_secs();
    let left = if result == CacheResult::Stale { 0 } else { times.fresh.as_secs().saturating_sub(in_cache) };
    let has_control = headers.contains_key(header::CACHE_CONTROL);
    let control = if !has_control && options.access != Access::Private && !times.windows.are_any() {
        max_age(left)
    } else {
        cache_control(&Directives::of(headers), times, options, (left, in_cache))
    };
    headers.insert(header::CACHE_CONTROL, control);
    if let Some(expires) = expires {
        headers.insert(header::EXPIRES, expires);
    }
}

/// `Cache-Control` with all its directives.
fn cache_control(
    own: &Directives,
    times: &ResponseTimes,
    options: &ResponseOptions,
    (left, in_cache): (u64, u64),
) -> HeaderValue {
    let mut text = String::with_capacity(64);
    if options.access == Access::Private {
        text.push_str("private, ");
    } else if own.public {
        text.push_str("public, ");
    }
    // `s-maxage` does not make the `max-age` of clients longer.
    let left = own.max_age.map_or(left, |own| own.as_secs().saturating_sub(in_cache).min(left));
    // Writing to a `String` does not fail.
    let _ = write!(text, "max-age={left}");
    for (is_set, directive) in
        [(own.must_revalidate, ", must-revalidate"), (own.proxy_revalidate, ", proxy-revalidate")]
    {
        text.push_str(if is_set { directive } else { "" });
    }
    let windows =
        [("stale-while-revalidate", times.windows.revalidate), ("stale-if-error", times.windows.error)];
    for (directive, window) in windows {
        if let Some(window) = window.filter(|window| *window >= Duration::from_secs(1)) {
            let _ = write!(text, ", {directive}={}", window.as_secs());
        }
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-store"))
}

/// `max-age=N`, which is in every hit.
fn max_age(seconds: u64) -> HeaderValue {
    thread_local! {
        static MEMO: HeaderMemo = const { HeaderMemo::new() };
    }
    let make = |seconds| {
        HeaderValue::try_from(format!("max-age={seconds}")).unwrap_or(HeaderValue::from_static("max-age=0"))
    };
    MEMO.with(|memo| memo.get(seconds, make))
}
