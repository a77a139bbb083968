//! Storing a response under another key than the one that was looked up.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http_body::Body;

use crate::engine::compute::compute;
use crate::engine::compute_input::ComputeInput;
use crate::engine::flight::Role;
use crate::engine::snapshot::Snapshot;
use crate::store::LeaseMode;

use super::body_error::BodyError;
use super::cached::{CachedResponse, VaryIndex};
use super::exchange::{Exchange, Relocated, lock};
use super::key::ResponseKey;
use super::outcome::{AsResponse, ExchangeOutcome, response_caps};

impl<B: Body, E> Exchange<B, E> {
    /// Notes a response that an index under `key` leads to. The flight is joined before anybody reads the index, so that
    /// those who want the same variant wait for this response.
    pub(super) fn relocate(&self, response: CachedResponse, index: &VaryIndex, key: &ResponseKey) {
        let key = key.of_variant(self.variant(index));
        let leader = key.op().and_then(|op| {
            let flights = &op.core.flights;
            let tick = flights.tick(op.key.as_str());
            let snapshot = Snapshot { tick, ..Snapshot::default() };
            match flights.join(op.key.as_str(), &snapshot, 0) {
                Role::Lead(leader) => Some(leader),
                Role::Follow(_) | Role::Queue(_) | Role::Neighbor(_) | Role::Full | Role::Beside => None,
            }
        });
        *lock(&self.relocated) = Some(Relocated { response, key, leader });
    }
}

impl<B, E> Exchange<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    /// Stores a relocated response under its own key, passes it to those who wait for it there, and returns it.
    pub(super) async fn store_relocated(&self) -> Option<CachedResponse> {
        let Relocated { response, key, leader } = lock(&self.relocated).take()?;
        if self.is_alone.load(Relaxed) {
            // Nothing would lead to it.
            return Some(response);
        }
        let Some(op) = key.op() else { return Some(response) };
        // A failure is counted, and those who wait get the response all the same. Nothing that was dropped meanwhile comes
        // back: the key holds the stamp of its index, which is gone with it.
        let lease = op.lease(LeaseMode::Miss, &[]).await.ok().and_then(Result::ok);
        let ready = std::future::ready(ExchangeOutcome::<B, E>::Cached(response.clone()));
        let (caps, input) = (response_caps(), ComputeInput::default());
        let computed =
            compute::<ExchangeOutcome<B, E>, AsResponse>(&op, self, caps, input, leader, lease, ready);
        drop(computed.await);
        Some(response)
    }
}
