//! Keys, labels and copies whose slots are on several nodes.

mod copies;
mod labels;
mod moving;
mod walks;

use std::sync::OnceLock;
use std::time::Duration;

use larder::{Builder, Cache};
use support::cluster::RedisCluster;
use support::stores::{LONG, unique};

/// The time limit of a command: longer than anything that works, on a busy machine as well.
const LIMIT: Duration = Duration::from_secs(10);

/// The cluster of all tests that leave its nodes and slots alone.
fn calm() -> &'static RedisCluster {
    static CLUSTER: OnceLock<RedisCluster> = OnceLock::new();
    CLUSTER.get_or_init(RedisCluster::start)
}

/// The builder of a new cache on a cluster, with long timeouts for a busy machine.
fn on(cluster: &RedisCluster) -> Builder {
    Cache::builder()
        .url(cluster.url())
        .prefix(unique("t"))
        .redis_timeout(LIMIT)
        .connect_timeout(LONG)
        .require_redis(true)
}

/// The caches of two processes: they share nothing but the cluster.
async fn pair(cluster: &RedisCluster) -> (Cache, Cache) {
    let prefix = unique("t");
    let one = || on(cluster).prefix(&prefix).build();
    (one().await.expect("a cache"), one().await.expect("a cache"))
}
