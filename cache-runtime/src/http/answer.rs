//! ValueRules: responses made of what is kept.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;

use super::body::CacheBody;
use super::cached::{CachedResponse, ResponseTimes};
use super::made::Made;
use super::options::{Access, Options};
use super::request::{Asked, Has};
use super::rfc::cache_status::CacheStatus;
use super::rfc::conditional::not_modified_headers;
use super::rfc::directives::Directives;
use super::rfc::range::{Ranged, ranged};

/// Where a response came from, as its client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Hit,
    Miss,
    Stale,
    Bypass,
}

impl From {
    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Stale => "STALE",
            Self::Bypass => "BYPASS",
        })
    }
}

/// What a response says of its way, beside itself.
pub(crate) struct Signs<'a> {
    pub(crate) from: From,
    /// The name of the field that says so.
    pub(crate) field: &'a HeaderName,
    /// The same in the words of RFC 9211, where they are wanted.
    pub(crate) status: Option<CacheStatus>,
}

impl Signs<'_> {
    /// Puts them on, where there is room for them.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let _ = headers.try_insert(self.field, self.from.value());
        if let Some(status) = &self.status {
            let _ = headers.try_append(HeaderName::from_static("cache-status"), status.value("larder"));
        }
    }
}

/// The response to a request that a kept one answers.
pub(crate) fn answer<B: Body>(
    mut found: CachedResponse,
    signs: &Signs<'_>,
    asked: &Asked,
    options: &Options,
    now_ms: u64,
) -> Response<CacheBody<B>> {
    // Where responses are is not where one is.
    let Some(page) = found.as_page() else { return not_kept(signs) };
    let given = &asked.headers;
    let is_whole = page.status == StatusCode::OK;
    let is_known = asked.knows(page.status, &page.headers);
    let range = if is_whole && !is_known && asked.method == Method::GET && asked.has.any(Has::RANGE) {
        ranged(given, &page.headers, page.body.len() as u64)
    } else {
        Ranged::Whole
    };
    let (status, body, times) = (page.status, page.body.clone(), page.times);
    let expires = if options.obey_origin { None } else { Some(page.expires().clone()) };
    let mut headers = found.take_headers();
    tell_times(&mut headers, &times, expires, signs.from, options, now_ms);
    signs.mark(&mut headers);
    if is_known {
        let mut headers = not_modified_headers(&headers);
        signs.mark(&mut headers);
        return built(StatusCode::NOT_MODIFIED, headers, Bytes::new());
    }
    if asked.method == Method::HEAD {
        if status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        return built(status, headers, Bytes::new());
    }
    part(range, status, headers, body)
}

/// What `only-if-cached` gets where nothing is kept (RFC 9111, 5.2.1.7).
pub(super) fn not_kept<B: Body>(signs: &Signs<'_>) -> Response<CacheBody<B>> {
    let mut headers = HeaderMap::new();
    signs.mark(&mut headers);
    built(StatusCode::GATEWAY_TIMEOUT, headers, Bytes::new())
}

/// Says how long a response may be used from here on: in a field of our own with what is left of the life that was
/// declared here, or beside what the origin said with its age. Both at once would count the age twice.
pub(super) fn tell_times(
    headers: &mut HeaderMap,
    times: &ResponseTimes,
    expires: Option<HeaderValue>,
    from: From,
    options: &Options,
    now_ms: u64,
) {
    if options.obey_origin {
        if from != From::Miss || times.initial_age.as_secs() > 0 {
            headers.insert(header::AGE, times.age(now_ms).as_secs().into());
        }
        return;
    }
    let entry = times.entry(now_ms).as_secs();
    let left = match from {
        From::Stale => 0,
        // In whole seconds of age, as everybody after us counts.
        _ => times.fresh.as_secs().saturating_sub(entry),
    };
    let is_said = headers.contains_key(header::CACHE_CONTROL);
    let control = if !is_said && options.access != Access::Private && !times.windows.are_any() {
        max_age(left)
    } else {
        control(&Directives::of(headers), times, options, (left, entry))
    };
    headers.insert(header::CACHE_CONTROL, control);
    if let Some(expires) = expires {
        headers.insert(header::EXPIRES, expires);
    }
}

/// `max-age` with all that goes with it.
fn control(
    said: &Directives,
    times: &ResponseTimes,
    options: &Options,
    (left, entry): (u64, u64),
) -> HeaderValue {
    let mut text = String::with_capacity(64);
    if options.access == Access::Private {
        text.push_str("private, ");
    } else if said.public {
        text.push_str("public, ");
    }
    // What was said to clients is not made longer by what was said to caches.
    let left = said.max_age.map_or(left, |said| said.as_secs().saturating_sub(entry).min(left));
    // Writing to a text does not fail.
    let _ = write!(text, "max-age={left}");
    for (is_said, directive) in
        [(said.must_revalidate, ", must-revalidate"), (said.proxy_revalidate, ", proxy-revalidate")]
    {
        text.push_str(if is_said { directive } else { "" });
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

/// `max-age=N`: there is one in every hit.
fn max_age(seconds: u64) -> HeaderValue {
    thread_local! {
        static MADE: Made = const { Made::new() };
    }
    let make = |seconds| {
        HeaderValue::try_from(format!("max-age={seconds}")).unwrap_or(HeaderValue::from_static("max-age=0"))
    };
    MADE.with(|made| made.get(seconds, make))
}

/// The part of a body that was asked for.
fn part<B: Body>(
    range: Ranged,
    status: StatusCode,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<CacheBody<B>> {
    let len = body.len();
    match range {
        Ranged::Whole => built(status, headers, body),
        Ranged::Part { first, last } => {
            let range = HeaderValue::try_from(format!("bytes {first}-{last}/{len}"));
            headers.insert(header::CONTENT_RANGE, range.unwrap_or(HeaderValue::from_static("bytes */*")));
            // Both are below the length of something in memory.
            let bytes = body.slice(first as usize..=last as usize);
            built(StatusCode::PARTIAL_CONTENT, headers, bytes)
        }
        Ranged::Unsatisfiable => {
            let range = HeaderValue::try_from(format!("bytes */{len}"));
            headers.insert(header::CONTENT_RANGE, range.unwrap_or(HeaderValue::from_static("bytes */*")));
            built(StatusCode::RANGE_NOT_SATISFIABLE, headers, Bytes::new())
        }
    }
}

fn built<B: Body>(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<CacheBody<B>> {
    let mut response = Response::new(CacheBody::whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
