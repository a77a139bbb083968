//! The keys of URLs.

use http::{HeaderValue, Uri};

use crate::types::error::Error;

use super::rfc::url::{UrlRules, text};

/// The key of a URL. `HEAD` is answered from the response to `GET`.
pub(super) fn url_key(uri: &Uri, host: Option<&HeaderValue>, rules: &UrlRules) -> String {
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| host?.to_str().ok());
    ["GET:", &text(uri, host, rules)].concat()
}

/// The error of a text that is no URL.
pub(super) fn not_a_url(url: &str) -> Error {
    Error::config("url", url, "is not a URL; write a path such as `/items/42` or a whole URL")
}
