//! `Cache-Status` (RFC 9211): the way of a request, for those who read its response.

use std::fmt::Write;

use http::{HeaderValue, StatusCode};

/// The largest integer of a structured field (RFC 9651 section 3.3.1).
const LARGEST: i64 = 999_999_999_999_999;
/// The length that most members stay within.
const CAPACITY: usize = 80;

/// The way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// A fresh response was served.
    Hit,
    /// A stale response was served.
    Stale,
    /// The request was forwarded to the handler or the service.
    Forward(ForwardReason),
    /// The cache had no response, and did not forward the request.
    Unsatisfied,
}

/// The reason why a request was forwarded (section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardReason {
    /// The cache does not handle such requests.
    Bypass,
    /// The method is not one that is cached.
    Method,
    /// Nothing is stored for the URI.
    UriMiss,
    /// Nothing is stored for these headers.
    VaryMiss,
    /// The stored response is stale.
    Stale,
    /// The request asked for a new response.
    Request,
}

/// One member of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheStatus {
    pub(crate) handling: Handling,
    /// The status of the forwarded request.
    pub(crate) fwd_status: Option<StatusCode>,
    /// The seconds of freshness that are left; negative when stale.
    pub(crate) ttl: Option<i64>,
    /// The response was stored.
    pub(crate) stored: bool,
    pub(crate) detail: Option<&'static str>,
}

impl CacheStatus {
    /// A request that was answered from the cache.
    pub(crate) fn hit(handling: Handling, ttl: i64) -> Self {
        Self { handling, fwd_status: None, ttl: Some(ttl), stored: false, detail: None }
    }

    /// A request that was forwarded, and the status that came back.
    pub(crate) fn forwarded(reason: ForwardReason, status: StatusCode) -> Self {
        let handling = Handling::Forward(reason);
        Self { handling, fwd_status: Some(status), ttl: None, stored: false, detail: None }
    }

    /// A request that was not to be forwarded.
    pub(crate) fn only_if_cached() -> Self {
        let detail = Some("only-if-cached");
        Self { handling: Handling::Unsatisfied, fwd_status: None, ttl: None, stored: false, detail }
    }

    /// The member that the cache called `name` adds at the end of the field.
    pub(crate) fn value(&self, name: &str) -> HeaderValue {
        HeaderValue::from_str(&self.text(name)).unwrap_or(HeaderValue::from_static("cache"))
    }

    fn text(&self, name: &str) -> String {
        let mut text = String::with_capacity(CAPACITY);
        push_item(&mut text, name);
        match self.handling {
            // A stale hit has a negative TTL (section 2.1).
            Handling::Hit | Handling::Stale => text.push_str("; hit"),
            Handling::Forward(reason) => {
                text.extend(["; fwd=", reason.as_str()]);
                // These have a meaning only beside `fwd` (sections 2.3 and 2.5).
                if let Some(status) = &self.fwd_status {
                    text.extend(["; fwd-status=", status.as_str()]);
                }
                text.push_str(if self.stored { "; stored" } else { "" });
            }
            // Neither applies (sections 2.1 and 2.2).
            Handling::Unsatisfied => {}
        }
        if let Some(ttl) = self.ttl() {
            // Writing to a `String` does not fail.
            let _ = write!(text, "; ttl={}", ttl.clamp(-LARGEST, LARGEST));
        }
        if let Some(detail) = self.detail {
            text.push_str("; detail=");
            push_item(&mut text, detail);
        }
        text
    }

    fn ttl(&self) -> Option<i64> {
        if self.handling == Handling::Stale { Some(self.ttl.map_or(-1, |ttl| ttl.min(-1))) } else { self.ttl }
    }
}

impl ForwardReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
        }
    }
}

/// Appends a text as a token if it can be one, else as a string of printable ASCII.
fn push_item(to: &mut String, text: &str) {
    let is_token = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
    if is_token {
        to.push_str(text);
        return;
    }
    to.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => to.extend(['\\', letter]),
            ' '..='~' => to.push(letter),
            _ => to.push('?'),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: CacheStatus =
        CacheStatus { handling: Handling::Hit, fwd_status: None, ttl: None, stored: false, detail: None };

    /// RFC 9211 section 2.
    #[test]
    fn members_are_written() {
        let hit = CacheStatus { ttl: Some(30), stored: true, ..PLAIN };
        let stale =
            CacheStatus { handling: Handling::Stale, ttl: Some(-5), detail: Some("set-cookie"), ..PLAIN };
        let miss = CacheStatus {
            handling: Handling::Forward(ForwardReason::UriMiss),
            fwd_status: Some(StatusCode::OK),
            ttl: Some(60),
            stored: true,
            detail: Some("two words"),
        };
        for (status, wanted) in [
            (PLAIN, "larder; hit"),
            (hit, "larder; hit; ttl=30"),
            (stale, "larder; hit; ttl=-5; detail=set-cookie"),
            (CacheStatus { ttl: None, detail: None, ..stale }, "larder; hit; ttl=-1"),
            (CacheStatus { ttl: Some(9), detail: None, ..stale }, "larder; hit; ttl=-1"),
            (miss, "larder; fwd=uri-miss; fwd-status=200; stored; ttl=60; detail=\"two words\""),
            (
                CacheStatus { handling: Handling::Forward(ForwardReason::Bypass), ..PLAIN },
                "larder; fwd=bypass",
            ),
            (CacheStatus::only_if_cached(), "larder; detail=only-if-cached"),
            (CacheStatus { ttl: Some(i64::MAX), ..PLAIN }, "larder; hit; ttl=999999999999999"),
            (CacheStatus { ttl: Some(i64::MIN), ..PLAIN }, "larder; hit; ttl=-999999999999999"),
        ] {
            assert_eq!(status.value("larder"), wanted);
        }
    }

    /// RFC 9211 section 2.2.
    #[test]
    fn every_reason_has_its_registered_name() {
        let reasons = [
            (ForwardReason::Bypass, "bypass"),
            (ForwardReason::Method, "method"),
            (ForwardReason::UriMiss, "uri-miss"),
            (ForwardReason::VaryMiss, "vary-miss"),
            (ForwardReason::Stale, "stale"),
            (ForwardReason::Request, "request"),
        ];
        for (reason, wanted) in reasons {
            assert_eq!(reason.as_str(), wanted);
        }
    }

    /// RFC 9651 section 3.3.
    #[test]
    fn any_name_is_a_token_or_a_string() {
        for (name, wanted) in [
            ("cdn.example:80/x", "cdn.example:80/x; hit"),
            ("9lives", "\"9lives\"; hit"),
            ("my cache", "\"my cache\"; hit"),
            ("a\"b\\c", "\"a\\\"b\\\\c\"; hit"),
            ("a\r\nSet-Cookie: é", "\"a??Set-Cookie: ?\"; hit"),
            ("", "\"\"; hit"),
        ] {
            assert_eq!(PLAIN.value(name), wanted);
        }
    }
}
