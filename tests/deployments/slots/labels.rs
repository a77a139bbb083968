//! Labels in other slots than the entries under them.

use std::sync::Arc;
use std::time::Duration;

use larder::{Cache, IgnoreInKey, cache};
use support::cluster::RedisCluster;
use support::stores::{Calls, Gate, LONG, in_time, unique};
use support::wait::eventually_async;

use super::{calm, on, pair};

#[cache(expire = "1h", cache = cache, group = "g", tags = ["all", "of:{n}"])]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n
}

#[cache(expire = "1h", cache = cache, key = "{n}", tags = ["{tag}"], ignore(tag), entry = tagged_entry)]
async fn tagged(cache: &Cache, calls: &Calls, tag: &str, n: u64) -> u64 {
    calls.add();
    n
}

/// Calls a function for each number, and returns how many computations that took.
async fn computations(cache: &Cache, calls: &Calls, numbers: std::ops::Range<u64>) -> usize {
    let before = calls.count();
    for n in numbers {
        assert_eq!(labelled(cache, calls, n).await, n);
    }
    calls.count() - before
}

#[tokio::test]
async fn one_new_stamp_drops_everything_under_a_label() {
    let (here, there) = pair(calm()).await;
    let calls = Calls::default();
    assert_eq!(computations(&here, &calls, 0..60).await, 60);
    assert_eq!(computations(&there, &calls, 0..60).await, 0);
    there.invalidate_tag("of:7").await.expect("carried out");
    assert_eq!(computations(&here, &calls, 0..60).await, 1);
    there.invalidate_tag("all").await.expect("carried out");
    assert_eq!(computations(&here, &calls, 0..60).await, 60);
    here.delete_group("g").await.expect("carried out");
    assert_eq!(computations(&there, &calls, 0..60).await, 60);
    // Labels of many slots, at once.
    let tags: Vec<String> = (0..40).map(|n| format!("of:{n}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    here.invalidate_tags(&tags).await.expect("carried out");
    assert_eq!(computations(&there, &calls, 0..60).await, 40);
    assert_eq!(computations(&here, &calls, 0..60).await, 0);
}

struct Database(std::sync::atomic::AtomicU64);

impl IgnoreInKey for Database {}

#[cache(expire = "1h", cache = cache, tags = ["slow:{n}", "every"])]
async fn slow(cache: &Cache, gate: &Gate, database: &Database, n: u64) -> u64 {
    let version = database.0.load(std::sync::atomic::Ordering::SeqCst);
    gate.pass().await;
    version
}

#[tokio::test]
async fn what_was_computed_before_an_invalidation_is_not_read_after_it() {
    let (here, there) = pair(calm()).await;
    let database = Arc::new(Database(1.into()));
    for (n, tag) in (0..24).map(|n| (n, if n % 2 == 0 { "every".to_owned() } else { format!("slow:{n}") })) {
        let (gate, open) = (Arc::new(Gate::default()), Gate::default());
        open.open();
        let old = database.0.load(std::sync::atomic::Ordering::SeqCst);
        let computing = tokio::spawn({
            let (here, gate, database) = (here.clone(), Arc::clone(&gate), Arc::clone(&database));
            async move { slow(&here, &gate, &database, n).await }
        });
        gate.arrived(1).await;
        database.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        there.invalidate_tag(&tag).await.expect("carried out");
        gate.open();
        assert_eq!(in_time(computing).await.expect("no panic"), old);
        assert_eq!(in_time(slow(&there, &open, &database, n)).await, old + 1);
        assert_eq!(in_time(slow(&here, &open, &database, n)).await, old + 1);
    }
}

/// Tags by the position of the node that owns their slots.
fn tags_of_nodes(cluster: &RedisCluster, prefix: &str) -> Vec<Vec<String>> {
    let mut tags = vec![Vec::new(); cluster.nodes().len()];
    for tag in (0..60).map(|n| format!("t{n}")) {
        tags[node_of(cluster, &format!("{prefix}:{{#{tag}}}"))].push(tag);
    }
    tags
}

/// The position of the node of a key.
fn node_of(cluster: &RedisCluster, key: &str) -> usize {
    let owner = cluster.owner(cluster.slot(key)).port();
    cluster.nodes().iter().position(|node| node.port() == owner).expect("one of the nodes")
}

/// The position of the node that counts the invalidations of tags.
fn counting_node(cluster: &RedisCluster, prefix: &str) -> usize {
    node_of(cluster, &format!("{prefix}:{{}}#tags"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_labels_of_a_lost_node_stay_pending() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let prefix = unique("t");
    let settings = || on(&cluster).prefix(&prefix).redis_timeout(Duration::from_millis(500));
    let cache = settings().build().await.expect("a cache");
    let calls = Calls::default();
    // The node that counts may be the lost one, or one of the others.
    let tags = tags_of_nodes(&cluster, &prefix);
    // An entry on a node that stays, for each tag.
    let kept = |n: &u64| node_of(&cluster, tagged_entry(&cache, &calls, "", *n).key()) != 0;
    let numbers: Vec<u64> = (0..).filter(kept).take(3).collect();
    let (lost, first, second) = (&tags[0][0], &tags[1][0], &tags[2][0]);
    let entries = [(lost, numbers[0]), (first, numbers[1]), (second, numbers[2])];
    let call = async || {
        let before = calls.count();
        for (tag, n) in entries {
            assert_eq!(tagged(&cache, &calls, tag, n).await, n);
        }
        calls.count() - before
    };
    assert_eq!((call().await, call().await), (3, 0));
    cluster.nodes()[0].stop();
    cache.invalidate_tags(&[lost, first, second]).await.expect_err("a node is lost");
    assert_eq!(cache.health().await.pending_invalidations, 1);
    // The two others are carried out, and their entries cached anew.
    assert_eq!(call().await, 3);
    assert_eq!(call().await, 1, "the entry under the tag of the lost node is bypassed");
    // An invalidation for a node that answers does not wait for the lost one, however many do.
    for tag in tags[0].iter().cycle().take(200) {
        drop(tokio::time::timeout(Duration::ZERO, cache.invalidate_tag(tag)).await);
    }
    drop(tokio::time::timeout(Duration::ZERO, cache.invalidate_tag(first)).await);
    eventually_async(LONG, || async { call().await == 2 }).await;
    eventually_async(LONG, || async { call().await == 1 }).await;
    tokio::task::block_in_place(|| cluster.restart(&cluster.nodes()[0]));
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    eventually_async(LONG, || async { call().await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_keys_of_a_lost_node_stay_pending_after_a_transaction() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let prefix = unique("t");
    let settings = on(&cluster).prefix(&prefix).redis_timeout(Duration::from_millis(500));
    let cache = settings.build().await.expect("a cache");
    let of_node = |node: usize| {
        let mut keys = (0..).map(|n| format!("k:{n}"));
        keys.find(|key| node_of(&cluster, &format!("{prefix}:{key}")) == node).expect("a key")
    };
    let [lost, first, second] = [0, 1, 2].map(of_node);
    for key in [&lost, &first, &second] {
        cache.set(key, &1, "1h").await.expect("stored");
    }
    cluster.nodes()[0].stop();
    let later = cache.defer();
    later
        .scope(async {
            for key in [&first, &lost, &second] {
                cache.delete(key).await.expect("collected");
            }
        })
        .await;
    later.send().await.expect_err("a node is lost");
    assert_eq!(cache.health().await.pending_invalidations, 1, "the others are carried out");
    for key in [&first, &second] {
        assert!(!cache.exists(key).await, "{key}");
        cache.set(key, &2, "1h").await.expect("stored");
        assert_eq!(cache.get::<i32>(key).await, Some(2), "{key} is not bypassed");
    }
    tokio::task::block_in_place(|| cluster.restart(&cluster.nodes()[0]));
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    assert_eq!(cache.get::<i32>(&lost).await, None);
}

#[cache(
    expire = "1h",
    cache = cache,
    key = "late:{n}",
    ignore(gate, tag),
    tags_with = |(tag, _): &(String, u64)| [tag.clone()],
    entry = named_entry
)]
async fn named(cache: &Cache, gate: &Gate, database: &Database, tag: &str, n: u64) -> (String, u64) {
    let version = database.0.load(std::sync::atomic::Ordering::SeqCst);
    gate.pass().await;
    (tag.to_owned(), version)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_is_invalidated_without_the_node_that_counts() {
    // The node has the same count when it is back.
    let cluster = RedisCluster::start_with(3, 0, &["--appendonly", "yes", "--appendfsync", "always"]);
    let prefix = unique("t");
    let settings = || on(&cluster).prefix(&prefix).redis_timeout(Duration::from_millis(500));
    let (here, there) =
        (settings().build().await.expect("a cache"), settings().build().await.expect("a cache"));
    let (calls, database) = (Calls::default(), Arc::new(Database(1.into())));
    let (gate, open) = (Arc::new(Gate::default()), Gate::default());
    open.open();
    let lost = counting_node(&cluster, &prefix);
    let tags = tags_of_nodes(&cluster, &prefix);
    let tag = tags[(lost + 1) % 3][0].clone();
    let n = (0..).find(|n| node_of(&cluster, tagged_entry(&here, &calls, "", *n).key()) != lost);
    let m = (0..).find(|m| node_of(&cluster, named_entry(&here, &database, *m).key()) != lost);
    let (n, m) = (n.expect("a number"), m.expect("a number"));

    assert_eq!(tagged(&there, &calls, &tag, n).await, n);
    let computing = tokio::spawn({
        let (here, gate) = (here.clone(), Arc::clone(&gate));
        let (database, tag) = (Arc::clone(&database), tag.clone());
        async move { named(&here, &gate, &database, &tag, m).await.1 }
    });
    gate.arrived(1).await;
    cluster.nodes()[lost].stop();
    database.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    here.invalidate_tag(&tag).await.expect("carried out");
    assert_eq!(here.health().await.pending_invalidations, 0);
    let before = calls.count();
    assert_eq!(tagged(&there, &calls, &tag, n).await, n);
    assert_eq!(calls.count() - before, 1, "the entry of another process was dropped");

    tokio::task::block_in_place(|| cluster.restart(&cluster.nodes()[lost]));
    eventually_async(LONG, || async { all_answer(&here).await && all_answer(&there).await }).await;
    gate.open();
    assert_eq!(in_time(computing).await.expect("no panic"), 1);
    assert_eq!(in_time(named(&there, &open, &database, &tag, m)).await.1, 2, "the old value was not stored");
    // The refused computation found the tag barred, and counted for it: the value after it is stored.
    database.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(in_time(named(&here, &open, &database, &tag, m)).await.1, 2, "a hit");
    here.invalidate_tag(&tag).await.expect("carried out");
    assert_eq!(in_time(named(&there, &open, &database, &tag, m)).await.1, 3);
}

async fn all_answer(cache: &Cache) -> bool {
    cache.health().await.nodes.iter().all(|node| node.connected)
}
