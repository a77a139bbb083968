//! Byte ranges of a stored response (RFC 9110 section 14).

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE},
};

use super::{date, delta, etag::Tag};

/// The part of a body that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// The whole body: 200.
    Whole,
    /// The bytes from `first` to `last` inclusive: 206.
    Part { first: u64, last: u64 },
    /// No byte of the body: 416.
    Unsatisfiable,
}

/// Returns whether parts of a stored response may be put together: only a strong tag names the same bytes in every response,
/// whatever compresses them on their way (section 8.8.1).
pub(crate) fn has_ranges(stored: &HeaderMap) -> bool {
    stored.get(ETAG).and_then(Tag::of).is_some_and(Tag::is_strong)
}

/// The part that a GET asks for of a stored 200 whose body has `len` bytes.
///
/// A server may ignore `Range` (section 14.2), so everything but one plain range of bytes is `Whole`.
pub(crate) fn ranged(request: &HeaderMap, stored: &HeaderMap, len: u64) -> Ranged {
    let mut lines = request.get_all(RANGE).iter();
    let (Some(range), None) = (lines.next(), lines.next()) else { return Ranged::Whole };
    if !is_same(request, stored) {
        return Ranged::Whole;
    }
    part(range.as_bytes(), len).unwrap_or(Ranged::Whole)
}

/// Reads a range; `None` if it is malformed, of another unit, or one of several.
fn part(range: &[u8], len: u64) -> Option<Ranged> {
    let (unit, spec) = split(range.trim_ascii(), b'=')?;
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let (first, last) = match split(spec.trim_ascii(), b'-')? {
        (b"", suffix) => {
            let suffix = delta::number(suffix)?;
            if len == 0 && suffix > 0 {
                // Satisfiable by section 14.1.2, but no `Content-Range` can say so.
                return None;
            }
            if suffix == 0 {
                return Some(Ranged::Unsatisfiable);
            }
            (len.saturating_sub(suffix), u64::MAX)
        }
        (first, b"") => (delta::number(first)?, u64::MAX),
        (first, last) => (delta::number(first)?, delta::number(last)?),
    };
    if last < first {
        return None;
    }
    if first >= len {
        return Some(Ranged::Unsatisfiable);
    }
    Some(Ranged::Part { first, last: last.min(len - 1) })
}

/// Returns whether `If-Range` is absent or names the stored response (section 13.1.5).
fn is_same(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let mut lines = request.get_all(IF_RANGE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(condition), None) => has_tag(condition, stored) || has_date(condition, stored),
        (Some(_), Some(_)) => false,
    }
}

fn has_tag(condition: &HeaderValue, stored: &HeaderMap) -> bool {
    match (Tag::of(condition), stored.get(ETAG).and_then(Tag::of)) {
        (Some(asked), Some(stored)) => asked.is_strongly(stored),
        _ => false,
    }
}

/// Returns whether a date names the stored response: only if it was not sent within the second of its last change
/// (section 8.8.2.2).
fn has_date(condition: &HeaderValue, stored: &HeaderMap) -> bool {
    let Some(modified) = date::first(stored, &LAST_MODIFIED) else { return false };
    let sent = date::first(stored, &DATE);
    let settled = sent.and_then(|sent| sent.duration_since(modified).ok());
    date::parse(condition) == Some(modified) && settled >= Some(Duration::from_secs(1))
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let middle = text.iter().position(|byte| *byte == at)?;
    Some((&text[..middle], &text[middle + 1..]))
}

#[cfg(test)]
#[path = "tests/range.rs"]
mod tests;
