//! `outage_local`: during an outage of Redis results are cached in this process for a short time.

use std::time::Duration;

use futures_util::future::join_all;
use larder::{Cache, Error, cache};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, counts, hasty, in_time, on, settle};
use support::wait::eventually_async;

#[cache(expire = "5m", none_expire = "5m", unless = |n: &u64| *n == 13, tags = ["n:{n}"], ignore(calls), cache = cache, entry = found_entry)]
async fn found(cache: &Cache, calls: &Calls, n: u64) -> Result<Option<u64>, String> {
    calls.add();
    match n {
        0 => Err("no".to_owned()),
        1 => Ok(None),
        n => Ok(Some(n)),
    }
}

#[cache(expire = "5m", group = "g", ignore(calls), cache = cache)]
async fn grouped(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
fn blocking(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

/// Makes a cache whose breaker is open because its server is gone.
async fn bereft(life: Duration) -> (RedisServer, Cache) {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).outage_local(life).build().await.expect("a cache");
    leave(&server, &cache).await;
    (server, cache)
}

async fn leave(server: &RedisServer, cache: &Cache) {
    server.stop();
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
}

#[tokio::test]
async fn results_are_cached_while_redis_is_away() {
    let (_server, cache) = bereft(LONG).await;
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(found(&cache, &calls, 2).await, Ok(Some(2)));
        assert_eq!(found(&cache, &calls, 1).await, Ok(None));
    }
    assert_eq!(calls.count(), 2);
    let counted = counts(&cache, "found");
    assert_eq!((counted.hits, counted.none_hits, counted.local_hits, counted.misses), (2, 2, 4, 2));
    assert_eq!(counted.stores, 0);
    for _ in 0..3 {
        assert_eq!(found(&cache, &calls, 0).await, Err("no".to_owned()));
        assert_eq!(found(&cache, &calls, 13).await, Ok(Some(13)));
    }
    assert_eq!(calls.count(), 2 + 6, "a result that Redis does not store is not cached here");
    let (sync, again) = (cache.clone(), Calls::default());
    tokio::task::spawn_blocking(move || {
        assert_eq!((blocking(&sync, &again, 1), blocking(&sync, &again, 1)), (3, 3));
        assert_eq!(again.count(), 1);
    })
    .await
    .expect("no panic");
    assert_eq!(cache.remember("k", "5m", || async { calls.add() }).await, 8);
    assert_eq!(cache.remember("k", "5m", || async { calls.add() }).await, 8);
    assert_eq!(cache.get::<usize>("k").await, None, "reads through the handle find nothing");
    assert!(matches!(cache.try_get::<usize>("k").await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn without_outage_local_every_call_computes() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    leave(&server, &cache).await;
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(found(&cache, &calls, 2).await, Ok(Some(2)));
    }
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn results_are_cached_no_longer_than_outage_local() {
    let (_server, cache) = bereft(Duration::from_millis(200)).await;
    let calls = Calls::default();
    eventually_async(LONG, || async {
        assert_eq!(found(&cache, &calls, 2).await, Ok(Some(2)));
        calls.count() > 1
    })
    .await;
    let short = async || cache.remember("short", Duration::from_millis(20), || async { calls.add() }).await;
    let first = short().await;
    eventually_async(LONG, || async { short().await != first }).await;
}

#[tokio::test]
async fn one_call_computes_for_all_during_an_outage() {
    let (_server, cache) = bereft(LONG).await;
    let (calls, gate) = (Calls::default(), Gate::default());
    let callers = join_all((0..100).map(|_| {
        cache.remember("k", "5m", || async {
            calls.add();
            gate.pass().await;
            7
        })
    }));
    let opener = async {
        gate.arrived(1).await;
        settle(&cache).await;
        gate.open();
    };
    let (values, ()) = in_time(async { tokio::join!(callers, opener) }).await;
    assert_eq!((values, calls.count()), (vec![7; 100], 1));
    assert_eq!(cache.remember("k", "5m", || async { 8 }).await, 7);
}

#[tokio::test]
async fn an_invalidation_during_an_outage_removes_the_result() {
    let (_server, cache) = bereft(LONG).await;
    let calls = Calls::default();
    let both = async || {
        let before = calls.count();
        for _ in 0..2 {
            found(&cache, &calls, 2).await.expect("a value");
            grouped(&cache, &calls, 1).await;
        }
        calls.count() - before
    };
    assert_eq!(both().await, 2);
    found_entry(&cache, 2).invalidate().await.expect_err("no server");
    assert_eq!(both().await, 1);
    found_entry(&cache, 2).expire().await.expect_err("no server");
    assert_eq!(both().await, 1);
    found_entry(&cache, 2).put(&3_u64).await.expect_err("no server");
    assert_eq!(both().await, 1);
    cache.invalidate_tag("n:2").await.expect_err("no server");
    assert_eq!(both().await, 1);
    cache.invalidate_tag("n:3").await.expect_err("no server");
    assert_eq!(both().await, 0);
    cache.delete_group("g").await.expect_err("no server");
    assert_eq!(both().await, 1);
    cache.delete_pattern("*found*").await.expect_err("no server");
    assert_eq!(both().await, 1);
    cache.clear().await.expect_err("no server");
    assert_eq!(both().await, 2);
    assert_eq!(larder::refresh(found(&cache, &calls, 2)).await, Ok(Some(2)));
    assert_eq!(both().await, 0);
}

#[tokio::test]
async fn a_result_invalidated_during_its_computation_is_not_cached() {
    let (_server, cache) = bereft(LONG).await;
    let (calls, gate) = (Calls::default(), Gate::default());
    let call = || {
        cache.remember("k", "5m", || async {
            gate.pass().await;
            calls.add()
        })
    };
    let other = async {
        gate.arrived(1).await;
        cache.delete("k").await.expect_err("no server");
        gate.open();
    };
    let (first, ()) = in_time(async { tokio::join!(call(), other) }).await;
    assert_eq!((first, call().await, call().await), (0, 1, 1));
}

#[tokio::test]
async fn nothing_cached_in_an_outage_is_served_after_it() {
    let (server, cache) = bereft(LONG).await;
    let calls = Calls::default();
    found(&cache, &calls, 2).await.expect("a value");
    found(&cache, &calls, 3).await.expect("a value");
    server.restart();
    eventually_async(LONG, || async { cache.health().await.connected }).await;
    found(&cache, &calls, 2).await.expect("a value");
    assert_eq!(calls.count(), 3, "Redis has nothing, and is asked");
    leave(&server, &cache).await;
    found(&cache, &calls, 3).await.expect("a value");
    assert_eq!(calls.count(), 4, "results of the first outage are not served in the second");
}

/// A server that refuses writes still answers reads, so other processes' invalidations are seen and nothing is cached
/// locally.
#[tokio::test]
async fn a_replica_is_no_outage() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).outage_local(LONG).build().await.expect("a cache");
    assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    found_entry(&cache, 2).invalidate().await.expect_err("a replica takes no writes");
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(found(&cache, &calls, 2).await, Ok(Some(2)));
    }
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn an_outage_local_of_zero_is_refused() {
    let error = Cache::builder().outage_local(Duration::ZERO).build().await.expect_err("zero");
    assert!(matches!(error, Error::Config { setting: "outage_local", .. }), "{error:?}");
}
