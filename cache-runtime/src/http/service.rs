//! The service behind a [`ResponseCacheLayer`](super::ResponseCacheLayer).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, request};
use http_body::Body;
use tower_service::Service;

use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::site::body::RunMode;
use crate::site::rules::Rules;

use super::answer::hit;
use super::body::CacheBody;
use super::cached::CachedResponse;
use super::client_conditions::ClientConditions;
use super::exchange::{ExchangeRules, ServiceCall};
use super::find::{Start, find};
use super::key::{KeySource, LABEL, ResponseKey};
use super::purge::purge;
use super::request::{CacheRequest, Freshness, Plan};
use super::request_body;
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::revalidation;
use super::rfc::unsafe_method::{invalidates, is_safe};
use super::run::exchange;
use super::settings::{LayerSettings, original_uri};
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
    B::Error: Send,
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
        B::Error: Send,
    {
        let cache_request = CacheRequest::new(request.method().clone(), request.headers().clone());
        let freshness = match cache_request.plan(&self.options, cache.core()) {
            Plan::Lookup(freshness) => match self.refuses_host(request.uri(), request.headers()) {
                None => freshness,
                Some(reason) => return self.bypass(cache, inner, request, reason).await,
            },
            Plan::Bypass(reason) => {
                cache_request.count_bypass(&reason, &self.options, cache.core(), LABEL);
                return self.bypass(cache, inner, request, reason).await;
            }
        };
        let (mut parts, body) = request.into_parts();
        // A body that the head does not mention.
        let (body, is_empty) = request_body::ask(body, (&parts.headers, parts.version)).await;
        if !is_empty {
            let request = Request::from_parts(parts, body);
            return self.bypass(cache, inner, request, ForwardReason::Request).await;
        }
        self.spell_host(&mut parts);
        let entry = self.entry(cache, &parts);
        let start = match self.find(&entry, &cache_request, &freshness).await {
            Ok(found) => {
                self.host(&parts).inspect(|host| cache.core().known_hosts.note(host));
                return Ok(hit(found, cache.core(), &cache_request, &self.options));
            }
            Err(start) => start,
        };
        let host = self.host(&parts).map(Box::from);
        let service = self.service_call(inner, Request::from_parts(parts, body), &freshness);
        let rules = ExchangeRules {
            cache: Arc::clone(cache.core()),
            options: Arc::clone(&self.options),
            declared: DeclaredExpiry { expire: self.expire(cache), policy: self.policy },
            values: Box::new(Rules::new(|_: &CachedResponse| false, |_: &CachedResponse| None)),
            can_detach: true,
            host,
        };
        let key = ResponseKey::new(KeySource::Url(Arc::new(entry)));
        // Boxed, so that a hit does not carry the room that everything else needs.
        Box::pin(exchange(rules, (cache_request, freshness), key, *start, service)).await
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
                find(None, &mut op.attributed_to(LABEL), request, &self.options).await
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
        let changes = (!is_safe(request.method())).then(|| read_of(&request));
        let mut response = untouched(call(inner, request).await?);
        self.options.pass_on(response.status(), response.headers_mut());
        if let Some(parts) = changes.filter(|_| invalidates(response.status())) {
            purge(cache, &parts, response.headers(), self).await;
        }
        self.mark(cache, CacheStatus::forwarded(reason, response.status()), &mut response);
        Ok(response)
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
    parts.uri = original_uri(request.uri(), request.extensions()).clone();
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
