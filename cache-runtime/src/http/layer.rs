//! Layer: the cache in front of any tower service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{
    Extensions, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request,
};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::cache::Cache;
use crate::call::AsCache;
use crate::codec::Compress;
use crate::engine::{Place, Rules, Work};
use crate::expire::{Expire, IntoExpire};
use crate::global;
use crate::handle::Entry;
use crate::policy::Policy;

use super::answer::{From, Signs};
use super::body::CacheBody;
use super::cached::CachedResponse;
use super::fetch::Terms;
use super::options::{Access, NoCache, Options};
use super::purge::{forget, key_of};
use super::request::{Asked, Demand, Way};
use super::spot::{Spot, Whose};
use super::visit::visit;
use super::words::cache_status::{CacheStatus, How, Reason};
use super::words::revalidation;
use super::words::unsafe_method::{invalidates, is_safe};
use super::words::url::UrlRules;

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
    cache: Option<Cache>,
    options: Arc<Options>,
    policy: Policy,
    expire: Option<Expire>,
    pub(super) url: UrlRules,
    make_key: Option<MakeKey>,
    group: Option<String>,
    tags: Vec<String>,
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
        let cache = cache.as_cache().clone();
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

    /// Keeps what the responses themselves say is to be kept, and nothing else, as a shared cache in front of an origin
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
            options.max_headers = 64 << 10;
            options.minds_cookies = false;
        })
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
        ResponseCache { inner, settings: Arc::clone(&self.settings) }
    }
}

/// A service behind a [`ResponseCacheLayer`].
#[derive(Clone)]
pub struct ResponseCache<S> {
    inner: S,
    settings: Arc<Settings>,
}

/// A body that need not stay where it is.
type Boxed<B> = Pin<Box<B>>;
/// What the service gives in the end.
type Given<B, E> = Result<Response<CacheBody<Boxed<B>>>, E>;

impl<S, I, B> Service<Request<I>> for ResponseCache<S>
where
    S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    I: Body + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<CacheBody<Boxed<B>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Given<B, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        // The one that was found ready is the one that is called.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            match settings.cache.as_ref().or(global::get()).filter(|cache| !cache.inner().is_closed()) {
                Some(cache) => settings.handle(cache, inner, request).await,
                None => Ok(given_as_it_is(inner_call(inner, request).await?)),
            }
        })
    }
}

impl Settings {
    async fn handle<S, I, B>(&self, cache: &Cache, inner: S, request: Request<I>) -> Given<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Send + 'static,
        I: Body + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send,
    {
        let asked = Asked::new(request.method().clone(), request.headers().clone());
        // A body that comes with a `GET` could be what the response is about, and an upgrade is no response.
        let is_plain = request.body().is_end_stream() && !asked.headers.contains_key(header::UPGRADE);
        let minds_cookies = self.options.minds_cookies;
        let demand = match asked.way(&self.options, cache.inner().no_cache, minds_cookies) {
            Way::Through(demand) if is_plain && self.knows_host(&request) => demand,
            Way::Through(_) => return self.past(cache, inner, request, Reason::Request).await,
            Way::Past(reason) => return self.past(cache, inner, request, reason).await,
        };
        let (parts, body) = request.into_parts();
        let entry = self.entry(cache, &parts);
        let work = self.work::<S, I, B>(inner, Request::from_parts(parts, body), &demand);
        let rules = Rules { unless: |_: &CachedResponse| false, expire_with: |_: &CachedResponse| None };
        let terms = Terms {
            cache: cache.shared(),
            options: &self.options,
            expire: self.expire.unwrap_or(cache.inner().default_expire),
            policy: self.policy,
            answers: rules,
        };
        let spot = Spot::new(Whose::Url(entry));
        let (errand, client) = terms.errand(asked, demand, work);
        visit::<_, _, _, _, _, true>(errand, spot, client, None).await
    }

