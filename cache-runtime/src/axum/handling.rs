//! A request to a cached handler on its way to the store or to the handler. Nothing here depends on the handler's types, so it is
//! compiled once for all handlers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::local_hit;
use crate::http::{
    BypassReason, CacheRequest, CacheResult, CachedResponse, DeclaredExpiry, ExchangeRules, Freshness,
    HandlerKey, KeySource, Plan, ResponseKey, ResponseOptions, ServiceCall, Start, StatusHeaders, admitted,
    exchange, find, hit,
};
use crate::observe::event_kind::EventKind;
use crate::rt::stack::BoxFuture;
use crate::site::body::RunMode;
use crate::site::rules::ValueRules;
use crate::site::value_caps::typed;

use super::conditions::ConditionSwitch;
use super::handler::Handler;
use super::incoming::Incoming;
use super::response::outgoing;

/// The beginning of a request that is no hit in this process.
pub(super) struct RequestStart {
    plan: Option<Plan>,
    mode: CallMode,
    /// Any fresh response will do.
    is_plain: bool,
    /// The request has a body that no key holds.
    has_body: bool,
}

/// The hit in this process.
pub(super) fn at_once(
    call: &mut Call,
    handler: &'static Handler,
    incoming: &mut Incoming,
) -> Result<Response, RequestStart> {
    let has_body = incoming.has_body || call.bypasses;
    name(call, handler, incoming);
    incoming.request.is_personal = call.is_personal();
    let options = handler.options(call.policy());
    let plan = call.core().map(|cache| {
        if incoming.request.plan_reads_headers(options, cache) {
            incoming.read_headers();
        }
        incoming.request.plan(options, cache)
    });
    let mode = CallMode::current();
    let is_plain =
        mode == CallMode::Normal && matches!(&plan, Some(Plan::Lookup(freshness)) if freshness.is_plain());
    match is_plain.then(|| local(call, &incoming.request, options)).flatten() {
        Some(response) => Ok(response),
        None => Err(RequestStart { plan, mode, is_plain, has_body }),
    }
}

pub(super) fn looked_up(
    call: Call,
    options: &'static Arc<ResponseOptions>,
    mut incoming: Incoming,
    can_detach: bool,
    start: RequestStart,
) -> BoxFuture<'static, Looked> {
    incoming.read_headers();
    let Incoming { request, conditions, .. } = incoming;
    // The call has a box of its own, so that the future is small enough for an allocator to serve without a lock.
    let handling = HandlerCall { call: Arc::new(call), options, request, conditions, can_detach };
    Box::pin(handling.look(start))
}

/// The result of the lookup.
pub enum Looked {
    /// The response is there.
    Has(Response),
    /// The handler runs.
    Later(Box<Later>),
}

/// A request for which the handler runs.
pub struct Later {
    handling: HandlerCall,
    way: Way,
}

/// The way of a request to the handler.
#[expect(clippy::large_enum_variant, reason = "it is boxed with the rest of the request")]
enum Way {
    /// Without the cache, for this reason.
    Bypass(Option<BypassReason>),
    /// Through the cache.
    Exchange { key: ResponseKey, start: Box<Start>, freshness: Freshness, declared: DeclaredExpiry },
}

/// The parts of a request that are the handler's own: `unless` and `expire_with`, and the handler.
pub(super) type OwnParts = (Box<dyn ValueRules<CachedResponse> + Send + Sync>, Work);

/// The handler, which is called at most once.
type Work = Box<dyn FnOnce(RunMode) -> BoxFuture<'static, Response> + Send>;

/// A request on its way to the store or to the handler.
struct HandlerCall {
    call: Arc<Call>,
    options: &'static Arc<ResponseOptions>,
    request: CacheRequest,
    conditions: ConditionSwitch,
    can_detach: bool,
}

