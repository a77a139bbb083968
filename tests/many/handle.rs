//! The calls of the handle for several keys.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Cache, Error, Expire};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, caches, counts, in_time, on};

#[tokio::test]
async fn values_are_stored_read_and_removed() {
    for cache in &caches().await {
        let keys: Vec<String> = (0..300).map(|n| format!("k{n}")).collect();
        let values: HashMap<&String, usize> = keys.iter().zip(0..).collect();
        cache.set_many(&values, "5m").await.expect("stored");
        let found = cache.get_many::<usize>(&keys).await;
        assert_eq!(found, (0..300).map(Some).collect::<Vec<_>>(), "{cache:?}");
        assert_eq!(cache.get_many::<usize>(&["k7", "none", "k7"]).await, [Some(7), None, Some(7)]);
        assert_eq!(cache.get_many::<String>(&["k7"]).await, [None], "another type");
        let counts = counts(cache, "handle");
        assert_eq!((counts.hits, counts.misses, counts.unusable), (302, 2, 1), "{cache:?}");
        assert_eq!(cache.delete_many(&keys[..150]).await.expect("removed"), 150, "{cache:?}");
        assert_eq!(cache.delete_many(&["none", "k150", "k150"]).await.expect("removed"), 1);
        let left = cache.get_many::<usize>(&keys).await;
        assert_eq!(left.iter().flatten().count(), 149);
        assert!(cache.get_many::<usize>(&[] as &[&str]).await.is_empty());
        assert_eq!(cache.delete_many(&[] as &[&str]).await.expect("nothing"), 0);
    }
}

#[tokio::test]
async fn groups_and_expiries() {
    for cache in &caches().await {
        let group = cache.group("g");
        group.set_many([("a", 1), ("b", 2)], Expire::Never).await.expect("stored");
        assert_eq!(cache.get_many::<i32>(&["a", "{g}:a"]).await, [None, Some(1)], "{cache:?}");
        cache.delete_group("g").await.expect("dropped");
        assert_eq!(group.get_many::<i32>(&["a", "b"]).await, [None, None]);
        let refused = cache.set_many([("a", 1)], 0).await;
        assert!(matches!(refused, Err(Error::Config { setting: "expire", .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn missing_keys_are_computed() {
    for cache in &caches().await {
        let calls = Calls::default();
        cache.set("b", &20, "5m").await.expect("stored");
        for _ in 0..2 {
            let found: HashMap<String, i32> = cache
                .remember_many(&["a", "b", "c", "a"], "5m", |missing| {
                    calls.add();
                    async move {
                        assert_eq!(missing, ["a", "c"]);
                        missing.into_iter().map(|key| (key.to_owned(), 1)).collect()
                    }
                })
                .await;
            let expected = [("a".to_owned(), 1), ("b".to_owned(), 20), ("c".to_owned(), 1)];
            assert_eq!(found, HashMap::from(expected), "{cache:?}");
        }
        assert_eq!(calls.count(), 1);
        assert_eq!(cache.get_many::<i32>(&["a", "c"]).await, [Some(1), Some(1)]);
    }
}

#[tokio::test]
async fn errors_are_returned_and_not_stored() {
    for cache in &caches().await {
        let calls = AtomicUsize::new(0);
        let call = || {
            cache.remember_many(&["x", "y"], "5m", |missing: Vec<&str>| {
                let before = calls.fetch_add(1, SeqCst);
                async move {
                    if before == 0 {
                        Err("first")
                    } else {
                        Ok(missing.iter().map(|key| Some(key.len())).collect())
                    }
                }
            })
        };
        assert_eq!(call().await, Err("first"));
        assert_eq!(call().await, Ok(vec![Some(1), Some(1)]));
        assert_eq!(call().await, Ok(vec![Some(1), Some(1)]));
        assert_eq!(calls.load(SeqCst), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn an_expiry_that_is_none_runs_uncached() {
    for cache in &caches().await {
        let (log, _guard) = Log::start();
        for _ in 0..2 {
            let found: Vec<(String, i32)> = cache
                .remember_many(&["z"], "soon", async |missing: Vec<&str>| {
                    missing.into_iter().map(|key| (key.to_owned(), 1)).collect()
                })
                .await;
            assert_eq!(found, [("z".to_owned(), 1)]);
        }
        assert_eq!(log.take().len(), 1);
        assert!(!cache.exists("z").await);
    }
}

#[tokio::test]
async fn a_stopped_server_is_waited_for_once() {
    let limit = Duration::from_secs(2);
    let server = RedisServer::start();
    let cache = on(&server).redis_timeout(limit).require_redis(true).build().await.expect("a cache");
    let keys: Vec<String> = (0..500).map(|n| format!("k{n}")).collect();
    cache.set_many(keys.iter().map(|key| (key, 1)), "5m").await.expect("stored");
    server.pause();
    let started = Instant::now();
    assert!(in_time(cache.delete_many(&keys)).await.is_err());
    assert!(started.elapsed() < limit * 2, "{:?}", started.elapsed());
    server.resume();
    support::wait::eventually_async(support::stores::LONG, || async {
        cache.health().await.pending_invalidations == 0
    })
    .await;
    assert_eq!(cache.get_many::<i32>(&keys).await.into_iter().flatten().count(), 0, "removed later");
}

#[tokio::test]
async fn a_closed_cache() {
    for cache in caches().await {
        cache.clone().close().await;
        assert_eq!(cache.get_many::<i32>(&["a"]).await, [None]);
        assert!(matches!(cache.try_get_many::<i32>(&["a"]).await, Err(Error::Closed)));
        assert!(matches!(cache.set_many([("a", 1)], "1m").await, Err(Error::Closed)));
        assert!(matches!(cache.delete_many(&["a"]).await, Err(Error::Closed)));
    }
}

#[test]
fn every_call_has_a_blocking_twin() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        let blocking = Cache::blocking(&cache);
        blocking.set_many([("a", 1), ("b", 2)], "5m").expect("stored");
        assert_eq!(blocking.get_many::<i32>(&["b", "a"]), [Some(2), Some(1)]);
        assert_eq!(blocking.try_get_many::<i32>(&["c"]).expect("an answer"), [None]);
        let found: Vec<Option<i32>> =
            blocking.remember_many(&["a", "c"], "5m", |missing| missing.iter().map(|_| Some(3)).collect());
        assert_eq!(found, [Some(1), Some(3)], "{cache:?}");
        assert_eq!(blocking.delete_many(&["a", "b", "c"]).expect("removed"), 3);
    }
}
