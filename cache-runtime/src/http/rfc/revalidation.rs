//! Revalidating a stored response with its origin (RFC 9111 section 4.3).

use http::{
    HeaderMap, HeaderName,
    header::{
        AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SET_COOKIE,
    },
};

use super::{date, etag::Tag, hop_by_hop};

/// The conditions of a client, which are about the response that the client has.
static CONDITIONS: [HeaderName; 6] =
    [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// The fields that a 304 does not change: those of the stored body (section 3.2), and a cookie, which is for one client
/// only.
static UNCHANGED: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    CONTENT_RANGE,
    ETAG,
    SET_COOKIE,
];

/// Makes a request conditional on the stored response (section 4.3.1). Returns whether the stored response has a
/// validator; the conditions of the client are removed in any case.
pub(crate) fn ask(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    for name in &CONDITIONS {
        request.remove(name);
    }
    let tag = stored.get(ETAG).filter(|tag| !tag.is_empty());
    let modified = stored.get(LAST_MODIFIED).filter(|modified| date::parse(modified).is_some());
    let tagged = tag.is_some_and(|tag| request.try_insert(IF_NONE_MATCH, tag.clone()).is_ok());
    let dated = modified.is_some_and(|date| request.try_insert(IF_MODIFIED_SINCE, date.clone()).is_ok());
    tagged || dated
}

/// Returns whether a 304 is about the stored response (section 4.3.4): its strongest validator is the stored one. A 304
/// without one is about the response of the condition.
pub(crate) fn applies(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    if let Some(tag) = not_modified.get(ETAG) {
        return stored.get(ETAG).is_some_and(|stored| {
            // A malformed tag was sent unchanged, and is compared unchanged.
            let both = Tag::of(stored).zip(Tag::of(tag));
            both.map_or(stored == tag, |(stored, tag)| stored.is_weakly(tag))
        });
    }
    match date::first(not_modified, &LAST_MODIFIED) {
        Some(modified) => date::first(stored, &LAST_MODIFIED) == Some(modified),
        None => true,
    }
}

/// Updates the stored headers (section 3.2). Whether they may be stored has to be decided again: the 304 may have
/// `no-store` or another `Vary`.
pub(crate) fn merge(stored: &mut HeaderMap, not_modified: &HeaderMap) {
    // The stored response is as old as the 304, even if that has neither field.
    stored.remove(AGE);
    stored.remove(DATE);
    let mut update = not_modified.clone();
    hop_by_hop::strip(&mut update);
    for name in update.keys().filter(|name| !UNCHANGED.contains(name)) {
        stored.remove(name);
        for value in update.get_all(name) {
            // Beyond the limit of the map fields are lost; no known server sends that many.
            let _ = stored.try_append(name, value.clone());
        }
    }
}

#[cfg(test)]
#[path = "tests/revalidation.rs"]
mod tests;
