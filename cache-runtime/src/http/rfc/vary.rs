//! `Vary`: the request headers that select a response (RFC 9111 section 4.1).

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::accept_encoding::{self, AcceptEncoding};
use super::{accept_language, list};

/// The largest number of names that distinguish variants.
const MOST: usize = 32;

/// The start of the bytes that are hashed into a variant: no other use of the hash has the same.
const CONTEXT: &[u8] = b"larder vary 1";

/// The request headers that a response varies by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Varies {
    /// None.
    Not,
    /// These headers, sorted, each once.
    By(Box<[HeaderName]>),
    /// Unknown ones: `*`, or a malformed field.
    Always,
}

/// Reads `Vary` of a response.
pub(crate) fn of(response: &HeaderMap) -> Varies {
    let mut names: Vec<HeaderName> = Vec::new();
    for member in list::members(response, &VARY) {
        // `*` is a legal header name, but not in `Vary`.
        let Some(name) = HeaderName::from_bytes(member).ok().filter(|name| name != "*") else {
            return Varies::Always;
        };
        if let Err(at) = names.binary_search_by(|other| other.as_str().cmp(name.as_str())) {
            names.insert(at, name);
        }
        if names.len() > MOST {
            return Varies::Always;
        }
    }
    if names.is_empty() { Varies::Not } else { Varies::By(names.into()) }
}

/// Adds the names to `Vary` of a response that are not there.
pub(crate) fn add(response: &mut HeaderMap, names: &[HeaderName]) {
    let missing: Vec<&str> = names
        .iter()
        .filter(|name| {
            !list::members(response, &VARY)
                .any(|member| member.eq_ignore_ascii_case(name.as_str().as_bytes()))
        })
        .map(HeaderName::as_str)
        .collect();
    // A name is a legal value. Beyond the limit of the map nothing can be added.
    if let (false, Ok(value)) = (missing.is_empty(), HeaderValue::try_from(missing.join(", "))) {
        let _ = response.try_append(VARY, value);
    }
}

/// The comparison of requests by the headers that a response varies by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// By the letter of section 4.1: only differences without a meaning are ignored.
    Exact,
    /// By what the client accepts: requests with the same codings in `Accept-Encoding`, or the same order of languages in
    /// `Accept-Language`, match. A response is stored only if it [`fits`].
    Accepted,
}

/// The variant that a request selects: two requests have the same one only if each header is absent from both or matches in
/// both. Lines are combined, and blanks around list members do not count, as section 4.1 allows.
pub(crate) fn digest(names: &[HeaderName], request: &HeaderMap, matching: Matching) -> [u8; 16] {
    digest_of(names, |name| value(request, name, matching))
}

/// The variant of the requests that accept more codings than this one, if there is a usual one: its response is the one for this
/// request if it [`fits`].
pub(crate) fn superset_digest(
    names: &[HeaderName],
    request: &HeaderMap,
    matching: Matching,
) -> Option<[u8; 16]> {
    if matching == Matching::Exact || !names.contains(&ACCEPT_ENCODING) {
        return None;
    }
    let superset = AcceptEncoding::of(request)?.superset()?.text();
    Some(digest_of(names, |name| match *name {
        ACCEPT_ENCODING => Some(FieldValue::Normal(superset.clone())),
        _ => value(request, name, matching),
    }))
}

/// Returns whether the client of a request accepts the content coding of a response, as do all whose requests select the same
/// variant by [`Matching::Accepted`].
pub(crate) fn fits(request: &HeaderMap, response: &HeaderMap) -> bool {
    AcceptEncoding::of(request).is_none_or(|accepts| accepts.fits(response))
}

/// The value of a header that selects a variant.
enum FieldValue {
    Combined(Vec<u8>),
    Normal(String),
}

fn digest_of(names: &[HeaderName], value: impl Fn(&HeaderName) -> Option<FieldValue>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTEXT);
    for name in names {
        hasher.update(&(name.as_str().len() as u64).to_le_bytes());
        hasher.update(name.as_str().as_bytes());
        let (kind, value) = match value(name) {
            None => {
                hasher.update(&[0]);
                continue;
            }
            Some(FieldValue::Combined(value)) => (1, value),
            Some(FieldValue::Normal(text)) => (2, text.into_bytes()),
        };
        hasher.update(&[kind]);
        hasher.update(&(value.len() as u64).to_le_bytes());
        hasher.update(&value);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    half
}

fn value(request: &HeaderMap, name: &HeaderName, matching: Matching) -> Option<FieldValue> {
    let combined = FieldValue::Combined(combined(request, name)?);
    let normal = match (name, matching) {
        (&ACCEPT_ENCODING, Matching::Exact) => accept_encoding::exact(request),
        (&ACCEPT_ENCODING, Matching::Accepted) => AcceptEncoding::of(request).map(|accepts| accepts.text()),
        (&ACCEPT_LANGUAGE, Matching::Exact) => accept_language::exact(request),
        (&ACCEPT_LANGUAGE, Matching::Accepted) => accept_language::ordered(request),
        _ => None,
    };
    Some(normal.map_or(combined, FieldValue::Normal))
}

fn combined(request: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let lines = request.get_all(name).iter().map(HeaderValue::as_bytes);
    if name == COOKIE {
        // Not a list: HTTP/2 may send a cookie a line (RFC 9113 section 8.2.3).
        let lines: Vec<&[u8]> = lines.map(<[u8]>::trim_ascii).collect();
        return (!lines.is_empty()).then(|| lines.join(&b"; "[..]));
    }
    let mut members = lines.flat_map(list::split);
    let mut value = members.next()?.to_vec();
    for member in members {
        value.push(b',');
        value.extend_from_slice(member);
    }
    Some(value)
}

#[cfg(test)]
#[path = "tests/vary.rs"]
mod tests;
