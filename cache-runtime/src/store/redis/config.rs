//! How to reach Redis, and how long to wait for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisResult};

use super::health::Change;
use super::url::{Address, Endpoint};

/// What is called when Redis is lost or answers again.
pub(crate) type OnChange = Arc<dyn Fn(Change) + Send + Sync>;

/// The settings of the Redis tier.
#[derive(Clone)]
pub(crate) struct RedisConfig {
    /// Which server, as whom.
    pub(crate) endpoint: Endpoint,
    /// How many connections a runtime's calls are spread over; at least one is made.
    pub(crate) connections: usize,
    /// The longest that one operation may take.
    pub(crate) redis_timeout: Duration,
    /// The longest that one connection attempt may take, from name resolution to the answer of a `PING`.
    pub(crate) connect_timeout: Duration,
    /// Whether an unreachable server is an error at start-up.
    pub(crate) require: bool,
    /// The name under which the connections appear in `CLIENT LIST`.
    pub(crate) client_name: Option<String>,
    /// Called once per transition, from a task of the tier. It must not block.
    pub(crate) on_change: OnChange,
}

impl RedisConfig {
    /// The default settings for a server.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connections: 1,
            redis_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            require: false,
            client_name: None,
            on_change: Arc::new(|_| {}),
        }
    }

    /// The client that opens connections; names are resolved anew each time it does.
    pub(super) fn client(&self, protocol: ProtocolVersion) -> RedisResult<Client> {
        let address = match &self.endpoint.address {
            Address::Tcp { host, port } => ConnectionAddr::Tcp(host.clone(), *port),
            Address::Unix { path } => ConnectionAddr::Unix(path.clone()),
        };
        // Without TCP_NODELAY the writes of concurrent calls wait for one another's acknowledgement.
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(
            TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5)),
        );
        // RESP3 tells of a dropped connection when it happens; RESP2 only at the next use.
        let mut settings = RedisConnectionInfo::default()
            .set_db(self.endpoint.db)
            .set_protocol(protocol)
            .set_lib_name("larder", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.endpoint.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.endpoint.password {
            settings = settings.set_password(password);
        }
        Client::open(address.into_connection_info()?.set_tcp_settings(tcp).set_redis_settings(settings))
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("endpoint", &self.endpoint)
            .field("connections", &self.connections)
            .field("redis_timeout", &self.redis_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("require", &self.require)
            .field("client_name", &self.client_name)
            .finish_non_exhaustive()
    }
}
