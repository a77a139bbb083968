//! A master becomes a replica: reads work as before, writes are refused, and the new master is found.

use larder::{Cache, Error, cache};
use support::proxy::FaultProxy;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", ignore(calls), cache = cache, entry = price_entry)]
async fn price(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache)]
async fn grouped(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

fn connections_made(server: &RedisServer) -> u64 {
    let info = server.command(&["INFO", "stats"]);
    let count = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    count.and_then(|count| count.trim().parse().ok()).expect("a count")
}

#[tokio::test]
async fn a_replica_serves_hits_and_the_connection_is_kept() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    price(&cache, &calls, 1).await;
    assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    let before = connections_made(&server);
    for n in 2..200 {
        assert_eq!(in_time(price(&cache, &calls, n)).await, n * 2);
        assert_eq!(in_time(price(&cache, &calls, 1)).await, 2);
    }
    assert_eq!(calls.count(), 199, "what was there is a hit each time");
    assert!(cache.health().await.connected);
    // One connection to look for the master, one of larder's own runtime, and those of this test.
    let made = connections_made(&server) - before;
    assert!(made <= 5, "{made} connections");
    assert_eq!(server.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    for _ in 0..2 {
        price(&cache, &calls, 500).await;
    }
    assert_eq!(calls.count(), 200, "it stores again at once");
}

#[tokio::test]
async fn the_new_master_is_found() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let name = FaultProxy::start(old.port()).await;
    let cache = Cache::builder().url(name.url()).prefix(unique("move")).require_redis(true);
    let cache = cache.build().await.expect("a cache");
    let calls = Calls::default();
    price(&cache, &calls, 1).await;
    assert_eq!(old.command(&["REPLICAOF", "127.0.0.1", &new.port().to_string()]), "OK");
    let error = cache.set("k", &1, "5m").await.expect_err("a replica takes no writes");
    assert!(matches!(error, Error::Redis { .. }), "{error:?}");
    name.lead_to(new.port());
    // The removal that the first call left may come after a value that is stored meanwhile.
    eventually_async(LONG, || async {
        cache.set("k", &2, "5m").await.is_ok() && cache.health().await.pending_invalidations == 0
    })
    .await;
    eventually_async(LONG, || async {
        cache.set("k", &2, "5m").await.is_ok() && cache.get::<i32>("k").await == Some(2)
    })
    .await;
    assert_eq!(new.command(&["DBSIZE"]), "1");
}

/// A search may find another replica, or a server that is gone.
#[tokio::test]
async fn another_replica_is_not_mistaken_for_the_master() {
    let (old, other) = (RedisServer::start(), RedisServer::start());
    let name = FaultProxy::start(old.port()).await;
    let cache = Cache::builder().url(name.url()).prefix(unique("move")).require_redis(true);
    let cache = cache.build().await.expect("a cache");
    let calls = Calls::default();
    price(&cache, &calls, 1).await;
    for server in [&old, &other] {
        assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    }
    name.lead_to(other.port());
    let before = connections_made(&other);
    cache.set("k", &1, "5m").await.expect_err("a replica takes no writes");
    eventually_async(LONG, || async { connections_made(&other) > before + 1 }).await;
    for _ in 0..20 {
        assert_eq!(price(&cache, &calls, 1).await, 2);
    }
    assert_eq!(calls.count(), 1, "the old one is still read");
}

#[tokio::test]
async fn a_replica_does_not_serve_invalidated_entries() {
    let server = RedisServer::start();
    let prefix = unique("due");
    let one = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let other = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    price(&one, &calls, 1).await;
    grouped(&one, &calls, 1).await;
    assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    price_entry(&one, 1).invalidate().await.expect_err("a replica takes no writes");
    one.delete_group("g").await.expect_err("a replica takes no writes");
    for _ in 0..20 {
        assert_eq!((price(&one, &calls, 1).await, grouped(&one, &calls, 1).await), (2, 3));
    }
    assert_eq!(calls.count(), 2 + 40);
    assert_eq!(server.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    eventually_async(LONG, || async { one.health().await.pending_invalidations == 0 }).await;
    for cache in [&other, &one] {
        assert_eq!((price(cache, &calls, 1).await, grouped(cache, &calls, 1).await), (2, 3));
    }
    assert_eq!(calls.count(), 42 + 2);
}
