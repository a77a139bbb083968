//! The nodes of a deployment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use redis::Value;
use tokio::sync::watch;

#[cfg(all(feature = "axum", feature = "cluster"))]
use super::cluster::ClusterConnection;
#[cfg(feature = "cluster")]
use super::cluster::ClusterNodes;
#[cfg(feature = "axum")]
use super::connection::DeploymentConnection;
use super::one::OneNode;
use super::slot::Slot;
use super::topology::{NodeId, Topology};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::{Node, Request};
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::node_health::NodeHealth;

/// The nodes of a deployment.
pub(crate) enum Nodes {
    /// One server.
    One(OneNode),
    /// A cluster.
    #[cfg(feature = "cluster")]
    Cluster(Arc<ClusterNodes>),
}

impl Nodes {
    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// As those of the node, and [`Error::Config`] if the server is part of a cluster and the URL names one server, or the reverse.
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        #[cfg(feature = "cluster")]
        if let Some(cluster) = config.cluster.clone() {
            return ClusterNodes::connect(config, cluster).await.map(Self::Cluster);
        }
        OneNode::connect(config).await.map(Self::One)
    }

    /// Returns `true` if keys of different slots may be on different nodes, so that no command may touch two slots.
    pub(crate) fn is_sharded(&self) -> bool {
        match self {
            Self::One(_) => false,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => true,
        }
    }

    /// Sends a request to the owner of a slot, which on one server is not looked at.
    pub(crate) async fn send(&self, slot: Slot<'_>, request: Request) -> Result<Value, Error> {
        match self {
            Self::One(one) => one.send(slot, request).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send(slot.number(), request).await,
        }
    }

    /// Sends a request to a node.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is no such node any more, and the errors of the request.
    pub(crate) async fn send_to(&self, id: &NodeId, request: Request) -> Result<Value, Error> {
        match self {
            Self::One(one) if one.id == *id => one.node.send(request).await,
            Self::One(_) => Err(Error::unavailable(format!("there is no node {id}"))),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send_to(id, request).await,
        }
    }

    /// Returns the nodes and the owners of the slots, as known now.
    pub(crate) fn topology(&self) -> Arc<Topology> {
        match self {
            Self::One(one) => Arc::clone(&one.topology.borrow()),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.topology(),
        }
    }

    /// Returns the topology and its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Topology>> {
        match self {
            Self::One(one) => one.topology.subscribe(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.changes(),
        }
    }

    /// Asks for the map of the slots soon, because it seems to be an old one.
    pub(crate) fn refresh(&self) {
        match self {
            Self::One(_) => {}
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.refresh(),
        }
    }

    /// Returns the number of redirects of all requests so far, which counts one before its request is answered.
    pub(crate) fn redirects(&self) -> Arc<AtomicU64> {
        match self {
            Self::One(_) => Arc::default(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.redirects(),
        }
    }

    /// Returns a node; `None` if there is no such node any more.
    pub(crate) fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        match self {
            Self::One(one) => (one.id == *id).then(|| Arc::clone(&one.node)),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.node(id),
        }
    }

    /// Replaces the connections of the caller to the owner of a slot, after a reply of a form that its command cannot have.
    pub(crate) fn reset_connections(&self, slot: Slot<'_>) {
        match self {
            Self::One(one) => one.reset_connections(slot),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => {
                cluster.owner(slot.number()).inspect(|node| node.reset_connections());
            }
        }
    }

    /// Returns a connection for commands of the application; `None` if Redis cannot be reached now.
    #[cfg(feature = "axum")]
    pub(crate) async fn connection(&self) -> Option<DeploymentConnection> {
        match self {
            Self::One(one) => one.node.connection().await.map(DeploymentConnection::One),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => {
                cluster.is_known().then(|| DeploymentConnection::Cluster(ClusterConnection::new(cluster)))
            }
        }
    }

    /// Pings all nodes, which records their state, and returns the longest round trip time of those that own slots.
    ///
    /// # Errors
    /// One of them did not answer.
    pub(crate) async fn ping(&self) -> Result<Duration, Error> {
        match self {
            Self::One(one) => one.ping().await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.ping().await,
        }
    }

    /// Returns the state of all nodes, without any I/O.
    pub(crate) fn health(&self) -> Vec<NodeHealth> {
        match self {
            Self::One(one) => vec![one.node.health(None)],
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.health(),
        }
    }

    /// Returns the server, if there is one.
    #[cfg(test)]
    pub(crate) fn one(&self) -> &Node {
        match self {
            Self::One(one) => &one.node,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => panic!("a cluster"),
        }
    }

    /// Returns the worst state of a breaker, without any I/O.
    pub(crate) fn breaker(&self) -> Breaker {
        match self {
            Self::One(one) => one.node.breaker(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.breaker(),
        }
    }

    /// Returns the settings, whose address is that of one of the nodes.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        match self {
            Self::One(one) => one.node.config(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.config(),
        }
    }

    /// Returns the time limit of an operation of a caller.
    pub(crate) fn limit(&self) -> Duration {
        self.config().redis_timeout
    }

    /// Returns the time limit of one step of a scan, which no cached call waits for.
    pub(crate) fn scan_limit(&self) -> Duration {
        self.config().redis_timeout * 10
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes").field("topology", &self.topology()).field("config", self.config()).finish()
    }
}
