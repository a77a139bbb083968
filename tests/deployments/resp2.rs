//! Servers and proxies without RESP3.

use larder::{Cache, LocalTier, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", group = "g", tags = ["t"], cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// The local tier is off, which is reported once; everything else works.
#[tokio::test]
async fn without_resp3_there_are_no_copies_in_the_process() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let hidden: [&[&str]; 2] = [
        &["--rename-command", "HELLO", ""],
        &["--rename-command", "HELLO", "", "--rename-command", "CLIENT", ""],
    ];
    // The servers outlive the connections of the caches, which end in the background.
    let servers = hidden.map(RedisServer::start_with);
    for server in &servers {
        let prefix = unique("resp2");
        let builder = || on(server).prefix(&prefix).local(LocalTier::new()).require_redis(true);
        let (cache, other) =
            (builder().build().await.expect("a cache"), builder().build().await.expect("a cache"));
        let calls = Calls::default();
        for n in 0..10 {
            for cache in [&cache, &other, &cache] {
                assert_eq!(in_time(double(cache, &calls, n)).await, n * 2);
            }
        }
        assert_eq!(calls.count(), 10);
        assert_eq!((counts(&cache, "double").local_hits, counts(&other, "double").local_hits), (0, 0));
        for (round, invalidate) in [0, 1].into_iter().enumerate() {
            match invalidate {
                0 => cache.invalidate_tag("t").await.expect("carried out"),
                _ => cache.delete_group("g").await.expect("carried out"),
            }
            assert_eq!(double(&other, &calls, 1).await, 2);
            assert_eq!(calls.count(), 11 + round, "the other cache sees it at once");
        }
        assert_eq!((cache.health().await.push, other.health().await.push), (Some(false), Some(false)));
        assert!(in_time(cache.clear()).await.expect("cleared") >= 1);
        assert_eq!(cache.stats().total.store_errors + other.stats().total.store_errors, 0);
        let mut told = Vec::new();
        eventually_async(LONG, || {
            told.extend(log.take());
            let count = told.len();
            async move { count >= 2 }
        })
        .await;
        assert_eq!(told.len(), 2, "one for each cache: {told:#?}");
        assert!(told.iter().all(|line| line.contains("redis does not notify of changes")), "{told:#?}");
        drop((cache, other));
    }
}
