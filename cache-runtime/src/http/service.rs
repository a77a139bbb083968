//! The service behind a [`ResponseCacheLayer`](super::ResponseCacheLayer).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri, request};
use http_body::Body;
use tower_service::Service;

use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::write_guard::WriteGuard;
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;

use super::admit::admitted;
use super::answer::hit;
use super::body::CacheBody;
use super::body_error::BodyError;
use super::bypass_reason::BypassReason;
use super::cached::CachedResponse;
use super::find::find;
#[cfg(feature = "session")]
use super::personal::{PersonalMark, keep_private};
use super::purge::{changed, purge, read_of};
#[cfg(feature = "axum")]
use super::rejection::rejected;
use super::request::{CacheRequest, Freshness, Plan};
use super::request_body;
use super::rfc::cache_status::CacheStatus;
use super::rfc::unsafe_method::{invalidates, is_safe};
use super::settings::LayerSettings;
use super::status_headers::{CacheResult, StatusHeaders};

/// A service whose responses are cached by a [`ResponseCacheLayer`](super::ResponseCacheLayer).
#[derive(Clone)]
pub struct ResponseCache<S> {
    inner: S,
    settings: Arc<LayerSettings>,
}

/// A body that can be moved.
pub(super) type BoxBody<B> = Pin<Box<B>>;
/// The result of a call.
pub(super) type CallResult<B, E> = Result<Response<CacheBody<BoxBody<B>>>, E>;

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
        Box::pin(answer(Arc::clone(&self.settings), inner, request))
    }
}

impl<S> ResponseCache<S> {
    pub(super) fn new(inner: S, settings: Arc<LayerSettings>) -> Self {
        Self { inner, settings }
    }
}

/// Answers a request from the cache or from the service.
///
/// The parts of the request are captured and not moved, and everything but a hit is boxed: allocators are slow to serve a
/// future of more than a kilobyte.
fn answer<S, I, B>(
    settings: Arc<LayerSettings>,
    inner: S,
    request: Request<I>,
) -> impl Future<Output = CallResult<B, S::Error>> + Send
where
    S: Service<Request<I>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    I: Body + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError> + Send,
{
    let (mut parts, mut body) = request.into_parts();
    async move {
        let Some(cache) = settings.open_cache().filter(|_| settings.error().is_none()) else {
            return Box::pin(settings.unused(inner, Request::from_parts(parts, body))).await;
        };
        let mut plan = settings.plan(&cache, &mut parts);
        if plan.is_ok() {
            // A body that the head does not mention.
            let is_empty;
            (body, is_empty) = request_body::ask(body, (&parts.headers, parts.version)).await;
            plan = if is_empty { plan } else { Err(BypassReason::Body) };
        }
        let planned = plan.and_then(|plan| Ok((plan, settings.admit(&cache, &mut parts)?)));
        let ((mut asked, freshness), mut op) = match planned {
            Ok(planned) => planned,
            Err(reason) => {
                let request = Request::from_parts(parts, body);
                return Box::pin(settings.bypass(&cache, inner, request, reason)).await;
            }
        };
        asked.headers = std::mem::take(&mut parts.headers);
        #[cfg(feature = "axum")]
        if !settings.guards.authorize.is_empty() {
            parts = match Box::pin(settings.authorize(&cache, parts, &asked)).await {
                Ok(parts) => parts,
                Err(rejection) => return Ok(rejection),
            };
        }
        let start = if freshness.is_plain() {
            match find(None, &mut op, &asked, &settings.options).await {
                Ok(found) => {
                    let Some(found) = admitted(found, op.core, &asked) else {
                        drop(op);
                        let (request, reason) = (settings.rest(parts, &asked, body), BypassReason::Memory);
                        return Box::pin(settings.bypass(&cache, inner, request, reason)).await;
                    };
                    return Ok(settings.hit(found, op.core, &asked, &parts.uri));
                }
                Err(start) => start,
            }
        } else {
            Box::default()
        };
        let request = settings.rest(parts, &asked, body);
        Box::pin(settings.missed(op, (asked, freshness), start, inner, request)).await
    }
}

impl LayerSettings {
    /// Plans the way of a request, or returns the reason for which it bypasses the cache. The headers stay in `parts`.
    fn plan(
        &self,
        cache: &Cache,
        parts: &mut request::Parts,
    ) -> Result<(CacheRequest, Freshness), BypassReason> {
        if CallMode::current() == CallMode::Deferred {
            return Err(BypassReason::Scope);
        }
        if !cache.core().is_enabled {
            return Err(BypassReason::Disabled);
        }
        let mut asked = CacheRequest::new(parts.method.clone(), std::mem::take(&mut parts.headers));
        // The closure may read any part of the request.
        asked.is_personal = self.make_key.is_some();
        let plan = asked.plan(&self.options, cache.core());
        if let Plan::Bypass(reason) = plan {
            asked.count_bypass(reason, &self.options, cache.core(), &self.name);
        }
        parts.headers = std::mem::take(&mut asked.headers);
        match plan {
            Plan::Lookup(freshness) => match self.refuses_host(&parts.uri, &parts.headers) {
                None => Ok((asked, freshness)),
                Some(reason) => Err(reason),
            },
            Plan::Bypass(reason) => Err(reason),
        }
    }

