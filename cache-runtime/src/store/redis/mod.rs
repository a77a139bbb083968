//! The Redis tier: entries live in Redis, and no trouble of Redis holds a caller up.
//!
//! A [`Link`](link::Link) is a set of multiplexed connections with a supervisor that re-establishes them; there is one
//! for each tokio runtime that calls, and one on larder's own runtime for everybody else ([`lane`]). A link that is
//! down answers at once, without any I/O: the supervisor's next attempt is the only probe.

mod backoff;
mod batch;
mod config;
mod conns;
mod decode;
mod desk;
mod failure;
mod health;
mod lane;
mod link;
mod open;
mod ops;
mod request;
mod script;
mod stream;
mod supervise;
#[cfg(test)]
mod tests;
mod url;

use std::sync::Arc;
use std::time::Duration;

use crate::types::error::Error;
use crate::types::key::Key;

use self::{failure::Cause, lane::Lanes, link::State};

pub(crate) use self::stream::{Changes, Tracking};
pub(crate) use self::{
    config::RedisConfig,
    health::{Change, Status},
    stream::Watched,
    url::Endpoint,
};

/// Entries in one Redis server.
pub(crate) struct Redis {
    lanes: Arc<Lanes>,
    watch: stream::Watch,
}

impl Redis {
    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// [`Error::Auth`] when the credentials are rejected, [`Error::Config`] when there is no such database, and
    /// [`Error::Unavailable`] when Redis cannot be reached and the configuration requires it.
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        let (limit, require, db) = (config.connect_timeout, config.require, config.endpoint.db);
        let lanes = Lanes::new(config);
        let redis = Self { watch: stream::Watch::new(Arc::clone(lanes.config())), lanes };
        let failure =
            match redis.lanes.first_attempt(limit.saturating_add(Duration::from_millis(100))).await? {
                State::Down { failure, .. } => failure,
                State::Up(_) => return Ok(redis),
                State::Connecting | State::Bare | State::Dead => failure::Failure::no_answer(limit),
            };
        match failure.cause {
            Cause::Auth => Err(Error::Auth { message: failure.message.to_string(), source: failure.source }),
            Cause::Database => Err(Error::config("url", db.to_string(), failure.message.to_string())),
            Cause::Unreachable if require => Err(failure.error()),
            Cause::Unreachable => Ok(redis),
        }
    }

    /// Whether Redis answered last, and what was wrong when it did not.
    pub(crate) fn status(&self) -> Status {
        self.lanes.status()
    }

    /// A place to wait for the next change of `key`; `None` when nobody can tell of it.
    pub(crate) async fn watch(&self, key: &Key) -> Option<Watched> {
        self.watch.register(key.as_str()).await
    }

    /// A connection that is up, for commands that are not ours; `None` when Redis cannot be reached now.
    #[cfg(feature = "axum")]
    pub(crate) async fn connection(&self) -> Option<redis::aio::MultiplexedConnection> {
        self.lanes.connection(self.limit()).await
    }

    /// The settings, for a stream beside the connections.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        self.lanes.config()
    }

    /// The longest that an operation of a caller may take.
    pub(crate) fn limit(&self) -> Duration {
        self.lanes.config().redis_timeout
    }

    /// The longest that one step of a walk over keys may take: nobody's request waits for it.
    fn long_limit(&self) -> Duration {
        self.limit() * 10
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("config", self.lanes.config()).field("status", &self.status()).finish()
    }
}
