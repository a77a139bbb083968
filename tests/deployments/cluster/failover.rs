//! Nodes that stop, die or hand over: calls are bounded, other slots are unaffected, and caching resumes by itself.

use std::time::{Duration, Instant};

use larder::Cache;
use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::stores::{LONG, unique};
use support::wait::eventually_async;

use super::load::Load;

/// A limit above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);
/// The time after a promotion within which keys are cached again.
const RESUMES: Duration = Duration::from_secs(10);

async fn cache(cluster: &RedisCluster) -> Cache {
    let builder = Cache::builder().url(cluster.url()).prefix(unique("t")).require_redis(true);
    builder.build().await.expect("a cache on the cluster")
}

/// Asserts that no call since the last look took longer than its bound.
fn assert_bounded(load: &Load) {
    let slowest = load.slowest();
    assert!(slowest < BOUND, "{slowest:?}");
}

/// Loses a primary under load, and asserts that nobody notices but the callers of its slots, who compute.
async fn lose(lose: impl Fn(&RedisServer), find_again: impl Fn(&RedisCluster, &RedisServer)) {
    let cluster = RedisCluster::start();
    let cache = cache(&cluster).await;
    let load = Load::start(&cache).await;
    let keys = load.keys_by_owner(&cluster);
    let victim = &cluster.nodes()[0];
    let replica = cluster.replica_of(victim);
    let lost = &keys[&victim.port()];
    let others: Vec<u64> =
        keys.iter().filter(|(port, _)| **port != victim.port()).flat_map(|(_, keys)| keys.clone()).collect();
    load.calls(1_000).await;
    let before = load.computed(&others);
    lose(victim);
    tokio::task::block_in_place(|| cluster.until_promoted(replica));
    let promoted = Instant::now();
    load.until_cached(lost, RESUMES).await;
    assert!(promoted.elapsed() < RESUMES, "{:?}", promoted.elapsed());
    assert_bounded(&load);
    assert_eq!(load.computed(&others), before, "other slots are served all the time");
    assert!(load.computed(lost) > lost.len(), "the test lost a node");
    find_again(&cluster, victim);
    load.calls(1_000).await;
    load.until_cached(&[&lost[..], &others].concat(), RESUMES).await;
    assert_bounded(&load);
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_killed() {
    lose(RedisServer::stop, |cluster, victim| tokio::task::block_in_place(|| cluster.restart(victim))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_stopped_and_goes_on() {
    let find_again = |cluster: &RedisCluster, victim: &RedisServer| {
        victim.resume();
        tokio::task::block_in_place(|| cluster.until_ok());
    };
    lose(RedisServer::pause, find_again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_serves_nothing_without_a_node() {
    let cluster = RedisCluster::start_with(3, 0, &["--cluster-require-full-coverage", "yes"]);
    let cache = cache(&cluster).await;
    let load = Load::start(&cache).await;
    let keys = load.keys_by_owner(&cluster);
    let [victim, rest @ ..] = cluster.nodes() else { panic!("three nodes") };
    let others: Vec<u64> = rest.iter().flat_map(|node| keys[&node.port()].clone()).collect();
    victim.stop();
    // The others refuse as soon as they know.
    let before = load.computed(&others);
    eventually_async(LONG, || async { load.computed(&others) > before + others.len() }).await;
    load.slowest();
    let (computed, started) = (load.computed(&others), Instant::now());
    eventually_async(LONG, || async { load.computed(&others) > computed + 10_000 }).await;
    assert_bounded(&load);
    // Each task makes less than four calls in a second if each of them waits.
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    tokio::task::block_in_place(|| cluster.restart(victim));
    load.until_cached(&[&others[..], &keys[&victim.port()]].concat(), RESUMES).await;
    load.end().await;
}
