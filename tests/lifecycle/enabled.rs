//! `enabled(false)`: nothing is read or stored, and invalidations are carried out.

use std::collections::HashMap;

use axum::Router;
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Builder, Cache, cache, cache_evict, cache_many, cache_put};
use support::deployment::shared;
use support::http::Server;
use support::stores::{Calls, unique};

#[cache(expire = "1h", cache = cache, key = "user:{id}", tags = ["users"], entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1h", cache = cache, key = "sync:{id}", ignore(calls))]
fn sync_user(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache_many(of = |id| user_entry(cache, calls, id))]
async fn users(cache: &Cache, calls: &Calls, ids: &[u64]) -> HashMap<u64, u64> {
    calls.add();
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cache_put(entry = user_entry(cache, &Calls::default(), id))]
async fn save(cache: &Cache, id: u64) -> u64 {
    id + 100
}

#[cache_evict(tags = ["users"], cache = cache)]
async fn drop_users(cache: &Cache) {}

/// A cache that is switched off, and one of another process that is not.
async fn pair() -> (Cache, Cache) {
    let prefix = unique("off");
    let build = |change: fn(Builder) -> Builder| {
        let builder = Cache::builder().url(shared().url()).prefix(&prefix).require_redis(true);
        change(builder).build()
    };
    let off = build(|builder| builder.enabled(false)).await.expect("a cache");
    (off, build(|builder| builder).await.expect("a cache"))
}

#[tokio::test]
async fn nothing_is_read_or_stored() {
    let (off, on) = pair().await;
    let memory = Cache::builder().enabled(false).build().await.expect("a cache");
    for cache in [&off, &memory] {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(user(cache, &calls, 1).await, 1);
            assert_eq!(sync_user(cache, &calls, 1), 1);
            assert_eq!(users(cache, &calls, &[1, 2]).await.len(), 2);
            assert_eq!(cache.remember("k", "1h", || async { calls.add() }).await, calls.count() - 1);
            let blocking = cache.blocking();
            assert_eq!(blocking.remember("k", "1h", || calls.add()), calls.count() - 1);
        }
        assert_eq!(calls.count(), 10);
        cache.set("k", &1, "1h").await.expect("no failure");
        cache.set_many([("a", &1), ("b", &2)], "1h").await.expect("no failure");
        assert_eq!(
            (cache.get::<u64>("k").await, cache.exists("a").await, cache.ttl("b").await),
            (None, false, None)
        );
        assert_eq!(cache.try_get::<u64>("k").await.expect("no failure"), None);
        assert_eq!(cache.get_many::<u64>(&["a", "b"]).await, [None, None]);
        let entry = user_entry(cache, &calls, 1);
        entry.put(&1_u64).await.expect("no failure");
        assert_eq!((entry.get::<u64>().await, entry.ttl().await), (None, None));
        let totals = cache.stats().total;
        assert_eq!((totals.hits, totals.misses, totals.stores), (0, 0, 0), "{totals:?}");
        assert!(totals.bypasses >= 10, "{totals:?}");
    }
    // What another process stored is not read either.
    let calls = Calls::default();
    assert_eq!((user(&on, &calls, 1).await, user(&on, &calls, 1).await, calls.count()), (1, 1, 1));
    assert_eq!((user(&off, &calls, 1).await, calls.count()), (1, 2));
    assert_eq!(user_entry(&off, &calls, 1).get::<u64>().await, None);
}

#[tokio::test]
async fn other_processes_read_nothing_old() {
    let (off, on) = pair().await;
    let calls = Calls::default();
    let is_cached = async || {
        let before = calls.count();
        user(&on, &calls, 1).await;
        calls.count() == before
    };
    assert!(!is_cached().await && is_cached().await);
    drop_users(&off).await;
    assert!(!is_cached().await && is_cached().await);
    assert_eq!(save(&off, 1).await, 101);
    assert!(!is_cached().await && is_cached().await, "a put removes the entry");
    user_entry(&off, &calls, 1).put(&7_u64).await.expect("removed");
    assert!(!is_cached().await && is_cached().await);
    user_entry(&off, &calls, 1).invalidate().await.expect("removed");
    assert!(!is_cached().await && is_cached().await);
    off.invalidate_tag("users").await.expect("carried out");
    assert!(!is_cached().await);
    on.set("k", &1, "1h").await.expect("stored");
    off.set("k", &2, "1h").await.expect("removed");
    assert_eq!(on.get::<u64>("k").await, None);
    assert_eq!(off.clear().await.expect("carried out"), 1, "the entry of the user");
    assert!(!is_cached().await);
}

#[cache(response, expire = "1h")]
async fn page() -> &'static str {
    "a page"
}

#[tokio::test]
async fn responses_bypass() {
    let cache = Cache::builder().enabled(false).build().await.expect("a cache");
    let plain = Router::new().route("/layer", get(|| async { "a page" }));
    let layered = plain.layer(ResponseCacheLayer::new().expire("1h"));
    let app = Router::new().route("/handler", get(page)).merge(layered).layer(larder::http::scope(&cache));
    let server = Server::start(app).await;
    for path in ["/handler", "/layer", "/handler", "/layer"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.text(), answer.x_cache()), (200, "a page", "BYPASS"), "{path}");
        let status = answer.header("cache-status").expect("Cache-Status");
        assert!(status.contains("detail=disabled"), "{path}: {status}");
    }
}
