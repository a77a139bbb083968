//! Handler: what `#[cache(response)]` does around a handler of axum.

use std::convert::Infallible;
use std::fmt;
use std::future::Ready;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{self, Poll};

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, OriginalUri};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, StatusCode, request};
use axum::response::{IntoResponse, Response};

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::http::{
    Access, Asked, CacheBody, CachedResponse, From, Options, Signs, Spot, Terms, Way, Whose, answer, at_hand,
    visit,
};
use crate::observe::stats::count;
use crate::site::body::Body as FnBody;
use crate::site::body::RunMode;
use crate::site::outcome::typed;
use crate::site::rules::ValueRules;

/// What comes of a request to a handler.
pub type Outcome = crate::http::Outcome<Body, Infallible>;

/// What the options of one `#[cache(response)]` say about HTTP. Generated code holds it in a `static`.
#[derive(Debug)]
pub struct Handler {
    vary: &'static [&'static str],
    statuses: &'static [u16],
    access: Access,
    is_asked: bool,
    is_guarded: bool,
    looks: bool,
    options: OnceLock<Arc<Options>>,
}

impl Handler {
    /// Nothing said.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            vary: &[],
            statuses: &[],
            access: Access::Unsaid,
            is_asked: false,
            is_guarded: false,
            looks: false,
            options: OnceLock::new(),
        }
    }

    /// `vary(..)`.
    #[must_use]
    pub const fn vary(mut self, names: &'static [&'static str]) -> Self {
        self.vary = names;
        self
    }

    /// `statuses(..)`.
    #[must_use]
    pub const fn statuses(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = statuses;
        self
    }

    /// `private`.
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.access = Access::Private;
        self
    }

    /// `shared`.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.access = Access::Shared;
        self
    }

    /// The key is as it was written: the route is no part of it.
    #[must_use]
    pub const fn asked(mut self) -> Self {
        self.is_asked = true;
        self
    }

    /// The function may see cookies, though its arguments do not say so.
    #[must_use]
    pub const fn guarded(mut self) -> Self {
        self.is_guarded = true;
        self
    }

    /// `unless` or `expire_with`: whether and how long a response is kept is known when all of it is there.
    #[must_use]
    pub const fn looks(mut self) -> Self {
        self.looks = true;
        self
    }

    fn options(&self) -> &Arc<Options> {
        self.options.get_or_init(|| {
            let mut options = Options { access: self.access, looks: self.looks, ..Options::new() };
            // The attribute has looked at both.
            options.vary = self.vary.iter().filter_map(|name| HeaderName::try_from(*name).ok()).collect();
            if !self.statuses.is_empty() {
                let statuses = self.statuses.iter().filter_map(|status| StatusCode::from_u16(*status).ok());
                options.statuses = statuses.map(|status| (status, None)).collect();
            }
            Arc::new(options)
        })
    }
}

impl Default for Handler {
    fn default() -> Self {
        Self::new()
    }
}

/// The request of a cached handler, beside what the handler itself takes from it.
pub struct Incoming {
    asked: Asked,
    route: Option<MatchedPath>,
    url: Option<PathAndQuery>,
}

impl Incoming {
    /// The route, or where there is none of it the path.
    fn route(&self) -> &str {
        let path = || self.url.as_ref().map_or("", PathAndQuery::path);
        self.route.as_ref().map_or_else(path, MatchedPath::as_str)
    }

    fn url(&self) -> &str {
        self.url.as_ref().map_or("", PathAndQuery::as_str)
    }
}

impl<S: Sync> FromRequestParts<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        let asked = Asked::new(parts.method.clone(), parts.headers.clone());
        // Without what routers took off on the way.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let (route, url) = (parts.extensions.get::<MatchedPath>(), uri.path_and_query());
        Ok(Self { asked, route: route.cloned(), url: url.cloned() })
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No headers: they may hold credentials.
        f.debug_struct("Incoming").field("method", &self.asked.method).finish_non_exhaustive()
    }
}

/// What a handler returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "`response` needs what axum can answer with",
    note = "return something that is `IntoResponse`, such as `Json<T>` or `Result<Json<T>, AppError>`; to keep a value instead of a response, remove `response`"
)]
pub trait Responds {
    /// The response.
    fn responded(self) -> Response;
}

#[diagnostic::do_not_recommend]
impl<R: IntoResponse> Responds for R {
    fn responded(self) -> Response {
        self.into_response()
    }
}

/// The response that a handler returned.
pub fn responded<R: Responds>(result: R) -> Response {
    result.responded()
}

/// ValueRules a request from the cache, or from the handler: what generated code calls.
///
/// What is in this process is answered here and now; only what has to wait pays for a future of its own.
pub fn respond<A, F>(
    call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    rules: A,
    compute: F,
) -> Respond<impl Future<Output = Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let work = move |_: RunMode, _: Option<&CachedResponse>| FnBody::Inline(async move { Ok(compute.await) });
    handled::<_, _, _, false>(call, handler, incoming, rules, work)
}

