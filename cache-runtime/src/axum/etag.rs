//! Entity tags of handlers.

use std::convert::Infallible;
use std::fmt;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponseParts, ResponseParts};

/// The longest text that stands in a tag unchanged.
const LONGEST: usize = 64;

/// The entity tag of a response, made of what identifies its version: a number, a time, a hash.
///
/// ```
/// # mod larder { pub mod http { pub use larder_runtime::Etag; } }
/// # fn main() {
/// use larder::http::Etag;
///
/// assert_eq!(Etag::weak(7).value(), "W/\"7\"");
/// assert_eq!(Etag::strong("a-7").value(), "\"a-7\"");
/// # }
/// ```
///
/// In a response it stands before the body, `(tag, Json(item))`, and sets `ETag`. See [`Conditions`](crate::Conditions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(HeaderValue);

impl Etag {
    /// A weak tag: responses with this version mean the same, and may differ in bytes, such as after compression.
    #[must_use]
    pub fn weak(version: impl fmt::Display) -> Self {
        Self::new("W/", &version)
    }

    /// A strong tag: responses with this version have equal bytes, whatever stands between the handler and its clients.
    #[must_use]
    pub fn strong(version: impl fmt::Display) -> Self {
        Self::new("", &version)
    }

    /// The value of `ETag`.
    #[must_use]
    pub fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// A text that cannot stand in a tag is replaced by its hash.
    fn new(start: &str, version: &dyn fmt::Display) -> Self {
        let mut text = version.to_string();
        let fits = |byte: u8| byte == b'!' || (b'#'..=b'~').contains(&byte);
        if text.len() > LONGEST || !text.bytes().all(fits) {
            text = blake3::hash(text.as_bytes()).to_hex()[..32].to_owned();
        }
        let tag = HeaderValue::try_from(format!("{start}\"{text}\""));
        Self(tag.unwrap_or(HeaderValue::from_static("W/\"\"")))
    }
}

impl From<Etag> for HeaderValue {
    fn from(tag: Etag) -> Self {
        tag.0
    }
}

impl IntoResponseParts for Etag {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.headers_mut().insert(header::ETAG, self.0);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_makes_a_well_formed_tag() {
        for text in ["", "a", "a-b_c!~#", "\"", "a b", "\u{7f}", "ü", "a\r\nb", "W/\"a\"", &"x".repeat(1000)]
        {
            for (tag, start) in [(Etag::weak(text), "W/\""), (Etag::strong(text), "\"")] {
                let tag = tag.value().to_str().expect("ASCII").to_owned();
                let inner = tag.strip_prefix(start).and_then(|rest| rest.strip_suffix('"')).expect("quotes");
                assert!(inner.len() <= LONGEST && !inner.contains(['"', ' ']), "{text:?}: {tag}");
                assert_eq!(
                    inner == text,
                    text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"')
                );
            }
        }
        assert_ne!(Etag::weak("a b"), Etag::weak("a  b"));
    }
}
