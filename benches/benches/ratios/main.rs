//! The figures of the README: contestants take turns in short rounds, and what is printed is the median over the rounds
//! of each one's speed against the first of its group. So the machine may be busy or change its pace: all are hit alike.

mod local_hit;

use std::env;

use cached::AsyncRedisCache;
use larder_benches::{KEYS, User, compare, in_tasks};
use redis::AsyncCommands;
use tokio::runtime::Runtime;

mod redis_server {
    use super::*;
    use std::sync::LazyLock;

    static URL: LazyLock<String> = LazyLock::new(|| env::var("REDIS_URL").unwrap_or_default());

    static CACHE: LazyLock<larder::Cache> = LazyLock::new(|| {
        larder::Cache::builder().url(URL.clone()).prefix("bench").require_redis(true).build_blocking().expect("a server")
    });

    #[larder::cache(expire = "1h", cache = &*CACHE)]
    async fn by_larder(id: u64) -> User {
        User::new(id)
    }

    #[cached::macros::concurrent_cached(
        map_error = |error| error.to_string(),
        ty = "AsyncRedisCache<u64, User>",
        create = "{ AsyncRedisCache::builder(\"bench\").ttl(std::time::Duration::from_secs(3600)).connection_string(&URL).build().await.unwrap() }"
    )]
    async fn by_cached(id: u64) -> Result<User, String> {
        Ok(User::new(id))
    }

    pub fn hits() {
        if URL.is_empty() {
            println!("\nno REDIS_URL: the hits in Redis are left out; scripts/bench starts a server for them");
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let connection = runtime.block_on(async {
            let info = redis::IntoConnectionInfo::into_connection_info(URL.as_str()).expect("a URL");
            let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
            let client = redis::Client::open(info).expect("a client");
            let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
            for id in 0..KEYS {
                by_larder(id).await;
                by_cached(id).await.expect("stored");
                let text = serde_json::to_string(&User::new(id)).expect("JSON");
                let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
            }
            connection
        });
        for tasks in [1, 16, 64] {
            round(&runtime, &connection, tasks);
        }
    }

    fn round(runtime: &Runtime, connection: &redis::aio::MultiplexedConnection, tasks: u64) {
        let calls = if tasks == 1 { 4_000 } else { 30_000 };
        let bare = move |calls| {
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
        let larder = move |calls| runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(by_larder(id).await.id, id) }));
        let cached = move |calls| {
            runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(by_cached(id).await.expect("an answer").id, id) }))
        };
        compare(
            &format!("hit in Redis on this machine, 100-byte struct, {tasks} tasks"),
            calls,
            vec![
                ("bare multiplexed GET and serde_json", Box::new(bare)),
                ("cached: concurrent_cached, async redis", Box::new(cached)),
                ("larder", Box::new(larder)),
            ],
        );
    }
}

fn main() {
    larder::Cache::builder().url("memory://").init_blocking().expect("the first init");
    local_hit::run();
    redis_server::hits();
}
