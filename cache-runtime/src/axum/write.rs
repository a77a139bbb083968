//! `#[cache_evict(response)]` and `#[cache_put(response)]` around a handler.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use crate::codegen::{Evict, LateTargets, Put};
use crate::engine::context::CallMode;
use crate::engine::entry_write::EntryWrite;
use crate::http::{CachedResponse, EtagKind, store};
use crate::rt::stack::BoxFuture;
use crate::site::rules::ValueRules;

use super::response::outgoing;

/// A response, with what the value of its handler names if the attribute has closures of the value.
pub trait Responded {
    /// Returns the two.
    fn into_parts(self) -> (Response, LateTargets);
}

impl Responded for Response {
    fn into_parts(self) -> (Response, LateTargets) {
        (self, LateTargets::none())
    }
}

impl Responded for (Response, LateTargets) {
    fn into_parts(self) -> (Response, LateTargets) {
        self
    }
}

/// Runs a handler, and invalidates before its response is sent if its status is a success.
pub async fn evict_response(mut evict: Evict, respond: impl Future<Output: Responded>) -> Response {
    if CallMode::current() == CallMode::Bypass {
        return respond.await.into_parts().0;
    }
    let guard = evict.guard();
    if evict.is_before() {
        evict.carry_out().await;
    }
    let (response, targets) = respond.await.into_parts();
    guard.finish();
    if succeeded(response.status()) {
        evict.add(targets);
        // Not cancelled with the request: the change before it took place.
        evict.carry_out_to_end().await;
    }
    response
}

/// Runs a handler, and stores its response in place of another handler's if its status is a success.
pub async fn put_response<A>(
    put: Put,
    rules: A,
    etag: EtagKind,
    respond: impl Future<Output = Response>,
) -> Response
where
    A: ValueRules<CachedResponse> + Send + Sync,
{
    if CallMode::current() == CallMode::Bypass {
        return respond.await;
    }
    let put = Arc::new(put);
    if CallMode::current() == CallMode::Deferred {
        return put_deferred(&put, respond).await;
    }
    let guard = put.guard();
    let entry_write = put.begin().await;
    let response = entry_write.run(respond).await;
    let response = written((Arc::clone(&put), entry_write), &rules, etag, response).await;
    guard.finish();
    response
}

/// [`put_response`] in a transaction, after which the entry is removed.
async fn put_deferred(put: &Put, respond: impl Future<Output = Response>) -> Response {
    let guard = put.guard();
    let response = respond.await;
    if is_written(&response) {
        match put.target() {
            // The transaction collects it.
            Ok(entry) => drop(entry.invalidate().await),
            Err(error) => put.report(&error),
        }
    }
    guard.finish();
    response
}

/// The response as it is sent, once it is stored.
fn written(
    write: (Arc<Put>, EntryWrite),
    rules: &(dyn ValueRules<CachedResponse> + Send + Sync),
    etag: EtagKind,
    response: Response,
) -> BoxFuture<'_, Response> {
    if !is_written(&response) {
        return Box::pin(std::future::ready(response));
    }
    Box::pin(async move { outgoing(store(write, rules, etag, response).await) })
}

/// Returns whether a response is the result of a write.
fn is_written(response: &Response) -> bool {
    // `304` means that nothing was written.
    succeeded(response.status()) && response.status() != StatusCode::NOT_MODIFIED
}

/// Returns whether a status means that the change took place.
fn succeeded(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}
