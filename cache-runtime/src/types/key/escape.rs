//! Escaping of text in keys, so that a value never changes the structure of a key.
//!
//! An escaped character is `%` and two upper-case hexadecimal digits for each byte of its UTF-8 encoding.

use std::fmt::{self, Display, Write};

use crate::types::error::Error;

/// Appends `value` as a key template contains it.
///
/// The separator `:`, the special characters of globs and of hash tags in a cluster, blanks, control characters, and
/// `next`, the character of the template after the value, are escaped. The end of a value is therefore unambiguous, and
/// different sets of values never give the same text.
pub(crate) fn escape_value(out: &mut String, value: &dyn Display, next: Option<char>) -> Result<(), Error> {
    let start = out.len();
    let mut escaper = Escaper { out, next };
    if write!(escaper, "{value}").is_err() {
        out.truncate(start);
        return Err(Error::key("its `Display` returned an error"));
    }
    Ok(())
}

/// A writer that escapes what a `Display` writes, without an intermediate string.
struct Escaper<'a> {
    out: &'a mut String,
    next: Option<char>,
}

impl Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.write_char(c)?;
        }
        Ok(())
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        if is_special(c) || self.next == Some(c) {
            push_escaped(self.out, c);
        } else {
            self.out.push(c);
        }
        Ok(())
    }
}

/// Returns `true` when `c` in a value would be special in a key.
fn is_special(c: char) -> bool {
    const SPECIAL: &str = ":%*?[]^{}\\~\" ";
    c.is_control() || SPECIAL.contains(c)
}

fn push_escaped(out: &mut String, c: char) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.push('%');
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(value: &str, next: Option<char>) -> String {
        let mut out = "k:".to_owned();
        escape_value(&mut out, &value, next).unwrap();
        out.split_off(2)
    }

    #[test]
    fn values() {
        for (plain, escaped) in [
            ("", ""),
            ("42", "42"),
            ("a.b-c_d/e@f|g", "a.b-c_d/e@f|g"),
            ("grün 漢字", "grün%20漢字"),
            ("a:b", "a%3Ab"),
            ("100%", "100%25"),
            ("*?[]^{}\\~\"", "%2A%3F%5B%5D%5E%7B%7D%5C%7E%22"),
            ("\r\n\t\0\x7f\u{85}", "%0D%0A%09%00%7F%C2%85"),
        ] {
            assert_eq!(value(plain, None), escaped);
        }
        assert_eq!(value("a-b", Some('-')), "a%2Db");
        assert_eq!(value("aéb", Some('é')), "a%C3%A9b");
        assert_eq!(value("a:b", Some(':')), "a%3Ab");
    }

    #[test]
    fn numbers_and_pieces() {
        let mut out = String::new();
        escape_value(&mut out, &format_args!("{}-{:>3}", 1.5, -7), Some('-')).unwrap();
        assert_eq!(out, "1.5%2D%20%2D7");
    }

    #[test]
    fn failing_display() {
        struct Fails;
        impl Display for Fails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        let mut out = "before".to_owned();
        let error = escape_value(&mut out, &Fails, None).unwrap_err();
        assert!(matches!(error, Error::Key { .. }));
        assert_eq!(out, "before");
    }

    proptest! {
        #[test]
        fn templates_are_injective(
            a in "[-:%x3A2D]{0,5}", b in "[-:%x3A2D]{0,5}", c in "[-:%x3A2D]{0,5}", d in "[-:%x3A2D]{0,5}",
            separator in prop::sample::select(vec!['-', ':', 'x', '3', 'A']),
        ) {
            let text = |first: &str, second: &str| format!("{}{separator}{}", value(first, Some(separator)), value(second, None));
            prop_assert_eq!(text(&a, &b) == text(&c, &d), (a, b) == (c, d));
        }
    }
}
