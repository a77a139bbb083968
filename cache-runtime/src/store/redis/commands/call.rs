//! One command: sent to the owner of its slot, and its reply decoded.

use std::time::Duration;

use redis::{FromRedisValue, Value};

use super::confirmed::Confirmed;
use super::decode;
use crate::store::contract::LARGE;
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

impl RedisStore {
    /// Sends a command and decodes the reply.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        limit: Duration,
        command: impl Into<Command>,
    ) -> Result<T, Error> {
        self.ask(slot, Request::new(step, limit, command.into())).await
    }

    /// Sends the command that stores an envelope of `size`.
    pub(super) async fn store<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        size: usize,
        command: impl Into<Command>,
    ) -> Result<T, Error> {
        self.ask(slot, Request::new(step, self.nodes.limit(), command.into()).large(size > LARGE)).await
    }

    /// Sends an invalidation and decodes the reply. `confirmed` gets the acknowledgements of replicas.
    pub(super) async fn invalidate<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        request: Request,
        confirmed: &mut Confirmed,
    ) -> Result<T, Error> {
        let step = request.step();
        let reply = self.nodes.send(slot, self.to_confirm(request)).await;
        self.invalidated(slot, step, reply, confirmed)
    }

    /// Returns the request of an invalidation, which replicas are to acknowledge if the settings say so.
    pub(super) fn to_confirm(&self, request: Request) -> Request {
        if self.nodes.config().confirm.is_some() { request.confirmed() } else { request }
    }

    /// Decodes the reply to an invalidation. `confirmed` gets the acknowledgements of replicas.
    pub(super) fn invalidated<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        reply: Result<Value, Error>,
        confirmed: &mut Confirmed,
    ) -> Result<T, Error> {
        let Some(confirm) = self.nodes.config().confirm else { return self.decoded(slot, step, reply) };
        let (reply, acknowledged) = self.decoded(slot, step, reply)?;
        confirmed.add(acknowledged, confirm.replicas);
        Ok(reply)
    }

    /// Sends a request and decodes the reply.
    pub(super) async fn ask<T: FromRedisValue>(&self, slot: Slot<'_>, request: Request) -> Result<T, Error> {
        let step = request.step();
        let reply = self.nodes.send(slot, request).await;
        self.decoded(slot, step, reply)
    }

    /// Decodes a reply, or replaces the connections if the reply has a form that its command cannot have.
    pub(super) fn decoded<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        reply: Result<Value, Error>,
    ) -> Result<T, Error> {
        decode::decode(step, reply?).inspect_err(|_| self.nodes.reset_connections(slot))
    }

    /// Sends a request for keys of one slot, which fails as [`is_halved`] says if they are on two nodes.
    pub(super) async fn send_whole(&self, slot: Slot<'_>, request: Request) -> Result<Value, Error> {
        self.nodes.send(slot, request.failing_halved()).await
    }

    /// Returns the decoded reply, or replaces the connections if the reply had a form that its command cannot have.
    pub(super) fn known<T>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        decoded: Option<T>,
    ) -> Result<T, Error> {
        decoded.ok_or_else(|| {
            self.nodes.reset_connections(slot);
            Error::Redis { step, message: "the reply has an unexpected form".to_owned(), source: None }
        })
    }
}

/// Returns `true` for the error of a command whose keys are on two nodes, because their slot is being moved. Commands for one
/// key each find them.
pub(super) fn is_halved(error: &Error) -> bool {
    matches!(error, Error::Redis { message, .. } if message.starts_with("TRYAGAIN"))
}
