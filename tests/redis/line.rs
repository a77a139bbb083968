//! A faulty connection to Redis: replies that are damaged, drip, or never arrive on connections that stay open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Breaker, Cache, cache};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, hasty, in_time, unique};
use support::wait::eventually_async;

/// A limit far above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn text(cache: &Cache, calls: &Calls, n: u64) -> String {
    calls.add();
    n.to_string().repeat(20)
}

#[cache(expire = "5m", ignore(calls), group = "g:{n}", tags = ["t"], cache = cache)]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

/// Measures the time until a value can be stored and read again.
async fn back(cache: &Cache) -> Duration {
    let (started, key) = (Instant::now(), unique("probe"));
    eventually_async(LONG, || async {
        cache.set(&key, &7, "1m").await.is_ok() && cache.get(&key).await == Some(7)
    })
    .await;
    started.elapsed()
}

/// Calls, reads, writes and removes until stopped, and checks each value.
fn play(cache: &Cache, from: u64, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let (cache, stop) = (cache.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        let calls = Calls::default();
        let mut round = from;
        while !stop.load(SeqCst) {
            round += 1;
            let n = round % 40;
            assert_eq!(text(&cache, &calls, n).await, n.to_string().repeat(20));
            assert_eq!(labelled(&cache, &calls, n).await, n * 3);
            let found: Option<u64> = cache.get(&format!("k{n}")).await;
            assert!(found.is_none_or(|found| found == n), "{found:?} instead of {n}");
            if round.is_multiple_of(20) {
                // Changes may fail with an error.
                drop(cache.set(&format!("k{n}"), &n, "5m").await);
                drop(cache.delete(&format!("k{}", (n + 7) % 40)).await);
            }
            tokio::task::yield_now().await;
        }
    })
}

async fn behind(proxy: &FaultProxy, server: &RedisServer) -> Cache {
    hasty(server).url(proxy.url()).require_redis(true).build().await.expect("a cache")
}

