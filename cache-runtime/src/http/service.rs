//! Service: the cache in front of one, as a [`ResponseCacheLayer`] puts it there.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Method, Request, Response, Uri, header, request};
use http_body::Body;
use tower_service::Service;

use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::site::body::Body as FnBody;
use crate::site::body::RunMode;
use crate::site::rules::Rules;

use super::answer::{From, Signs};
use super::body::CacheBody;
use super::cached::CachedResponse;
use super::errand::Terms;
#[cfg(doc)]
use super::layer::ResponseCacheLayer;
use super::layer::Settings;
use super::purge::{forget, key_of};
use super::request::{Asked, Demand, Way};
use super::rfc::cache_status::{CacheStatus, How, Reason};
use super::rfc::revalidation;
use super::rfc::unsafe_method::{invalidates, is_safe};
use super::spot::{Spot, Whose};
use super::visit::visit;

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
            match settings
                .cache
                .clone()
                .or_else(|| Cache::current().ok())
                .filter(|cache| !cache.core().is_closed())
            {
                Some(cache) => settings.handle(&cache, inner, request).await,
                None => {
                    let mut response = given_as_it_is(inner_call(inner, request).await?);
                    settings.options.pass_on(response.status(), response.headers_mut());
                    Ok(response)
                }
            }
        })
    }
}

impl<S> ResponseCache<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
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
        // A body that its head does not tell of.
        let is_plain = request.body().is_end_stream();
        let minds_cookies = self.options.minds_cookies;
        let demand = match asked.way(&self.options, cache.core().no_cache, minds_cookies) {
            Way::Through(demand) if is_plain && self.knows_host(&request) => demand,
            Way::Through(_) => return self.past(cache, inner, request, Reason::Request).await,
            Way::Past(reason) => return self.past(cache, inner, request, reason).await,
        };
        let (parts, body) = request.into_parts();
        let entry = self.entry(cache, &parts);
        let work = self.work::<S, I, B>(inner, Request::from_parts(parts, body), &demand);
        let rules = Rules::new(|_: &CachedResponse| false, |_: &CachedResponse| None);
        let terms = Terms {
            cache: cache.core(),
            options: &self.options,
            expire: self.expire.unwrap_or(cache.core().default_expire),
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
    pub(super) fn entry(&self, cache: &Cache, parts: &request::Parts) -> Entry {
        let key = match &self.make_key {
            Some(make) => make(parts),
            None => {
                key_of(asked_uri(&parts.uri, &parts.extensions), parts.headers.get(header::HOST), &self.url)
            }
        };
        let group = self.group.as_deref();
        let cache = group.map_or_else(|| cache.clone(), |group| cache.group(group));
        let version = crate::engine::entry_op::suffix("", self.policy.version);
        let tags = self.tags.iter().map(|tag| cache.core().tag(tag)).collect();
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
        RunMode,
        Option<&CachedResponse>,
    ) -> FnBody<
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
            FnBody::background(async move {
                inner_call(inner, request).await.map(|response| response.map(Box::pin))
            })
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
            parts.extensions = request.extensions().clone();
            parts
        });
        let mut response = given_as_it_is(inner_call(inner, request).await?);
        self.options.pass_on(response.status(), response.headers_mut());
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
            detail: None,
        };
        let field = &cache.core().status_field;
        let status = Some(status).filter(|_| self.options.tells_status);
        Signs { from: From::Bypass, field, status }.mark(response.headers_mut());
        Ok(response)
    }

    /// The entry of another URL of the same service.
    pub(super) fn entry_of(&self, scope: &Cache, uri: &Uri, host: Option<&HeaderValue>) -> Entry {
        let key = key_of(uri, host, &self.url);
        let version = crate::engine::entry_op::suffix("", self.policy.version);
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

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}
