//! The header fields of a response. Pure functions.
//!
//! `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11, lists of structured fields (RFC 9651).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::rate_limit::limited::seconds;
use crate::rate_limit::verdict::{Verdict, WindowState};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The fields that responses have.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldRules {
    /// `RateLimit-Policy` and `RateLimit`.
    pub(super) standard: bool,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    pub(super) with_x: bool,
}

impl FieldRules {
    /// Adds the fields of a verdict to those of other limits.
    pub(super) fn add(self, verdict: &Verdict, headers: &mut HeaderMap) {
        if verdict.windows.is_empty() {
            return;
        }
        if self.standard {
            append(headers, POLICY, list(verdict.windows.iter(), policy));
            append(headers, LIMIT, list(verdict.reported(), state));
        }
        if self.with_x && is_binding(verdict, headers) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            for (name, number) in [
                (X_LIMIT, verdict.limit),
                (X_REMAINING, verdict.remaining),
                (X_RESET, seconds(now + verdict.reset_after)),
            ] {
                headers.insert(name, HeaderValue::from(number));
            }
        }
    }
}

/// Sets `Retry-After`. Where nothing was counted, a client is to try again in a second.
pub(super) fn set_retry_after(verdict: &Verdict, headers: &mut HeaderMap) {
    let wait = verdict.retry_after.unwrap_or(Duration::ZERO);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait).max(1)));
}

/// Returns `true` if the fields of another limit, which has less left, are not there.
fn is_binding(verdict: &Verdict, headers: &HeaderMap) -> bool {
    let other = headers.get(X_REMAINING).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    other.is_none_or(|other| verdict.over_limit || verdict.remaining < other)
}

fn list<'w>(windows: impl Iterator<Item = &'w WindowState>, member: fn(&WindowState) -> String) -> String {
    windows.map(member).collect::<Vec<_>>().join(", ")
}

fn policy(window: &WindowState) -> String {
    format!("\"{}\";q={};w={}", window.name, window.rate.limit(), window.rate.window().as_secs())
}

/// `r` hits are left until `t` is over.
fn state(window: &WindowState) -> String {
    match window.reset_after.is_zero() {
        true => format!("\"{}\";r={}", window.name, window.remaining),
        false => format!("\"{}\";r={};t={}", window.name, window.remaining, seconds(window.reset_after)),
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, text: String) {
    // A text of names and numbers of this crate is always a value.
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.append(name, value);
    }
}