/// Makes 32 concurrent calls, and asserts that each returns in time.
async fn calls_return(cache: &Cache) {
    let calls = Calls::default();
    let timed = join_all((0..32).map(|n| {
        let calls = &calls;
        async move {
            let started = Instant::now();
            assert_eq!(text(cache, calls, n).await, n.to_string().repeat(20));
            started.elapsed()
        }
    }));
    let slowest = in_time(timed).await.into_iter().max().expect("32");
    assert!(slowest < BOUND, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_replies_never_become_values() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let mut caches = Vec::new();
    for _ in 0..4 {
        caches.push(behind(&proxy, &server).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for cache in &caches {
        tasks.extend((0..8).map(|task| play(cache, task * 5, &stop)));
    }
    let read =
        || caches.iter().map(|cache| cache.stats().total.hits + cache.stats().total.unusable).sum::<u64>();
    let damaged = || caches.iter().map(|cache| cache.stats().total.unusable).sum::<u64>();
    eventually_async(LONG, || async { read() > 200 }).await;
    for rarity in [50_000, 5_000, 500] {
        proxy.set(Mode::Corrupt(rarity));
        let (before, started) = (damaged(), Instant::now());
        eventually_async(LONG, || async {
            started.elapsed() > Duration::from_secs(1) && (damaged() > before + 3 || rarity < 5_000)
        })
        .await;
    }
    proxy.set(Mode::Pass);
    println!("{} values read, {} of them damaged", read(), damaged());
    for cache in &caches {
        let back = back(cache).await;
        assert!(back < Duration::from_secs(3), "{back:?}");
    }
    // All callers read stored values again: no connection is left with replies to other commands.
    for cache in &caches {
        let hits = || cache.stats().total.hits;
        let before = hits();
        eventually_async(LONG, || async { hits() > before + 500 }).await;
    }
    stop.store(true, SeqCst);
    for task in tasks {
        in_time(task).await.expect("no wrong value");
    }
}

/// One extra reply shifts all later ones as long as a reply is awaited at every moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_to_other_commands_are_noticed() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = behind(&proxy, &server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..64).map(|task| play(&cache, task, &stop)).collect();
    let counted = || cache.stats().total;
    let mut noticed = 0;
    for answer in ["$-1\r\n", "+OK\r\n", ":1\r\n", "*1\r\n:3\r\n", "$3\r\nabc\r\n"] {
        let before = counted();
        let troubles = || counted().unusable + counted().store_errors - before.unusable - before.store_errors;
        proxy.set(Mode::Insert(answer));
        // An extra reply that no command awaits does no harm.
        eventually_async(LONG, || async { troubles() > 0 || counted().hits > before.hits + 2_000 }).await;
        noticed += u64::from(troubles() > 0);
        proxy.set(Mode::Pass);
        let back = back(&cache).await;
        println!("{answer:?}: caching was back after {back:?}");
        assert!(back < Duration::from_secs(3), "{back:?}");
        let before = counted();
        eventually_async(LONG, || async { counted().hits > before.hits + 500 }).await;
    }
    assert!(noticed > 0);
    stop.store(true, SeqCst);
    for task in tasks {
        in_time(task).await.expect("no wrong value");
    }
}

#[tokio::test]
async fn a_reply_that_drips_is_abandoned() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = behind(&proxy, &server).await;
    back(&cache).await;
    calls_return(&cache).await;
    // An entry of two hundred bytes takes four seconds to arrive.
    proxy.set(Mode::Drip(Duration::from_millis(20)));
    for _ in 0..3 {
        calls_return(&cache).await;
    }
    proxy.set(Mode::Pass);
    assert!(back(&cache).await < Duration::from_secs(5));
}

/// Each byte comes before `redis_timeout` has passed since the one before. So few are no progress.
#[tokio::test]
async fn a_line_that_drips_counts_as_silent() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = behind(&proxy, &server).await;
    back(&cache).await;
    calls_return(&cache).await;
    proxy.set(Mode::Drip(Duration::from_millis(200)));
    let calls = Calls::default();
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(text(&cache, &calls, 1).await, "1".repeat(20));
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    }
    assert_eq!(calls.count(), 3, "no reply arrived");
    calls_return(&cache).await;
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    proxy.set(Mode::Pass);
    assert!(back(&cache).await < Duration::from_secs(5));
}

/// A firewall that lost its state: the connection stays open and silent, and new ones work.
#[tokio::test]
async fn a_silent_connection_is_replaced() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = behind(&proxy, &server).await;
    back(&cache).await;
    for _ in 0..3 {
        calls_return(&cache).await;
        proxy.freeze();
        let started = Instant::now();
        calls_return(&cache).await;
        back(&cache).await;
        println!("caching was back after {:?}", started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_hung_server_is_left_for_its_successor() {
    let (hung, other) = (RedisServer::start(), RedisServer::start());
    let proxy = FaultProxy::start(hung.port()).await;
    let cache = behind(&proxy, &hung).await;
    back(&cache).await;
    hung.pause();
    proxy.lead_to(other.port());
    calls_return(&cache).await;
    back(&cache).await;
    assert_ne!(other.command(&["DBSIZE"]), "0");
    hung.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_over_and_over() {
    let server = Arc::new(RedisServer::start());
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..8).map(|task| play(&cache, task, &stop)).collect();
    for _ in 0..8 {
        let server = Arc::clone(&server);
        tokio::task::spawn_blocking(move || server.restart()).await.expect("it starts");
        calls_return(&cache).await;
    }
    let back = back(&cache).await;
    println!("caching was back after {back:?}");
    assert!(back < Duration::from_secs(3), "{back:?}");
    stop.store(true, SeqCst);
    for task in tasks {
        in_time(task).await.expect("no wrong value");
    }
    // One connection for this runtime, one for larder's own, one that waits for leases, and that of the test.
    let clients = server.command(&["CLIENT", "LIST"]);
    assert!(clients.lines().count() <= 4, "{clients}");
}
