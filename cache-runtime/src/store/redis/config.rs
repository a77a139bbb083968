//! The settings of the connections to Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cause::Cause;
use super::credentials::CredentialsProvider;
use super::probed::Probed;
#[cfg(feature = "sentinel")]
use super::sentinel::primary::{NamedPrimary, SentinelAccess};
#[cfg(feature = "tls")]
use super::tls::{Tls, TlsClient};
#[cfg(feature = "cluster")]
use super::url::AddressMap;
#[cfg(feature = "sentinel")]
use super::url::SentinelServers;
use super::url::{Address, Login, Servers, Target};
use crate::observe::event_kind::EventKind;
use crate::observe::stats::Registry;
use crate::observe::trace;
use crate::observe::warnings::Warnings;
use crate::store::settings::{Confirm, StoreSettings};
use crate::types::breaker::Breaker;
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

impl Change {
    /// Returns the event for a server.
    pub(crate) fn event(&self, server: &str) -> EventKind {
        let state = if matches!(self, Self::Connected) { Breaker::Closed } else { Breaker::Open };
        EventKind::Breaker { server: server.to_owned(), state }
    }
}

/// A callback for [`Change`]s.
pub(crate) type OnChange = Arc<dyn Fn(Change) + Send + Sync>;

/// The nodes of a cluster that are known from the start, and the addresses of the others.
#[cfg(feature = "cluster")]
#[derive(Debug)]
pub(crate) struct ClusterConfig {
    /// The nodes in the URL.
    pub(crate) seeds: Vec<Address>,
    /// The addresses at which nodes can be reached.
    pub(crate) addresses: AddressMap,
}

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
    /// Provides the credentials of each connection, in place of those of `login`.
    pub(crate) credentials: Option<CredentialsProvider>,
    /// The client's side of TLS, if connections use it.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<TlsClient>>,
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
    /// The answer to the question for another protocol.
    pub(crate) probed: Arc<Probed>,
    /// The warnings that were given.
    pub(crate) warnings: Arc<Warnings>,
    /// The place where changes of connections are recorded.
    pub(crate) stats: Arc<Registry>,
    /// Called once per transition, from a task of a connection. The callback must not block.
    pub(crate) on_change: OnChange,
    /// The cluster to which the server belongs.
    #[cfg(feature = "cluster")]
    pub(crate) cluster: Option<Arc<ClusterConfig>>,
}

impl RedisConfig {
    /// Returns the default settings for a server.
    pub(crate) fn new(address: Address, login: Login) -> Self {
        Self {
            address,
            #[cfg(feature = "sentinel")]
            primary: None,
            login,
            credentials: None,
            #[cfg(feature = "tls")]
            tls: None,
            connections: 1,
            redis_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            require: false,
            confirm: None,
            client_name: None,
            probed: Arc::default(),
            warnings: Arc::default(),
            stats: Arc::default(),
            on_change: Arc::new(|_| {}),
            #[cfg(feature = "cluster")]
            cluster: None,
        }
    }

    /// Returns the settings of a cache, with changes reported as events. Reads the files that they name.
    ///
    /// # Errors
    /// The URL, or another setting, cannot be used.
    pub(crate) fn from_settings(settings: &StoreSettings) -> Result<Self, Error> {
        let target = Target::parse(&settings.url)?;
        if settings.credentials.is_some() && target.login.has_credentials() {
            return Err(Error::config(
                "credentials",
                "",
                "the URL has a user or a password, too; remove it there",
            ));
        }
        #[cfg(feature = "sentinel")]
        let access = sentinel_access(&target, settings)?;
        #[cfg(feature = "tls")]
        let tls = tls_of(target.tls.as_ref(), settings.tls.as_ref())?;
        #[cfg(feature = "cluster")]
        let addresses = AddressMap::parse(&settings.node_addresses)?;
        let (config, server) = match target.servers {
            Servers::One(address) => {
                let server = address.to_string();
                (Self::new(address, target.login), server)
            }
            #[cfg(feature = "sentinel")]
            Servers::Sentinel(servers) => {
                let server = servers.master.clone();
                (Self::named(servers, access, target.login), server)
            }
            #[cfg(feature = "cluster")]
            Servers::Cluster(seeds) => {
                // There is at least one host.
                let (address, server) = (seeds[0].clone(), seeds[0].to_string());
                let cluster = Some(Arc::new(ClusterConfig { seeds, addresses }));
                (Self { cluster, ..Self::new(address, target.login) }, server)
            }
        };
        let stats = Arc::clone(&settings.stats);
        Ok(Self {
            credentials: settings.credentials.clone(),
            #[cfg(feature = "tls")]
            tls,
            connections: settings.connections,
            redis_timeout: settings.redis_timeout,
            connect_timeout: settings.connect_timeout,
            require: settings.require_redis,
            confirm: settings.confirm,
            warnings: Arc::clone(&settings.warnings),
            stats: Arc::clone(&settings.stats),
            on_change: Arc::new(move |change| report(&server, &change, &stats)),
            ..config
        })
    }

