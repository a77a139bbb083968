//! Walks over the keys of all nodes.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use larder::{Cache, Error};
use support::cluster::RedisCluster;
use support::deployment::Deployment;
use support::stores::{LONG, unique};
use support::wait::eventually_async;

use super::{calm, on, pair};

async fn listed(cache: &Cache, glob: &str) -> BTreeSet<String> {
    cache.keys(glob).try_collect().await.expect("all keys")
}

async fn store(cache: &Cache, name: &str, count: usize) -> BTreeSet<String> {
    let keys: BTreeSet<String> = (0..count).map(|n| format!("{name}:{n}")).collect();
    for key in &keys {
        cache.set(key, &1, "1h").await.expect("stored");
    }
    keys
}

#[tokio::test]
async fn they_visit_every_primary() {
    let (cache, other) = pair(calm()).await;
    let keys = store(&cache, "a", 700).await;
    let more = store(&cache, "b", 50).await;
    let grouped = store(&cache.group("g"), "c", 50).await;
    let foreign = format!("{}:foreign", unique("other"));
    calm().command(&["SET", &foreign, "text"]);
    assert_eq!(listed(&other, "a:*").await, keys);
    assert_eq!(listed(&other.group("g"), "*").await, grouped);
    assert_eq!(listed(&other, "*").await.len(), 800);
    assert_eq!(other.delete_pattern("a:*").await.expect("removed"), 700);
    assert_eq!(listed(&cache, "a:*").await, BTreeSet::new());
    assert_eq!(listed(&cache, "b:*").await, more);
    assert_eq!(other.group("g").clear().await.expect("removed"), 50);
    assert_eq!(cache.clear().await.expect("removed"), 50);
    assert_eq!(listed(&cache, "*").await, BTreeSet::new());
    assert_eq!(calm().command(&["GET", &foreign]), "text");
}

#[tokio::test]
async fn the_memory_of_a_dropped_group_is_freed() {
    let cache = on(calm()).build().await.expect("a cache");
    for group in ["g", "h", "i"] {
        store(&cache.group(group), "x", 40).await;
    }
    let other = on(calm()).build().await.expect("a cache");
    store(&other.group("g"), "x", 40).await;
    for group in ["g", "h"] {
        cache.delete_group(group).await.expect("dropped");
    }
    eventually_async(LONG, || async { listed(&cache, "*").await.len() == 40 }).await;
    assert_eq!(listed(&cache.group("i"), "*").await.len(), 40);
    assert_eq!(listed(&other.group("g"), "*").await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_move_to_a_node_that_was_scanned_are_not_missed() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let prefix = unique("t");
    let cache = on(&cluster).prefix(&prefix).build().await.expect("a cache");
    let keys = store(&cache, "a", 90).await;
    let slot = |key: &str| cluster.slot(&format!("{prefix}:{key}"));
    let owner = |key: &str| cluster.owner(slot(key));
    for is_whole in [true, false] {
        let mut walk = std::pin::pin!(cache.keys("*"));
        let first = walk.try_next().await.expect("a page").expect("a key");
        let scanned = owner(&first);
        let moved = keys.iter().find(|key| owner(key).port() != scanned.port()).expect("a key elsewhere");
        let (source, slot) = (owner(moved), slot(moved));
        let whole = format!("{prefix}:{moved}");
        if is_whole {
            tokio::task::block_in_place(|| cluster.reshard(source, scanned, slot..slot + 1));
            let rest: BTreeSet<String> = walk.try_collect().await.expect("all keys");
            assert!(rest.contains(moved) && rest.len() >= 89, "{} keys", rest.len());
            continue;
        }
        // The slot is half moved before the walk begins, and a key follows during the walk.
        let ids = [source, scanned].map(|node| node.command(&["CLUSTER", "MYID"]));
        let (text, port) = (slot.to_string(), scanned.port().to_string());
        assert_eq!(scanned.command(&["CLUSTER", "SETSLOT", &text, "IMPORTING", &ids[0]]), "OK");
        assert_eq!(source.command(&["CLUSTER", "SETSLOT", &text, "MIGRATING", &ids[1]]), "OK");
        let mut walk = std::pin::pin!(cache.keys("*"));
        let again = walk.try_next().await.expect("a page").expect("a key");
        assert_eq!(owner(&again).port(), scanned.port(), "nodes are scanned in the same order");
        assert_eq!(source.command(&["MIGRATE", "127.0.0.1", &port, &whole, "0", "5000"]), "OK");
        let rest: BTreeSet<String> = walk.try_collect().await.expect("all keys");
        assert!(rest.contains(moved) && rest.len() >= 89, "{} keys", rest.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_moved_half_way_hides_no_key() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).build().await.expect("a cache");
    let keys = store(&cache, "a", 300).await;
    let (from, to) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let [from_id, to_id] = [from, to].map(|node| node.command(&["CLUSTER", "MYID"]));
    let moved = from.command(&["RANDOMKEY"]);
    let slot = cluster.slot(&moved).to_string();
    assert_eq!(to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]), "OK");
    assert_eq!(listed(&cache, "*").await, keys);
    assert_eq!(from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]), "OK");
    assert_eq!(listed(&cache, "*").await, keys);
    let port = to.port().to_string();
    assert_eq!(from.command(&["MIGRATE", "127.0.0.1", &port, &moved, "0", "5000"]), "OK");
    assert_eq!(listed(&cache, "*").await, keys);
    let key = moved.split_once(':').expect("a prefix").1;
    assert_eq!(cache.get::<i32>(key).await, Some(1));
    assert_eq!(cache.clear().await.expect("removed"), 300);
    assert_eq!(listed(&cache, "*").await, BTreeSet::new());
    assert_eq!(cache.get::<i32>(key).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_with_a_lost_node_fails_and_is_made_up_for() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let prefix = unique("t");
    let settings = || on(&cluster).prefix(&prefix).redis_timeout(std::time::Duration::from_millis(500));
    let (cache, other) =
        (settings().build().await.expect("a cache"), settings().build().await.expect("a cache"));
    store(&cache, "a", 100).await;
    let node = &cluster.nodes()[2];
    node.pause();
    let failed = cache.clear().await.expect_err("a node is lost");
    assert!(matches!(failed, Error::Unavailable { .. } | Error::Timeout { .. }), "{failed:?}");
    let listing = cache.keys("*").try_collect::<Vec<_>>().await;
    listing.expect_err("a node is lost");
    node.resume();
    tokio::task::block_in_place(|| cluster.until_ok());
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    assert_eq!(listed(&other, "*").await, BTreeSet::new());
}
