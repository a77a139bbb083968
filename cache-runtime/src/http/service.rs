//! The service behind a [`ResponseCacheLayer`](super::ResponseCacheLayer).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, request};
use http_body::Body;
use tower_service::Service;

use crate::engine::write_guard::WriteGuard;
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::site::body::RunMode;

use super::admit::admitted;
use super::answer::hit;
use super::body::CacheBody;
use super::body_error::BodyError;
use super::cached::CachedResponse;
use super::client_conditions::ClientConditions;
use super::exchange::{ExchangeRules, ServiceCall};
use super::find::{Start, find};
use super::key::{KeySource, ResponseKey, UrlKey};
use super::purge::{changed, purge};
#[cfg(feature = "axum")]
use super::rejection::rejected;
use super::request::{CacheRequest, Freshness, Plan};
use super::request_body;
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::revalidation;
use super::rfc::unsafe_method::{invalidates, is_safe};
use super::run::exchange;
use super::settings::LayerSettings;
use super::status_headers::{CacheResult, StatusHeaders};
use super::storability::DeclaredExpiry;

/// A service whose responses are cached by a [`ResponseCacheLayer`](super::ResponseCacheLayer).
#[derive(Clone)]
pub struct ResponseCache<S> {
    inner: S,
    settings: Arc<LayerSettings>,
}

/// A body that can be moved.
type BoxBody<B> = Pin<Box<B>>;
/// The result of a call.
type CallResult<B, E> = Result<Response<CacheBody<BoxBody<B>>>, E>;

impl<S, I, B> Service<Request<I>> for ResponseCache<S>
where
    S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    I: Body + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError> + Send,
{
    type Response = Response<CacheBody<BoxBody<B>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = CallResult<B, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        // The service that is ready is the one that is called.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            let error = settings.error();
            let mut response = match settings.open_cache() {
                Some(cache) if error.is_none() => settings.handle(&cache, inner, request).await?,
                Some(cache) => {
                    let mut response = untouched(call(inner, request).await?);
                    let status = CacheStatus::forwarded(ForwardReason::Bypass, response.status());
                    settings.mark(&cache, CacheStatus { detail: Some("settings"), ..status }, &mut response);
                    response
                }
                None => {
                    let mut response = untouched(call(inner, request).await?);
                    settings.options.pass_on(response.status(), response.headers_mut());
                    response
                }
            };
            settings.options.add_vary(response.headers_mut());
            Ok(response)
        })
    }
}

impl<S> ResponseCache<S> {
    pub(super) fn new(inner: S, settings: Arc<LayerSettings>) -> Self {
        Self { inner, settings }
    }
}

impl LayerSettings {
    async fn handle<S, I, B>(&self, cache: &Cache, inner: S, request: Request<I>) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Send + 'static,
        I: Body + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError> + Send,
    {
        let cache_request = CacheRequest::new(request.method().clone(), request.headers().clone());
        let freshness = match self.plan(cache, &cache_request, request.uri()) {
            Ok(freshness) => freshness,
            Err(reason) => return self.bypass(cache, inner, request, reason).await,
        };
        let (mut parts, body) = request.into_parts();
        // A body that the head does not mention.
        let (body, is_empty) = request_body::ask(body, (&parts.headers, parts.version)).await;
        let entry = match self.admit(cache, &mut parts, is_empty) {
            Ok(entry) => entry,
            Err(reason) => return self.bypass(cache, inner, Request::from_parts(parts, body), reason).await,
        };
        #[cfg(feature = "axum")]
        let parts = if self.guards.authorize.is_empty() {
            parts
        } else {
            // Boxed, as what follows a miss.
            match Box::pin(self.guards.authorize(parts)).await {
                Ok(parts) => parts,
                Err(rejection) => return Ok(self.reject(cache, *rejection, &cache_request.method).await),
            }
        };
        let start = match self.find(&entry, &cache_request, &freshness).await {
            Ok(found) => match admitted(found, cache.core(), &cache_request) {
                Some(found) => {
                    self.host(&parts).inspect(|host| cache.core().known_hosts.note(host));
                    return Ok(hit(found, cache.core(), &cache_request, &self.options));
                }
                None => {
                    let request = Request::from_parts(parts, body);
                    return self.bypass(cache, inner, request, ForwardReason::Bypass).await;
                }
            },
            Err(start) => start,
        };
        let host = self.host(&parts).map(Box::from);
        let service = self.service_call(inner, Request::from_parts(parts, body), &freshness);
        let rules = ExchangeRules {
            cache: Arc::clone(cache.core()),
            options: Arc::clone(&self.options),
            declared: DeclaredExpiry { expire: self.expire(cache), policy: self.policy },
            values: Box::new(self.rules.clone()),
            can_detach: true,
            host,
        };
        let key = UrlKey { entry, name: Arc::clone(&self.name) };
        let key = ResponseKey::new(KeySource::Url(Arc::new(key)));
        // Boxed, so that a hit does not carry the room that everything else needs.
        Box::pin(exchange(rules, (cache_request, freshness), key, *start, service)).await
    }

