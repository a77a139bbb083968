//! The text of a URL in a key.

use std::borrow::Cow;

use http::Uri;

use super::host::Host;

/// The length from which a text is cut and hashed.
const LONGEST: usize = 200;
/// The readable part of a text that was cut.
const HEAD: usize = 80;
/// The number of hexadecimal digits behind it.
const DIGITS: usize = 32;

/// The parts of a URL that are in its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct UrlRules {
    /// Host and port are.
    pub(crate) authority: bool,
    /// The order of names in the query is not; the order of the values of one name is.
    pub(crate) sort: bool,
    /// Only these names of the query are; the others are removed from the URL before the service sees it.
    pub(crate) allow: Option<Box<[String]>>,
}

/// The text of a URL: printable ASCII, and different for URLs that differ in a part that counts.
///
/// Percent-encoding is left unchanged: a handler may distinguish `%2F` from `/`.
pub(crate) fn text(uri: &Uri, host: Option<&str>, rules: &UrlRules) -> String {
    let reduced = reduced(uri, rules);
    let uri = reduced.as_ref().unwrap_or(uri);
    let mut text = String::with_capacity(LONGEST);
    if rules.authority {
        let own = uri.authority().map(http::uri::Authority::as_str);
        let authority = own.or(host).unwrap_or_default();
        match Host::parse(authority, uri.scheme_str()) {
            Some(host) => host.write(&mut text),
            // No slash and no star, so that the start of the path is known.
            None => push(&mut text, &authority.to_ascii_lowercase(), |byte| {
                byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
            }),
        }
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
    push(&mut text, uri.path(), is_plain);
    if let Some(query) = uri.query() {
        text.push('?');
        let query = if rules.sort { sorted(query).into() } else { Cow::Borrowed(query) };
        push(&mut text, &query, is_plain);
    }
    // A text that looks cut is cut as well, so that no short URL has the key of a long one.
    if text.len() > LONGEST || looks_cut(&text) { cut(&text) } else { text }
}

/// A URL without the parameters that do not count; `None` if all do. Those that are left stay as they were sent, and a query
/// of which nothing is left is none.
pub(crate) fn reduced(uri: &Uri, rules: &UrlRules) -> Option<Uri> {
    let (names, query) = (rules.allow.as_deref()?, uri.query()?);
    let counts = |pair: &&str| !pair.is_empty() && names.iter().any(|allowed| name(pair) == *allowed);
    if query.split('&').all(|pair| counts(&pair)) {
        return None;
    }
    let pairs: Vec<&str> = query.split('&').filter(counts).collect();
    let path = uri.path();
    let left = if pairs.is_empty() { path.to_owned() } else { [path, "?", &pairs.join("&")].concat() };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(left.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// A query in the order of its names. The order is stable: `a=2&a=1` may have another meaning than `a=1&a=2`, and `%61` is
/// another spelling of `a`.
fn sorted(query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_by_cached_key(|pair| name(pair));
    pairs.join("&")
}

/// The name of a pair as a form decodes it: with `+`, `%41`, and a replacement for what is no text.
fn name(pair: &str) -> Cow<'_, str> {
    let name = pair.split('=').next().unwrap_or_default();
    if !name.contains(['%', '+']) {
        return Cow::Borrowed(name);
    }
    let mut rest = name.as_bytes();
    let decoded = std::iter::from_fn(|| {
        let (byte, used) = match rest {
            [] => return None,
            [b'%', high, low, ..] => hex(*high, *low).map_or((b'%', 1), |byte| (byte, 3)),
            [b'+', ..] => (b' ', 1),
            [byte, ..] => (*byte, 1),
        };
        rest = &rest[used..];
        Some(byte)
    });
    String::from_utf8_lossy(&decoded.collect::<Vec<u8>>()).into_owned().into()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Appends a part, its bytes that are not plain as `%%` and two hexadecimal digits.
///
/// `%` and two digits may be in the URL itself. A `%` of the URL is left unchanged unless another `%` follows in the text, so
/// `%%` always begins an escape.
fn push(text: &mut String, part: &str, is_plain: impl Fn(u8) -> bool) {
    let bytes = part.as_bytes();
    // Most parts need no escape.
    if bytes.iter().all(|byte| *byte != b'%' && is_plain(*byte)) {
        return text.push_str(part);
    }
    let is_left = |byte: u8| byte == b'%' || is_plain(byte);
    for (at, byte) in bytes.iter().enumerate() {
        let is_doubled =
            *byte == b'%' && bytes.get(at + 1).is_some_and(|next| *next == b'%' || !is_left(*next));
        if is_left(*byte) && !is_doubled {
            text.push(char::from(*byte));
        } else {
            text.push_str("%%");
            text.extend(
                [byte >> 4, byte & 15].map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])),
            );
        }
    }
}

fn looks_cut(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(mark) = bytes.len().checked_sub(DIGITS + 1) else { return false };
    mark <= HEAD && bytes[mark] == b'~' && bytes[mark + 1..].iter().all(u8::is_ascii_hexdigit)
}

fn cut(text: &str) -> String {
    let hex = blake3::hash(text.as_bytes()).to_hex();
    // The text is ASCII, so every index is a boundary.
    format!("{}~{}", &text[..text.len().min(HEAD)], &hex[..DIGITS])
}

#[cfg(test)]
#[path = "tests/url.rs"]
mod tests;
