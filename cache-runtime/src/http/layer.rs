//! The layer that caches the responses of a tower service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use tower_layer::Layer;

use crate::codec::Compress;
use crate::engine::owner::AsCache;
use crate::handle::cache::Cache;
use crate::rt::join::join_all;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};
use crate::types::function_name::FunctionName;
use crate::types::max_age::IntoMaxAge;

use super::etag_kind::EtagKind;
use super::no_cache::NoCache;
use super::options::ResponseOptions;
use super::purge::both;
use super::service::ResponseCache;
use super::settings::LayerSettings;
use super::url_key::{no_host, not_a_url};

/// Caches the responses of a router, or of any tower service, by URL.
///
/// ```
/// # use larder_runtime as larder;
/// # fn main() {
/// use larder::http::ResponseCacheLayer;
///
/// let layer = ResponseCacheLayer::new().expire("1m").stale_while_revalidate("10s");
/// # drop(layer);
/// # }
/// ```
///
/// The layer uses the process-wide cache unless [`ResponseCacheLayer::cache`] names another. `GET` and `HEAD` are answered
/// from the cache; a successful request with another method removes the cached responses of its URL. The page on HTTP lists
/// which responses are cached, for how long, and which headers clients get.
///
/// A setting that cannot be used does not panic: at the first request the layer logs one warning about all of them and
/// bypasses the cache from then on. [`ResponseCacheLayer::check`] returns the errors at start-up.
///
/// # Layer or handler
/// A layer runs before the service, so a hit runs none of its code: no extractor, no check of a token. Under
/// [`ResponseCacheLayer::private`] a client with a token that was revoked gets the response that was cached for that token
/// until the response expires. Add [`ResponseCacheLayer::authorize`] with the extractor that checks the token, or put
/// `#[cache(response)]` on the handlers instead, whose extractors run on every request.
#[derive(Clone)]
#[must_use = "a layer does nothing until a service is put behind it"]
pub struct ResponseCacheLayer {
    settings: Arc<LayerSettings>,
}

impl ResponseCacheLayer {
    /// Caches `200` responses to `GET` for the builder's `default_expire`, unless [`Self::expire`] is set.
    pub fn new() -> Self {
        Self { settings: Arc::new(LayerSettings::new()) }
    }

    /// The expiry of responses: seconds, `"1m"`, a `Duration`. A response may shorten its own. Default: the builder's
    /// `default_expire`.
    pub fn expire(self, expire: impl IntoExpire) -> Self {
        let expire = named("expire", expire);
        self.set_to(expire, |settings, expire| settings.expire = Some(expire))
            .options(|options| options.has_expire = true)
    }

    /// Caches responses with this status as well, for this long: `404` for a moment, `301` for a day.
    ///
    /// Responses with `206`, `304`, `1xx` or `5xx` are never cached.
    pub fn expire_status(self, status: StatusCode, expire: impl IntoExpire) -> Self {
        let is_cacheable = !status.is_server_error()
            && !status.is_informational()
            && status != StatusCode::PARTIAL_CONTENT
            && status != StatusCode::NOT_MODIFIED;
        let expire = match named("expire_status", expire) {
            Ok(_) if !is_cacheable => {
                let status = status.as_str();
                Err(Error::config("expire_status", status, "responses with this status are never cached"))
            }
            expire => expire,
        };
        self.set_to(expire, |settings, expire| {
            let statuses = Arc::make_mut(&mut settings.options).statuses.to_mut();
            statuses.retain(|(known, _)| *known != status);
            statuses.push((status, Some(expire)));
        })
    }

    /// Takes the options of a policy, as `#[cache(policy = ..)]` does. Options that the policy does not set keep their value,
    /// and setters that follow have the last word.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use std::time::Duration;
    ///
    /// use larder::Policy;
    /// use larder::http::ResponseCacheLayer;
    ///
    /// const MINUTE: Duration = Duration::from_secs(60);
    /// const PAGES: Policy = Policy::new().expire(MINUTE).stale_if_error(MINUTE).refresh_ahead(0.8).jitter(0.1);
    ///
    /// let layer = ResponseCacheLayer::new().policy(PAGES).local("5s").check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `none_expire` and `codec` have no meaning for responses and are errors.
    ///
    /// A background refresh (`stale_while_revalidate`, `refresh_ahead`, `soft_timeout`) calls the service below the layer without
    /// the middlewares above: their task-locals and spans are not there, the extensions of the request are. Put a middleware
    /// whose scope the response depends on below the layer, or let it attach an extension.
    pub fn policy(self, policy: Policy) -> Self {
        let has_expire = policy.get_expire().is_some();
        self.set(|settings| settings.apply(policy)).options(|options| options.has_expire |= has_expire)
    }

