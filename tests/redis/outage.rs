//! Redis is absent, dead, hung or behind a broken connection: calls return, and caching resumes by itself.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use larder::{Builder, Cache, Error, cache};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, counts, hasty, in_time, unique};
use support::wait::eventually_async;

/// A limit far above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache)]
fn triple(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

async fn build(builder: Builder) -> Cache {
    builder.build().await.expect("a cache")
}

/// Makes 64 concurrent calls, and asserts that each gets its own result in time.
async fn calls_return(cache: &Cache, what: &str) {
    let calls = Calls::default();
    let timed = join_all((0..64).map(|n| {
        let calls = &calls;
        async move {
            let started = Instant::now();
            assert_eq!(double(cache, calls, n).await, n * 2);
            started.elapsed()
        }
    }));
    let slowest = in_time(timed).await.into_iter().max().expect("64");
    assert!(slowest < BOUND, "{what}: {slowest:?}");
    let (sync, started) = (cache.clone(), Instant::now());
    let sync = tokio::task::spawn_blocking(move || triple(&sync, &Calls::default(), 7));
    assert_eq!(in_time(sync).await.expect("no panic"), 21);
    assert!(started.elapsed() < BOUND, "{what}: {:?}", started.elapsed());
}

/// Waits until results are cached again, and checks them.
async fn caching_begins(cache: &Cache) {
    eventually_async(LONG, || async {
        let key = unique("probe");
        cache.set(&key, &7, "1m").await.is_ok() && cache.get(&key).await == Some(7)
    })
    .await;
    let calls = Calls::default();
    for n in 1000..1050 {
        for _ in 0..2 {
            assert_eq!(double(cache, &calls, n).await, n * 2);
        }
    }
    assert!(calls.count() <= 50, "{}", calls.count());
    for n in 0..64 {
        assert_eq!(double(cache, &calls, n).await, n * 2, "nothing wrong was left behind");
    }
    assert_eq!(cache.delete_pattern("*1000*").await.map_err(|error| error.to_string()).map(drop), Ok(()));
}

#[tokio::test]
async fn absent_at_the_start_and_started_later() {
    let server = RedisServer::start();
    server.stop();
    let cache = build(hasty(&server)).await;
    calls_return(&cache, "absent").await;
    assert!(!cache.health().await.connected);
    server.restart();
    caching_begins(&cache).await;
    let health = cache.health().await;
    assert!(health.connected && health.latency.is_some() && health.error.is_none(), "{health:?}");
}

#[tokio::test]
async fn absent_and_required() {
    let server = RedisServer::start();
    server.stop();
    let started = Instant::now();
    let error = hasty(&server).require_redis(true).build().await.expect_err("there is no server");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(started.elapsed() < 2 * BOUND);
}

#[tokio::test]
async fn a_silent_port_does_not_delay_the_start() {
    let server = RedisServer::start();
    server.pause();
    let started = Instant::now();
    let cache = in_time(build(hasty(&server))).await;
    assert!(started.elapsed() < 2 * BOUND);
    calls_return(&cache, "silent").await;
    let error = in_time(hasty(&server).require_redis(true).build()).await.expect_err("it is silent");
    assert!(matches!(error, Error::Unavailable { .. } | Error::Timeout { .. }), "{error:?}");
    server.resume();
    caching_begins(&cache).await;
}

#[tokio::test]
async fn killed_and_restarted() {
    let server = RedisServer::start();
    let cache = build(hasty(&server).require_redis(true)).await;
    caching_begins(&cache).await;
    for _ in 0..3 {
        server.stop();
        for _ in 0..3 {
            calls_return(&cache, "killed").await;
        }
        server.restart();
        caching_begins(&cache).await;
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_calls() {
    let server = RedisServer::start();
    let cache = build(hasty(&server).require_redis(true)).await;
    let traffic = async {
        for round in 0..200 {
            let calls = Calls::default();
            let values = in_time(join_all((0..16).map(|n| double(&cache, &calls, round * 100 + n)))).await;
            assert!(values.into_iter().eq((0..16).map(|n| (round * 100 + n) * 2)));
            if round == 100 {
                server.stop();
            }
        }
    };
    traffic.await;
    server.restart();
    caching_begins(&cache).await;
}

#[tokio::test]
async fn hung_and_resumed() {
    let server = RedisServer::start();
    let cache = build(hasty(&server).require_redis(true)).await;
    caching_begins(&cache).await;
    server.pause();
    for _ in 0..3 {
        calls_return(&cache, "hung").await;
    }
    server.resume();
    caching_begins(&cache).await;
}

#[tokio::test]
async fn connections_killed_and_idle_ones_closed() {
    let server = RedisServer::start();
    let cache = build(hasty(&server).require_redis(true).connections(3)).await;
    for _ in 0..5 {
        caching_begins(&cache).await;
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        calls_return(&cache, "disconnected").await;
    }
    caching_begins(&cache).await;
}

#[tokio::test]
async fn faults_of_the_connection() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = build(Cache::builder().url(proxy.url()).prefix(unique("line")).require_redis(true)).await;
    caching_begins(&cache).await;
    for mode in [
        Mode::Blackhole,
        Mode::Refuse,
        Mode::Reset,
        Mode::SwallowReplies,
        Mode::Truncate(0),
        Mode::Truncate(1),
        Mode::Truncate(7),
        Mode::Truncate(100),
        Mode::Delay(Duration::from_secs(1)),
    ] {
        let what = format!("{mode:?}");
        proxy.set(mode);
        for _ in 0..2 {
            calls_return(&cache, &what).await;
        }
        proxy.set(Mode::Pass);
        caching_begins(&cache).await;
    }
}

#[tokio::test]
async fn a_slow_line_within_the_limit_is_used() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let builder = Cache::builder().url(proxy.url()).redis_timeout(Duration::from_secs(10));
    let cache = build(builder.connect_timeout(LONG).require_redis(true)).await;
    proxy.set(Mode::Delay(Duration::from_millis(100)));
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(double(&cache, &calls, 1).await, 2);
    }
    assert_eq!((calls.count(), counts(&cache, "double").store_errors), (1, 0));
}

