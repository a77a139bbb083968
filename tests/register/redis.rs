//! The deployment of Redis under test, and its failovers.

use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::sentinel::SentinelDeployment;

/// The deployment of Redis under test.
pub enum Redis {
    /// One server, which every worker reaches over a line of its own.
    Server(RedisServer),
    /// A primary and a replica that three sentinels watch.
    Sentinel(SentinelDeployment),
    /// Three primaries and three replicas.
    Cluster(RedisCluster),
}

/// The cause of a failover.
#[derive(Debug, Clone, Copy)]
pub enum Cause {
    /// An operator asks for it.
    Graceful,
    /// The primary is killed, and starts again, empty, when it was replaced.
    Killed,
    /// The primary is stopped, and goes on when it was replaced.
    Stopped,
}

impl Redis {
    /// The URL for a worker without a line of its own.
    pub fn url(&self) -> String {
        match self {
            Self::Server(server) => server.url(),
            Self::Sentinel(sentinel) => sentinel.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }

    /// The server, if there is one alone.
    pub fn server(&self) -> Option<&RedisServer> {
        match self {
            Self::Server(server) => Some(server),
            Self::Sentinel(_) | Self::Cluster(_) => None,
        }
    }

    /// Returns the epoch, which grows with every failover; 0 for a server alone.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Server(_) => 0,
            Self::Sentinel(deployment) => deployment.epoch(),
            Self::Cluster(cluster) => cluster.epoch(),
        }
    }

    /// Replaces a primary, that of `slot` on a cluster, and returns when the replaced one is a replica that has caught up.
    pub fn fail_over(&self, cause: Cause, slot: u16) {
        match self {
            Self::Server(_) => {}
            Self::Sentinel(deployment) => {
                let primary = deployment.primary();
                begin(cause, primary, || deployment.switch());
                deployment.switched_from(primary.port());
                end(cause, primary);
                deployment.until_replicated();
            }
            Self::Cluster(cluster) => {
                let primary = cluster.owner(slot);
                let replica = cluster.replica_of(primary);
                begin(cause, primary, || cluster.fail_over(replica));
                cluster.until_promoted(replica);
                end(cause, primary);
                cluster.until_ok();
            }
        }
    }
}

fn begin(cause: Cause, primary: &RedisServer, ask: impl FnOnce()) {
    match cause {
        Cause::Graceful => ask(),
        Cause::Killed => primary.stop(),
        Cause::Stopped => primary.pause(),
    }
}

fn end(cause: Cause, primary: &RedisServer) {
    match cause {
        Cause::Graceful => {}
        Cause::Killed => primary.restart(),
        Cause::Stopped => primary.resume(),
    }
}
