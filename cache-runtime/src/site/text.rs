//! The text of a readable key, a group, a tag or a URL, written from a template in the attribute.

use std::fmt::{Display, Write};

use crate::rt::caught::caught;
use crate::types::error::Error;
use crate::types::key::escape_value;

/// A text under construction. Generated code adds the parts of a template, one after the other.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    error: Option<Error>,
    form: ValueForm,
}

/// The form of the values in a text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ValueForm {
    /// Different lists of values never give the same text.
    #[default]
    Escaped,
    /// As `format!` writes them.
    Plain,
    /// Percent-encoded.
    #[cfg(feature = "http")]
    Url,
}

impl Text {
    /// Adds a literal part of the template.
    pub fn literal(&mut self, text: &'static str) {
        self.text.push_str(text);
    }

    /// Adds the value of an argument. In keys and groups `:`, glob characters and `next`, the character that follows in the template,
    /// are escaped, so that two different lists of values never give the same text.
    pub fn value<T: Display + ?Sized>(&mut self, value: &T, next: Option<char>) {
        match self.form {
            ValueForm::Escaped => {
                if let Err(error) = escape_value(&mut self.text, &value, next) {
                    self.error.get_or_insert(error);
                }
            }
            ValueForm::Plain => {
                if write!(self.text, "{value}").is_err() {
                    self.error.get_or_insert_with(|| Error::key("`Display` of an argument failed"));
                }
            }
            #[cfg(feature = "http")]
            ValueForm::Url => escape_url(&mut self.text, &value.to_string()),
        }
    }

    /// Returns the text that `f` writes.
    pub(crate) fn write(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        Self::default().written(f)
    }

    /// Returns the tag that `f` writes. Its values are not escaped: programs name the same tag by `format!`. Two lists of values may
    /// give one tag, which then drops more than it must.
    pub(crate) fn write_tag(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        Self { form: ValueForm::Plain, ..Self::default() }.written(f)
    }

    /// Returns the URL, or the part of one, that `f` writes.
    #[cfg(feature = "http")]
    pub(crate) fn write_url(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        Self { form: ValueForm::Url, ..Self::default() }.written(f)
    }

    fn written(self, f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        let mut text = self;
        if caught(|| f(&mut text)).is_none() {
            return Err(Error::key("`Display` of an argument panicked"));
        }
        match text.error {
            Some(error) => Err(error),
            None => Ok(text.text),
        }
    }
}

/// Appends a value as a segment of a path or a parameter of a query. Characters that RFC 3986 reserves as delimiters there,
/// and everything that is not ASCII, are percent-encoded.
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
    fn values_in_urls_are_percent_encoded() {
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
