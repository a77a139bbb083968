//! Responses as they are stored.

use bytes::Bytes;
use http::{StatusCode, header, response};

use crate::site::rules::ValueRules;
use crate::types::expire::Expire;

use super::cached::CachedResponse;
use super::options::ResponseOptions;
use super::rfc::etag::strong;
use super::rfc::hop_by_hop::strip;
use super::storability::directives;
use super::times::{ResponseTimes, date, time};

/// The response as it is stored: without the headers of one connection or one client, and with a validator.
pub(super) fn normalized(
    parts: response::Parts,
    body: Bytes,
    times: ResponseTimes,
    options: &ResponseOptions,
) -> CachedResponse {
    let mut headers = parts.headers;
    strip(&mut headers);
    // Both are made for each client.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::AGE);
    if options.obey_origin {
        headers.entry(header::DATE).or_insert_with(|| date(time(times.received_ms)));
    } else {
        headers.remove(header::DATE);
        headers.remove(header::EXPIRES);
        if parts.status == StatusCode::OK && !headers.contains_key(header::ETAG) {
            let tag = strong(&body, headers.get(header::CONTENT_ENCODING));
            headers.insert(header::ETAG, tag);
        }
    }
    CachedResponse::new(parts.status, headers, body, times)
}

/// The response with the expiry that `expire_with` gives, or with its own where that is shorter.
pub(super) fn with_own_expiry(
    response: CachedResponse,
    rules: &(impl ValueRules<CachedResponse> + ?Sized),
    options: &ResponseOptions,
) -> CachedResponse {
    let Some(Ok(Expire::After(fresh))) = rules.expiry(&response) else { return response };
    let own = directives(response.headers(), options);
    response.with_fresh(own.s_maxage.or(own.max_age).map_or(fresh, |own| own.min(fresh)))
}
