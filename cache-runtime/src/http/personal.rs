//! Responses that depend on who asks, without a header that says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue};

/// A mark in the extensions of a request: a handler read what tells users apart, so that the response is for one of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct PersonalMark(Arc<AtomicBool>);

impl PersonalMark {
    /// Says that the response is for one user.
    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// Keeps shared caches from storing a response that depends on a cookie.
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    let all = |name| -> String {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        values.join(",")
    };
    let (directives, vary) = (all(CACHE_CONTROL), all(VARY));
    let has = |list: &str, name: &str| list.split(',').any(|part| part.trim().eq_ignore_ascii_case(name));
    if !has(&directives, "no-store") && !has(&directives, "private") {
        let is_kept = |part: &&str| {
            let name = part.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
            !["", "public", "s-maxage"].contains(&name.as_str())
        };
        let kept: Vec<&str> = directives.split(',').filter(is_kept).map(str::trim).collect();
        let value = [&["private"][..], &kept].concat().join(", ");
        // Made of parts of headers.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(CACHE_CONTROL, value);
        }
    }
    if !has(&vary, "cookie") && !has(&vary, "*") {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_depends_on_a_cookie_is_private() {
        for (before, after) in [
            ("", "private"),
            ("public, max-age=60, s-maxage=90", "private, max-age=60"),
            ("max-age=60", "private, max-age=60"),
            ("no-store", "no-store"),
            ("Private, max-age=5", "Private, max-age=5"),
        ] {
            let mut headers = HeaderMap::new();
            if !before.is_empty() {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static(before));
            }
            for _ in 0..2 {
                keep_private(&mut headers);
                assert_eq!(headers[CACHE_CONTROL], after);
                assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), ["Cookie"]);
            }
        }
    }
}
