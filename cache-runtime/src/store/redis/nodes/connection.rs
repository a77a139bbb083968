//! A connection that the application uses together with the cache.

use redis::{Cmd, Pipeline, RedisResult, Value};

#[cfg(feature = "cluster")]
use super::cluster::ClusterConnection;
use crate::store::redis::connect::SharedConnection;

/// A connection that the application uses together with the cache.
#[derive(Clone)]
pub(crate) enum DeploymentConnection {
    /// A connection to one server.
    One(SharedConnection),
    /// The connections to the nodes of a cluster.
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl DeploymentConnection {
    /// Sends a command and returns the raw reply, which may be an error.
    pub(crate) async fn send(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection) => connection.send(cmd).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.send(cmd).await,
        }
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(crate) async fn send_pipeline(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match self {
            Self::One(connection) => connection.send_pipeline(pipeline, offset, count).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.send_pipeline(pipeline, offset, count).await,
        }
    }

    /// Returns the number of the database. A cluster has one.
    pub(crate) fn db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.db(),
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => 0,
        }
    }
}
