//! Removing the responses of a URL.

use http::{HeaderMap, Uri, header, request};

use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::trace;
use crate::types::error::Error;

use super::key::LABEL;
use super::rfc::unsafe_method::targets;
use super::rfc::url::UrlRules;
use super::settings::LayerSettings;
use super::url_key::{not_a_url, url_key};

impl Cache {
    /// Removes the responses of a URL that a [`ResponseCacheLayer`](crate::http::ResponseCacheLayer) has cached, in all
    /// their variants. Returns whether there were any.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.invalidate_url("/items/42?lang=de").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Write a path with its query, as clients do, for layers that do not count the host, and a whole URL for those that do.
    /// For a layer with a group: `cache.group("items").invalidate_url(..)`. A layer with `version`, `query_allow` or `key`
    /// has other keys: use its own [`invalidate`](crate::http::ResponseCacheLayer::invalidate).
    ///
    /// # Errors
    /// A text that is no URL, and as [`Cache::delete`].
    pub async fn invalidate_url(&self, url: &str) -> Result<bool, Error> {
        let uri: Uri = url.parse().map_err(|_| not_a_url(url))?;
        let (authority, allow) = (uri.host().is_some(), None);
        let mut removed = false;
        for sort in [true, false] {
            let rules = UrlRules { authority, sort, allow: allow.clone() };
            let key = url_key(&uri, None, &rules);
            removed |= self.delete(&key).await?;
            if uri.query().is_none_or(|query| !query.contains('&')) {
                break;
            }
        }
        Ok(removed)
    }
}

/// Removes the responses of the URLs that a successful request with an unsafe method may have changed (RFC 9111 section
/// 4.4).
pub(super) async fn purge(
    cache: &Cache,
    parts: &request::Parts,
    response: &HeaderMap,
    settings: &LayerSettings,
) {
    let host = parts.headers.get(header::HOST);
    let entries: Vec<Entry> = if settings.make_key.is_some() {
        vec![settings.entry(cache, parts)]
    } else {
        let scope = settings.scope(cache);
        let targets = targets(&parts.uri, host, response);
        targets.iter().map(|uri| settings.entry_of(&scope, uri, host)).collect()
    };
    for entry in entries {
        // A removal that fails is retried later.
        if let Err(error) = entry.invalidate().await {
            trace::store_error(LABEL, &error);
        }
    }
}