    /// The demands of a request on a cached response, or the reason for which the request bypasses the cache.
    fn plan(&self, cache: &Cache, request: &CacheRequest, uri: &Uri) -> Result<Freshness, ForwardReason> {
        match request.plan(&self.options, cache.core()) {
            Plan::Lookup(freshness) => self.refuses_host(uri, &request.headers).map_or(Ok(freshness), Err),
            Plan::Bypass(reason) => {
                request.count_bypass(&reason, &self.options, cache.core(), &self.name);
                Err(reason)
            }
        }
    }

    /// The entry of a request, of which the service sees from now on what the key has; or the reason for which the request
    /// bypasses the cache.
    fn admit(
        &self,
        cache: &Cache,
        parts: &mut request::Parts,
        has_no_body: bool,
    ) -> Result<Entry, ForwardReason> {
        if !has_no_body {
            return Err(ForwardReason::Request);
        }
        if !self.guards.admit(parts) {
            return Err(ForwardReason::Bypass);
        }
        self.reduce(parts);
        self.spell_host(parts);
        self.entry(cache, parts).ok_or(ForwardReason::Bypass)
    }

    /// Looks for a response to a request for which any fresh one will do.
    async fn find(
        &self,
        entry: &Entry,
        request: &CacheRequest,
        freshness: &Freshness,
    ) -> Result<CachedResponse, Box<Start>> {
        match entry.op() {
            Ok(op) if freshness.is_plain() => {
                find(None, &mut op.attributed_to(&self.name), request, &self.options).await
            }
            Ok(_) | Err(_) => Err(Box::default()),
        }
    }

    /// The call of the service for a request.
    fn service_call<S, I, B>(
        &self,
        inner: S,
        mut request: Request<I>,
        freshness: &Freshness,
    ) -> ServiceCall<BoxBody<B>, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        I: Send + 'static,
        B: Body + 'static,
    {
        // The service makes a whole response; the conditions of the client are judged here.
        let conditions = if freshness.is_storable { ClientConditions::take(&mut request) } else { None };
        let revalidates = self.options.obey_origin && freshness.is_storable;
        let is_refresh = freshness.is_refresh;
        Box::new(move |mode, known| {
            // A response that replaces another is for all clients.
            let is_first = mode == RunMode::Inline && known.is_none() && !is_refresh;
            if let Some(conditions) = conditions.filter(|_| is_first) {
                request.extensions_mut().insert(conditions);
            }
            if let Some(known) = known.filter(|_| revalidates) {
                revalidation::ask(request.headers_mut(), known.headers());
            }
            Box::pin(async move { call(inner, request).await.map(|response| response.map(Box::pin)) })
        })
    }

    /// Passes a request on. One that changed something removes the cached responses of its URL.
    async fn bypass<S, I, B>(
        &self,
        cache: &Cache,
        inner: S,
        request: Request<I>,
        reason: ForwardReason,
    ) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>>,
        B: Body<Data = Bytes>,
    {
        let changes = (!is_safe(request.method())).then(|| {
            let mut parts = read_of(&request);
            self.reduce(&mut parts);
            // A handler behind the layer may evict another path of this host.
            self.note_own_host(cache, &parts);
            parts
        });
        // The service may change something although it gives no response: its error may be a timeout.
        let guard = changes.as_ref().map(|parts| {
            WriteGuard::new(&self.name, || {
                let entries = changed(cache, parts, &HeaderMap::new(), self);
                entries.iter().filter_map(Entry::as_write_target).collect()
            })
        });
        let mut response = untouched(call(inner, request).await?);
        self.options.pass_on(response.status(), response.headers_mut());
        if let Some(parts) = changes.as_ref().filter(|_| invalidates(response.status())) {
            purge(&self.name, changed(cache, parts, response.headers(), self)).await;
        }
        guard.map(WriteGuard::finish);
        self.mark(cache, CacheStatus::forwarded(reason, response.status()), &mut response);
        Ok(response)
    }

    /// The rejection of a guard as the response.
    #[cfg(feature = "axum")]
    async fn reject<B>(
        &self,
        cache: &Cache,
        rejection: axum::response::Response,
        method: &Method,
    ) -> Response<CacheBody<BoxBody<B>>>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let mut response = rejected(rejection, method).await;
        self.options.pass_on(response.status(), response.headers_mut());
        let status = CacheStatus::forwarded(ForwardReason::Bypass, response.status());
        let status = CacheStatus { fwd_status: None, detail: Some("authorize"), ..status };
        self.mark(cache, status, &mut response);
        response
    }

    /// Marks a response that did not go through the cache.
    fn mark<B>(&self, cache: &Cache, status: CacheStatus, response: &mut Response<B>) {
        let status = Some(status).filter(|_| self.options.adds_cache_status);
        let field = &cache.core().status_field;
        StatusHeaders { result: CacheResult::Bypass, field, status }.add(response.headers_mut());
    }
}

/// The `GET` of the URL of a request.
fn read_of<I>(request: &Request<I>) -> request::Parts {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = Method::GET;
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    parts.extensions = request.extensions().clone();
    parts
}

async fn call<S: Service<Request<I>>, I>(mut inner: S, request: Request<I>) -> Result<S::Response, S::Error> {
    inner.call(request).await
}

fn untouched<B: Body>(response: Response<B>) -> Response<CacheBody<BoxBody<B>>> {
    response.map(|body| CacheBody::service(Box::pin(body)))
}

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}