    /// Uses this cache in place of the process-wide one.
    pub fn cache(self, cache: impl AsCache) -> Self {
        let cache = Cache::of(Arc::clone(cache.as_core()));
        self.set(|settings| settings.cache = Some(cache))
    }

    /// The name of the layer in statistics, events, spans and metrics. Default: `"http"`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new().name("shop").expire("1m").check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Layers with one name are counted together. The name is no part of the key: [`Self::group`] separates the entries of
    /// layers that share a cache.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = match name.into() {
            name if name.trim().is_empty() => {
                Err(Error::config("name", name, "is empty; write a name such as \"shop\", or remove it"))
            }
            name => Ok(name),
        };
        self.set_to(name, |settings, name| {
            settings.function = FunctionName::plain(&name);
            settings.name = name.into();
        })
    }

    /// Serves a stale response for this long after its expiry, and refreshes it once in the background, without the middlewares
    /// above: see [`Self::policy`].
    pub fn stale_while_revalidate(self, time: impl IntoExpire) -> Self {
        let time = time_of("stale_while_revalidate", time);
        self.set_to(time, |settings, time| settings.policy.stale_while_revalidate = Some(time))
    }

    /// Serves a stale response for this long after its expiry when the service answers `5xx` or fails.
    pub fn stale_if_error(self, time: impl IntoExpire) -> Self {
        let time = time_of("stale_if_error", time);
        self.set_to(time, |settings, time| settings.policy.stale_if_error = Some(time))
    }

    /// Caches copies in this process as well, each for this long at most.
    pub fn local(self, time: impl IntoExpire) -> Self {
        let time = time_of("local", time);
        self.set_to(time, |settings, time| settings.policy.local = Some(time))
    }

    /// Shortens each TTL by a random part of up to this share, from 0 to below 1.
    pub fn jitter(self, share: f64) -> Self {
        let policy = if (0.0..1.0).contains(&share) {
            Ok(Policy::new().jitter(share))
        } else {
            Err(Error::config("jitter", share.to_string(), "must be a share from 0 to below 1, such as 0.1"))
        };
        self.set_to(policy, |settings, policy| settings.policy.jitter = policy.jitter)
    }

    /// Compresses stored responses; clients get them as they were.
    pub fn compress(self, compress: Compress) -> Self {
        self.set(|settings| settings.policy = settings.policy.compress(compress))
    }

    /// The effect of a request with `no-cache` or `max-age=0`. Default: the one of [`crate::Builder::no_cache`].
    pub fn no_cache(self, no_cache: NoCache) -> Self {
        self.options(|options| options.no_cache = Some(no_cache))
    }

    /// The `ETag` of responses that have none of their own. Default: [`EtagKind::Weak`]. No effect with [`Self::obey_origin`],
    /// where only the origin names its responses.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() {
    /// use larder::http::{EtagKind, ResponseCacheLayer};
    ///
    /// let downloads = ResponseCacheLayer::new().expire("1d").etag(EtagKind::Strong);
    /// # drop(downloads);
    /// # }
    /// ```
    pub fn etag(self, kind: EtagKind) -> Self {
        self.options(|options| options.etag = kind)
    }

    /// The time for which clients may use a response without asking again: seconds, `"1m"`, a `Duration`, `0` for none. It is
    /// told in `Cache-Control` and `Expires`; how long the layer serves a response is [`Self::expire`]. A response may shorten
    /// its own.
    ///
    /// Default: the builder's [`client_max_age`](crate::Builder::client_max_age), else what is left of the expiry; `no-cache`
    /// with [`Self::tag`], [`Self::tags`] or [`Self::group`], which clients do not notice, and without [`Self::expire`]. No effect with
    /// [`Self::obey_origin`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new().expire("1h").client_max_age("1m");
    /// # drop(layer);
    /// # }
    /// ```
    pub fn client_max_age(self, time: impl IntoMaxAge) -> Self {
        let time = time.into_max_age();
        self.set_to(time, |settings, time| {
            Arc::make_mut(&mut settings.options).client_max_age = Some(time);
        })
    }

    /// The longest body that is cached, in bytes. A longer one is passed on as it comes. Default: 10 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.options(|options| options.max_body = bytes)
    }

    /// The longest head that is cached, in bytes of its names and values. Default: 8 KiB.
    pub fn max_headers(self, bytes: usize) -> Self {
        self.options(|options| options.max_headers = bytes)
    }

    /// Adds `Cache-Status` (RFC 9211) to responses. Default: it is added.
    pub fn cache_status(self, is_added: bool) -> Self {
        self.options(|options| options.adds_cache_status = is_added)
    }

    /// Leaves all decisions to the responses, as a shared cache in front of an origin does (RFC 9111): `expire`,
    /// `expire_status` and `jitter` have no effect, there is no default TTL, the host and the order of the query are part of
    /// the key, a stale response is revalidated before it is fetched again, and `Age`, `Date` and `Cache-Control` are passed
    /// on.
    pub fn obey_origin(self) -> Self {
        self.set(|settings| {
            settings.url.authority = true;
            settings.url.sort = false;
            settings.policy.stale_retry = Some(Duration::from_secs(1));
        })
        .options(|options| {
            options.obey_origin = true;
            options.compare = Some(Duration::from_secs(86_400));
            options.max_headers = options.max_headers.max(64 << 10);
        })
    }

    /// Returns the layer, or the errors of all settings that cannot be used.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// assert!(ResponseCacheLayer::new().expire("1m").check().is_ok());
    /// let error = ResponseCacheLayer::new().expire("soon").jitter(2.0).check().unwrap_err().to_string();
    /// assert!(error.starts_with("expire = \"soon\"") && error.contains("; jitter = \"2\""));
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] with the names of the settings.
    pub fn check(self) -> Result<Self, Error> {
        self.settings.check().map(|()| self)
    }

    /// Removes the responses of a URL that this layer has cached, in all their variants. Returns whether there were any. Write
    /// a whole URL, or a path with its query, as clients do. A path alone is about all of [`Self::hosts`]; without them, about
    /// every host that layers of the cache have served in this process.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::{Cache, http::ResponseCacheLayer};
    /// # let cache = Cache::builder().build().await?;
    /// let layer = ResponseCacheLayer::new().cache(&cache).expire("1m").query_allow(["page"]);
    /// layer.invalidate("/items?page=2").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// No cache yet, a text that is no URL, a setting that cannot be used, a path alone after layers without
    /// [`Self::hosts`] have served more than 256 hosts, and as [`Cache::delete`]. What is known is removed all the same.
    pub async fn invalidate(&self, url: &str) -> Result<bool, Error> {
        let settings = &self.settings;
        settings.check()?;
        let cache = settings.cache.clone().map_or_else(Cache::global, Ok)?;
        let request = Request::get(url).body(()).map_err(|_| not_a_url(url))?;
        let parts = request.into_parts().0;
        if settings.make_key.is_some() {
            let key =
                settings.own_key(&parts).ok_or_else(|| Error::config("key", url, "panicked for this URL"))?;
            return settings.entry_at(&settings.scope(&cache), &key, Vec::new()).op()?.delete().await;
        }
        let is_whole = parts.uri.host().is_some();
        let (hosts, are_all) = if is_whole { (vec![None], true) } else { settings.hosts_of_path(&cache) };
        let scope = settings.scope(&cache);
        let entries = hosts.iter().map(|host| settings.entry_of(&scope, &parts.uri, host.as_deref()));
        let removals = join_all(entries.map(|entry| async move { entry.op()?.delete().await }));
        let removed = removals.await.into_iter().fold(Ok(false), both);
        if are_all { removed } else { removed.and(Err(no_host(url))) }
    }

    pub(super) fn set(mut self, change: impl FnOnce(&mut LayerSettings)) -> Self {
        let settings = Arc::make_mut(&mut self.settings);
        settings.changed();
        change(settings);
        self
    }

    /// Sets a value, or takes its error.
    pub(super) fn set_to<T>(
        self,
        value: Result<T, Error>,
        change: impl FnOnce(&mut LayerSettings, T),
    ) -> Self {
        self.set(|settings| match value {
            Ok(value) => change(settings, value),
            Err(error) => settings.fail(error),
        })
    }

    pub(super) fn options(self, change: impl FnOnce(&mut ResponseOptions)) -> Self {
        self.set(|settings| change(Arc::make_mut(&mut settings.options)))
    }
}

