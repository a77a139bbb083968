//! Removing the responses of a URL.

use http::{HeaderMap, Method, Request, Uri, header, request};

use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::trace;
use crate::rt::join::join_all;
use crate::types::error::Error;
use crate::types::key::Key;

use super::client_uri::{is_rewritten, original_uri};
use super::rfc::host::text_of;
use super::rfc::unsafe_method::targets;
use super::rfc::url::UrlRules;
use super::settings::LayerSettings;
use super::url_key::{no_host, not_a_url, url_key};

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
    /// Write a whole URL, or a path with its query, as clients do. A whole URL is about its host. A path alone is about the
    /// layers that do not count the host, and about every host that layers of this cache name in
    /// [`hosts`](crate::http::ResponseCacheLayer::hosts) or have served in this process. Other processes may have stored for
    /// hosts that this one does not know: `false` means that there was nothing for the hosts that are known. For a layer with a group:
    /// `cache.group("items").invalidate_url(..)`. A layer with `version`, `query_allow` or `key` has other keys: use its own
    /// [`invalidate`](crate::http::ResponseCacheLayer::invalidate).
    ///
    /// # Errors
    /// A text that is no URL, a path alone after clients have brought more than 256 hosts, and as [`Cache::delete`]. What is
    /// known is removed all the same.
    pub async fn invalidate_url(&self, url: &str) -> Result<bool, Error> {
        let uri: Uri = url.parse().map_err(|_| not_a_url(url))?;
        let is_whole = uri.host().is_some();
        let (known, are_all) = if is_whole { (Vec::new(), true) } else { self.core().known_hosts.all() };
        let keys = keys_of(&uri, &known);
        let removed =
            join_all(keys.iter().map(|key| self.delete(key))).await.into_iter().fold(Ok(false), both);
        if are_all { removed } else { removed.and(Err(no_host(url))) }
    }
}

impl Cache {
    /// Returns the keys that [`Cache::invalidate_url`] removes; none for a text that is no URL.
    pub(crate) fn keys_of_url(&self, url: &str) -> Vec<Key> {
        let Ok(uri) = url.parse::<Uri>() else { return Vec::new() };
        let known = if uri.host().is_some() { Vec::new() } else { self.core().known_hosts.all().0 };
        keys_of(&uri, &known).iter().map(|key| self.key(key)).collect()
    }
}

/// The keys of a URL: of its host, or of these and none.
fn keys_of(uri: &Uri, hosts: &[Box<str>]) -> Vec<String> {
    let has_order = uri.query().is_some_and(|query| query.contains('&'));
    let orders = if has_order { &[true, false][..] } else { &[true] };
    let hosts = std::iter::once(None).chain(hosts.iter().map(|host| Some(&**host)));
    let keys = hosts.flat_map(|host| {
        let authority = uri.host().is_some() || host.is_some();
        orders.iter().map(move |sort| url_key(uri, host, &UrlRules { authority, sort: *sort, allow: None }))
    });
    keys.collect()
}

/// Returns whether one of two removals removed something, or the first error.
pub(super) fn both(one: Result<bool, Error>, other: Result<bool, Error>) -> Result<bool, Error> {
    Ok(one? | other?)
}

/// The `GET` of the URL of a request, with the URI that the client sent, and the URI that a middleware made of it, if one did.
pub(super) fn read_of<I>(request: &Request<I>, settings: &LayerSettings) -> (request::Parts, Option<Uri>) {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = Method::GET;
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    parts.extensions = request.extensions().clone();
    settings.reduce(&mut parts);
    let original = original_uri(&parts.uri, &parts.extensions).clone();
    let uri = std::mem::replace(&mut parts.uri, original);
    let rewritten = is_rewritten(&parts.uri, &uri, &parts.extensions).then_some(uri);
    (parts, rewritten)
}

/// Returns the entries of the URLs that a request with an unsafe method may change, by the head of its response (RFC 9111
/// section 4.4). `parts` have the URI that the client sent, and `rewritten` is the one that a middleware made of it, if one did.
pub(super) fn changed(
    cache: &Cache,
    (parts, rewritten): (&request::Parts, Option<&Uri>),
    response: &HeaderMap,
    settings: &LayerSettings,
) -> Vec<Entry> {
    let scope = settings.scope(cache);
    if settings.make_key.is_some() {
        let key = settings.own_key(parts);
        return key.iter().map(|key| settings.entry_at(&scope, key, Vec::new())).collect();
    }
    let targets = targets(&parts.uri, parts.headers.get(header::HOST), response);
    let own = text_of(&parts.uri, &parts.headers);
    let hosts = settings.hosts.as_deref().filter(|_| settings.separates_hosts());
    let entries = targets.iter().flat_map(|uri| match hosts {
        Some(hosts) => {
            let path = path_of(uri);
            hosts.iter().map(|host| settings.entry_of(&scope, &path, Some(host))).collect()
        }
        None => vec![settings.entry_of(&scope, uri, own)],
    });
    let rewritten = rewritten.into_iter().flat_map(|rewritten| match hosts {
        Some(hosts) => {
            let (path, rewritten) = (path_of(&parts.uri), path_of(rewritten));
            let of_host = |host| settings.entry_of_rewritten(&scope, (&path, &rewritten), Some(host));
            hosts.iter().map(|host| of_host(host)).collect()
        }
        None => vec![settings.entry_of_rewritten(&scope, (&parts.uri, rewritten), own)],
    });
    entries.chain(rewritten).collect()
}

/// A URL without its host.
fn path_of(uri: &Uri) -> Uri {
    uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()))
}

/// Removes entries, all at once. `layer` is the name of the layer.
pub(super) async fn purge(layer: &str, entries: Vec<Entry>) {
    for removed in join_all(entries.iter().map(Entry::invalidate)).await {
        // A removal that fails is retried later.
        if let Err(error) = removed
            && !error.is_carried_out()
        {
            trace::store_error(layer, &error);
        }
    }
}