    /// Returns the default settings for the server that sentinels name.
    #[cfg(feature = "sentinel")]
    fn named(servers: SentinelServers, access: SentinelAccess, login: Login) -> Self {
        let address = servers.sentinels[0].clone();
        Self { primary: Some(Arc::new(NamedPrimary::new(servers, access))), ..Self::new(address, login) }
    }
}

/// Returns the client's side of TLS for the settings of the URL and of the builder.
#[cfg(feature = "tls")]
fn tls_of(url: Option<&Tls>, builder: Option<&Tls>) -> Result<Option<Arc<TlsClient>>, Error> {
    let settings = match (url, builder) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(Error::config(
                "tls",
                "",
                "the URL has a scheme without TLS; write `rediss://host:6380`",
            ));
        }
        (Some(url), None) => url.clone(),
        (Some(url), Some(builder)) => url.clone().with(builder)?,
    };
    Ok(Some(Arc::new(TlsClient::new(settings)?)))
}

/// Returns how sentinels are accessed.
#[cfg(feature = "sentinel")]
fn sentinel_access(target: &Target, settings: &StoreSettings) -> Result<SentinelAccess, Error> {
    let refused = |setting, reason: &str| Err(Error::config(setting, "", reason));
    let Servers::Sentinel(servers) = &target.servers else {
        let without = "the URL names no sentinels; write `redis+sentinel://host:26379/mymaster`";
        if settings.sentinel_credentials.is_some() {
            return refused("sentinel_credentials", without);
        }
        #[cfg(feature = "tls")]
        if settings.sentinel_tls.is_some() {
            return refused("sentinel_tls", without);
        }
        return Ok(SentinelAccess::default());
    };
    if settings.sentinel_credentials.is_some() && servers.login.has_credentials() {
        return refused(
            "sentinel_credentials",
            "the URL has `sentinel_user` or `sentinel_pass`, too; remove it there",
        );
    }
    #[cfg(feature = "tls")]
    let tls = match (&servers.tls, &settings.sentinel_tls) {
        (None, Some(_)) => {
            return refused("sentinel_tls", "the URL has sentinels without TLS; add `sentinel_tls=on`");
        }
        (None, None) => None,
        (Some(url), builder) => {
            let own = url.clone().with(builder.as_ref().unwrap_or(&Tls::new()))?;
            // Without settings of their own, sentinels have those of the servers, apart from the name.
            let shared = match &target.tls {
                Some(servers) if own == Tls::new() => {
                    servers.clone().with(settings.tls.as_ref().unwrap_or(&Tls::new()))?.without_server_name()
                }
                _ => own,
            };
            Some(Arc::new(TlsClient::new(shared)?))
        }
    };
    Ok(SentinelAccess {
        credentials: settings.sentinel_credentials.clone(),
        #[cfg(feature = "tls")]
        tls,
    })
}

fn report(server: &str, change: &Change, stats: &Registry) {
    stats.record_server(|| change.event(server));
    match change {
        Change::Connected => trace::connected(server),
        Change::Lost { cause, message } => {
            let (state, end) = cause.told();
            trace::warn(&format!(
                "redis at {server} {state} ({message}); functions run uncached until {end}"
            ));
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("address", &self.address)
            .field("login", &self.login)
            .field("credentials", &self.credentials)
            .field("connections", &self.connections)
            .field("redis_timeout", &self.redis_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("require", &self.require)
            .field("confirm", &self.confirm)
            .field("client_name", &self.client_name)
            .finish_non_exhaustive()
    }
}
