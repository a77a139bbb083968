//! The keys of URLs.

use http::Uri;

use crate::types::error::Error;

use super::rfc::url::{UrlRules, text};

/// The start of the key of a URL.
pub(super) const METHOD: &str = "GET:";

/// The key of a URL; `host` is for one without a host. `HEAD` is answered from the response to `GET`.
pub(super) fn url_key(uri: &Uri, host: Option<&str>, rules: &UrlRules) -> String {
    [METHOD, &text(uri, host, rules)].concat()
}

/// The end of the key of a request whose URI a middleware rewrote to `uri`. A blank is in no text of a URL.
pub(super) fn rewritten_end(uri: &Uri, host: Option<&str>, rules: &UrlRules) -> String {
    [" ", &text(uri, host, rules)].concat()
}

/// The error of a text that is no URL.
pub(super) fn not_a_url(url: &str) -> Error {
    Error::config("url", url, "is not a URL; write a path such as `/items/42` or a whole URL")
}

/// The error of a path for which there is no list of hosts.
pub(super) fn no_host(url: &str) -> Error {
    let reason = "names no host, and there are too many to know them all; write the whole URL, such as `https://example.com/items/42`, or give the layer `.hosts(..)`";
    Error::config("url", url, reason)
}
