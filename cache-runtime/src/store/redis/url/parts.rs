//! The parts of a URL.

use url::Url;

use crate::types::error::Error;

/// The remedy for a URL with an unescaped password.
const ESCAPE: &str = "percent-encode `/`, `?`, `#`, `@`, `:` and `%` in the user and the password";

/// Parses the text of a URL.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::InvalidPort => {
            wrong(port(text), &format!("invalid port number; if it is not a port, {ESCAPE}"))
        }
        url::ParseError::EmptyHost => wrong("", "the host is missing; write `redis://host:6379`"),
        other => wrong("", &format!("{other}; {ESCAPE}")),
    })?;
    match url.fragment() {
        Some(_) => Err(wrong("#", &format!("a URL of Redis has no fragment; {ESCAPE}"))),
        None => Ok(url),
    }
}

/// Returns the port as written, if it is a number. In `redis://user:secret` the password is in its place, so that anything
/// else must not appear in an error.
fn port(text: &str) -> &str {
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => port,
        _ => "",
    }
}

/// Parses the number of a database; an empty text is database 0.
pub(super) fn database(text: &str) -> Result<i64, Error> {
    match text {
        "" => Ok(0),
        text => match text.parse() {
            Ok(db @ 0_i64..) => Ok(db),
            _ => Err(wrong(harmless(text), "the database is a number, as in `redis://host:6379/0`")),
        },
    }
}

/// Returns `part`, or nothing if it may belong to a password. An unescaped character in a password moves the rest of the
/// password to another part, followed by an `@`.
pub(super) fn harmless(part: &str) -> &str {
    if part.contains(['@', ':']) { "" } else { part }
}

/// Decodes percent-encoding; a `+` stays.
pub(super) fn decode(text: &str, part: &'static str) -> Result<String, Error> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.extend(u8::try_from(high * 16 + low)),
            _ => {
                return Err(wrong(
                    "%",
                    &format!(
                        "the {part} has a `%` that is not followed by two hexadecimal digits; write `%25`"
                    ),
                ));
            }
        }
    }
    String::from_utf8(out).map_err(|_| wrong("%", &format!("the {part} is not UTF-8 once decoded")))
}

/// Returns the text, unless it is empty.
pub(super) fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Returns the error of a part of the URL.
pub(super) fn wrong(part: &str, reason: &str) -> Error {
    Error::config("url", part, reason)
}
