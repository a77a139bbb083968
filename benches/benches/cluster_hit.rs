//! A hit on a Redis cluster: larder against `GET` and decode over the cluster connection of the `redis` crate, in turn. Needs `CLUSTER_URL`,
//! for example `redis+cluster://127.0.0.1:7000,127.0.0.1:7001`; `scripts/bench cluster_hit` starts a cluster of its own.

use std::env;
use std::sync::LazyLock;

use larder_benches::{KEYS, User, compare, in_tasks};
use redis::AsyncCommands;

static URL: LazyLock<String> = LazyLock::new(|| env::var("CLUSTER_URL").expect("CLUSTER_URL names a scratch cluster"));

#[larder::cache(expire = "1h")]
async fn plain(id: u64) -> User {
    User::new(id)
}

#[larder::cache(expire = "1h", tags = ["users"])]
async fn tagged(id: u64) -> User {
    User::new(id)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = runtime.block_on(async {
        larder::Cache::builder().url(URL.clone()).prefix("bench").require_redis(true).init().await.expect("a cluster");
        let hosts = URL.trim_start_matches("redis+cluster://").split(',').map(|host| format!("redis://{host}"));
        let settings = redis::io::tcp::TcpSettings::default().set_nodelay(true);
        let client = redis::cluster::ClusterClientBuilder::new(hosts).tcp_settings(settings).build().expect("a client");
        let mut connection = client.get_async_connection().await.expect("a connection");
        for id in 0..KEYS {
            plain(id).await;
            tagged(id).await;
            let text = serde_json::to_string(&User::new(id)).expect("JSON");
            let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
        }
        connection
    });
    for tasks in [1, 16, 64] {
        let calls = if tasks == 1 { 4_000 } else { 30_000 };
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
        let plain = |calls| runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(plain(id).await.id, id) }));
        let tagged = |calls| runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(tagged(id).await.id, id) }));
        compare(
            &format!("hit on a cluster on this machine, 100-byte struct, {tasks} tasks"),
            calls,
            vec![
                ("GET over the cluster connection of redis, and serde_json", Box::new(bare)),
                ("larder", Box::new(plain)),
                ("larder, with a tag", Box::new(tagged)),
            ],
        );
    }
}