    /// The access to the entry of a request, which is changed to what is in the key; or the reason for which the request
    /// bypasses the cache.
    fn admit<'s>(
        &'s self,
        cache: &'s Cache,
        parts: &mut request::Parts,
    ) -> Result<EntryOp<'s>, BypassReason> {
        if !self.with_client_uri(parts, |parts| self.guards.admit(parts)) {
            self.options.count_not_wanted(&self.name);
            return Err(BypassReason::When);
        }
        self.reduce(parts);
        self.spell_host(parts);
        let rewritten = self.rewritten(parts);
        self.with_client_uri(parts, |parts| self.op(cache, parts, &rewritten)).ok_or(BypassReason::Key)
    }

    /// The response for a hit.
    fn hit<B: Body>(
        &self,
        found: CachedResponse,
        core: &Core,
        asked: &CacheRequest,
        uri: &Uri,
    ) -> Response<CacheBody<B>> {
        self.host(uri, &asked.headers).inspect(|host| core.known_hosts.note(host));
        let credentials = self.options.told_credentials(&asked.headers, &core.credentials);
        self.with_vary(hit(found, core, asked, &self.options), credentials.as_deref())
    }

    /// The request for the service, with the headers that were taken for the lookup, unless an extractor made others of them.
    fn rest<I>(&self, mut parts: request::Parts, asked: &CacheRequest, body: I) -> Request<I> {
        if self.guards.is_without_extractors() {
            parts.headers = asked.headers.clone();
        }
        Request::from_parts(parts, body)
    }

    /// Passes a request on where these settings have no cache.
    async fn unused<S, I, B>(&self, inner: S, request: Request<I>) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>>,
        B: Body<Data = Bytes>,
    {
        let mut response = untouched(call(inner, request).await?);
        match self.open_cache() {
            Some(cache) => {
                let status = BypassReason::Settings.status(response.status());
                self.mark(&cache, status, &mut response);
            }
            None => self.options.pass_on(response.status(), response.headers_mut()),
        }
        Ok(self.with_vary(response, None))
    }

    pub(super) fn with_vary<B>(&self, mut response: Response<B>, credentials: Option<&str>) -> Response<B> {
        self.options.add_vary(response.headers_mut(), credentials);
        response
    }

    /// Passes a request on. One that changed something removes the cached responses of its URL.
    async fn bypass<S, I, B>(
        &self,
        cache: &Cache,
        inner: S,
        request: Request<I>,
        reason: BypassReason,
    ) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>>,
        B: Body<Data = Bytes>,
    {
        let credentials = self.options.told_credentials(request.headers(), &cache.core().credentials);
        let changes = (!is_safe(request.method())).then(|| {
            let (parts, rewritten) = read_of(&request, self);
            // A handler behind the layer may evict another path of this host.
            self.note_own_host(cache, &parts);
            self.declare_hosts(cache);
            (parts, rewritten)
        });
        // The service may change something although it gives no response: its error may be a timeout.
        let changes = changes.as_ref().map(|(parts, rewritten)| (parts, rewritten.as_ref()));
        let guard = changes.map(|parts| {
            WriteGuard::new(&self.name, move || {
                let entries = changed(cache, parts, &HeaderMap::new(), self);
                entries.iter().filter_map(Entry::as_write_target).collect()
            })
        });
        let mut response = untouched(call(inner, request).await?);
        self.options.pass_on(response.status(), response.headers_mut());
        if let Some(parts) = changes.filter(|_| invalidates(response.status())) {
            purge(&self.name, changed(cache, parts, response.headers(), self)).await;
        }
        if let Some(guard) = guard {
            guard.finish();
        }
        self.mark(cache, reason.status(response.status()), &mut response);
        Ok(self.with_vary(response, credentials.as_deref()))
    }

    /// Runs the extractors among the guards: the parts as they left them, or the first rejection as the response.
    #[cfg(feature = "axum")]
    async fn authorize<B>(
        &self,
        cache: &Cache,
        mut parts: request::Parts,
        asked: &CacheRequest,
    ) -> Result<request::Parts, Response<CacheBody<BoxBody<B>>>>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        parts.headers = asked.headers.clone();
        let rejection = match self.guards.authorize(parts).await {
            Ok(parts) => return Ok(parts),
            Err(rejection) => *rejection,
        };
        let mut response = rejected(rejection, &asked.method).await;
        self.options.pass_on(response.status(), response.headers_mut());
        let status = BypassReason::Authorize.status(response.status());
        let status = CacheStatus { fwd_status: None, ..status };
        self.mark(cache, status, &mut response);
        let credentials = self.options.told_credentials(&asked.headers, &cache.core().credentials);
        Err(self.with_vary(response, credentials.as_deref()))
    }

    /// Counts and marks a response that did not go through the cache.
    fn mark<B>(&self, cache: &Cache, status: CacheStatus, response: &mut Response<B>) {
        let stats = &cache.core().stats;
        let row = Row { counters: &stats.row(&self.name), function: &self.name };
        stats.record(row, None, EventKind::Bypass);
        let status = Some(status).filter(|_| self.options.adds_cache_status);
        let field = &cache.core().status_field;
        StatusHeaders { result: CacheResult::Bypass, field, status }.add(response.headers_mut());
    }
}

pub(super) async fn call<S: Service<Request<I>, Response = Response<B>>, I, B>(
    mut inner: S,
    request: Request<I>,
) -> Result<Response<B>, S::Error> {
    #[cfg(feature = "session")]
    {
        let mark = request.extensions().get::<PersonalMark>().cloned();
        let mut response = inner.call(request).await?;
        if mark.is_some_and(|mark| mark.is_set()) {
            keep_private(response.headers_mut());
        }
        Ok(response)
    }
    #[cfg(not(feature = "session"))]
    inner.call(request).await
}

pub(super) fn untouched<B: Body>(response: Response<B>) -> Response<CacheBody<BoxBody<B>>> {
    response.map(|body| CacheBody::service(Box::pin(body)))
}

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}
