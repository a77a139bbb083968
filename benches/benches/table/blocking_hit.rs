//! A hit in Redis of a synchronous function: larder against a blocking connection for each thread, a pool of them and `cached`.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use cached::RedisCache;
use larder::Cache;
use larder_benches::{Benchmark, KEYS, User, bare_connection, counted, on_threads_sync, server_url};
use redis::Commands;

const HOUR: Duration = Duration::from_secs(3600);
const MOST_THREADS: usize = 64;

static URL: LazyLock<String> = LazyLock::new(|| server_url("REDIS_URL"));
static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    Cache::builder()
        .url(URL.as_str())
        .prefix("blocking")
        .require_redis(true)
        .build_blocking()
        .expect("a server")
});

#[larder::cache(expire = "1h", cache = &*CACHE)]
fn by_larder(id: u64) -> User {
    User::new(id)
}

// As many connections as threads, so that none waits for another's.
#[cached::macros::concurrent_cached(
    map_error = |error| error.to_string(),
    ty = "RedisCache<u64, User>",
    create = "{ RedisCache::builder(\"blocking\").ttl(HOUR).connection_pool_max_size(MOST_THREADS as u32).connection_string(&URL).build().unwrap() }"
)]
fn by_cached(id: u64) -> Result<User, String> {
    Ok(User::new(id))
}

fn get(connection: &mut impl redis::ConnectionLike, id: u64) -> User {
    let bytes: Vec<u8> = connection.get(format!("raw:{id}")).expect("an answer");
    serde_json::from_slice(&bytes).expect("a user")
}

/// Times calls spread over so many threads.
fn spread<F>(threads: usize, calls: u64, call: F) -> Duration
where
    F: Fn(usize, u64) -> User + Clone + Send + 'static,
{
    let each = calls.div_ceil(threads as u64);
    let took = on_threads_sync(threads, each, move |thread, id| assert_eq!(call(thread, id).id, id));
    // As if every call had been asked for, so that the mean per call is right.
    took.mul_f64(calls as f64 / (each * threads as u64) as f64)
}

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bare_connection(&URL));
    let client = redis::Client::open(URL.as_str()).expect("a client");
    let open = || Mutex::new(client.get_connection().expect("a connection"));
    let connections: Arc<Vec<_>> = Arc::new((0..MOST_THREADS).map(|_| open()).collect());
    let pool = r2d2::Pool::builder().max_size(MOST_THREADS as u32).build(client.clone()).expect("a pool");
    for id in 0..KEYS {
        by_larder(id);
        by_cached(id).expect("stored");
    }
    let mut benchmark = Benchmark::new(
        "blocking_hit",
        "A hit in Redis of a synchronous function",
        "A struct of 100 bytes, in Redis on the same machine: the wall time divided by the number of calls.",
    )
    .slice(Duration::from_millis(100));
    benchmark.group("TCP");
    for threads in [1, 16, MOST_THREADS] {
        let of_thread = |calls| {
            let connections = Arc::clone(&connections);
            spread(threads, calls, move |thread, id| {
                get(&mut *connections[thread].lock().expect("no panic"), id)
            })
        };
        let of_pool = |calls| {
            let pool = pool.clone();
            spread(threads, calls, move |_, id| get(&mut *pool.get().expect("a connection"), id))
        };
        let cached = |calls| spread(threads, calls, |_, id| by_cached(id).expect("an answer"));
        let larder = |calls| spread(threads, calls, |_, id| by_larder(id));
        benchmark.compare(
            &counted(threads as u64, "thread"),
            vec![
                ("redis: GET and serde_json, a connection a thread", Box::new(of_thread)),
                ("r2d2: GET and serde_json", Box::new(of_pool)),
                ("cached concurrent_cached, redis", Box::new(cached)),
                ("larder", Box::new(larder)),
            ],
        );
    }
    benchmark.finish();
}
