//! Memory for cached bodies on their way to clients.

use std::sync::Arc;

use http::Method;
use http_body::Body;

use crate::engine::core::Core;

use super::body_budget::UNCOUNTED;
use super::cached::CachedResponse;
use super::exchange::{Exchange, lock};
use super::request::CacheRequest;

/// The response with a body whose memory is counted until its client has it; `None` if there is no room for it, and the
/// client reads it from the service.
pub(crate) fn admitted(found: CachedResponse, core: &Core, request: &CacheRequest) -> Option<CachedResponse> {
    if !sends_body(&found, request) {
        return Some(found);
    }
    let body = core.sent_bodies.admit(found.body())?;
    Some(found.with_body(body))
}

impl<B: Body, E> Exchange<B, E> {
    /// [`admitted`] for a response of this exchange; `None` only if the service was not called yet.
    pub(super) fn admit(&self, found: CachedResponse) -> Option<CachedResponse> {
        let memory = lock(&self.memory).as_ref().map(|memory| Arc::clone(&memory.sending));
        if memory.is_none() && self.has_service() {
            return admitted(found, &self.rules.cache, &self.request);
        }
        if !sends_body(&found, &self.request) {
            return Some(found);
        }
        // A body that was collected here is counted already. A stale one where the service failed has no other way out.
        let body = self.rules.cache.sent_bodies.admit_with(found.body(), memory);
        Some(found.with_body(body))
    }

    /// Takes memory for a stale response that may be served, and returns whether there is room for it.
    pub(super) fn has_room(&self, known: &CachedResponse) -> bool {
        let body = self.rules.cache.sent_bodies.admit(known.body());
        let has_room = body.is_some();
        *lock(&self.known_body) = body;
        has_room
    }
}

/// Returns whether the body of a response is sent, and counted.
fn sends_body(found: &CachedResponse, request: &CacheRequest) -> bool {
    found.body().len() > UNCOUNTED
        && request.method == Method::GET
        && !request.knows(found.status(), found.headers())
}
