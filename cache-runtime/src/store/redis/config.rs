//! The settings of the connections to Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cause::Cause;
#[cfg(feature = "sentinel")]
use super::sentinel::primary::NamedPrimary;
#[cfg(feature = "sentinel")]
use super::url::SentinelServers;
use super::url::{Address, Login, Servers, Target};
use crate::observe::trace;
use crate::store::settings::{Confirm, StoreSettings};
use crate::types::error::Error;

/// A change of the availability of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Redis answers.
    Connected,
    /// Redis cannot be used.
    Lost {
        /// The kind of failure.
        cause: Cause,
        /// The failure that was seen.
        message: String,
    },
}

/// A callback for [`Change`]s.
pub(crate) type OnChange = Arc<dyn Fn(Change) + Send + Sync>;

/// The settings of the connections to Redis.
#[derive(Clone)]
pub(crate) struct RedisConfig {
    /// The address of the server. Where sentinels name the server, that of one sentinel: a [`Locator`] has the server's.
    ///
    /// [`Locator`]: super::location::Locator
    pub(crate) address: Address,
    /// The server that sentinels name; `None` if the address is fixed.
    #[cfg(feature = "sentinel")]
    pub(crate) primary: Option<Arc<NamedPrimary>>,
    /// The database and the user.
    pub(crate) login: Login,
    /// The number of connections that the calls of one runtime are spread over; at least one is made.
    pub(crate) connections: usize,
    /// The time limit of one operation.
    pub(crate) redis_timeout: Duration,
    /// The time limit of one attempt to connect, from name resolution to the reply to a `PING`.
    pub(crate) connect_timeout: Duration,
    /// Makes an unreachable server an error at start-up.
    pub(crate) require: bool,
    /// The replicas that are to acknowledge each invalidation.
    pub(crate) confirm: Option<Confirm>,
    /// The name of the connections in `CLIENT LIST`.
    pub(crate) client_name: Option<String>,
    /// Called once per transition, from a task of a connection. The callback must not block.
    pub(crate) on_change: OnChange,
}

impl RedisConfig {
    /// Returns the default settings for a server.
    pub(crate) fn new(address: Address, login: Login) -> Self {
        Self {
            address,
            #[cfg(feature = "sentinel")]
            primary: None,
            login,
            connections: 1,
            redis_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            require: false,
            confirm: None,
            client_name: None,
            on_change: Arc::new(|_| {}),
        }
    }

    /// Returns the settings of a cache, with changes reported as events.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub(crate) fn from_settings(settings: &StoreSettings) -> Result<Self, Error> {
        let Target { servers, login } = Target::parse(&settings.url)?;
        let (config, server) = match servers {
            Servers::One(address) => {
                let server = address.to_string();
                (Self::new(address, login), server)
            }
            #[cfg(feature = "sentinel")]
            Servers::Sentinel(servers) => {
                let server = servers.master.clone();
                (Self::named(servers, login), server)
            }
        };
        Ok(Self {
            connections: settings.connections,
            redis_timeout: settings.redis_timeout,
            connect_timeout: settings.connect_timeout,
            require: settings.require_redis,
            confirm: settings.confirm,
            on_change: Arc::new(move |change| match change {
                Change::Connected => trace::connected(&server),
                Change::Lost { cause, message } => {
                    let (state, end) = cause.told();
                    trace::warn(&format!(
                        "redis at {server} {state} ({message}); functions run uncached until {end}"
                    ));
                }
            }),
            ..config
        })
    }

    /// Returns the default settings for the server that sentinels name.
    #[cfg(feature = "sentinel")]
    pub(crate) fn named(servers: SentinelServers, login: Login) -> Self {
        let address = servers.sentinels[0].clone();
        Self { primary: Some(Arc::new(NamedPrimary::new(servers))), ..Self::new(address, login) }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("address", &self.address)
            .field("login", &self.login)
            .field("connections", &self.connections)
            .field("redis_timeout", &self.redis_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("require", &self.require)
            .field("confirm", &self.confirm)
            .field("client_name", &self.client_name)
            .finish_non_exhaustive()
    }
}
