//! A miss: larder with its lease against `GET`, computing and `SET` by hand, `cached` and hitbox.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached::AsyncRedisCache;
use hitbox_fn::prelude::PolicyConfig;
use hitbox_redis::{ConnectionMode, RedisBackend};
use larder::{Cache, cache};
use larder_benches::{Benchmark, User, bare_connection, server_url};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;

const HOUR: Duration = Duration::from_secs(3600);

static URL: LazyLock<String> = LazyLock::new(|| server_url("REDIS_URL"));

async fn origin(id: u64, takes: Duration) -> User {
    // The timer of tokio counts in milliseconds, and would make one into two.
    if !takes.is_zero() {
        std::thread::sleep(takes);
    }
    User::new(id)
}

#[cache(cache = cache, expire = "1h", ignore(takes), key = "{id}")]
async fn by_larder(cache: &Cache, id: u64, takes: Duration) -> User {
    origin(id, takes).await
}

#[cached::macros::concurrent_cached(
    map_error = |error| error.to_string(),
    ty = "AsyncRedisCache<u64, User>",
    create = "{ AsyncRedisCache::builder(\"miss\").ttl(HOUR).connection_string(&URL).build().await.unwrap() }",
    key = "u64",
    convert = "{ id }"
)]
async fn by_cached(id: u64, takes: Duration) -> Result<User, String> {
    Ok(origin(id, takes).await)
}

#[hitbox_fn::cached(skip(takes))]
async fn by_hitbox(id: u64, takes: Duration) -> User {
    origin(id, takes).await
}

async fn by_hand(mut redis: MultiplexedConnection, id: u64, takes: Duration) -> User {
    let key = format!("hand:{id}");
    let found: Option<Vec<u8>> = redis.get(&key).await.expect("an answer");
    if let Some(found) = found {
        return serde_json::from_slice(&found).expect("a user");
    }
    let user = origin(id, takes).await;
    let bytes = serde_json::to_vec(&user).expect("bytes");
    let () = redis.set_ex(&key, bytes, 3600).await.expect("stored");
    user
}

/// Makes what times calls one after the other, each with an id that nobody has called.
fn run<'a, F, Fut>(runtime: &'a Runtime, call: F) -> Box<dyn FnMut(u64) -> Duration + 'a>
where
    F: Fn(u64) -> Fut + 'a,
    Fut: Future<Output = User>,
{
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Box::new(move |calls| {
        let first = NEXT.fetch_add(calls, Ordering::Relaxed);
        let started = Instant::now();
        runtime.block_on(async {
            for id in first..first + calls {
                call(id).await;
            }
        });
        started.elapsed()
    })
}

pub fn measure() {
    let runtime = larder_benches::runtime();
    let redis = runtime.block_on(bare_connection(&URL));
    let builder = Cache::builder().url(URL.as_str()).prefix("miss").require_redis(true);
    let larder = runtime.block_on(builder.build()).expect("a server");
    let backend = RedisBackend::builder().connection(ConnectionMode::single(URL.as_str())).build();
    let policy = PolicyConfig::builder().ttl(HOUR).build();
    let hitbox = hitbox_fn::Cache::builder().backend(backend.expect("a backend")).policy(policy).build();
    let mut benchmark = Benchmark::new(
        "miss",
        "A miss",
        "One task calls an async function with keys that nobody has called: read, compute, store, in Redis on the same machine. \
         larder also takes and releases a lease, so that no other process computes the same.",
    )
    .slice(Duration::from_millis(100));
    benchmark.group("the function takes");
    for (title, takes) in [("no time", Duration::ZERO), ("1 ms", Duration::from_millis(1))] {
        benchmark.compare(
            title,
            vec![
                ("redis: GET, serde_json and SET", run(&runtime, |id| by_hand(redis.clone(), id, takes))),
                ("cached concurrent_cached, async redis", {
                    run(&runtime, |id| async move { by_cached(id, takes).await.expect("an answer") })
                }),
                ("hitbox cached, redis backend", {
                    run(&runtime, |id| {
                        let call = by_hitbox(id, takes).cache(&hitbox);
                        async move { call.await }
                    })
                }),
                ("larder", run(&runtime, |id| by_larder(&larder, id, takes))),
            ],
        );
    }
    benchmark.finish();
}
