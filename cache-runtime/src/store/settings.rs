//! The settings of a cache that its store reads.

use std::sync::Arc;
use std::time::Duration;

use super::near::LocalTier;
#[cfg(feature = "redis")]
use super::redis::CredentialsProvider;
#[cfg(feature = "tls")]
use super::redis::Tls;
use crate::observe::stats::Registry;
use crate::observe::warnings::Warnings;
use crate::types::clock::Clock;

/// The default limit of the size of a value.
pub(crate) const MAX_VALUE: usize = 8 << 20;

/// The replicas that are to acknowledge each invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirm {
    /// The number of replicas.
    pub(crate) replicas: usize,
    /// The time that they have, at least a millisecond.
    pub(crate) within: Duration,
}

/// The settings that stores read; the builder fills and checks them.
pub(crate) struct StoreSettings {
    /// The URL of the store, as the user wrote it: its scheme selects the store.
    pub(crate) url: String,
    /// The number of connections that the calls of one runtime are spread over.
    pub(crate) connections: usize,
    /// The time limit of one operation.
    pub(crate) redis_timeout: Duration,
    /// The time limit of one attempt to connect.
    pub(crate) connect_timeout: Duration,
    /// Makes an unreachable server an error at start-up.
    pub(crate) require_redis: bool,
    /// The TLS settings of the builder.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    /// Provides the credentials of each connection.
    #[cfg(feature = "redis")]
    pub(crate) credentials: Option<CredentialsProvider>,
    /// The TLS settings of the builder for sentinels.
    #[cfg(all(feature = "sentinel", feature = "tls"))]
    pub(crate) sentinel_tls: Option<Tls>,
    /// Provides the credentials of each connection to a sentinel.
    #[cfg(feature = "sentinel")]
    pub(crate) sentinel_credentials: Option<CredentialsProvider>,
    /// The warnings that were given.
    pub(crate) warnings: Arc<Warnings>,
    /// The place where what happens is recorded.
    pub(crate) stats: Arc<Registry>,
    /// The replicas of Redis that are to acknowledge each invalidation.
    pub(crate) confirm: Option<Confirm>,
    /// Pairs of an address that a cluster announces and the address to connect to.
    #[cfg(feature = "cluster")]
    pub(crate) node_addresses: Vec<(String, String)>,
    /// The limit of the memory store, in bytes.
    pub(crate) max_memory: usize,
    /// The limit of one value, in bytes of its encoded form.
    pub(crate) max_value: usize,
    /// The clock by which entries in this process expire.
    pub(crate) clock: Clock,
    /// The near cache of functions that do not set `local`.
    pub(crate) local: Option<LocalTier>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            url: "memory://".to_owned(),
            connections: 1,
            redis_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            require_redis: false,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "redis")]
            credentials: None,
            #[cfg(all(feature = "sentinel", feature = "tls"))]
            sentinel_tls: None,
            #[cfg(feature = "sentinel")]
            sentinel_credentials: None,
            warnings: Arc::default(),
            stats: Arc::default(),
            confirm: None,
            #[cfg(feature = "cluster")]
            node_addresses: Vec::new(),
            max_memory: 256 << 20,
            max_value: MAX_VALUE,
            clock: Clock::default(),
            local: None,
        }
    }
}
