//! Layer: the settings of a cache in front of a tower service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Request, StatusCode, request};
use tower_layer::Layer;

use crate::codec::Compress;
use crate::engine::call::AsCache;
use crate::handle::cache::Cache;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

use super::options::{Access, NoCache, Options};
use super::purge::not_a_url;
use super::rfc::url::UrlRules;
use super::service::ResponseCache;

/// Makes the key of a request.
type MakeKey = Arc<dyn Fn(&request::Parts) -> String + Send + Sync>;

/// Keeps the responses of a whole router, or of any tower service, by URL.
///
/// ```
/// # use larder_runtime::http::ResponseCacheLayer;
/// let layer = ResponseCacheLayer::new().expire("1m").stale_while_revalidate("10s");
/// # drop(layer);
/// ```
///
/// It uses the process-wide cache unless [`ResponseCacheLayer::cache`] names another. `GET` and `HEAD` are answered from
/// it; a request of another method that succeeds removes what is kept of its URL. Which responses are kept, for how
/// long, and what clients are told: see the page on HTTP.
#[derive(Clone)]
#[must_use = "a layer does nothing until a service is put behind it"]
pub struct ResponseCacheLayer {
    settings: Arc<Settings>,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) cache: Option<Cache>,
    pub(super) options: Arc<Options>,
    pub(super) policy: Policy,
    pub(super) expire: Option<Expire>,
    pub(super) url: UrlRules,
    pub(super) make_key: Option<MakeKey>,
    pub(super) group: Option<String>,
    pub(super) tags: Vec<String>,
}

impl ResponseCacheLayer {
    /// Keeps `200` responses to `GET` for as long as the builder's `default_expire` says; [`Self::expire`] says otherwise.
    pub fn new() -> Self {
        let options = Options { tells_status: true, ..Options::new() };
        Self {
            settings: Arc::new(Settings {
                cache: None,
                options: Arc::new(options),
                policy: Policy::new(),
                expire: None,
                url: UrlRules { authority: false, sort: true, allow: None },
                make_key: None,
                group: None,
                tags: Vec::new(),
            }),
        }
    }

    /// How long a response is kept: seconds, `"1m"`, a `Duration`. What the response itself says shortens it. Default:
    /// the builder's `default_expire`.
    ///
    /// # Panics
    /// When it is zero or no time.
    #[track_caller]
    pub fn expire(self, expire: impl IntoExpire) -> Self {
        let expire = given("expire", expire);
        self.set(|settings| settings.expire = Some(expire))
    }

    /// Keeps responses with this status as well, for this long: `404` for a moment, `301` for a day.
    ///
    /// # Panics
    /// When `expire` is zero or no time, or for a status whose responses are never kept: `206`, `304`, `5xx`, `1xx`.
    #[track_caller]
    pub fn expire_status(self, status: StatusCode, expire: impl IntoExpire) -> Self {
        let expire = given("expire_status", expire);
        let is_kept = !status.is_server_error()
            && !status.is_informational()
            && status != StatusCode::PARTIAL_CONTENT
            && status != StatusCode::NOT_MODIFIED;
        assert!(is_kept, "`expire_status`: responses with status {status} are never kept");
        self.options(|options| {
            let statuses = options.statuses.to_mut();
            statuses.retain(|(known, _)| *known != status);
            statuses.push((status, Some(expire)));
        })
    }

    /// Uses this cache and not the process-wide one.
    pub fn cache(self, cache: impl AsCache) -> Self {
        let cache = Cache::of(Arc::clone(cache.as_core()));
        self.set(|settings| settings.cache = Some(cache))
    }

    /// After `expire`, serves the old response for this long, and renews it once, in the background.
    ///
    /// # Panics
    /// When it is zero or no time.
    #[track_caller]
    pub fn stale_while_revalidate(self, time: impl IntoExpire) -> Self {
        let time = time_of("stale_while_revalidate", time);
        self.set(|settings| settings.policy = settings.policy.stale_while_revalidate(time))
    }

    /// After `expire`, serves the old response for this long when the service answers `5xx` or fails.
    ///
    /// # Panics
    /// When it is zero or no time.
    #[track_caller]
    pub fn stale_if_error(self, time: impl IntoExpire) -> Self {
        let time = time_of("stale_if_error", time);
        self.set(|settings| settings.policy = settings.policy.stale_if_error(time))
    }

    /// Also keeps copies in this process, each at most this long.
    ///
    /// # Panics
    /// When it is zero or no time.
    #[track_caller]
    pub fn local(self, time: impl IntoExpire) -> Self {
        let time = time_of("local", time);
        self.set(|settings| settings.policy = settings.policy.local(time))
    }

    /// Shortens each life by a random part of up to this share.
    ///
    /// # Panics
    /// When it is not from 0 to below 1.
    #[track_caller]
    pub fn jitter(self, share: f64) -> Self {
        self.set(|settings| settings.policy = settings.policy.jitter(share))
    }

    /// Compresses what is kept; clients get it as it was.
    pub fn compress(self, compress: Compress) -> Self {
        self.set(|settings| settings.policy = settings.policy.compress(compress))
    }

