//! The nodes of a deployment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::watch;

use super::slot::Slot;
use super::topology::{NodeId, Topology};
use crate::store::redis::config::RedisConfig;
#[cfg(feature = "axum")]
use crate::store::redis::connect::SharedConnection;
use crate::store::redis::connect::{Node, Request};
use crate::types::breaker::Breaker;
use crate::types::error::Error;

/// The nodes of a deployment: one server or a cluster.
pub(crate) struct Nodes {
    one: Arc<Node>,
    id: NodeId,
    is_sharded: bool,
    topology: watch::Sender<Arc<Topology>>,
}

impl Nodes {
    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// As [`Node::connect`].
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        let id = NodeId::new(config.address.clone());
        let one = Arc::new(Node::connect(config).await?);
        let topology = watch::Sender::new(Arc::new(Topology::one(id.clone())));
        Ok(Self { one, id, is_sharded: false, topology })
    }

    /// Connects to one server that is to be used as a cluster, in which every key may be in another slot.
    ///
    /// # Errors
    /// As [`Nodes::connect`].
    #[cfg(test)]
    pub(crate) async fn connect_sharded(config: RedisConfig) -> Result<Self, Error> {
        Ok(Self { is_sharded: true, ..Self::connect(config).await? })
    }

    /// Returns `true` if keys of different slots may be on different nodes, so that no command may touch two slots.
    pub(crate) fn is_sharded(&self) -> bool {
        self.is_sharded
    }

    /// Sends a request to the owner of a slot, which on one server is not looked at.
    pub(crate) fn send(
        &self,
        _slot: Slot<'_>,
        request: Request,
    ) -> impl Future<Output = Result<Value, Error>> + Send + '_ {
        self.one.send(request)
    }

    /// Sends a request to a node.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is no such node any more, and the errors of the request.
    pub(crate) async fn send_to(&self, id: &NodeId, request: Request) -> Result<Value, Error> {
        match self.node(id) {
            Some(node) => node.send(request).await,
            None => Err(Error::unavailable(format!("the node {id} has left"))),
        }
    }

    /// Returns the nodes and the owners of the slots, as known now.
    pub(crate) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.borrow())
    }

    /// Returns the topology and its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.subscribe()
    }

    /// Returns a node; `None` if there is no such node any more.
    pub(crate) fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        (*id == self.id).then(|| Arc::clone(&self.one))
    }

    /// Replaces the connections of the caller to the owner of a slot, after a reply of a form that its command cannot have.
    pub(crate) fn reset_connections(&self, _slot: Slot<'_>) {
        self.one.reset_connections();
    }

    /// Returns a connection for commands of the application; `None` if Redis cannot be reached now.
    #[cfg(feature = "axum")]
    pub(crate) async fn connection(&self) -> Option<SharedConnection> {
        self.one.connection().await
    }

    /// Returns the server, if there is one.
    #[cfg(test)]
    pub(crate) fn one(&self) -> &Node {
        &self.one
    }

    /// Returns the worst state of a breaker, without any I/O.
    pub(crate) fn breaker(&self) -> Breaker {
        self.one.breaker()
    }

    /// Returns the settings, whose address is that of one of the nodes.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        self.one.config()
    }

    /// Returns the time limit of an operation of a caller.
    pub(crate) fn limit(&self) -> Duration {
        self.one.limit()
    }

    /// Returns the time limit of one step of a scan, which no cached call waits for.
    pub(crate) fn scan_limit(&self) -> Duration {
        self.one.scan_limit()
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes").field("topology", &*self.topology.borrow()).field("node", &self.one).finish()
    }
}
