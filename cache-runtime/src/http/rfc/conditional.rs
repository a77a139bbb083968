//! The conditions of a request on a stored response (RFC 9110 section 13, RFC 9111 section 4.3.2).

use http::{
    HeaderMap, HeaderName,
    header::{
        AGE, CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, VARY,
    },
};

use super::{date, etag::Tag};

/// The fields of a 200 that its 304 repeats (RFC 9110 section 15.4.5), and its age (RFC 9111 section 4).
static REPEATED: [HeaderName; 7] = [AGE, ETAG, CACHE_CONTROL, CONTENT_LOCATION, DATE, EXPIRES, VARY];

/// Returns whether the client already has the stored response, which must be a 200.
pub(crate) fn not_modified(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        // `If-Modified-Since` must be ignored then (section 13.1.3), even if no tag is well-formed.
        return is_any(request) || has_tag(request, stored);
    }
    is_unmodified_since(request, stored)
}

/// The headers of the 304 for a stored response.
pub(crate) fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // The client needs a date only if there is no tag.
    let modified = (!stored.contains_key(ETAG)).then_some(&LAST_MODIFIED);
    for name in REPEATED.iter().chain(modified) {
        for value in stored.get_all(name) {
            // `stored` is within the limit of the map, so its copy is.
            let _ = headers.try_append(name, value.clone());
        }
    }
    headers
}

/// Returns whether the condition is `If-None-Match: *` alone.
fn is_any(request: &HeaderMap) -> bool {
    let mut lines = request.get_all(IF_NONE_MATCH).iter();
    lines.next().is_some_and(|line| line.as_bytes().trim_ascii() == b"*") && lines.next().is_none()
}

fn has_tag(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let Some(stored) = stored.get(ETAG).and_then(Tag::of) else { return false };
    let mut lines = request.get_all(IF_NONE_MATCH).iter();
    lines.any(|line| Tag::list(line.as_bytes()).any(|tag| tag.is_weakly(stored)))
}

fn is_unmodified_since(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let mut lines = request.get_all(IF_MODIFIED_SINCE).iter();
    let (Some(since), None) = (lines.next(), lines.next()) else { return false };
    match (date::parse(since), date::first(stored, &LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

#[cfg(test)]
#[path = "tests/conditional.rs"]
mod tests;
