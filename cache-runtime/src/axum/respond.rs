//! Answering a request from the cache or from the handler.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use axum::body::Body;
use axum::response::Response;

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::local_hit;
use crate::http::{
    BypassReason, CacheRequest, CacheResult, CachedResponse, DeclaredExpiry, ExchangeRules, HandlerKey,
    KeySource, Plan, ResponseKey, ResponseOptions, ServiceCall, StatusHeaders, admitted, exchange, find, hit,
};
use crate::observe::stats::count;
use crate::site::body::{Body as FnBody, RunMode};
use crate::site::rules::ValueRules;
use crate::site::value_caps::typed;

use super::conditions::ConditionSwitch;
use super::handler::Handler;
use super::incoming::Incoming;
use super::response::outgoing;

/// Answers a request from the cache or from the handler. Generated code calls this function.
///
/// A hit in this process is answered at once; only a request that has to wait pays for a future of its own.
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
    handled(call, handler, incoming, rules, false, move |_| FnBody::Inline(compute))
}

/// [`respond`] for a handler that can also run in the background, while a stale response is served.
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
    handled(call, handler, incoming, rules, true, work)
}

/// The future of [`respond`].
pub enum Respond<F> {
    /// A response that is there; `None` once it was taken.
    Ready(Option<Response>),
    /// The request goes to the store or to the handler.
    Boxed(Pin<Box<F>>),
}

/// Nothing is pinned in place: the future is boxed, and the response is only moved out.
impl<F> Unpin for Respond<F> {}

impl<F: Future<Output = Response>> Future for Respond<F> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Response> {
        match self.get_mut() {
            Self::Ready(response) => {
                Poll::Ready(response.take().expect("a future is not polled again once it is ready"))
            }
            Self::Boxed(future) => future.as_mut().poll(context),
        }
    }
}

impl<F> fmt::Debug for Respond<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Respond")
    }
}

fn handled<A, M, F>(
    mut call: Call,
    handler: &'static Handler,
    mut incoming: Incoming,
    rules: A,
    can_detach: bool,
    work: M,
) -> Respond<impl Future<Output = Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let has_body = incoming.has_body || call.bypasses;
    name(&mut call, handler, &mut incoming);
    incoming.request.is_personal = call.is_personal();
    let options = handler.options(call.policy());
    let plan = call.core().map(|cache| {
        if incoming.request.plan_reads_headers(options, cache) {
            incoming.read_headers();
        }
        incoming.request.plan(options, cache)
    });
    let mode = CallMode::current();
    // Any fresh response will do.
    let is_plain =
        mode == CallMode::Normal && matches!(&plan, Some(Plan::Lookup(freshness)) if freshness.is_plain());
    if is_plain && let Some(response) = local(&call, &incoming.request, options) {
        return Respond::Ready(Some(response));
    }
    incoming.read_headers();
    let Incoming { request, conditions, .. } = incoming;
    // The call has a box of its own, so that the future is small enough for an allocator to serve without a lock.
    let handling =
        HandlerCall { call: Arc::new(call), options, request, has_body, conditions, rules, can_detach, work };
    Respond::Boxed(Box::pin(handling.answer(plan, mode, is_plain)))
}

/// A request on its way to the store or to the handler.
struct HandlerCall<A, M> {
    call: Arc<Call>,
    options: &'static Arc<ResponseOptions>,
    request: CacheRequest,
    /// The request has a body that no key holds.
    has_body: bool,
    conditions: ConditionSwitch,
    rules: A,
    can_detach: bool,
    work: M,
}

