//! The text of a URL in a key.

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
    /// Only these names of the query are.
    pub(crate) allow: Option<Box<[String]>>,
}

/// The text of a URL: printable ASCII, and different for URLs that differ in a part that counts.
///
/// Percent-encoding is left unchanged: a handler may distinguish `%2F` from `/`.
pub(crate) fn text(uri: &Uri, host: Option<&str>, rules: &UrlRules) -> String {
    let mut text = String::with_capacity(LONGEST);
    if rules.authority {
        let own = uri.authority().map(http::uri::Authority::as_str);
        let authority = own.or(host).unwrap_or_default();
        match Host::parse(authority, uri.scheme_str()) {
            Some(host) => host.write(&mut text),
            // No slash and no star, so that the start of the path is known.
            None => push(&mut text, authority.to_ascii_lowercase().as_bytes(), |byte| {
                byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
            }),
        }
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
    push(&mut text, uri.path().as_bytes(), is_plain);
    if let Some(query) = query(uri, rules) {
        text.push('?');
        push(&mut text, query.as_bytes(), is_plain);
    }
    // A text that looks cut is cut as well, so that no short URL has the key of a long one.
    if text.len() > LONGEST || looks_cut(&text) { cut(&text) } else { text }
}

/// The part of the query that counts.
fn query(uri: &Uri, rules: &UrlRules) -> Option<String> {
    let query = uri.query()?;
    if !rules.sort && rules.allow.is_none() {
        return Some(query.to_owned());
    }
    let counts = |pair: &&str| match &rules.allow {
        None => !pair.is_empty(),
        Some(names) => !pair.is_empty() && names.iter().any(|allowed| is_named(name(pair), allowed)),
    };
    let mut pairs: Vec<&str> = query.split('&').filter(counts).collect();
    if rules.sort {
        // By name alone and stably: `a=2&a=1` may have another meaning than `a=1&a=2`.
        pairs.sort_by_key(|pair| name(pair));
    }
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn name(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// Returns whether a form-encoded name, with `+` and `%41`, decodes to `plain`.
fn is_named(name: &str, plain: &str) -> bool {
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
    decoded.eq(plain.bytes())
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Appends bytes, those that are not plain as `%%` and two hexadecimal digits.
///
/// `%` and two digits may be in the URL itself. A `%` of the URL is left unchanged unless another `%` follows in the text, so
/// `%%` always begins an escape.
fn push(text: &mut String, bytes: &[u8], is_plain: impl Fn(u8) -> bool) {
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