impl Default for ResponseCacheLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ResponseCacheLayer {
    type Service = ResponseCache<S>;

    fn layer(&self, inner: S) -> ResponseCache<S> {
        // A process-wide cache that is not there yet learns them at the first request.
        self.settings.open_cache().iter().for_each(|cache| self.settings.declare_hosts(cache));
        ResponseCache::new(inner, Arc::clone(&self.settings))
    }
}

/// The expiry of a setting; its error names the setting.
pub(super) fn named(setting: &'static str, expire: impl IntoExpire) -> Result<Expire, Error> {
    match expire.into_expire() {
        Ok(expire) => Ok(crate::site::expiries::capped(expire)),
        Err(Error::Config { value, reason, .. }) => Err(Error::Config { setting, value, reason }),
        Err(error) => Err(error),
    }
}

/// The time of a setting that must have an end.
fn time_of(setting: &'static str, time: impl IntoExpire) -> Result<Duration, Error> {
    match named(setting, time)? {
        Expire::After(time) => Ok(time),
        Expire::Never => {
            Err(Error::config(setting, "Expire::Never", "must have an end; write a time such as \"1m\""))
        }
    }
}

impl fmt::Debug for ResponseCacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCacheLayer").field("options", &self.settings.options).finish_non_exhaustive()
    }
}