    /// Whether it is known which host was asked, where that counts. Of two that a request names the service may take the
    /// other one, and what it says of that one must not be kept for this one.
    fn knows_host<I>(&self, request: &Request<I>) -> bool {
        if !self.url.authority || self.make_key.is_some() {
            return true;
        }
        let own = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let mut named =
            own.into_iter().chain(request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes));
        let first = named.next().unwrap_or_default();
        first.is_ascii() && named.all(|other| other.eq_ignore_ascii_case(first))
    }

    /// The entry of a URL.
    fn entry(&self, cache: &Cache, parts: &request::Parts) -> Entry {
        let key = match &self.make_key {
            Some(make) => make(parts),
            None => {
                key_of(asked_uri(&parts.uri, &parts.extensions), parts.headers.get(header::HOST), &self.url)
            }
        };
        let group = self.group.as_deref();
        let cache = group.map_or_else(|| cache.clone(), |group| cache.group(group));
        let version = crate::call::marks("", self.policy.version);
        let tags = self.tags.iter().map(|tag| cache.inner().tag(tag)).collect();
        Entry::keyed(&cache, (cache.key(&[&key, version.as_str()].concat()), tags), self.policy, self.expire)
    }

    /// What asks the service.
    #[expect(clippy::type_complexity, reason = "an `impl` type cannot be given a name")]
    fn work<S, I, B>(
        &self,
        inner: S,
        mut request: Request<I>,
        demand: &Demand,
    ) -> impl FnOnce(
        Place,
        Option<&CachedResponse>,
    ) -> Work<
        std::future::Ready<Result<Response<Boxed<B>>, S::Error>>,
        Result<Response<Boxed<B>>, S::Error>,
    >
    + Send
    + 'static
    + use<S, I, B>
    where
        S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Send + 'static,
        I: Body + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
    {
        if demand.keeps {
            // The service is to give a whole response; what the client has of it already is judged here.
            request.headers_mut().remove(header::IF_NONE_MATCH);
            request.headers_mut().remove(header::IF_MODIFIED_SINCE);
        }
        let shows = self.options.obey_origin && demand.keeps;
        move |_, known| {
            if let Some(known) = known.filter(|_| shows) {
                revalidation::ask(request.headers_mut(), known.headers());
            }
            Work::apart(
                async move { inner_call(inner, request).await.map(|response| response.map(Box::pin)) },
            )
        }
    }

    /// A request that the cache has nothing to say to. One that changed something leaves nothing behind of what it changed.
    async fn past<S, I, B>(
        &self,
        cache: &Cache,
        inner: S,
        request: Request<I>,
        reason: Reason,
    ) -> Given<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>>,
        B: Body<Data = Bytes>,
    {
        let changes = (!is_safe(request.method())).then(|| {
            let mut parts = Request::new(()).into_parts().0;
            parts.method = Method::GET;
            parts.uri = asked_uri(request.uri(), request.extensions()).clone();
            parts.headers = request.headers().clone();
            parts
        });
        let mut response = given_as_it_is(inner_call(inner, request).await?);
        if let Some(parts) = changes.filter(|_| invalidates(response.status())) {
            let own = self.make_key.is_some().then(|| self.entry(cache, &parts));
            let scope = self.group.as_deref().map_or_else(|| cache.clone(), |group| cache.group(group));
            forget(&scope, own, &parts, response.headers(), self).await;
        }
        let status = CacheStatus {
            how: How::Forward(reason),
            fwd_status: Some(response.status()),
            ttl: None,
            stored: false,
            collapsed: false,
            detail: None,
        };
        let field = &cache.inner().status_field;
        let status = Some(status).filter(|_| self.options.tells_status);
        Signs { from: From::Bypass, field, status }.mark(response.headers_mut());
        Ok(response)
    }

    /// The entry of another URL of the same service.
    pub(super) fn entry_of(&self, scope: &Cache, uri: &Uri, host: Option<&HeaderValue>) -> Entry {
        let key = key_of(uri, host, &self.url);
        let version = crate::call::marks("", self.policy.version);
        Entry::keyed(scope, (scope.key(&[&key, version.as_str()].concat()), Vec::new()), self.policy, None)
    }
}

/// The URI that a client asked for: inside a nested router of axum a request has a shorter one, and two routers may have the
/// same.
#[cfg(feature = "axum")]
fn asked_uri<'r>(uri: &'r Uri, extensions: &'r Extensions) -> &'r Uri {
    extensions.get::<axum::extract::OriginalUri>().map_or(uri, |original| &original.0)
}

/// The URI that a client asked for.
#[cfg(not(feature = "axum"))]
fn asked_uri<'r>(uri: &'r Uri, _: &'r Extensions) -> &'r Uri {
    uri
}

async fn inner_call<S: Service<Request<I>>, I>(
    mut inner: S,
    request: Request<I>,
) -> Result<S::Response, S::Error> {
    inner.call(request).await
}

fn given_as_it_is<B: Body>(response: Response<B>) -> Response<CacheBody<Boxed<B>>> {
    response.map(|body| CacheBody::given(Box::pin(body)))
}

#[track_caller]
fn given(setting: &str, expire: impl IntoExpire) -> Expire {
    match expire.into_expire() {
        Ok(expire) => crate::engine::capped(expire),
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

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}
