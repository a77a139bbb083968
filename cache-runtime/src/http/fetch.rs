//! The computation of a response: calling the service.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http_body::Body;

use crate::engine::computation::Computation;
use crate::engine::entry_op::EntryOp;
use crate::engine::flight::Leader;
use crate::engine::follower::Follower;
use crate::engine::refresh::{refresh, refreshed};
use crate::engine::snapshot::Snapshot;
use crate::rt::stack::BoxFuture;
use crate::site::body::RunMode;
use crate::types::stamp::Stamp;

use super::body_error::BodyError;
use super::cached::CachedResponse;
use super::exchange::{Exchange, lock};
use super::key::ResponseKey;
use super::outcome::{AsResponse, ExchangeOutcome, response_caps};

/// The computation of the response to a request, for one key.
pub(super) struct Fetch<B: Body, E> {
    pub(super) exchange: Arc<Exchange<B, E>>,
    pub(super) key: ResponseKey,
    /// A stale response that the service may find to be still good.
    pub(super) known: Option<CachedResponse>,
}

impl<B, E> Computation<CachedResponse> for Fetch<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    type Output = ExchangeOutcome<B, E>;
    type Running = BoxFuture<'static, ExchangeOutcome<B, E>>;

    fn can_detach(&self) -> bool {
        self.exchange.rules.can_detach
    }

    fn lane(&self) -> u64 {
        if self.key.index().is_none() { self.exchange.lane() } else { 0 }
    }

    fn share_stamp(&mut self, stamp: Stamp) {
        *lock(&self.exchange.index_stamp) = Some(stamp);
    }

    fn is_alone(&mut self) {
        self.exchange.is_alone.store(true, Relaxed);
    }

    fn offer(&mut self, response: &CachedResponse) {
        let is_selected = self.exchange.is_selected(&self.key);
        self.known = response.as_response().filter(|_| is_selected).map(|_| response.clone());
    }

    fn inline(self) -> BoxFuture<'static, ExchangeOutcome<B, E>> {
        Box::pin(self.fetched())
    }

    fn revalidate(
        mut self,
        op: &EntryOp<'_>,
        snapshot: Snapshot,
        known: Option<&CachedResponse>,
    ) -> Option<Follower> {
        let (leader, follower) = match refreshed(op, &snapshot) {
            Ok(leads) => leads,
            Err(follower) => return follower,
        };
        known.inspect(|known| self.offer(known));
        self.detach(op, leader, snapshot);
        Some(follower)
    }
}

impl<B, E> Fetch<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
    E: Send + 'static,
{
    /// Calls the service in the background. Does nothing where it cannot.
    fn detach(self, op: &EntryOp<'_>, leader: Leader, snapshot: Snapshot) {
        let background = &op.core.background;
        if !background.has_room() || !self.exchange.is_selected(&self.key) {
            return;
        }
        let Self { exchange, key, known } = self;
        // Where there is no room for the stale body, the client reads a new one from the service.
        if known.as_ref().is_some_and(|known| !exchange.has_room(known)) {
            return;
        }
        let Some(service) = exchange.take_service() else { return };
        // The client has its response, and does not wait for this one.
        drop(exchange.take_client());
        let response = service(RunMode::Background, known.as_ref());
        background.spawn_on_current(Box::pin(async move {
            let Some(op) = key.op() else { return };
            let received = Box::pin(exchange.receive(response, known, &key));
            let caps = response_caps();
            refresh::<ExchangeOutcome<B, E>, AsResponse>(&op, leader, snapshot, caps, &*exchange, received)
                .await;
            exchange.store_relocated().await;
        }));
    }

    async fn fetched(self) -> ExchangeOutcome<B, E> {
        let Self { exchange, key, known } = self;
        let Some(service) = exchange.take_service() else { return ExchangeOutcome::Delivered };
        exchange.has_called.store(true, Relaxed);
        exchange.had_known.store(known.is_some(), Relaxed);
        // Where there is no room for the stale body, the service sends a new one.
        let confirmable = known.as_ref().filter(|known| exchange.has_room(known));
        let response = service(RunMode::Inline, confirmable);
        exchange.receive(response, known, &key).await
    }
}
