//! Connections apart from those that calls share, for commands that block and for subscriptions.

use std::time::Duration;

use redis::{Cmd, FromRedisValue, ProtocolVersion, PushInfo, RedisError, RedisResult};
use tokio::time::timeout;

use crate::store::redis::connect::{Connection, Diagnosis, Failure, describe, diagnose};
use crate::store::redis::location::Locator;
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

/// A connection to the owner of a slot, of one task. It ends when it is dropped.
pub(crate) struct Dedicated {
    connection: Connection,
    locator: Locator,
}

impl RedisStore {
    /// Opens a connection to the owner of a slot. To be called on larder's own runtime.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is no owner now, or if it cannot be reached.
    pub(crate) async fn dedicated(
        &self,
        slot: u16,
        protocol: ProtocolVersion,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Dedicated, Error> {
        let topology = self.nodes.topology();
        let owner = match self.nodes.is_sharded() {
            true => topology.owner(Slot::Number(slot).number()),
            false => topology.primaries().first(),
        };
        let node = owner.and_then(|owner| self.nodes.node(owner));
        let node = node.ok_or_else(|| Error::unavailable("no node that is known owns the slot"))?;
        let mut locator = Locator::new(node.config().clone());
        let config = locator.locate().map_err(|unlocated| Error::unavailable(unlocated.message))?;
        let open = timeout(config.connect_timeout, Connection::open(&config, protocol, on_push));
        let opened = locator.attempt(open).await.ok_or_else(moved)?;
        let opened = opened.map_err(|_| Failure::no_reply(config.connect_timeout).error())?;
        Ok(Dedicated { connection: opened.map_err(|error| failed("connect", &error))?, locator })
    }

    /// Asks for the owners of the slots soon, because a connection of a slot was lost or redirected.
    pub(crate) fn distrust_owners(&self) {
        self.nodes.refresh();
    }

    /// Returns the time limit of an operation of a caller.
    pub(crate) fn limit(&self) -> Duration {
        self.nodes.limit()
    }
}

impl Dedicated {
    /// Sends a command and decodes the reply.
    ///
    /// # Errors
    /// [`Error::Redis`] for a refusal; all others end the connection.
    pub(crate) async fn query<T: FromRedisValue>(
        &mut self,
        step: &'static str,
        limit: Duration,
        cmd: &Cmd,
    ) -> Result<T, Error> {
        let Self { connection, locator } = self;
        replied(locator, step, limit, connection.query(cmd)).await
    }

    /// Subscribes to a channel, whose messages are pushed, or ends the subscription.
    ///
    /// # Errors
    /// As [`Dedicated::query`].
    pub(crate) async fn set_subscribed(
        &mut self,
        channel: &str,
        is_subscribed: bool,
        limit: Duration,
    ) -> Result<(), Error> {
        let Self { connection, locator } = self;
        match is_subscribed {
            true => replied(locator, "subscribe", limit, connection.subscribe(channel)).await,
            false => replied(locator, "unsubscribe", limit, connection.unsubscribe(channel)).await,
        }
    }

    /// Checks that the server answers.
    ///
    /// # Errors
    /// It does not.
    pub(crate) async fn ping(&mut self, limit: Duration) -> Result<(), Error> {
        let Self { connection, locator } = self;
        replied(locator, "ping", limit, connection.ping()).await
    }
}

/// Waits for a reply, at most for `limit` and for as long as the server is the one to use.
async fn replied<T>(
    locator: &Locator,
    step: &'static str,
    limit: Duration,
    reply: impl Future<Output = RedisResult<T>>,
) -> Result<T, Error> {
    let reply = locator.attempt(timeout(limit, reply)).await.ok_or_else(moved)?;
    reply.map_err(|_| Error::Timeout { step, limit })?.map_err(|error| failed(step, &error))
}

fn moved() -> Error {
    Error::unavailable("redis has moved to another server")
}

fn failed(step: &'static str, error: &RedisError) -> Error {
    match diagnose(error) {
        Diagnosis::Broken => Failure::from_redis(error).error(),
        Diagnosis::Refused | Diagnosis::Replica => {
            Error::Redis { step, message: describe(error), source: None }
        }
    }
}
