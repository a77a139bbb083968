//! The flow of a request: looks for a cached response, and calls the service if there is none to serve.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;

use crate::engine::computation::Computation;
use crate::engine::compute::compute;
use crate::engine::compute_input::ComputeInput;
use crate::engine::context::CallMode;
use crate::engine::lookup::Lookup;
use crate::engine::run::{execute, follow};
use crate::observe::event_kind::EventKind;
use crate::rt::background::spawn_on_current;

use super::body::CacheBody;
use super::body_error::BodyError;
use super::cached::{CachedResponse, Stored};
use super::exchange::{Exchange, ExchangeRules, ServiceCall};
use super::fetch::Fetch;
use super::find::{Selection, Start, remove};
use super::key::{KeyVariant, ResponseKey};
use super::outcome::{AsResponse, ExchangeOutcome, response_caps};
use super::pass::PassStart;
use super::request::{CacheRequest, Freshness};
use super::rfc::cache_status::ForwardReason;

/// The number of keys that a request may be led through before the service is called without the cache.
const STEPS: usize = 3;

/// Answers a request that [`find`](super::find::find) did not answer. `key` is the first key.
pub(crate) async fn exchange<B, E>(
    rules: ExchangeRules,
    (request, freshness): (CacheRequest, Freshness),
    key: ResponseKey,
    start: Start,
    service: ServiceCall<B, E>,
) -> Result<Response<CacheBody<B>>, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    let (exchange, client) = Exchange::new(rules, request, freshness, service);
    // `None` once nothing can come from there any more.
    let mut client = Some(client);
    let mut flow = Box::pin(answered(Arc::clone(&exchange), key, start));
    let first = std::future::poll_fn(|context| {
        if let Poll::Ready(outcome) = flow.as_mut().poll(context) {
            return Poll::Ready(Ok(outcome));
        }
        match client.as_mut().map(|client| Pin::new(client).poll(context)) {
            Some(Poll::Ready(Ok(response))) => Poll::Ready(Err(response)),
            Some(Poll::Ready(Err(_))) => {
                client = None;
                Poll::Pending
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await;
    match first {
        Ok(ExchangeOutcome::Delivered) => {
            Ok(client.and_then(|mut client| client.try_recv().ok()).unwrap_or_else(lost))
        }
        Ok(outcome) => exchange.reply(outcome).await.unwrap_or_else(|| Ok(lost())),
        Err(response) => {
            // The client reads while the body is collected, and may leave before it is. This is no refresh and may take as
            // long as the body does, so it takes no place among the refreshes.
            spawn_on_current(Box::pin(async move { drop(flow.await) }));
            Ok(response)
        }
    }
}

/// The outcome of an exchange. If nothing is stored after it, other requests for the key may pass.
async fn answered<B, E>(
    exchange: Arc<Exchange<B, E>>,
    base: ResponseKey,
    start: Start,
) -> ExchangeOutcome<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    let Start { variant, lookup, pass } = start;
    let first = base.first();
    let outcome = match &pass {
        Some(pass) if pass.passes() => passed(&exchange, base, pass).await,
        _ => through(Arc::clone(&exchange), base, variant, lookup).await,
    };
    if let (Some(pass), ExchangeOutcome::Uncached(_) | ExchangeOutcome::Failed(_)) = (pass, &outcome)
        && let Some(op) = first.op()
    {
        pass.refused(&op, exchange.refusal());
    }
    outcome
}

/// Stores the response of a request that passed, where that is possible.
async fn passed<B, E>(
    exchange: &Arc<Exchange<B, E>>,
    key: ResponseKey,
    pass: &PassStart,
) -> ExchangeOutcome<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    let fetch = Fetch { exchange: Arc::clone(exchange), key: key.clone(), known: None };
    let Some(op) = key.op() else { return fetch.inline().await };
    let Some((leader, lease)) = pass.claim(&op).await else {
        exchange.is_alone.store(true, Relaxed);
        return fetch.inline().await;
    };
    let (caps, input, leader, lease) = (response_caps(), ComputeInput::default(), Some(leader), Some(lease));
    let outcome = compute::<ExchangeOutcome<B, E>, AsResponse>(
        &op,
        &**exchange,
        caps,
        input,
        leader,
        lease,
        fetch.inline(),
    )
    .await;
    match exchange.store_relocated().await {
        Some(response) => ExchangeOutcome::Cached(response),
        None => outcome,
    }
}

async fn through<B, E>(
    exchange: Arc<Exchange<B, E>>,
    base: ResponseKey,
    variant: Option<KeyVariant>,
    mut lookup: Option<Lookup<CachedResponse>>,
) -> ExchangeOutcome<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    if variant.is_some() {
        exchange.note(ForwardReason::VaryMiss);
    }
    let mut key = variant.map_or_else(|| base.clone(), |variant| base.of_variant(variant));
    for _ in 0..STEPS {
        let fetch = Fetch { exchange: Arc::clone(&exchange), key: key.clone(), known: None };
        let outcome = step(fetch, lookup.take()).await;
        let relocated = exchange.store_relocated().await;
        let (ExchangeOutcome::Cached(found) | ExchangeOutcome::Stale(found)) = &outcome else {
            return outcome;
        };
        let Stored::Index(index) = found.stored() else {
            if exchange.is_selected(&key) {
                return outcome;
            }
            // It was stored here since the lookup, without its variant.
            remove(&key).await;
            if exchange.has_called.load(Relaxed) {
                return ExchangeOutcome::Delivered;
            }
            continue;
        };
        if !exchange.options().are_separated_by(&index.selectors) {
            // By other settings: its variants are not each for one user.
            remove(&key).await;
            continue;
        }
        if let Some(response) = relocated {
            return ExchangeOutcome::Cached(response);
        }
        exchange.note(ForwardReason::VaryMiss);
        key = base.of_variant(exchange.variant(index));
    }
    let fetch = Fetch { exchange, key, known: None };
    fetch.inline().await
}

/// Looks under one key, and calls the service if nothing there is to be served. `lookup` is what was found there already.
async fn step<B, E>(mut fetch: Fetch<B, E>, lookup: Option<Lookup<CachedResponse>>) -> ExchangeOutcome<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    let (exchange, key) = (Arc::clone(&fetch.exchange), fetch.key.clone());
    let Some(op) = key.op() else { return fetch.inline().await };
    let (call, caps) = (key.call(), response_caps());
    if exchange.freshness.is_storable
        && let Some(lookup) = lookup
    {
        return follow::<ExchangeOutcome<B, E>, AsResponse, _>(call, &op, lookup, caps, &*exchange, fetch)
            .await;
    }
    match exchange.select(&op, &key, lookup).await {
        Selection::Answered(outcome) => outcome,
        Selection::Compute(_, old) if !exchange.freshness.is_storable => {
            op.record(EventKind::Miss);
            old.iter().for_each(|(old, _)| fetch.offer(old));
            match (fetch.inline().await, old) {
                (ExchangeOutcome::Failed(_), Some((old, true))) => ExchangeOutcome::Stale(old),
                (outcome, _) => outcome,
            }
        }
        Selection::Compute(mode, _) => {
            if mode == CallMode::Refresh {
                exchange.note(ForwardReason::Request);
            }
            execute::<ExchangeOutcome<B, E>, AsResponse, _>(call, &op, mode, caps, &*exchange, fetch).await
        }
    }
}

/// Stands for a response that went elsewhere. It is not reached: whoever takes the response of an exchange replies.
fn lost<B: Body>() -> Response<CacheBody<B>> {
    let mut response = Response::new(CacheBody::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