/// [`respond`] for a handler that can also run apart from the request, so that an old response can be served while it
/// does.
pub fn respond_detachable<A, F, M>(
    call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    rules: A,
    work: M,
) -> Respond<impl Future<Output = Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
{
    let work = move |place: RunMode, _: Option<&CachedResponse>| {
        let work = work(place);
        FnBody::<Ready<_>, _>::background(async move { Ok(work.run().await) })
    };
    handled::<_, _, _, true>(call, handler, incoming, rules, work)
}

/// What [`respond`] returns.
pub enum Respond<F> {
    /// The response is there; `None` once it was taken.
    Ready(Option<Response>),
    /// The request goes to the store, or to the handler.
    Story(Pin<Box<F>>),
}

/// Nothing in it is pinned in place: the story is boxed, and the response is only ever moved out.
impl<F> Unpin for Respond<F> {}

impl<F: Future<Output = Response>> Future for Respond<F> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Response> {
        match self.get_mut() {
            Self::Ready(response) => {
                Poll::Ready(response.take().expect("a future is not polled again once it is ready"))
            }
            Self::Story(story) => story.as_mut().poll(context),
        }
    }
}

impl<F> fmt::Debug for Respond<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Respond")
    }
}

fn handled<A, F, M, const CAN_DETACH: bool>(
    mut call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    answers: A,
    work: M,
) -> Respond<impl Future<Output = Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
    M: FnOnce(RunMode, Option<&CachedResponse>) -> FnBody<F, Result<Response, Infallible>> + Send + 'static,
{
    let options = handler.options();
    if !handler.is_asked {
        call.beside(incoming.route());
        if call.minds_url() {
            call.beside(incoming.url());
        }
    }
    let Incoming { asked, .. } = incoming;
    let minds_cookies = handler.is_guarded || call.minds_cookies();
    let way = call.core().map(|cache| asked.way(options, cache.no_cache, minds_cookies));
    let mode = CallMode::current();
    // Whatever is fresh will do, and there is one of it.
    let is_simple = mode == CallMode::Normal
        && !options.varies()
        && matches!(&way, Some(Way::Through(demand)) if demand.is_plain());
    if is_simple
        && let Some(cache) = call.core()
        && let Some(found) = crate::engine::local_hit::typed(&call, Some(typed::<CachedResponse>()))
        && found.as_page().is_some()
    {
        return Respond::Ready(Some(hit(found, cache, &asked, options)));
    }
    // The call is boxed apart, so that the story is small enough for an allocator to serve it without a lock.
    let call = Arc::new(call);
    Respond::Story(Box::pin(async move {
        let (Some(way), Some(cache)) = (way, call.core()) else {
            call.warn_if_early();
            return done(work).await;
        };
        let Way::Through(demand) = way else {
            count(&call.counters(cache).bypasses);
            return past(cache, done(work).await);
        };
        let Some(op) = EntryOp::of(&call, mode) else { return past(cache, done(work).await) };
        let mut look = None;
        if is_simple && demand.keeps {
            look = match at_hand(&call, &op).await {
                Ok(found) => return hit(found, cache, &asked, options),
                Err(look) => Some(look),
            };
        }
        let (expire, policy) = (op.expiries.value, op.policy);
        drop(op);
        let cache = Arc::clone(cache);
        let terms = Terms { cache: &cache, options, expire, policy, answers };
        let demand = if mode == CallMode::Refresh { demand.refreshed() } else { demand };
        let (errand, client) = terms.errand(asked, demand, work);
        let spot = Spot::new(Whose::Handler(Arc::clone(&call)));
        match Box::pin(visit::<_, _, _, _, _, CAN_DETACH>(errand, spot, client, look)).await {
            Ok(response) => outgoing(response),
            Err(never) => match never {},
        }
    }))
}

/// The answer that is kept.
fn hit(found: CachedResponse, cache: &Core, asked: &Asked, options: &Options) -> Response {
    let signs = Signs { from: From::Hit, field: &cache.status_field, status: None };
    outgoing(answer(found, &signs, asked, options, cache.clock.now_ms()))
}

/// The response of the handler itself.
async fn done<F, M>(work: M) -> Response
where
    F: Future<Output = Result<Response, Infallible>>,
    M: FnOnce(RunMode, Option<&CachedResponse>) -> FnBody<F, Result<Response, Infallible>>,
{
    match work(RunMode::Inline, None).run().await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// A response that did not go through the cache.
fn past(cache: &Core, mut response: Response) -> Response {
    Signs { from: From::Bypass, field: &cache.status_field, status: None }.mark(response.headers_mut());
    response
}

/// The body as axum has it.
pub(super) fn outgoing(response: Response<CacheBody<Body>>) -> Response {
    response.map(|body| match body.into_whole() {
        Ok(bytes) => Body::from(bytes),
        Err(body) => body.into_given().unwrap_or_else(Body::new),
    })
}
