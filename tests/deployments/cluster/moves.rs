//! Slots that move and primaries that hand over while 64 tasks call: no error reaches a caller, and nothing is computed again.

use std::time::Duration;

use larder::{Cache, cache};
use support::cluster::RedisCluster;
use support::stores::{Calls, LONG, counts, in_time, unique};

use super::load::{KEYS, Load};

/// A limit for busy machines, far below a hang.
const BOUND: Duration = Duration::from_secs(2);

async fn cache(cluster: &RedisCluster) -> Cache {
    let builder = Cache::builder().url(cluster.url()).prefix(unique("t")).require_redis(true);
    builder.build().await.expect("a cache on the cluster")
}

/// Asserts that every call so far was a hit or the first one of its key, in time, and without an error.
fn assert_unnoticed(load: &Load, cache: &Cache) {
    let keys: Vec<u64> = (0..KEYS).collect();
    assert_eq!(load.computed(&keys), keys.len(), "{}", cache.stats());
    let slowest = load.slowest();
    assert!(slowest < BOUND, "{slowest:?}");
    let stats = cache.stats();
    let counts = stats.function("load::number").expect("calls");
    assert_eq!((counts.store_errors, counts.shed), (0, 0), "{stats}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slots_move_under_load() {
    let cluster = RedisCluster::start();
    let cache = cache(&cluster).await;
    let load = Load::start(&cache).await;
    load.calls(1_000).await;
    let [first, second, third, ..] = cluster.nodes() else { panic!("six nodes") };
    tokio::task::block_in_place(|| {
        cluster.reshard(first, second, 0..500);
        cluster.reshard(first, third, 500..1_000);
    });
    load.calls(1_000).await;
    assert_unnoticed(&load, &cache);
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_hands_over_under_load() {
    let cluster = RedisCluster::start();
    let cache = cache(&cluster).await;
    let load = Load::start(&cache).await;
    load.calls(1_000).await;
    for _ in 0..2 {
        let replica = cluster.replica_of(cluster.owner(0));
        tokio::task::block_in_place(|| cluster.fail_over(replica));
        load.calls(1_000).await;
        assert_unnoticed(&load, &cache);
        tokio::task::block_in_place(|| cluster.until_ok());
    }
    load.end().await;
}

#[cache(expire = "5m", cache = cache, entry = alone_entry)]
async fn alone(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache, entry = grouped_entry)]
async fn grouped(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

/// Builds a cache that waits for as long as the test takes.
async fn patient(cluster: &RedisCluster) -> Cache {
    let builder = Cache::builder().url(cluster.url()).prefix(unique("t")).redis_timeout(LONG);
    builder.build().await.expect("a cache on the cluster")
}

#[tokio::test]
async fn a_slot_that_is_being_moved_is_served_by_both_nodes() {
    let cluster = RedisCluster::start_with(2, 0, &[]);
    let cache = patient(&cluster).await;
    let (before, after) = (Calls::default(), Calls::default());
    assert_eq!(alone(&cache, &before, 1).await, 2);
    for n in 1..5 {
        let slot = cluster.slot(alone_entry(&cache, &after, n).key());
        let from = cluster.owner(slot);
        let to = cluster.nodes().iter().find(|node| node.port() != from.port()).expect("the other node");
        assert_eq!(to.command(&["SCRIPT", "FLUSH"]), "OK");
        let mut moving = cluster.slot_move(from, to);
        moving.begin(slot);
        for _ in 0..3 {
            assert_eq!(in_time(alone(&cache, &after, n)).await, n * 2);
        }
        moving.finish(slot);
        assert_eq!(in_time(alone(&cache, &after, n)).await, n * 2);
        alone_entry(&cache, &after, n).invalidate().await.expect("the new owner");
        assert_eq!(in_time(alone(&cache, &after, n)).await, n * 2);
    }
    assert_eq!((before.count(), after.count()), (1, 3 + 4), "{}", cache.stats());
    let counts = counts(&cache, "moves::alone");
    assert_eq!((counts.store_errors, counts.misses), (0, 1 + 3 + 4), "{}", cache.stats());
}

#[tokio::test]
async fn keys_on_two_nodes_are_waited_for() {
    let cluster = RedisCluster::start_with(2, 0, &[]);
    let cache = patient(&cluster).await;
    let calls = Calls::default();
    assert_eq!(grouped(&cache, &calls, 1).await, 3);
    let slot = cluster.slot(grouped_entry(&cache, &calls, 1).key());
    assert_eq!(slot, cluster.slot(grouped_entry(&cache, &calls, 2).key()));
    let from = cluster.owner(slot);
    let to = cluster.nodes().iter().find(|node| node.port() != from.port()).expect("the other node");
    let mut moving = cluster.slot_move(from, to);
    moving.begin(slot);
    assert_eq!(grouped(&cache, &calls, 1).await, 3);
    // The source has the stamp of the group, and not the entry.
    let refused = || {
        let stats = from.command(&["INFO", "errorstats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("errorstat_TRYAGAIN:count="));
        count.and_then(|count| count.trim().parse::<u32>().ok()).unwrap_or(0)
    };
    let finish = async {
        support::wait::eventually_async(LONG, || async { refused() > 1 }).await;
        moving.finish(slot);
    };
    let (value, ()) = tokio::join!(in_time(grouped(&cache, &calls, 2)), finish);
    assert_eq!((value, calls.count()), (6, 2));
    assert_eq!(grouped(&cache, &calls, 2).await, 6);
    assert_eq!(calls.count(), 2, "it is cached");
    assert_eq!(counts(&cache, "moves::grouped").store_errors, 0, "{}", cache.stats());
}
