//! A burst of calls: more than Redis can answer in time, although it is healthy.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Breaker, Cache, cache};
use support::redis::RedisServer;
use support::stores::{LONG, counts, hasty};

/// The number of calls at once.
const BURST: u64 = 100_000;
/// Less than the burst takes, and more than a server that shares a busy machine.
const LIMIT: Duration = Duration::from_secs(1);

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, n: u64) -> u64 {
    plain(n).await
}

#[cache(expire = "5m", group = "g", tags = ["t"], cache = cache)]
async fn labelled(cache: &Cache, n: u64) -> u64 {
    plain(n).await
}

async fn plain(n: u64) -> u64 {
    tokio::task::yield_now().await;
    n * 2
}

/// These tests load both processors, so they run one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The time of the slowest call of a burst, and of the whole burst.
#[derive(Debug, Clone, Copy)]
struct Took {
    slowest: Duration,
    whole: Duration,
}

/// Makes the calls of a burst at once.
async fn burst<F: Future<Output = u64> + Send + 'static>(call: impl Fn(u64) -> F) -> Took {
    let start = Instant::now();
    let calls: Vec<_> = (0..BURST)
        .map(|n| {
            let call = call(n);
            tokio::spawn(async move {
                let began = Instant::now();
                assert_eq!(call.await, n * 2);
                began.elapsed()
            })
        })
        .collect();
    let times = tokio::time::timeout(4 * LONG, join_all(calls)).await.expect("it hangs");
    let slowest = times.into_iter().map(|time| time.expect("its own result")).max().expect("calls");
    Took { slowest, whole: start.elapsed() }
}

/// Calls a function with a cache for all keys of a burst.
async fn called(cache: &Cache, name: &str) -> Took {
    let (cache, is_labelled) = (cache.clone(), name == "labelled");
    burst(move |n| {
        let cache = cache.clone();
        async move { if is_labelled { labelled(&cache, n).await } else { double(&cache, n).await } }
    })
    .await
}

async fn new_keys(server: &RedisServer, name: &str) {
    let memory = Cache::builder().url("memory://").build().await.expect("a cache");
    let cache = hasty(server).redis_timeout(LIMIT).require_redis(true).build().await.expect("a cache");
    // The calls alone keep the machine busy for some time.
    let in_memory = called(&memory, name).await;
    let took = called(&cache, name).await;
    let made = counts(&cache, name);
    println!("{name}: {took:?}, in memory {in_memory:?}, {made:?}");
    assert_eq!((made.store_errors, made.misses), (0, BURST), "{made:?}");
    assert!(made.stores + made.shed + made.refusals >= BURST, "{made:?}");
    let health = cache.health().await;
    assert_eq!((health.breaker, health.error.as_deref()), (Breaker::Closed, None));
    assert!(took.slowest < in_memory.whole * 2 + 4 * LIMIT, "{took:?}, in memory {in_memory:?}");
    assert_eq!(cache.remember("after", "5m", async || 1_u64).await, 1);
    assert_eq!(cache.get::<u64>("after").await, Some(1));
    assert_eq!(counts(&cache, "handle").shed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_new_keys_is_no_error() {
    let _alone = ALONE.lock().await;
    let server = RedisServer::start();
    new_keys(&server, "double").await;
    new_keys(&server, "labelled").await;
}

#[tokio::test]
async fn a_burst_on_one_thread_is_no_error() {
    let _alone = ALONE.lock().await;
    let server = RedisServer::start();
    new_keys(&server, "double").await;
}
