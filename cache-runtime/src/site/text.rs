//! Text: readable keys and groups as templates write them.

use std::fmt::Display;

use crate::types::error::Error;
use crate::types::key::escape_value;

/// The text of a key or a group while a template writes it.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    error: Option<Error>,
    /// Values are written as clients write them in URLs.
    #[cfg(feature = "http")]
    is_url: bool,
}

impl Text {
    /// A part that is written in the attribute.
    pub fn literal(&mut self, text: &'static str) {
        self.text.push_str(text);
    }

    /// The value of an argument. `next` is what follows in the template: it is escaped in the value beside `:` and
    /// glob characters, so that two different lists of values never give one text.
    pub fn value<T: Display + ?Sized>(&mut self, value: &T, next: Option<char>) {
        #[cfg(feature = "http")]
        if self.is_url {
            return escape_url(&mut self.text, &value.to_string());
        }
        if let Err(error) = escape_value(&mut self.text, &value, next) {
            self.error.get_or_insert(error);
        }
    }

    pub(crate) fn write(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        Self::default().written(f)
    }

    /// A URL, or a part of one.
    #[cfg(feature = "http")]
    pub(crate) fn write_url(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        Self { is_url: true, ..Self::default() }.written(f)
    }

    fn written(self, f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        let mut text = self;
        f(&mut text);
        match text.error {
            Some(error) => Err(error),
            None => Ok(text.text),
        }
    }
}

/// Appends a value as it stands in a segment of a path or in a parameter of a query: what RFC 3986 reserves for the text around
/// it, and what is no ASCII, in percent.
#[cfg(feature = "http")]
fn escape_url(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@!$'()*,;".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_urls_as_clients_write_them() {
        for (value, wanted) in
            [("caf\u{e9}", "caf%C3%A9"), ("a/b?c&d=e", "a%2Fb%3Fc%26d%3De"), ("a:b", "a:b"), ("a b", "a%20b")]
        {
            let url = Text::write_url(|text| {
                text.literal("/names/");
                text.value(value, None);
            });
            assert_eq!(url.expect("a URL"), ["/names/", wanted].concat());
        }
    }
}
