//! Responses as they are stored.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};

use crate::types::expire::Expire;

use super::cached::CachedResponse;
use super::etag_kind::EtagKind;
use super::options::ResponseOptions;
use super::rfc::etag;
use super::rfc::hop_by_hop::strip;
use super::rfc::range::has_ranges;
use super::storability::{FOREVER, directives};
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
        if parts.status == StatusCode::OK && !headers.contains_key(header::ETAG) {
            let encoding = headers.get(header::CONTENT_ENCODING);
            let tag = match options.etag {
                EtagKind::Weak => Some(etag::of_body(&body, encoding, true)),
                EtagKind::Strong => Some(etag::of_body(&body, encoding, false)),
                EtagKind::Off => None,
            };
            tag.map(|tag| headers.insert(header::ETAG, tag));
        }
        strip_ranges(&mut headers);
    }
    CachedResponse::new(parts.status, headers, body, times)
}

/// Removes the offer of ranges from a response that is served whole.
pub(super) fn strip_ranges(headers: &mut HeaderMap) {
    if !has_ranges(headers) {
        headers.remove(header::ACCEPT_RANGES);
    }
}

/// The response with the expiry that `expire_with` gives, or with its own where that is shorter. An origin that is obeyed
/// decides alone.
pub(super) fn with_own_expiry(
    response: CachedResponse,
    expire: Option<Expire>,
    options: &ResponseOptions,
) -> CachedResponse {
    let fresh = match expire {
        Some(Expire::After(fresh)) if !options.obey_origin => fresh.min(FOREVER),
        Some(Expire::Never) if !options.obey_origin => FOREVER,
        Some(_) | None => return response,
    };
    let own = directives(response.headers(), options);
    response.with_fresh(own.s_maxage.or(own.max_age).map_or(fresh, |own| own.min(fresh)))
}