    /// A number to raise when what was kept before must not be served any more. Default: 0.
    pub fn version(self, version: u32) -> Self {
        self.set(|settings| settings.policy = settings.policy.version(version))
    }

    /// The namespace of everything that is kept, dropped by [`Cache::delete_group`] in one step.
    pub fn group(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.group = Some(name))
    }

    /// A label on everything that is kept, for [`Cache::invalidate_tag`].
    pub fn tag(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.tags.push(name))
    }

    /// Request headers that responses differ by, beside those that they name in `Vary`; they are added there.
    ///
    /// # Panics
    /// When one is not the name of a header.
    #[track_caller]
    pub fn vary<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Vec<HeaderName> = names
            .into_iter()
            .map(|name| match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("`vary`: {name:?} is not the name of a header"),
            })
            .collect();
        self.options(|options| options.vary.extend(names))
    }

    /// Query parameters that count; a request's others do not, so that nobody fills the cache with made-up ones. The
    /// service still sees them all. Default: all count.
    pub fn query_allow<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Box<[String]> = names.into_iter().map(str::to_owned).collect();
        self.set(|settings| settings.url.allow = Some(names))
    }

    /// Whether the host that was asked is part of the key: for a service that answers for several. Default: it is not.
    pub fn authority(self, counts: bool) -> Self {
        self.set(|settings| settings.url.authority = counts)
    }

    /// Makes the key, in place of the URL. What it gives must tell apart all that is not the same.
    pub fn key(self, make: impl Fn(&request::Parts) -> String + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.make_key = Some(Arc::new(make)))
    }

    /// One entry for each credential (`Authorization`, `Cookie`), and `Cache-Control: private` for caches further on.
    pub fn private(self) -> Self {
        self.options(|options| options.access = Access::Private)
    }

    /// Everybody gets the same, whatever the credentials. Default: requests with `Authorization` or `Cookie` go past the
    /// cache.
    pub fn shared(self) -> Self {
        self.options(|options| options.access = Access::Shared)
    }

    /// What a request with `no-cache` or `max-age=0` leads to. Default: what
    /// [`crate::Builder::no_cache`] says.
    pub fn no_cache(self, no_cache: NoCache) -> Self {
        self.options(|options| options.no_cache = Some(no_cache))
    }

    /// The longest body that is kept, in bytes; a longer one goes out as it comes. Default: 10 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.options(|options| options.max_body = bytes)
    }

    /// The longest head that is kept, in bytes of its names and values. Default: 8 KiB.
    pub fn max_headers(self, bytes: usize) -> Self {
        self.options(|options| options.max_headers = bytes)
    }

    /// Whether `Cache-Status` (RFC 9211) is added to responses. Default: it is.
    pub fn cache_status(self, is_told: bool) -> Self {
        self.options(|options| options.tells_status = is_told)
    }

    /// Keeps what the responses themselves say is to be kept, and nothing else (`expire`, `expire_status` and `jitter` say nothing
    /// then), as a shared cache in front of an origin
    /// does (RFC 9111): there is no life by default, hosts and the order of a query count, an old response is shown to
    /// the origin again before it is fetched anew, and `Age`, `Date` and `Cache-Control` are passed on.
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
            options.minds_cookies = false;
        })
    }

    /// Removes what this layer keeps of a URL, whatever headers it differs by: a path with its query as clients write it, or a
    /// whole URL where the host counts. ValueRules whether there was anything.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder_runtime::{Cache, http::ResponseCacheLayer};
    /// # let cache = Cache::builder().build().await?;
    /// let layer = ResponseCacheLayer::new().cache(&cache).expire("1m").query_allow(["page"]);
    /// layer.invalidate("/items?page=2").await?;
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// No cache yet, what is not a URL, and as [`Cache::delete`].
    pub async fn invalidate(&self, url: &str) -> Result<bool, Error> {
        let settings = &self.settings;
        let cache = settings.cache.clone().map_or_else(Cache::global, Ok)?;
        let request = Request::get(url).body(()).map_err(|_| not_a_url(url))?;
        let entry = settings.entry(&cache, &request.into_parts().0);
        entry.op()?.delete().await
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    fn options(self, change: impl FnOnce(&mut Options)) -> Self {
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
        ResponseCache::new(inner, Arc::clone(&self.settings))
    }
}

#[track_caller]
fn given(setting: &str, expire: impl IntoExpire) -> Expire {
    match expire.into_expire() {
        Ok(expire) => crate::site::expiries::capped(expire),
        Err(error) => panic!("`{setting}`: {error}"),
    }
}

#[track_caller]
fn time_of(setting: &str, time: impl IntoExpire) -> Duration {
    match given(setting, time) {
        Expire::After(time) => time,
        Expire::Never => panic!("`{setting}` needs an end; write a time such as `\"1m\"`"),
    }
}

impl fmt::Debug for ResponseCacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCacheLayer").field("options", &self.settings.options).finish_non_exhaustive()
    }
}
