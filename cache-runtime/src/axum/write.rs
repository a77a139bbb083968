//! Write: what `#[cache_evict(response)]` and `#[cache_put(response)]` do around a handler of axum.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use crate::codegen::{Evict, Put};
use crate::engine::context::CallMode;
use crate::http::{CachedResponse, store};
use crate::rt::io;
use crate::site::rules::ValueRules;

use super::response::outgoing;

/// Runs a handler, and invalidates when its response says that it succeeded, before that response is sent.
pub async fn evict_response(evict: Evict, respond: impl Future<Output = Response>) -> Response {
    if CallMode::current() == CallMode::Bypass {
        return respond.await;
    }
    let evict = Arc::new(evict);
    if evict.is_before() {
        evict.carry_out().await;
    }
    let response = respond.await;
    if succeeded(response.status()) {
        // To the end, since the change that it follows was made already.
        io::run_to_end(async move { evict.carry_out().await }).await;
    }
    response
}

/// Runs a handler, and keeps its response in the place of another's when it succeeded.
pub async fn put_response<A>(put: Put, rules: A, respond: impl Future<Output = Response>) -> Response
where
    A: ValueRules<CachedResponse> + Send + Sync,
{
    let response = respond.await;
    // One that changed nothing wrote nothing.
    let wrote = succeeded(response.status()) && response.status() != StatusCode::NOT_MODIFIED;
    if !wrote || CallMode::current() == CallMode::Bypass {
        return response;
    }
    outgoing(store(put, rules, response).await)
}

/// A status that says that what was to be changed was changed.
fn succeeded(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}
