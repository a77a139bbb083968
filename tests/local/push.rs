//! The push connection is lost while everything else works: no copy outlives a missed message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Cache, IgnoreInKey, cache};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{LONG, counts, hasty};
use support::wait::eventually_async;

/// The current value that the function should return.
#[derive(Default)]
struct Source(AtomicU64);

impl IgnoreInKey for Source {}

#[cache(cache = cache, key = "{id}", expire = "1h", local = "1h", entry = near_entry)]
async fn near(cache: &Cache, source: &Source, id: u64) -> Arc<u64> {
    Arc::new(source.0.load(SeqCst) + id)
}

fn local_hits(cache: &Cache) -> u64 {
    counts(cache, "near").local_hits
}

/// Calls until a local copy is served.
async fn warm(cache: &Cache, source: &Source) {
    let before = local_hits(cache);
    eventually_async(LONG, || async {
        near(cache, source, 1).await;
        local_hits(cache) > before
    })
    .await;
}

/// Measures the time until a removal by another program is noticed.
async fn seen(cache: &Cache, source: &Source, change: impl FnOnce(&str)) -> Duration {
    let key = near_entry(cache, source, 1).key().to_owned();
    let version = source.0.fetch_add(10, SeqCst) + 10;
    let started = Instant::now();
    change(&key);
    eventually_async(LONG, || async { *near(cache, source, 1).await == version + 1 }).await;
    started.elapsed()
}

/// Returns the push connections.
fn streams(server: &RedisServer) -> Vec<String> {
    let clients = server.command(&["CLIENT", "LIST"]);
    let fields = |line: &str, name: &str| {
        line.split(' ').find_map(|field| field.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    clients
        .lines()
        .filter(|line| fields(line, "flags=").contains('B'))
        .map(|line| fields(line, "id="))
        .collect()
}

#[tokio::test]
async fn the_push_connection_alone_is_cut() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let source = Source::default();
    for _ in 0..5 {
        warm(&cache, &source).await;
        let ids = streams(&server);
        assert_eq!(ids.len(), 1, "{ids:?}");
        let delay = seen(&cache, &source, |key| {
            assert_eq!(server.command(&["CLIENT", "KILL", "ID", &ids[0]]), "1");
            // No message reports this change.
            assert_eq!(server.command(&["DEL", key]), "1");
        })
        .await;
        println!("seen after {delay:?}");
        assert!(delay < Duration::from_secs(2), "{delay:?}");
        assert_eq!(counts(&cache, "near").store_errors, 0, "the other connections are as before");
    }
    warm(&cache, &source).await;
    assert_eq!(cache.health().await.push, Some(true));
}

#[tokio::test]
async fn the_push_connection_alone_falls_silent() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let cache = hasty(&server).url(proxy.url()).require_redis(true).build().await.expect("a cache");
    let source = Source::default();
    for _ in 0..2 {
        warm(&cache, &source).await;
        proxy.set(Mode::SilentStream);
        let delay = seen(&cache, &source, |key| assert_eq!(server.command(&["DEL", key]), "1")).await;
        println!("seen after {delay:?}");
        // A ping each second and `redis_timeout` for its reply; the rest is for a busy machine.
        assert!(delay < Duration::from_secs(3), "{delay:?}");
        eventually_async(LONG, || async { cache.health().await.push == Some(false) }).await;
        let before = local_hits(&cache);
        for _ in 0..10 {
            near(&cache, &source, 1).await;
        }
        assert_eq!(local_hits(&cache), before, "no copies without a stream");
        assert!(cache.health().await.connected);
        proxy.set(Mode::Pass);
    }
    warm(&cache, &source).await;
}

/// Redis closes a connection whose output buffer exceeds its limit.
#[tokio::test]
async fn the_push_connection_falls_behind_and_is_closed() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let source = Source::default();
    assert_eq!(server.command(&["CONFIG", "SET", "client-output-buffer-limit", "normal 65536 0 0"]), "OK");
    for round in 0..3 {
        warm(&cache, &source).await;
        let before = streams(&server);
        let delay = seen(&cache, &source, |key| {
            // All keys are one message, which exceeds the limit.
            let names: Vec<String> = (0..3000).map(|n| format!("{key}-{round}-{n:0100}")).collect();
            let mut set = vec!["MSET", key, "foreign"];
            set.extend(names.iter().flat_map(|name| [name.as_str(), ""]));
            assert_eq!(server.command(&set), "OK");
        })
        .await;
        println!("seen after {delay:?}");
        assert!(delay < Duration::from_secs(2), "{delay:?}");
        eventually_async(LONG, || async { streams(&server).iter().all(|id| !before.contains(id)) }).await;
    }
    warm(&cache, &source).await;
}
