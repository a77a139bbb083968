//! After `close` functions run uncached, and changes are errors.

use futures_util::StreamExt;
use larder::{Cache, Error, cache};
use support::deployment::shared;
use support::redis::RedisServer;
use support::stores::{Calls, caches, counts, on, unique};

#[cache(expire = "1m", ignore(calls), cache = cache, entry = double_entry)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[tokio::test]
async fn functions_run_uncached_and_changes_are_refused() {
    for cache in caches().await {
        let calls = Calls::default();
        double(&cache, &calls, 1).await;
        cache.set("k", &1, "1m").await.expect("stored");
        let entry = double_entry(&cache, 1);
        cache.clone().close().await;

        for _ in 0..2 {
            assert_eq!(double(&cache, &calls, 1).await, 2);
        }
        assert_eq!((calls.count(), counts(&cache, "double").bypasses), (3, 2), "{cache:?}");
        for _ in 0..2 {
            assert_eq!(cache.remember("r", "1m", || async { calls.add() }).await, calls.count() - 1);
        }
        assert_eq!(calls.count(), 5, "{cache:?}");
        let failed = cache.try_remember("r", "1m", || async { Err::<(), _>("own") }).await;
        assert_eq!(failed, Err("own"));

        assert_eq!(cache.get::<i32>("k").await, None);
        assert!(!cache.exists("k").await);
        assert_eq!(cache.ttl("k").await, None);
        assert_eq!(entry.get::<u64>().await, None);
        assert_eq!(entry.ttl().await, None);

        let closed = |result: Result<(), Error>| matches!(result, Err(Error::Closed));
        assert!(closed(cache.try_get::<i32>("k").await.map(drop)), "{cache:?}");
        assert!(closed(cache.set("k", &2, "1m").await));
        assert!(closed(cache.delete("k").await.map(drop)));
        assert!(closed(cache.delete_pattern("*").await.map(drop)));
        assert!(closed(cache.delete_group("g").await));
        assert!(closed(cache.clear().await.map(drop)));
        assert!(closed(cache.inspect("k").await.map(drop)));
        assert!(closed(cache.group("g").set("k", &1, 1).await));
        assert!(closed(cache.keys("*").next().await.expect("an error").map(drop)));
        assert!(closed(entry.put(&1).await));
        assert!(closed(entry.invalidate().await));
        assert!(closed(entry.expire().await));
        assert!(closed(double_entry(&cache, 2).invalidate().await));
        cache.clone().close().await;
        cache.blocking().close();
    }
}

#[tokio::test]
async fn stored_entries_stay_for_other_processes() {
    let prefix = unique("close");
    let (one, other) = (on(shared()).prefix(&prefix), on(shared()).prefix(&prefix));
    let one = one.build().await.expect("a cache");
    let calls = Calls::default();
    double(&one, &calls, 1).await;
    one.close().await;
    let other = other.build().await.expect("a cache");
    double(&other, &calls, 1).await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn close_waits_for_background_refreshes() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let group = cache.group("g");
    for n in 0..2_000 {
        group.set(&n.to_string(), &n, "1m").await.expect("stored");
    }
    cache.delete_group("g").await.expect("dropped");
    cache.close().await;
    assert_eq!(server.command(&["DBSIZE"]), "1", "the stamp of the group alone");
}
