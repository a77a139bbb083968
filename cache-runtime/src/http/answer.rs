//! Answers from cached responses.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;

use crate::engine::core::Core;

use super::body::CacheBody;
use super::cached::CachedResponse;
use super::client_times::ClientTimes;
use super::options::ResponseOptions;
use super::ready_heads::ready_head;
use super::request::{CacheRequest, HeaderSet};
use super::rfc::cache_status::{CacheStatus, Handling};
use super::rfc::conditional::not_modified_headers;
use super::rfc::range::{Ranged, has_ranges, ranged};
use super::status_headers::{CacheResult, StatusHeaders};

/// Answers a request with a fresh response. Nothing has to be added to the headers.
pub(crate) fn hit<B: Body>(
    found: CachedResponse,
    core: &Core,
    request: &CacheRequest,
    options: &Arc<ResponseOptions>,
) -> Response<CacheBody<B>> {
    options.no_hits.reset();
    let now_ms = core.clock.now_ms();
    if let Some(stored) = found.as_response().filter(|_| found.is_shared() && request.wants_whole()) {
        let make = || made::<B>(found.clone(), core, request, options, now_ms).into_parts().0.headers;
        let headers = ready_head(&found, (core, options), now_ms, make);
        return built(stored.status, headers, stored.body.clone());
    }
    made(found, core, request, options, now_ms)
}

/// Answers a request with a fresh response, whose headers are made for it.
fn made<B: Body>(
    found: CachedResponse,
    core: &Core,
    request: &CacheRequest,
    options: &ResponseOptions,
    now_ms: u64,
) -> Response<CacheBody<B>> {
    let stored = found.as_response().filter(|_| options.adds_cache_status);
    let status = stored.map(|stored| CacheStatus::hit(Handling::Hit, stored.times.ttl(now_ms)));
    let status = StatusHeaders { result: CacheResult::Hit, field: &core.status_field, status };
    let mut response = answer(found, core, &status, (request, options), now_ms);
    options.add_vary(response.headers_mut(), None);
    response
}

/// Answers a request with a cached response, or with the part of it that the request asks for.
pub(super) fn answer<B: Body>(
    mut found: CachedResponse,
    core: &Core,
    status_headers: &StatusHeaders<'_>,
    (request, options): (&CacheRequest, &ResponseOptions),
    now_ms: u64,
) -> Response<CacheBody<B>> {
    // An index is no response.
    let Some(stored) = found.as_response() else { return not_cached(status_headers) };
    let is_known = request.knows(stored.status, &stored.headers);
    let has_range = request.method == Method::GET && request.present.has(HeaderSet::RANGE);
    let has_range = has_range && (options.obey_origin || has_ranges(&stored.headers));
    let range = if stored.status == StatusCode::OK && !is_known && has_range {
        ranged(&request.headers, &stored.headers, stored.body.len() as u64)
    } else {
        Ranged::Whole
    };
    let (status, body) = (stored.status, stored.body.clone());
    let max_age = request.client_max_age.or(options.client_max_age).or(core.client_max_age);
    let is_personal = request.is_personal;
    let times = ClientTimes { options, max_age, is_personal, result: status_headers.result, now_ms };
    let times = times.of((status, &stored.headers), &stored.times, || stored.expires().clone());
    let mut headers = found.take_headers();
    times.write(&mut headers);
    status_headers.add(&mut headers);
    if is_known {
        let mut headers = not_modified_headers(&headers);
        status_headers.add(&mut headers);
        return built(StatusCode::NOT_MODIFIED, headers, Bytes::new());
    }
    if request.method == Method::HEAD {
        if status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        let mut response = built(status, headers, Bytes::new());
        *response.body_mut() = CacheBody::head(body.len() as u64);
        return response;
    }
    part(range, status, headers, body)
}

/// The answer to `only-if-cached` where nothing is cached (RFC 9111 section 5.2.1.7).
pub(super) fn not_cached<B: Body>(status_headers: &StatusHeaders<'_>) -> Response<CacheBody<B>> {
    let mut headers = HeaderMap::new();
    status_headers.add(&mut headers);
    built(StatusCode::GATEWAY_TIMEOUT, headers, Bytes::new())
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
