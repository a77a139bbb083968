//! Fields that are lists (RFC 9110 section 5.6.1): members between commas, on one line or several.

use http::{HeaderMap, HeaderName};

/// The members of a field on all its lines, trimmed, without empty ones.
pub(crate) fn members<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'h [u8]> + use<'h> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| split(line.as_bytes())).filter(|member| !member.is_empty())
}

/// The members of one line, trimmed, with empty ones. Commas in quoted strings do not separate members.
pub(crate) fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    Members { rest: Some(line), has_quotes: true }
}

/// Returns whether a text is a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Returns whether a text is one quoted string and nothing else.
pub(crate) fn is_quoted(text: &[u8]) -> bool {
    text.starts_with(b"\"") && quoted(text) == Some(text.len())
}

struct Members<'l> {
    rest: Option<&'l [u8]>,
    /// A quote starts a quoted string. A quote that is never closed does not: it would hide a `no-store` behind it. Nor do
    /// the quotes after that one, so that reading is linear.
    has_quotes: bool,
}

impl<'l> Iterator for Members<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let rest = self.rest.take()?;
        let mut end = 0;
        while end < rest.len() && rest[end] != b',' {
            if rest[end] != b'"' || !self.has_quotes {
                end += 1;
            } else if let Some(length) = quoted(&rest[end..]) {
                end += length;
            } else {
                self.has_quotes = false;
            }
        }
        self.rest = rest.get(end + 1..);
        Some(rest[..end].trim_ascii())
    }
}

/// The length of the quoted string at the start of `text`, with its quotes; `None` if it does not end.
fn quoted(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::VARY};

    use super::*;

    fn parts(line: &str) -> Vec<&str> {
        split(line.as_bytes()).map(|member| str::from_utf8(member).unwrap()).collect()
    }

    /// RFC 9110 section 5.6.1.
    #[test]
    fn members_end_at_commas_outside_quotes() {
        assert_eq!(parts(""), [""]);
        assert_eq!(parts(" a ,\tb,,c"), ["a", "b", "", "c"]);
        assert_eq!(parts("a,"), ["a", ""]);
        assert_eq!(parts(r#"a="x, y", b"#), [r#"a="x, y""#, "b"]);
        assert_eq!(parts(r#"a="x\", y", b"#), [r#"a="x\", y""#, "b"]);
    }

    #[test]
    fn an_open_quote_hides_no_member() {
        assert_eq!(parts(r#"a="x, no-store"#), [r#"a="x"#, "no-store"]);
        assert_eq!(parts(r#"a="x\", no-store"#), [r#"a="x\""#, "no-store"]);
        assert_eq!(parts(r#"a="b, c", d="e, f"#), [r#"a="b, c""#, r#"d="e"#, "f"]);
        assert_eq!(parts("\"\\"), ["\"\\"]);
    }

    #[test]
    fn long_garbage_is_read_in_linear_time() {
        let line = "\"\\\"\\".repeat(200_000);
        assert_eq!(split(line.as_bytes()).count(), 1);
        let line = ",".repeat(400_000);
        assert_eq!(split(line.as_bytes()).count(), 400_001);
    }

    #[test]
    fn lines_are_joined_without_empty_members() {
        let mut headers = HeaderMap::new();
        for line in ["a,, b", "", " c"] {
            headers.append(VARY, HeaderValue::from_static(line));
        }
        assert_eq!(members(&headers, &VARY).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    }
}
