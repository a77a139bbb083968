//! One Redis server.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::{FromRedisValue, Value};

use super::availability::{Availability, NodeStatus};
use super::failure::Failure;
use super::link::LinkState;
use super::pool::RuntimePool;
use super::request::Request;
#[cfg(feature = "axum")]
use super::shared_connection::SharedConnection;
use crate::store::redis::cause::Cause;
use crate::store::redis::config::RedisConfig;
use crate::types::breaker::Breaker;
use crate::types::denial::Denial;
use crate::types::error::Error;
use crate::types::node_health::{NodeHealth, NodeRole};

/// The number of commands of a stripe of threads that are in flight: all stripes together stay well below what a server
/// answers within a time limit.
const PLACES: usize = 256;
/// The same for large values.
const LARGE_PLACES: usize = 32;

/// One Redis server, with its connections, breaker and time limits.
pub(crate) struct Node {
    config: Arc<RedisConfig>,
    availability: Arc<Availability>,
    pool: Arc<RuntimePool>,
    /// The connections for large values, which others must not wait for. They are made at the first of them.
    large: OnceLock<Arc<RuntimePool>>,
}

impl Node {
    /// Returns a node without connections, which are made for each runtime at its first request.
    pub(crate) fn new(config: RedisConfig) -> Self {
        let config = Arc::new(config);
        let availability = Arc::new(Availability::new(Arc::clone(&config.on_change)));
        let pool = RuntimePool::new(Arc::clone(&config), Arc::clone(&availability), PLACES);
        Self { config, availability, pool, large: OnceLock::new() }
    }

    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// [`Error::Auth`] if the credentials are rejected, [`Error::Config`] if the database does not exist, and
    /// [`Error::Unavailable`] if Redis cannot be reached and the configuration requires it.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        let limit = self.config.connect_timeout;
        let failure = match self.pool.first_attempt(limit.saturating_add(Duration::from_millis(100))).await? {
            LinkState::Down { failure, .. } => failure,
            LinkState::Up(_) => return Ok(()),
            LinkState::Connecting | LinkState::NoDrivers | LinkState::Closed => Failure::no_reply(limit),
        };
        match failure.cause {
            Cause::Auth => Err(Error::Auth { message: failure.message.to_string(), source: failure.source }),
            Cause::Database => {
                let db = self.config.login.db.to_string();
                Err(Error::config("url", db, failure.message.to_string()))
            }
            _ if self.config.require => Err(failure.error()),
            _ => Ok(()),
        }
    }

    /// Sends a request over a connection of the caller's runtime.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Value, Error> {
        self.exchange(&mut request).await
    }

    /// Sends a request as [`Node::send`], and leaves it to the caller for another attempt.
    pub(crate) fn exchange<'a>(
        &'a self,
        request: &'a mut Request,
    ) -> impl Future<Output = Result<Value, Error>> + Send + 'a {
        // Confirmed commands have one connection of their own.
        let is_large = request.is_large && !request.is_confirmed;
        let pool = if is_large { self.large.get_or_init(|| self.open_large()) } else { &self.pool };
        pool.send(request)
    }

    /// Sends a ping and returns its round trip time, which is recorded.
    ///
    /// # Errors
    /// The node did not answer.
    pub(crate) async fn ping(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        let reply = self.send(Request::new("ping", self.limit(), redis::cmd("PING").into())).await;
        let latency = match reply {
            // A refusal for lack of permission is an answer, too.
            Err(Error::Redis { message, .. }) if Denial::parse(&message).is_some() => Ok(started.elapsed()),
            reply => reply.map(|_| started.elapsed()),
        };
        self.availability.pinged(latency.as_ref().ok().copied());
        latency
    }

    /// Asks for the role of the node and records it. A proxy may not know, and a user may not be allowed to ask.
    pub(crate) async fn ask_role(&self) {
        let reply = self.send(Request::new("ping", self.limit(), redis::cmd("ROLE").into())).await;
        let role = match reply.ok().map(Vec::<Value>::from_redis_value) {
            Some(Ok(role)) => role.into_iter().next().map(String::from_redis_value),
            _ => None,
        };
        self.availability.has_role(match role {
            Some(Ok(role)) if role == "master" => Some(NodeRole::Primary),
            Some(Ok(role)) if role == "slave" => Some(NodeRole::Replica),
            _ => None,
        });
    }

    /// Returns the state of the node; `role` in place of what it said itself.
    pub(crate) fn health(&self, role: Option<NodeRole>) -> NodeHealth {
        let status = self.availability.status();
        NodeHealth {
            address: self.address(),
            role: role.or(status.role).unwrap_or(NodeRole::Unknown),
            connected: status.connected == Some(true),
            breaker: self.availability.breaker(),
            latency: status.latency,
            last_error: status.last_error,
        }
    }

    /// Returns the address of the server that is used now.
    fn address(&self) -> String {
        #[cfg(feature = "sentinel")]
        if let Some(Ok(named)) = self.config.primary.as_ref().and_then(|primary| primary.naming().result) {
            return named.to_string();
        }
        self.config.address.to_string()
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
        self.availability.breaker()
    }

    /// Returns the last known state of the node.
    pub(crate) fn status(&self) -> NodeStatus {
        self.availability.status()
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// Returns the time limit of an operation of a caller.
    pub(crate) fn limit(&self) -> Duration {
        self.config.redis_timeout
    }

    fn open_large(&self) -> Arc<RuntimePool> {
        let config = Arc::new(RedisConfig { connections: 1, ..RedisConfig::clone(&self.config) });
        // The loss of these connections says nothing about the others, and shows as errors of the calls that use them.
        RuntimePool::new(config, Arc::new(Availability::unreported()), LARGE_PLACES)
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
