//! Copies in the process of entries on several nodes.

use std::time::Duration;

use larder::{Cache, cache};
use support::cluster::RedisCluster;
use support::deployment::Deployment;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, unique};
use support::wait::eventually_async;

use super::{calm, on, pair};

#[cache(expire = "1h", cache = cache, key = "{n}", local = "1m", entry = near_entry)]
async fn near(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add() as u64
}

#[cache(expire = "1h", cache = cache, local = "1m", tags = ["all", "of:{n}"])]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add() as u64
}

fn local_hits(cache: &Cache) -> u64 {
    cache.stats().total.local_hits
}

/// Calls until a copy is served.
async fn warm(cache: &Cache, calls: &Calls, n: u64) {
    eventually_async(LONG, || async {
        let before = local_hits(cache);
        near(cache, calls, n).await;
        local_hits(cache) > before
    })
    .await;
}

async fn until_tracked(cache: &Cache, is_tracked: bool) {
    eventually_async(LONG, || async { cache.health().await.push == Some(is_tracked) }).await;
}

/// Waits until a call computes, for longer than any message takes and shorter than a copy lives.
async fn until_computed(cache: &Cache, calls: &Calls, n: u64, before: usize) {
    eventually_async(Duration::from_secs(20), || async {
        near(cache, calls, n).await;
        calls.count() > before
    })
    .await;
}

#[tokio::test]
async fn every_node_notifies_of_changes() {
    let (here, there) = pair(calm()).await;
    let calls = Calls::default();
    warm(&here, &calls, 0).await;
    until_tracked(&here, true).await;
    for n in 0..60 {
        warm(&here, &calls, n).await;
    }
    // By another process, and by another program.
    for n in 0..60 {
        let before = calls.count();
        let entry = near_entry(&there, &calls, n);
        if n % 2 == 0 {
            entry.invalidate().await.expect("carried out");
        } else {
            calm().command(&["DEL", entry.key()]);
        }
        until_computed(&here, &calls, n, before).await;
    }
}

#[tokio::test]
async fn labels_in_other_slots_drop_copies() {
    let (here, there) = pair(calm()).await;
    let calls = Calls::default();
    let is_local = async |n| {
        let before = local_hits(&here);
        labelled(&here, &calls, n).await;
        local_hits(&here) > before
    };
    for round in 0..6 {
        for n in 0..10 {
            eventually_async(LONG, || is_local(n)).await;
        }
        let before = calls.count();
        if round % 2 == 0 {
            there.invalidate_tag("all").await.expect("carried out");
        } else {
            for n in 0..10 {
                there.invalidate_tag(&format!("of:{n}")).await.expect("carried out");
            }
        }
        for n in 0..10 {
            let before = calls.count();
            eventually_async(Duration::from_secs(20), || async {
                labelled(&here, &calls, n).await;
                calls.count() > before
            })
            .await;
        }
        assert_eq!(calls.count() - before, 10);
    }
}

