//! The entries in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::config::RedisConfig;
#[cfg(feature = "axum")]
use super::nodes::DeploymentConnection;
use super::nodes::Nodes;
use super::push::{NodeWatchers, PrefixTracking, WatchedKey};
#[cfg(feature = "sentinel")]
use super::sentinel;
use crate::rt::io;
use crate::store::listener::ChangeListener;
use crate::store::settings::StoreSettings;
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::key::Key;
use crate::types::node_health::NodeHealth;

/// Entries in Redis.
pub(crate) struct RedisStore {
    pub(super) nodes: Nodes,
    watchers: NodeWatchers,
}

impl RedisStore {
    /// Opens the store that the URL describes.
    ///
    /// # Errors
    /// A URL that cannot be used, and the errors of [`RedisStore::connect`].
    pub(crate) async fn open(settings: &StoreSettings) -> Result<Self, Error> {
        Self::connect(RedisConfig::from_settings(settings)?).await
    }

    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// As [`Nodes::connect`].
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        #[cfg(feature = "sentinel")]
        sentinel::start(&config).await?;
        Ok(Self::over(Nodes::connect(config).await?))
    }

    /// Returns the store on these nodes.
    pub(super) fn over(nodes: Nodes) -> Self {
        Self { watchers: NodeWatchers::default(), nodes }
    }

    /// Returns `true` if the store is a cluster.
    pub(crate) fn is_sharded(&self) -> bool {
        self.nodes.is_sharded()
    }

    /// Returns the state of the breaker, without any I/O.
    pub(crate) fn breaker(&self) -> Breaker {
        self.nodes.breaker()
    }

    /// Returns the number of switches to another server, and its changes; `None` if the server is always the same.
    #[cfg(feature = "sentinel")]
    pub(crate) fn switches(&self) -> Option<watch::Receiver<u64>> {
        self.nodes.config().primary.as_ref().map(|primary| primary.switches())
    }

    /// Returns the number of switches to another server; `None`: the server is always the same.
    #[cfg(not(feature = "sentinel"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn switches(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Returns the state of all servers, without any I/O.
    pub(crate) fn health(&self) -> Vec<NodeHealth> {
        self.nodes.health()
    }

    /// Watches `key` for changes; `None` if Redis cannot notify of them now.
    ///
    /// # Errors
    /// [`Error::Timeout`] if Redis did not answer in time.
    pub(crate) async fn watch(&self, key: &Key) -> Result<Option<WatchedKey>, Error> {
        let (began, limit) = (Instant::now(), self.nodes.limit());
        // Both steps of the watcher have this limit of their own.
        match io::timeout(limit, self.watchers.watch(&self.nodes, key.as_str())).await.flatten() {
            None if began.elapsed() >= limit => Err(Error::Timeout { step: "watch", limit }),
            watched => Ok(watched),
        }
    }

    /// Notifies `listener` of all changes under `prefix`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no thread.
    pub(crate) fn track(
        &self,
        prefix: &str,
        listener: Arc<impl ChangeListener>,
    ) -> Result<PrefixTracking, Error> {
        PrefixTracking::start(&self.nodes, prefix, listener)
    }

    /// Returns a connection for commands of the application; `None` if Redis cannot be reached now.
    #[cfg(feature = "axum")]
    pub(crate) async fn connection(&self) -> Option<DeploymentConnection> {
        self.nodes.connection().await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("nodes", &self.nodes).finish()
    }
}
