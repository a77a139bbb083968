//! Large values on a line of 100 Mbit/s: they are stored and hit, and nobody else waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Breaker, Cache, cache};
use support::log::Log;
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, hasty, in_time, unique};
use support::wait::eventually_async;

/// 100 Mbit/s in each direction of each connection.
const RATE: u32 = 12_500_000;
const MIB: usize = 1 << 20;

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn report(cache: &Cache, calls: &Calls, mib: usize) -> String {
    calls.add();
    "x".repeat(mib * MIB)
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn small(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// A function whose values are large or small.
#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn mixed(cache: &Cache, calls: &Calls, len: usize) -> String {
    calls.add();
    "x".repeat(len)
}

async fn line(server: &RedisServer, rate: u32) -> FaultProxy {
    let proxy = FaultProxy::start(server.port()).await;
    proxy.set(Mode::Throttle(rate));
    proxy
}

async fn behind(proxy: &FaultProxy, server: &RedisServer, prefix: &str) -> Cache {
    hasty(server).url(proxy.url()).prefix(prefix).require_redis(true).build().await.expect("a cache")
}

/// Measures hits of small values until `stop`, and returns the time within which 99 of 100 are answered.
async fn p99(stop: impl Fn() -> bool, mut hit: impl AsyncFnMut()) -> Duration {
    let mut times = Vec::new();
    while !stop() || times.len() < 200 {
        let began = Instant::now();
        hit().await;
        times.push(began.elapsed());
        tokio::task::yield_now().await;
    }
    times.sort();
    times[times.len() * 99 / 100]
}

async fn is_fine(cache: &Cache) {
    let health = cache.health().await;
    assert_eq!((health.breaker, health.error), (Breaker::Closed, None));
    assert_eq!(cache.stats().total.store_errors, 0, "{}", cache.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_value_is_stored_and_hit() {
    let server = RedisServer::start();
    let proxy = line(&server, RATE).await;
    let (prefix, calls) = (unique("large"), Calls::default());
    let [cache, other] = [behind(&proxy, &server, &prefix).await, behind(&proxy, &server, &prefix).await];
    for mib in 4..=7 {
        for _ in 0..3 {
            assert_eq!(in_time(report(&cache, &calls, mib)).await.len(), mib * MIB);
            // Another process has not stored it, and does not know its size before the first hit.
            assert_eq!(in_time(report(&other, &calls, mib)).await.len(), mib * MIB);
        }
        assert_eq!(calls.count(), mib - 3, "each is computed once");
    }
    let made = counts(&cache, "report");
    assert_eq!((made.stores, made.hits, counts(&other, "report").hits), (4, 8, 12), "{made:?}");
    is_fine(&cache).await;
    is_fine(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_hits_do_not_wait_for_a_large_value() {
    let server = RedisServer::start();
    let proxy = line(&server, RATE).await;
    let cache = behind(&proxy, &server, &unique("beside")).await;
    let calls = Arc::new(Calls::default());
    report(&cache, &calls, 5).await;
    small(&cache, &calls, 1).await;
    mixed(&cache, &calls, 5 * MIB).await;
    mixed(&cache, &calls, 10).await;
    let before = calls.count();
    let until = Instant::now() + Duration::from_secs(1);
    let hit = async || assert_eq!(small(&cache, &calls, 1).await, 2);
    let alone = p99(|| Instant::now() > until, hit).await;
    let stop = Arc::new(AtomicBool::new(false));
    let large = {
        let (cache, calls, stop) = (cache.clone(), Arc::clone(&calls), Arc::clone(&stop));
        tokio::spawn(async move {
            for _ in 0..4 {
                assert_eq!(report(&cache, &calls, 5).await.len(), 5 * MIB);
                assert_eq!(mixed(&cache, &calls, 5 * MIB).await.len(), 5 * MIB);
            }
            stop.store(true, SeqCst);
        })
    };
    // Both of them: a function whose values are all small, and the small ones of a function that has large ones.
    let beside = p99(
        || stop.load(SeqCst),
        async || {
            assert_eq!(small(&cache, &calls, 1).await, 2);
            assert_eq!(mixed(&cache, &calls, 10).await.len(), 10);
        },
    )
    .await
        / 2;
    in_time(large).await.expect("large hits");
    println!("99 of 100 small hits within {alone:?} alone, {beside:?} beside large ones");
    assert_eq!(calls.count(), before, "all of them are hits");
    // A busy machine may add some milliseconds; behind a large value it would be hundreds.
    assert!(beside < alone * 2 + Duration::from_millis(20), "{alone:?} alone, {beside:?} beside");
    is_fine(&cache).await;
}

/// The line is too slow for the value: its calls go on without the cache, and all others with it.
#[tokio::test]
async fn a_value_that_is_too_large_for_its_line_is_named() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start();
    let proxy = line(&server, RATE).await;
    let cache = behind(&proxy, &server, &unique("slow")).await;
    let calls = Calls::default();
    small(&cache, &calls, 1).await;
    proxy.set(Mode::Throttle(1_000_000));
    let (log, _guard) = Log::start();
    let mut told = String::new();
    for _ in 0..4 {
        if told.contains("large value") {
            break;
        }
        let began = Instant::now();
        assert_eq!(in_time(report(&cache, &calls, 7)).await.len(), 7 * MIB);
        let took = began.elapsed();
        // Twenty times `redis_timeout`, on a busy machine.
        assert!(took < Duration::from_secs(12), "{took:?}");
        assert_eq!(small(&cache, &calls, 1).await, 2);
        told += &log.take().join("\n");
    }
    assert!(told.contains("`large::report` of 7.0 MiB"), "{told}");
    assert!(!told.contains("not reachable") && !told.contains("does not answer"), "{told}");
    assert_eq!((counts(&cache, "small").misses, counts(&cache, "report").stores), (1, 0));
    assert!(counts(&cache, "report").store_errors > 0);
    assert_eq!(cache.health().await.breaker, Breaker::Closed);
}

/// A large value takes no longer than others when nothing arrives.
#[tokio::test]
async fn a_silent_line_costs_one_time_limit() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = behind(&proxy, &server, &unique("silent")).await;
    let calls = Calls::default();
    for _ in 0..2 {
        report(&cache, &calls, 4).await;
    }
    assert_eq!(calls.count(), 1);
    proxy.set(Mode::Blackhole);
    let began = Instant::now();
    assert_eq!(report(&cache, &calls, 4).await.len(), 4 * MIB);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    proxy.set(Mode::Pass);
    eventually_async(LONG, || async {
        let before = counts(&cache, "report").hits;
        report(&cache, &calls, 4).await;
        counts(&cache, "report").hits > before
    })
    .await;
}
