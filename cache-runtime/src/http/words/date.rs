//! Dates in headers (RFC 9110 section 5.6.7): the preferred form and the two obsolete ones.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Reads a date; anything else is none. Names of days and months, and `GMT`, may be in any case, and a day of the week that
/// does not fit is as good as one that does.
pub(crate) fn parse(value: &HeaderValue) -> Option<SystemTime> {
    const DAYS: [[&str; 7]; 2] = [
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ];
    let text = value.to_str().ok()?;
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date);
    }
    if text.len() > 40 {
        return None;
    }
    let text = in_case(text);
    let (day, rest) = text.split_at(text.find([',', ' '])?);
    let days = DAYS.into_iter().find(|days| days.contains(&day))?;
    days.into_iter().find_map(|day| httpdate::parse_http_date(&[day, rest].concat()).ok())
}

/// Words as dates have them: a capital and small letters, `GMT` in capitals.
fn in_case(text: &str) -> String {
    let mut cased = String::with_capacity(text.len());
    let mut is_inside = false;
    for letter in text.chars() {
        cased.push(if is_inside { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() });
        is_inside = letter.is_ascii_alphabetic();
    }
    match cased.strip_suffix("Gmt") {
        Some(rest) => [rest, "GMT"].concat(),
        None => cased,
    }
}

/// The date in the first line of a field.
pub(crate) fn first(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    parse(headers.get(name)?)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn reads_the_three_forms() {
        let wanted = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(&HeaderValue::from_static(text)), wanted, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "0",
            "-1",
            "foo",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 6 Nov 1994 8:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Mon, 01 Jan 1900 00:00:00 GMT",
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), None, "{text}");
        }
        assert_eq!(parse(&HeaderValue::from_bytes(b"\xff\xfe").unwrap()), None);
    }
}
