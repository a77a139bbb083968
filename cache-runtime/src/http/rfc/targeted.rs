//! `CDN-Cache-Control` (RFC 9213): the directives of an origin for the shared caches in front of it.
//!
//! The field is a dictionary of structured fields (RFC 9651). One that is not well-formed is ignored.

use http::{HeaderMap, HeaderName};

use super::delta;
use super::directives::Directives;

/// The directives of the field, if it is there, well-formed and not empty.
pub(crate) fn targeted(headers: &HeaderMap) -> Option<Directives> {
    let mut lines = headers.get_all(HeaderName::from_static("cdn-cache-control")).iter().peekable();
    lines.peek()?;
    let mut text = Vec::new();
    for line in lines {
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(line.as_bytes());
    }
    dictionary(&text)
}

/// The value of a member, as far as directives have one.
enum Item<'t> {
    True,
    Integer(&'t [u8]),
    Other,
}

fn dictionary(text: &[u8]) -> Option<Directives> {
    let mut reader = DictionaryReader { text: text.trim_ascii(), at: 0 };
    let mut said = Directives { is_targeted: true, ..Directives::default() };
    let mut count = 0;
    while reader.at < reader.text.len() {
        let key = reader.key()?;
        let item = if reader.eat(b'=') { reader.item()? } else { Item::True };
        reader.parameters()?;
        note(&mut said, key, &item)?;
        count += 1;
        reader.blanks();
        if reader.at == reader.text.len() {
            break;
        }
        if !reader.eat(b',') {
            return None;
        }
        reader.blanks();
        // A trailing comma is an error.
        reader.peek()?;
    }
    (count > 0).then_some(said)
}

/// Sets one directive. A time that is no integer makes the whole field void.
fn note(said: &mut Directives, key: &[u8], item: &Item<'_>) -> Option<()> {
    let time = || match item {
        Item::Integer(digits) => Some(Some(delta::seconds(digits).unwrap_or_default())),
        Item::True | Item::Other => None,
    };
    match key {
        b"no-store" => said.no_store = true,
        b"no-cache" => said.no_cache = true,
        b"private" => said.private = true,
        b"public" => said.public = true,
        b"must-revalidate" => said.must_revalidate = true,
        b"proxy-revalidate" => said.proxy_revalidate = true,
        b"must-understand" => said.must_understand = true,
        b"max-age" => said.max_age = time()?,
        b"s-maxage" => said.s_maxage = time()?,
        b"stale-while-revalidate" => said.stale_while_revalidate = time()?,
        b"stale-if-error" => said.stale_if_error = time()?,
        _ => {}
    }
    Some(())
}

/// Reads a dictionary byte by byte.
struct DictionaryReader<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> DictionaryReader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn blanks(&mut self) {
        self.take(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn take(&mut self, belongs: impl Fn(u8) -> bool) -> &'t [u8] {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn key(&mut self) -> Option<&'t [u8]> {
        let begins = self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*');
        let belongs = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
        };
        begins.then(|| self.take(belongs))
    }

    fn item(&mut self) -> Option<Item<'t>> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => {
                self.at += 1;
                let is_true = self.eat(b'1');
                if is_true { Some(Item::True) } else { self.eat(b'0').then_some(Item::Other) }
            }
            b':' => {
                self.at += 1;
                self.take(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
                self.eat(b':').then_some(Item::Other)
            }
            byte if byte.is_ascii_alphabetic() || byte == b'*' => {
                self.take(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
                Some(Item::Other)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Item<'t>> {
        let is_negative = self.eat(b'-');
        let digits = self.take(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 {
            return None;
        }
        if self.eat(b'.') {
            let fraction = self.take(|byte| byte.is_ascii_digit());
            return (!fraction.is_empty() && fraction.len() <= 3).then_some(Item::Other);
        }
        Some(if is_negative { Item::Integer(b"0") } else { Item::Integer(digits) })
    }

    fn string(&mut self) -> Option<Item<'t>> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' if matches!(self.text.get(self.at + 1), Some(b'"' | b'\\')) => self.at += 2,
                b'\\' => return None,
                0x20..=0x7e => self.at += 1,
                _ => return None,
            }
        }
        self.at += 1;
        Some(Item::Other)
    }

    fn parameters(&mut self) -> Option<()> {
        while self.eat(b';') {
            self.take(|byte| byte == b' ');
            self.key()?;
            if self.eat(b'=') {
                self.item()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn said(lines: &[&str]) -> Option<Directives> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("cdn-cache-control", HeaderValue::from_str(line).expect("a value"));
        }
        targeted(&headers)
    }

    #[test]
    fn directives_are_read() {
        let all = said(&["max-age=60, no-cache;x=1", " foobar,private=\"a, b\""]).expect("well-formed");
        assert_eq!(all.max_age, Some(Duration::from_secs(60)));
        assert!(all.no_cache && all.private && all.is_targeted && !all.no_store);
    }

    #[test]
    fn a_malformed_field_is_ignored() {
        let wrong = [
            "",
            " ",
            "&&&&&",
            "max-age=60, &&&&&",
            "max-age=\"60\"",
            "max-age =60",
            "max-age= 60",
            "Max-Age=60",
            "max-age",
            "max-age=1.5",
            "max-age=60,",
            "max-age=1234567890123456",
            "a=\"b",
            "a=?2",
            "a;=1",
        ];
        for text in wrong {
            assert_eq!(said(&[text]), None, "{text:?}");
        }
        assert_eq!(said(&[]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = dictionary(&text);
        }
    }
}