impl<A, M, F> HandlerCall<A, M>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    /// `is_plain` is whether any fresh response will do.
    async fn answer(self, plan: Option<Plan>, mode: CallMode, is_plain: bool) -> Response {
        let Self { call, options, request, has_body, conditions, rules, can_detach, work } = self;
        let (Some(plan), Some(cache)) = (plan, call.core()) else {
            call.warn_if_early();
            return with_vary(work(RunMode::Inline).run().await, options, None);
        };
        let credentials = options.told_credentials(&request.headers, &cache.credentials);
        let with_vary = |response| with_vary(response, options, credentials.as_deref());
        let freshness = match plan {
            Plan::Lookup(freshness) => freshness,
            Plan::Bypass(reason) => {
                count(&call.counters(cache).bypasses);
                request.count_bypass(reason, options, cache, call.function());
                let response = work(RunMode::Inline).run().await;
                return with_vary(bypassed(cache, reason, response));
            }
        };
        let Some(mut op) = EntryOp::of(&call, mode) else {
            let reason = unusable(&call, cache, mode, has_body, options);
            let response = work(RunMode::Inline).run().await;
            return with_vary(bypassed(cache, reason, response));
        };
        let start = if is_plain {
            match find(Some(&call), &mut op, &request, options).await {
                Ok(found) => match admitted(found, cache, &request) {
                    Some(found) => return with_vary(outgoing(hit(found, cache, &request, options))),
                    None => {
                        count(&call.counters(cache).bypasses);
                        let response = work(RunMode::Inline).run().await;
                        return with_vary(bypassed(cache, BypassReason::Memory, response));
                    }
                },
                Err(start) => start,
            }
        } else {
            Box::default()
        };
        let declared = DeclaredExpiry { expire: op.expiries.value, policy: op.policy };
        if freshness.is_refresh || mode == CallMode::Refresh {
            conditions.turn_off();
        }
        let service = match start.passing() {
            Some(pass) => {
                let response = pass.run(&op, work(RunMode::Inline).run()).await;
                match pass.passed(&op, (&request, options), &declared, response) {
                    Ok(response) => return with_vary(response),
                    Err(response) => ready(response),
                }
            }
            None => service_call(work, conditions),
        };
        let (cache, options, values) = (Arc::clone(cache), Arc::clone(options), Box::new(rules));
        let rules = ExchangeRules { cache, options, declared, values, can_detach, host: None };
        let key = HandlerKey::new(Arc::clone(&call), op);
        let freshness = if mode == CallMode::Refresh { freshness.refreshed() } else { freshness };
        let key = ResponseKey::new(KeySource::Handler(Arc::new(key)));
        // Boxed, so that a hit does not carry the room that everything else needs.
        let Ok(response) = Box::pin(exchange(rules, (request, freshness), key, *start, service)).await;
        with_vary(outgoing(response))
    }
}

fn with_vary(mut response: Response, options: &ResponseOptions, credentials: Option<&str>) -> Response {
    options.add_vary(response.headers_mut(), credentials);
    response
}

/// Adds the path to the key of a call, and URL and host where arguments that hold them are left out. The path is the whole one
/// that the client sent: a middleware may have taken a parameter that is no argument.
fn name(call: &mut Call, handler: &Handler, incoming: &mut Incoming) {
    if incoming.has_body {
        return call.set_bypassed();
    }
    if !handler.has_own_key() {
        call.add_key_part(incoming.path());
        if let Some(url) = incoming.rewritten() {
            call.add_key_part(url);
        }
    }
    if call.needs_url() {
        match incoming.host() {
            Some(host) if !handler.has_own_key() => {
                call.add_key_part(incoming.url());
                call.add_key_part(&host);
            }
            // `ignore_arg_type` names an argument of a key that has no room for the URL, or the host is unclear.
            _ => call.set_bypassed(),
        }
    }
}

/// The handler as the service of an exchange. A response that replaces another is for all clients, so the handler sees no
/// conditions of this one.
fn service_call<M, F>(work: M, conditions: ConditionSwitch) -> ServiceCall<Body, Infallible>
where
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    Box::new(move |mode, known| {
        if mode == RunMode::Background || known.is_some() {
            conditions.turn_off();
        }
        let body = work(mode);
        Box::pin(async move { Ok(body.run().await) })
    })
}

/// A service call whose response is there.
fn ready(response: Response) -> ServiceCall<Body, Infallible> {
    Box::new(move |_, _| Box::pin(std::future::ready(Ok(response))))
}

/// The answer from a copy in this process, where all requests have one response.
fn local(call: &Call, request: &CacheRequest, options: &Arc<ResponseOptions>) -> Option<Response> {
    let cache = call.core().filter(|_| !options.varies())?;
    let found = local_hit::typed(call, Some(typed::<CachedResponse>()))?;
    found.as_response()?;
    let found = admitted(found, cache, request)?;
    Some(outgoing(hit(found, cache, request, options)))
}

/// The reason for which a call has no entry. Counts those for which there may never be one.
fn unusable(
    call: &Call,
    cache: &Core,
    mode: CallMode,
    has_body: bool,
    options: &ResponseOptions,
) -> BypassReason {
    match () {
        () if cache.is_closed() => BypassReason::Closed,
        () if mode == CallMode::Bypass => BypassReason::Scope,
        () if !call.when => {
            options.count_not_wanted(call.function());
            BypassReason::When
        }
        () if has_body => BypassReason::Body,
        // An argument that is ignored holds the URL, which is no part of the key.
        () if call.bypasses => BypassReason::Host,
        () => BypassReason::Key,
    }
}

/// A response that did not go through the cache.
fn bypassed(cache: &Core, reason: BypassReason, mut response: Response) -> Response {
    let status = Some(reason.status(response.status()));
    let (result, field) = (CacheResult::Bypass, &cache.status_field);
    StatusHeaders { result, field, status }.add(response.headers_mut());
    response
}
