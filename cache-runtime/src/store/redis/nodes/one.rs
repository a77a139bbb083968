//! One server.

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, Value};
use tokio::sync::watch;

use super::slot::Slot;
use super::topology::{NodeId, Topology};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::{Node, Request};
use crate::types::breaker::Breaker;
use crate::types::error::Error;

/// One server, which owns every slot.
pub(crate) struct OneNode {
    pub(super) node: Arc<Node>,
    pub(super) id: NodeId,
    pub(super) topology: watch::Sender<Arc<Topology>>,
}

impl OneNode {
    /// Starts the connections for the calling runtime and waits for their first attempt.
    ///
    /// # Errors
    /// As [`Node::connect`], and [`Error::Config`] if the server is part of a cluster, or a sentinel.
    pub(super) async fn connect(config: RedisConfig) -> Result<Self, Error> {
        let id = NodeId::new(config.address.clone());
        let node = Arc::new(Node::new(config));
        node.connect().await?;
        if node.breaker() == Breaker::Closed && is_in_cluster(&node).await {
            let reason = format!(
                "the server at {id} is part of a cluster; write `redis+cluster://{id}`, which needs the feature `cluster` of larder"
            );
            return Err(Error::config("url", "redis", reason));
        }
        if node.breaker() == Breaker::Closed && is_sentinel(&node).await {
            let reason = format!(
                "the server at {id} is a sentinel; write `redis+sentinel://{id}/mymaster`, which needs the feature `sentinel` of larder"
            );
            return Err(Error::config("url", "redis", reason));
        }
        let topology = watch::Sender::new(Arc::new(Topology::one(id.clone())));
        Ok(Self { node, id, topology })
    }

    /// Sends a request, whatever its slot is.
    pub(super) fn send(
        &self,
        _slot: Slot<'_>,
        request: Request,
    ) -> impl Future<Output = Result<Value, Error>> + Send + '_ {
        self.node.send(request)
    }

    /// Replaces the connections of the caller, whatever the slot is.
    pub(super) fn reset_connections(&self, _slot: Slot<'_>) {
        self.node.reset_connections();
    }

    /// Pings the server, which records its state and its role.
    pub(super) async fn ping(&self) -> Result<Duration, Error> {
        let latency = self.node.ping().await?;
        self.node.ask_role().await;
        Ok(latency)
    }
}

/// Returns `true` if the server says that it is part of a cluster. A user may not be allowed to ask, and a proxy may not know.
async fn is_in_cluster(node: &Node) -> bool {
    let info = Request::new(
        "connect",
        node.config().connect_timeout,
        redis::cmd("INFO").arg("cluster").take().into(),
    );
    let reply = node.send(info).await.unwrap_or(Value::Nil);
    String::from_redis_value(reply).is_ok_and(|info| info.contains("cluster_enabled:1"))
}

/// Returns `true` if the server says that it is a sentinel.
async fn is_sentinel(node: &Node) -> bool {
    let role = Request::new("connect", node.config().connect_timeout, redis::cmd("ROLE").into());
    match node.send(role).await {
        Ok(Value::Array(role)) => {
            role.first().is_some_and(|role| *role == Value::BulkString(b"sentinel".to_vec()))
        }
        _ => false,
    }
}