impl HandlerCall {
    async fn look(self, RequestStart { plan, mode, is_plain, has_body }: RequestStart) -> Looked {
        let Self { call, options, request, .. } = &self;
        let (Some(plan), Some(cache)) = (plan, call.core()) else {
            call.warn_if_early();
            return self.later(Way::Bypass(None));
        };
        let freshness = match plan {
            Plan::Lookup(freshness) => freshness,
            Plan::Bypass(reason) => {
                call.record(cache, EventKind::Bypass);
                request.count_bypass(reason, options, cache, call.function());
                return self.later(Way::Bypass(Some(reason)));
            }
        };
        let Some(mut op) = EntryOp::of(call, mode) else {
            let reason = unusable(call, cache, mode, has_body, options);
            return self.later(Way::Bypass(Some(reason)));
        };
        let start = if is_plain {
            match find(Some(call), &mut op, request, options).await {
                Ok(found) => match admitted(found, cache, request) {
                    Some(found) => {
                        let response = outgoing(hit(found, cache, request, options));
                        return Looked::Has(self.with_vary(response));
                    }
                    None => {
                        call.record(cache, EventKind::Bypass);
                        drop(op);
                        return self.later(Way::Bypass(Some(BypassReason::Memory)));
                    }
                },
                Err(start) => start,
            }
        } else {
            Box::default()
        };
        let declared = DeclaredExpiry { expire: op.expiries.value, policy: *op.policy };
        if freshness.is_refresh || mode == CallMode::Refresh {
            self.conditions.turn_off();
        }
        let key = HandlerKey::new(Arc::clone(call), op);
        let freshness = if mode == CallMode::Refresh { freshness.refreshed() } else { freshness };
        let key = ResponseKey::new(KeySource::Handler(Arc::new(key)));
        self.later(Way::Exchange { key, start, freshness, declared })
    }

    fn later(self, way: Way) -> Looked {
        Looked::Later(Box::new(Later { handling: self, way }))
    }

    fn with_vary(&self, response: Response) -> Response {
        with_vary(response, self.options, self.told_credentials().as_deref())
    }

    fn told_credentials(&self) -> Option<Box<str>> {
        let cache = self.call.core()?;
        self.options.told_credentials(&self.request.headers, &cache.credentials)
    }

    /// Sends the request through the cache.
    async fn exchange(
        self,
        (key, start): (ResponseKey, Box<Start>),
        freshness: Freshness,
        (declared, values): (DeclaredExpiry, Box<dyn ValueRules<CachedResponse> + Send + Sync>),
        work: Work,
    ) -> Response {
        let credentials = self.told_credentials();
        let Self { call, options, request, conditions, can_detach } = self;
        let Some(cache) = call.core() else { return work(RunMode::Inline).await };
        let with_vary = |response| with_vary(response, options, credentials.as_deref());
        let service = match start.passing().zip(key.op()) {
            Some((pass, op)) => {
                let response = pass.run(&op, work(RunMode::Inline)).await;
                match pass.passed(&op, (&request, options), &declared, response) {
                    Ok(response) => return with_vary(response),
                    Err(response) => ready(response),
                }
            }
            None => service_call(work, conditions),
        };
        let (cache, options) = (Arc::clone(cache), Arc::clone(options));
        let rules = ExchangeRules { cache, options, declared, values, can_detach, host: None };
        let Ok(response) = exchange(rules, (request, freshness), key, *start, service).await;
        with_vary(outgoing(response))
    }
}

impl Later {
    /// Runs the handler.
    pub(super) fn run(
        self: Box<Self>,
        rules: Box<dyn ValueRules<CachedResponse> + Send + Sync>,
        work: Work,
    ) -> BoxFuture<'static, Response> {
        Box::pin(async move {
            let Self { handling, way } = *self;
            match way {
                Way::Bypass(reason) => {
                    let response = work(RunMode::Inline).await;
                    let response = match (reason, handling.call.core()) {
                        (Some(reason), Some(cache)) => bypassed(cache, reason, response),
                        _ => response,
                    };
                    handling.with_vary(response)
                }
                Way::Exchange { key, start, freshness, declared } => {
                    handling.exchange((key, start), freshness, (declared, rules), work).await
                }
            }
        })
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
fn service_call(work: Work, conditions: ConditionSwitch) -> ServiceCall<Body, Infallible> {
    Box::new(move |mode, known| {
        if mode == RunMode::Background || known.is_some() {
            conditions.turn_off();
        }
        let body = work(mode);
        Box::pin(async move { Ok(body.await) })
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
        () if mode.bypasses() => BypassReason::Scope,
        () if !cache.is_enabled => BypassReason::Disabled,
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
