//! A hit in Redis: larder against a bare `GET` and decode, and against `cached`. Needs `REDIS_URL`; `scripts/bench` starts
//! a server of its own.

use std::env;
use std::sync::LazyLock;

use cached::AsyncRedisCache;
use criterion::{Criterion, criterion_group, criterion_main};
use larder_benches::{KEYS, User, in_tasks};
use redis::AsyncCommands;

static URL: LazyLock<String> = LazyLock::new(|| env::var("REDIS_URL").expect("REDIS_URL names a scratch server"));

#[larder::cache(expire = "1h")]
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

fn hits(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = runtime.block_on(async {
        larder::Cache::builder().url(URL.clone()).prefix("bench").require_redis(true).init().await.expect("a server");
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
        let mut group = c.benchmark_group(format!("redis hit, 100-byte struct, {tasks} tasks"));
        let bare = connection.clone();
        group.bench_function("bare GET and serde_json", |b| {
            b.to_async(&runtime).iter_custom(|calls| {
                let connection = bare.clone();
                in_tasks(tasks, calls, move |id| {
                    let mut connection = connection.clone();
                    async move {
                        let bytes: Vec<u8> = connection.get(format!("raw:{id}")).await.expect("an answer");
                        let user: User = serde_json::from_slice(&bytes).expect("a user");
                        assert_eq!(user.id, id);
                    }
                })
            });
        });
        group.bench_function("larder", |b| {
            b.to_async(&runtime)
                .iter_custom(|calls| in_tasks(tasks, calls, |id| async move { assert_eq!(by_larder(id).await.id, id) }));
        });
        group.bench_function("cached", |b| {
            b.to_async(&runtime).iter_custom(|calls| {
                in_tasks(tasks, calls, |id| async move { assert_eq!(by_cached(id).await.expect("an answer").id, id) })
            });
        });
        group.finish();
    }
}

criterion_group!(benches, hits);
criterion_main!(benches);
