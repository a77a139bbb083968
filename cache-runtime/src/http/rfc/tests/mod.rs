//! Tests of several rules at once, and headers for the tests of each.

mod garbage;
mod oracle;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Makes headers of lines.
pub(super) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a legal value");
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// The time `secs` seconds after the one at which the tests take place.
pub(super) fn at(secs: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs((1_800_000_000 + secs).try_into().expect("after 1970"))
}

/// The date of [`at`].
pub(super) fn date(secs: i64) -> String {
    httpdate::fmt_http_date(at(secs))
}
