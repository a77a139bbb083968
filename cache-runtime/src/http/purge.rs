//! Purge: removing what is kept of a URL.

use http::{HeaderMap, HeaderValue, Uri, header, request};

use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::trace;
use crate::types::error::Error;

use super::layer::Settings;
use super::rfc::unsafe_method::targets;
use super::rfc::url::{UrlRules, text};

impl Cache {
    /// Removes the responses that a [`crate::http::ResponseCacheLayer`] keeps of a URL, whatever headers they differ by.
    /// ValueRules whether there were any.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder_runtime::Cache::builder().build().await?;
    /// cache.invalidate_url("/items/42?lang=de").await?;
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// A path with its query, as clients write it, for layers that do not count the host; a whole URL for those that do. For
    /// a layer with a group: `cache.group("items").invalidate_url(..)`. A layer with `version`, `query_allow` or `key` has
    /// other keys: ask it itself, by [`crate::http::ResponseCacheLayer::invalidate`].
    ///
    /// # Errors
    /// What is not a URL, and as [`Cache::delete`].
    pub async fn invalidate_url(&self, url: &str) -> Result<bool, Error> {
        let uri: Uri = url.parse().map_err(|_| not_a_url(url))?;
        let (authority, allow) = (uri.host().is_some(), None);
        let mut removed = false;
        for sort in [true, false] {
            let rules = UrlRules { authority, sort, allow: allow.clone() };
            let key = key_of(&uri, None, &rules);
            removed |= self.delete(&key).await?;
            if uri.query().is_none_or(|query| !query.contains('&')) {
                break;
            }
        }
        Ok(removed)
    }
}

/// The error of a text that is to be a URL.
pub(super) fn not_a_url(url: &str) -> Error {
    Error::config("url", url, "is not a URL; write a path such as `/items/42` or a whole URL")
}

/// The key of a URL. `HEAD` is answered from what was kept of `GET`.
pub(super) fn key_of(uri: &Uri, host: Option<&HeaderValue>, rules: &UrlRules) -> String {
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| host?.to_str().ok());
    ["GET:", &text(uri, host, rules)].concat()
}

/// Removes what is kept of the URLs that a successful request of an unsafe method may have changed (RFC 9111, 4.4).
pub(super) async fn forget(
    scope: &Cache,
    own: Option<Entry>,
    parts: &request::Parts,
    response: &HeaderMap,
    settings: &Settings,
) {
    let host = parts.headers.get(header::HOST);
    let entries: Vec<Entry> = match own {
        Some(entry) => vec![entry],
        None => targets(&parts.uri, host, response)
            .iter()
            .map(|uri| settings.entry_of(scope, uri, host))
            .collect(),
    };
    for entry in entries {
        // Carried out as soon as the store can, where it cannot now.
        if let Err(error) = entry.invalidate().await {
            trace::store_error(super::spot::LABEL, &error);
        }
    }
}
