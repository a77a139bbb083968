//! One Redis server.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::Value;

use super::failure::Failure;
use super::health::{NodeHealth, NodeStatus};
use super::link::LinkState;
use super::pool::RuntimePool;
use super::request::Request;
#[cfg(feature = "axum")]
use super::shared_connection::SharedConnection;
use crate::store::redis::cause::Cause;
use crate::store::redis::config::RedisConfig;
use crate::types::breaker::Breaker;
use crate::types::error::Error;

/// The number of commands of a stripe of threads that are in flight: all stripes together stay well below what a server
/// answers within a time limit.
const PLACES: usize = 256;
/// The same for large values.
const LARGE_PLACES: usize = 32;

/// One Redis server, with its connections, breaker and time limits.
pub(crate) struct Node {
    config: Arc<RedisConfig>,
    health: Arc<NodeHealth>,
    pool: Arc<RuntimePool>,
    /// The connections for large values, which others must not wait for. They are made at the first of them.
    large: OnceLock<Arc<RuntimePool>>,
}

impl Node {
    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// [`Error::Auth`] if the credentials are rejected, [`Error::Config`] if the database does not exist, and
    /// [`Error::Unavailable`] if Redis cannot be reached and the configuration requires it.
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        let config = Arc::new(config);
        let health = Arc::new(NodeHealth::new(Arc::clone(&config.on_change)));
        let pool = RuntimePool::new(Arc::clone(&config), Arc::clone(&health), PLACES);
        let node = Self { config, health, pool, large: OnceLock::new() };
        let limit = node.config.connect_timeout;
        let failure = match node.pool.first_attempt(limit.saturating_add(Duration::from_millis(100))).await? {
            LinkState::Down { failure, .. } => failure,
            LinkState::Up(_) => return Ok(node),
            LinkState::Connecting | LinkState::NoDrivers | LinkState::Closed => Failure::no_reply(limit),
        };
        match failure.cause {
            Cause::Auth => Err(Error::Auth { message: failure.message.to_string(), source: failure.source }),
            Cause::Database => {
                let db = node.config.login.db.to_string();
                Err(Error::config("url", db, failure.message.to_string()))
            }
            _ if node.config.require => Err(failure.error()),
            _ => Ok(node),
        }
    }

    /// Sends a request over a connection of the caller's runtime.
    pub(crate) fn send(&self, request: Request) -> impl Future<Output = Result<Value, Error>> + Send + '_ {
        // Confirmed commands have one connection of their own.
        let is_large = request.is_large && !request.is_confirmed;
        let pool = if is_large { self.large.get_or_init(|| self.open_large()) } else { &self.pool };
        pool.send(request)
    }

    /// Replaces the connections of the caller after a reply of a form that its command cannot have. If the server sent one
    /// reply too many, all later ones belong to other commands, and on a busy connection that does not end by itself.
    pub(crate) fn reset_connections(&self) {
        self.pool.reset_connections();
        self.large.get().inspect(|pool| pool.reset_connections());
    }

    /// Returns a connection for commands of the application; `None` if the node cannot be reached now.
    #[cfg(feature = "axum")]
    pub(crate) async fn connection(&self) -> Option<SharedConnection> {
        let connection = self.pool.connection(self.limit()).await?;
        Some(SharedConnection::new(connection, self.limit()))
    }

    /// Returns the state of the breaker, without any I/O.
    pub(crate) fn breaker(&self) -> Breaker {
        self.health.breaker()
    }

    /// Returns the last known state of the node.
    pub(crate) fn status(&self) -> NodeStatus {
        self.health.status()
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// Returns the time limit of an operation of a caller.
    pub(crate) fn limit(&self) -> Duration {
        self.config.redis_timeout
    }

    /// Returns the time limit of one step of a scan, which no cached call waits for.
    pub(crate) fn scan_limit(&self) -> Duration {
        self.config.redis_timeout * 10
    }

    fn open_large(&self) -> Arc<RuntimePool> {
        let config = Arc::new(RedisConfig { connections: 1, ..RedisConfig::clone(&self.config) });
        // The loss of these connections says nothing about the others, and shows as errors of the calls that use them.
        RuntimePool::new(config, Arc::new(NodeHealth::unreported()), LARGE_PLACES)
    }

    /// Returns the number of links.
    #[cfg(test)]
    pub(crate) fn links(&self) -> usize {
        self.pool.len()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("config", &self.config).field("status", &self.status()).finish()
    }
}