#[tokio::test]
async fn one_call_computes_for_all_without_redis() {
    let server = RedisServer::start();
    server.stop();
    let cache = build(hasty(&server)).await;
    let (calls, gate) = (Calls::default(), Gate::default());
    let callers = join_all((0..100).map(|_| {
        cache.remember("k", "1m", || async {
            calls.add();
            gate.pass().await;
            7
        })
    }));
    let opener = async {
        gate.arrived(1).await;
        support::stores::settle(&cache).await;
        gate.open();
    };
    let (values, ()) = in_time(async { tokio::join!(callers, opener) }).await;
    assert_eq!((values, calls.count()), (vec![7; 100], 1));
    assert_eq!(cache.health().await.computing, 0);
}

#[tokio::test]
async fn during_an_outage_reads_find_nothing_and_changes_are_errors() {
    let server = RedisServer::start();
    let cache = build(hasty(&server).require_redis(true)).await;
    cache.set("k", &1, "1m").await.expect("stored");
    server.stop();
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    assert_eq!(cache.get::<i32>("k").await, None);
    assert!(!cache.exists("k").await);
    assert_eq!(cache.ttl("k").await, None);
    assert_eq!(cache.remember("k", "1m", || async { 2 }).await, 2);
    assert_eq!(cache.try_remember("k", "1m", || async { Err::<i32, _>("own") }).await, Err("own"));

    let away = |error: Error| {
        assert!(matches!(error, Error::Unavailable { .. } | Error::Timeout { .. }), "{error:?}");
    };
    away(cache.try_get::<i32>("k").await.expect_err("no server"));
    away(cache.set("k", &1, "1m").await.expect_err("no server"));
    away(cache.delete("k").await.expect_err("no server"));
    away(cache.delete_pattern("*").await.expect_err("no server"));
    away(cache.delete_group("g").await.expect_err("no server"));
    away(cache.clear().await.expect_err("no server"));
    away(cache.inspect("k").await.expect_err("no server"));
    away(cache.group("g").set("k", &1, "1m").await.expect_err("no server"));
    let keys: Vec<_> = in_time(cache.keys("*").collect()).await;
    assert!(matches!(&keys[..], [Err(_)]), "one error, and the end: {keys:?}");
    assert!(counts(&cache, "handle").store_errors > 0);
}

/// The call in the process of the invalidation cannot read the new stamp of the tag, and does not follow the old computation
/// all the same.
#[tokio::test]
async fn a_computation_from_before_a_dropped_tag_is_not_followed_without_redis() {
    #[cache(expire = "5m", tags = ["t{n}"], group = "g", cache = cache, entry = slow_entry)]
    async fn slow(cache: &Cache, #[cache(ignore)] source: &Source, n: u64) -> usize {
        let _ = n;
        let version = source.version.count();
        if version == 1 {
            source.gate.pass().await;
        }
        version
    }

    /// The first version is slow to read.
    #[derive(Default)]
    struct Source {
        version: Calls,
        gate: Gate,
    }

    for by in ["tag", "tags", "group", "key", "clear"] {
        let server = RedisServer::start();
        let cache = build(hasty(&server)).await;
        let source = Source::default();
        source.version.add();
        let late = async {
            source.gate.arrived(1).await;
            source.version.add();
            match by {
                "tag" => cache.invalidate_tag("t1").await.expect("dropped"),
                "tags" => cache.invalidate_tags(&["other", "t1"]).await.expect("dropped"),
                "group" => cache.delete_group("g").await.expect("dropped"),
                "key" => slow_entry(&cache, 1).invalidate().await.expect("removed"),
                _ => drop(cache.clear().await.expect("cleared")),
            }
            server.stop();
            let late = slow(&cache, &source, 1).await;
            source.gate.open();
            late
        };
        let (early, late) = in_time(futures_util::future::join(slow(&cache, &source, 1), late)).await;
        assert_eq!((early, late), (1, 2), "{by}");
    }
}
