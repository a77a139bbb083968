//! Entity tags (RFC 9110 section 8.8.3).

use http::HeaderValue;

/// The start of the bytes that are hashed into a tag: no other use of the hash has the same.
const CONTEXT: &[u8] = b"larder etag 1";

/// The tag of a body in one encoding: the same in every process, and different for different bytes.
pub(crate) fn of_body(body: &[u8], encoding: Option<&HeaderValue>, is_weak: bool) -> HeaderValue {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTEXT);
    // The same bytes are another body in another encoding, and no encoding differs from an empty one.
    let encoding = encoding.map(HeaderValue::as_bytes);
    hasher.update(&encoding.map_or(u64::MAX, |name| name.len() as u64).to_le_bytes());
    hasher.update(encoding.unwrap_or_default());
    hasher.update(body);
    let hex = hasher.finalize().to_hex();
    let start = if is_weak { "W/" } else { "" };
    HeaderValue::try_from(format!("{start}\"{}\"", &hex[..32])).expect("hex digits in quotes are a value")
}

/// A well-formed tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'v> {
    is_weak: bool,
    opaque: &'v [u8],
}

impl<'v> Tag<'v> {
    /// Reads a value of one tag.
    pub(crate) fn of(value: &'v HeaderValue) -> Option<Self> {
        let (tag, rest) = Self::start(value.as_bytes().trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    /// The tags of one line of a list. Other members are skipped.
    pub(crate) fn list(line: &'v [u8]) -> impl Iterator<Item = Self> {
        let mut rest = line;
        std::iter::from_fn(move || {
            loop {
                rest = skip(rest, |byte| matches!(byte, b' ' | b'\t' | b','));
                if rest.is_empty() {
                    return None;
                }
                let (tag, after) = Self::start(rest).map_or((None, rest), |(tag, after)| (Some(tag), after));
                let after = skip(after, |byte| matches!(byte, b' ' | b'\t'));
                rest = skip(after, |byte| byte != b',');
                if tag.is_some() && after.len() == rest.len() {
                    return tag;
                }
            }
        })
    }

    /// Returns whether equal tags mean equal bytes.
    pub(crate) fn is_strong(self) -> bool {
        !self.is_weak
    }

    /// Compares weakly: the opaque parts are equal (section 8.8.3.2).
    pub(crate) fn is_weakly(self, other: Self) -> bool {
        self.opaque == other.opaque
    }

    /// Compares strongly: the opaque parts are equal and neither tag is weak.
    pub(crate) fn is_strongly(self, other: Self) -> bool {
        self.is_strong() && other.is_strong() && self.opaque == other.opaque
    }

    /// Reads the tag at the start of `text`, and returns the rest. A tag may have commas and bytes above ASCII, has no
    /// escapes, and its `W` is a capital.
    fn start(text: &'v [u8]) -> Option<(Self, &'v [u8])> {
        let weak = text.strip_prefix(b"W/");
        let inner = weak.unwrap_or(text).strip_prefix(b"\"")?;
        let end = inner.iter().position(|byte| *byte == b'"')?;
        Some((Self { is_weak: weak.is_some(), opaque: &inner[..end] }, &inner[end + 1..]))
    }
}

fn skip(text: &[u8], is_skipped: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| !is_skipped(*byte)).unwrap_or(text.len());
    &text[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn tags_are_frozen() {
        assert_eq!(strong(b"", None), "\"128ef57859b23899dc12b6a16bd1bfe0\"");
        assert_eq!(strong(b"hello", None), "\"4a31ad58028b49cb4d4109f3a229f55d\"");
        assert_eq!(strong(b"hello", Some(&value("gzip"))), "\"88281711a633a6a82b7f6be83a16bbdb\"");
        assert_eq!(of_body(b"hello", None, true), "W/\"4a31ad58028b49cb4d4109f3a229f55d\"");
    }

    fn strong(body: &[u8], encoding: Option<&HeaderValue>) -> HeaderValue {
        of_body(body, encoding, false)
    }

    #[test]
    fn tags_differ_by_bytes_and_encodings() {
        let tags = [
            strong(b"gzipx", None),
            strong(b"x", Some(&value("gzip"))),
            strong(b"px", Some(&value("gzi"))),
            strong(b"gzipx", Some(&value(""))),
            strong(b"x", None),
        ];
        for (i, tag) in tags.iter().enumerate() {
            assert_eq!(tag.len(), 34);
            assert!(Tag::of(tag).is_some_and(Tag::is_strong));
            assert!(tags[..i].iter().all(|other| other != tag));
        }
    }

    /// RFC 9110 section 8.8.3.
    #[test]
    fn one_tag_is_read() {
        let of = |text| Tag::of(&value(text)).map(|tag| (tag.is_weak, tag.opaque.to_vec()));
        assert_eq!(of(r#""a""#), Some((false, b"a".to_vec())));
        assert_eq!(of(r#"W/"a,b""#), Some((true, b"a,b".to_vec())));
        assert_eq!(of(r#""ü""#), Some((false, "ü".as_bytes().to_vec())));
        for text in ["", "a", "\"", "\"a", "a\"", r#"w/"a""#, r#"W"a""#, r#"W\"a""#, r#""a"x"#, r#""a", "b""#]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn lists_of_tags_are_read() {
        let list = |text: &str| Tag::list(text.as_bytes()).map(|tag| tag.opaque.to_vec()).collect::<Vec<_>>();
        assert_eq!(list(r#""a", W/"b" ,,"c,d""#), [b"a".to_vec(), b"b".to_vec(), b"c,d".to_vec()]);
        assert_eq!(list(r#"x, "a"y, w/"b", "c""#), [b"c".to_vec()]);
        assert_eq!(list(r#""a, b"#), [] as [Vec<u8>; 0]);
        assert_eq!(list(r#"*"#), [] as [Vec<u8>; 0]);
    }

    /// RFC 9110 section 8.8.3.2.
    #[test]
    fn tags_are_compared() {
        let (weak, strong) = (value(r#"W/"a""#), value(r#""a""#));
        let (weak, strong) = (Tag::of(&weak).unwrap(), Tag::of(&strong).unwrap());
        assert!(weak.is_weakly(strong) && weak.is_weakly(weak) && strong.is_strongly(strong));
        assert!(!weak.is_strongly(strong) && !strong.is_strongly(weak) && !weak.is_strongly(weak));
    }
}
