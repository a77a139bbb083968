//! A hit on a Redis cluster: larder against `GET` and decode over the cluster connection of the `redis` crate, in turn. Needs `CLUSTER_URL`,
//! for example `redis+cluster://127.0.0.1:7000,127.0.0.1:7001`; `scripts/bench cluster_hit` starts a cluster of its own.

use std::sync::LazyLock;
use std::time::Duration;

use larder::Cache;
use larder_benches::{Benchmark, KEYS, User, counted, in_tasks, server_url};
use redis::AsyncCommands;

static URL: LazyLock<String> = LazyLock::new(|| server_url("CLUSTER_URL"));

#[larder::cache(expire = "1h")]
async fn plain(id: u64) -> User {
    User::new(id)
}

#[larder::cache(expire = "1h", tags = ["users"])]
async fn tagged(id: u64) -> User {
    User::new(id)
}

/// The cluster connection of the `redis` crate, with everything warm.
async fn warm_connection() -> redis::cluster_async::ClusterConnection {
    let cache = Cache::builder().url(URL.as_str()).prefix("bench").require_redis(true);
    cache.init().await.expect("a cluster");
    let hosts = URL.trim_start_matches("redis+cluster://").split(',').map(|host| format!("redis://{host}"));
    let settings = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    let client = redis::cluster::ClusterClientBuilder::new(hosts).tcp_settings(settings).build();
    let mut connection = client.expect("a client").get_async_connection().await.expect("a connection");
    for id in 0..KEYS {
        plain(id).await;
        tagged(id).await;
        let text = serde_json::to_string(&User::new(id)).expect("JSON");
        let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
    }
    connection
}

pub fn measure() {
    let runtime = larder_benches::runtime();
    let connection = runtime.block_on(warm_connection());
    let mut benchmark = Benchmark::new(
        "cluster_hit",
        "A hit on a cluster",
        "An async function with a struct of 100 bytes, on a cluster on the same machine: the wall time divided by the number of calls.",
    )
    .slice(Duration::from_millis(100));
    benchmark.group("TCP");
    for tasks in [1, 16, 64] {
        let bare = |calls| {
            let connection = connection.clone();
            runtime.block_on(in_tasks(tasks, calls, move |id| {
                let mut connection = connection.clone();
                async move {
                    let bytes: Vec<u8> = connection.get(format!("raw:{id}")).await.expect("an answer");
                    let user: User = serde_json::from_slice(&bytes).expect("a user");
                    assert_eq!(user.id, id);
                }
            }))
        };
        let plain = |calls| {
            runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(plain(id).await.id, id) }))
        };
        let tagged = |calls| {
            runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(tagged(id).await.id, id) }))
        };
        benchmark.compare(
            &counted(tasks, "task"),
            vec![
                ("redis: GET over a cluster connection, serde_json", Box::new(bare)),
                ("larder", Box::new(plain)),
                ("larder, with a tag", Box::new(tagged)),
            ],
        );
    }
    benchmark.finish();
}
