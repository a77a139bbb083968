//! Slots that move and primaries that hand over while 64 tasks call: no error reaches a caller, and nothing is computed again.

use std::time::Duration;

use larder::Cache;
use support::cluster::RedisCluster;
use support::stores::unique;

use super::load::{KEYS, Load};

/// The time of a call on a busy machine: none waits for a time limit.
const BOUND: Duration = Duration::from_secs(1);

async fn cache(cluster: &RedisCluster) -> Cache {
    let builder = Cache::builder().url(cluster.url()).prefix(unique("t")).require_redis(true);
    builder.build().await.expect("a cache on the cluster")
}

/// Asserts that every call so far was a hit or the first one of its key, in time, and without an error.
fn assert_unnoticed(load: &Load, cache: &Cache) {
    let keys: Vec<u64> = (0..KEYS).collect();
    assert_eq!(load.computed(&keys), keys.len(), "{}", cache.stats());
    assert!(load.slowest() < BOUND, "{:?}", load.slowest());
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