/// A key whose slot is on a node, and which larder has not used yet.
fn key_on(cluster: &RedisCluster, cache: &Cache, calls: &Calls, node: &RedisServer, from: u64) -> (u64, u16) {
    let slot = |n: u64| cluster.slot(near_entry(cache, calls, n).key());
    let found = (from..).map(|n| (n, slot(n))).find(|(_, slot)| cluster.owner(*slot).port() == node.port());
    found.expect("every node has keys")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_another_node_gets_without_its_keys_loses_its_copies() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).build().await.expect("a cache");
    let calls = Calls::default();
    let (from, to) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let (n, slot) = key_on(&cluster, &cache, &calls, from, 0);
    let (other, other_slot) = key_on(&cluster, &cache, &calls, from, n + 1);
    warm(&cache, &calls, n).await;
    until_tracked(&cache, true).await;
    warm(&cache, &calls, n).await;
    let before = calls.count();
    tokio::task::block_in_place(|| {
        cluster.assign(to, slot..slot + 1);
        cluster.assign(to, other_slot..other_slot + 1);
    });
    // This process learns of it from the next redirect.
    near(&cache, &calls, other).await;
    until_computed(&cache, &calls, n, before + 1).await;
    // The new owner notifies of changes.
    warm(&cache, &calls, n).await;
    let before = calls.count();
    to.command(&["DEL", near_entry(&cache, &calls, n).key()]);
    until_computed(&cache, &calls, n, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirected_read_leaves_no_copy() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).build().await.expect("a cache");
    let calls = Calls::default();
    let (from, to) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let (n, slot) = key_on(&cluster, &cache, &calls, from, 0);
    let key = near_entry(&cache, &calls, n).key().to_owned();
    warm(&cache, &calls, n).await;
    let ([from_id, to_id], slot) =
        ([from, to].map(|node| node.command(&["CLUSTER", "MYID"])), slot.to_string());
    assert_eq!(to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]), "OK");
    assert_eq!(from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]), "OK");
    let port = to.port().to_string();
    assert_eq!(from.command(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]), "OK");
    // The copy of before is dropped, and from then on the source answers `ASK`.
    let before = calls.count();
    eventually_async(LONG, || async {
        let before = local_hits(&cache);
        near(&cache, &calls, n).await;
        local_hits(&cache) == before
    })
    .await;
    let hits = local_hits(&cache);
    for _ in 0..10 {
        near(&cache, &calls, n).await;
    }
    assert_eq!((local_hits(&cache), calls.count()), (hits, before));
    for node in [to, from] {
        assert_eq!(node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]), "OK");
    }
    warm(&cache, &calls, n).await;
    assert_eq!(calls.count(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_node_that_does_not_notify_have_no_copies() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let (silent, other) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    assert_eq!(silent.command(&["ACL", "SETUSER", "default", "-client|tracking"]), "OK");
    let cache = on(&cluster).build().await.expect("a cache");
    let calls = Calls::default();
    let (n, _) = key_on(&cluster, &cache, &calls, other, 0);
    warm(&cache, &calls, n).await;
    let (n, _) = key_on(&cluster, &cache, &calls, silent, 0);
    let hits = local_hits(&cache);
    for _ in 0..10 {
        near(&cache, &calls, n).await;
    }
    assert_eq!((local_hits(&cache), cache.health().await.push), (hits, Some(false)));
    assert_eq!(silent.command(&["ACL", "SETUSER", "default", "+client|tracking"]), "OK");
    until_tracked(&cache, true).await;
    warm(&cache, &calls, n).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_a_node_costs_the_copies_of_its_slots() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).redis_timeout(Duration::from_millis(500)).build().await.expect("a cache");
    let calls = Calls::default();
    let (lost, kept) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let (n, _) = key_on(&cluster, &cache, &calls, lost, 0);
    let (other, _) = key_on(&cluster, &cache, &calls, kept, 0);
    warm(&cache, &calls, n).await;
    until_tracked(&cache, true).await;
    warm(&cache, &calls, n).await;
    warm(&cache, &calls, other).await;
    lost.stop();
    until_tracked(&cache, false).await;
    let before = calls.count();
    near(&cache, &calls, n).await;
    assert_eq!(calls.count(), before + 1, "the copy is gone");
    // Others are copied again, and notified of, for as long as the node is away.
    warm(&cache, &calls, other).await;
    let before = calls.count();
    kept.command(&["DEL", near_entry(&cache, &calls, other).key()]);
    until_computed(&cache, &calls, other, before).await;
    warm(&cache, &calls, other).await;
    let hits = local_hits(&cache);
    for _ in 0..50 {
        near(&cache, &calls, other).await;
    }
    assert_eq!(local_hits(&cache), hits + 50);
    tokio::task::block_in_place(|| cluster.restart(lost));
    until_tracked(&cache, true).await;
    warm(&cache, &calls, n).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_is_old_while_primaries_hand_over() {
    let cluster = RedisCluster::start();
    let prefix = unique("t");
    let one = || on(&cluster).prefix(&prefix).build();
    let (here, there) = (one().await.expect("a cache"), one().await.expect("a cache"));
    let calls = Calls::default();
    warm(&here, &calls, 0).await;
    until_tracked(&here, true).await;
    let primary = cluster.owner(cluster.slot(near_entry(&here, &calls, 0).key()));
    let replica = cluster.replica_of(primary);
    let change = async |rounds: u64| {
        for n in (0..rounds).map(|round| round % 20) {
            warm(&here, &calls, n).await;
            let before = calls.count();
            near_entry(&there, &calls, n).invalidate().await.expect("carried out");
            until_computed(&here, &calls, n, before).await;
        }
    };
    change(40).await;
    assert_eq!(replica.command(&["CLUSTER", "FAILOVER"]), "OK");
    change(100).await;
    tokio::task::block_in_place(|| cluster.until_promoted(replica));
    change(40).await;
    assert!(counts(&here, "near").local_hits > 100);
}
