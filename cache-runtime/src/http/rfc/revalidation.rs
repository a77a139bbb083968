//! Asking the origin whether what is stored still holds (RFC 9111 section 4.3).

use http::{
    HeaderMap, HeaderName,
    header::{
        AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SET_COOKIE,
    },
};

use super::{date, etag::Tag, hop_by_hop};

/// The client's own conditions, which speak of what the client has and not of what is stored.
static CONDITIONS: [HeaderName; 6] =
    [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// What a 304 does not change: the stored body keeps its length, coding, digest, range and tag (section 3.2),
/// and a cookie is for whoever caused the 304 and nobody else.
static UNCHANGED: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    CONTENT_RANGE,
    ETAG,
    SET_COOKIE,
];

/// Turns a request into one for the whole response unless it is still what is stored (section 4.3.1). False if
/// the stored response has nothing to ask by; the client's conditions are gone even then.
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

/// Whether a 304 speaks of the stored response (section 4.3.4): the strongest validator that it names is the
/// stored one. If it names none it can only mean what was asked about.
pub(crate) fn applies(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    if let Some(tag) = not_modified.get(ETAG) {
        return stored.get(ETAG).is_some_and(|stored| {
            // A malformed tag was sent as it is, and is compared as it is.
            let both = Tag::of(stored).zip(Tag::of(tag));
            both.map_or(stored == tag, |(stored, tag)| stored.is_weakly(tag))
        });
    }
    match date::first(not_modified, &LAST_MODIFIED) {
        Some(modified) => date::first(stored, &LAST_MODIFIED) == Some(modified),
        None => true,
    }
}

/// Brings the stored headers up to date (section 3.2). They must be judged again afterwards: the 304 may say
/// `no-store` or another `Vary`.
pub(crate) fn merge(stored: &mut HeaderMap, not_modified: &HeaderMap) {
    // The stored response is as old as the 304 now, even if that says nothing of time.
    stored.remove(AGE);
    stored.remove(DATE);
    let mut update = not_modified.clone();
    hop_by_hop::strip(&mut update);
    for name in update.keys().filter(|name| !UNCHANGED.contains(name)) {
        stored.remove(name);
        for value in update.get_all(name) {
            // Beyond the limit of the map fields are lost, which no server in use can reach.
            let _ = stored.try_append(name, value.clone());
        }
    }
}

#[cfg(test)]
#[path = "tests/revalidation.rs"]
mod tests;
