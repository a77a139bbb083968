//! Dates in headers (RFC 9110 section 5.6.7): the preferred form and the two obsolete ones.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The longest date: `Wednesday, 06-Nov-94 08:49:37 GMT`.
const LONGEST: usize = 33;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads a date in letters of either case. A wrong weekday does not matter.
pub(crate) fn parse(value: &HeaderValue) -> Option<SystemTime> {
    let text = value.to_str().ok().filter(|text| text.len() <= LONGEST)?;
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date);
    }
    let usual = in_usual_case(text);
    httpdate::parse_http_date(&usual).ok().or_else(|| with_any_weekday(&usual))
}

/// Reads a date whose weekday is a wrong one: the weekday says nothing that the rest does not.
fn with_any_weekday(text: &str) -> Option<SystemTime> {
    let end = text.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (weekday, rest) = text.split_at(end);
    let names =
        [WEEKDAYS, WEEKDAYS.map(|name| &name[..3])].into_iter().find(|names| names.contains(&weekday))?;
    names.into_iter().find_map(|name| httpdate::parse_http_date(&format!("{name}{rest}")).ok())
}

/// The date in the first line of a field.
pub(crate) fn first(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    parse(headers.get(name)?)
}

/// Rewrites `THU, 18 AUG 2050 02:01:18 gmt` as `Thu, 18 Aug 2050 02:01:18 GMT`.
fn in_usual_case(text: &str) -> String {
    let mut was_letter = false;
    let mut usual: String = text
        .chars()
        .map(|letter| {
            let is_inner = std::mem::replace(&mut was_letter, letter.is_ascii_alphabetic());
            if is_inner { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
        })
        .collect();
    if usual.ends_with(" Gmt") {
        usual.truncate(usual.len() - 3);
        usual.push_str("GMT");
    }
    usual
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// RFC 9110 section 5.6.7.
    #[test]
    fn the_three_forms_are_read() {
        let wanted = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 NOV 1994 08:49:37 gMT",
            "sunday, 06-nov-94 08:49:37 gmt",
            "sun nov  6 08:49:37 1994",
            // It was a Sunday.
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Wednesday, 06-Nov-94 08:49:37 GMT",
            "Sat Nov  6 08:49:37 1994",
            "SAT nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), wanted, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "0",
            "-1",
            "foo",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 6 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "gmt",
            "Foo, 06 Nov 1994 08:49:37 GMT",
            "Foo Nov  6 08:49:37 1994",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Mon, 01 Jan 1900 00:00:00 GMT",
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), None, "{text}");
        }
        assert_eq!(parse(&HeaderValue::from_bytes(b"\xff\xfe").unwrap()), None);
    }
}
