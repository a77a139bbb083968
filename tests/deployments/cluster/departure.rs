//! A node that has left its cluster: nothing is connected to it any more.

use std::sync::Arc;
use std::time::Duration;

use larder::{Builder, Cache, LocalTier, cache};
use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, in_time, unique};
use support::wait::{eventually, eventually_async, eventually_or};

/// The nodes are asked for the map of the slots in this time, whatever happens.
const REFRESHED: Duration = Duration::from_secs(60);

#[cache(expire = "1h", cache = cache, key = "{n}", local = "1m", entry = number_entry)]
async fn number(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n
}

#[cache(expire = "1h", cache = cache, key = "sync:{n}")]
fn number_sync(cache: &Cache, n: u64) -> u64 {
    n
}

#[cache(expire = "1h", cache = cache, key = "large:{n}", entry = large_entry)]
async fn large(cache: &Cache, n: u64) -> String {
    n.to_string().repeat(300 << 10)
}

#[cache(expire = "1h", cache = cache, key = "slow:{n}", ignore(gate), entry = slow_entry)]
async fn slow(cache: &Cache, gate: &Gate, n: u64) -> u64 {
    gate.pass().await;
    n
}

fn builder(cluster: &RedisCluster, prefix: &str) -> Builder {
    Cache::builder().url(cluster.url()).prefix(prefix).redis_timeout(LONG).connect_timeout(LONG)
}

/// The clients of a node but those of this question and of replication.
fn clients(node: &RedisServer) -> usize {
    let list = node.command(&["CLIENT", "LIST"]);
    let is_other =
        |line: &&str| line.contains("cmd=client") || line.contains(" flags=S ") || line.contains(" flags=M ");
    list.lines().filter(|line| !line.is_empty() && !is_other(line)).count()
}

/// The connections that a node has accepted.
fn accepted(node: &RedisServer) -> u64 {
    let stats = node.command(&["INFO", "stats"]);
    let count = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    count.and_then(|count| count.trim().parse().ok()).expect("a number")
}

/// Makes each kind of connection to a node.
async fn connect(cluster: &RedisCluster, here: &Cache, there: &Cache, node: &RedisServer) {
    let (calls, gate) = (Calls::default(), Arc::new(Gate::default()));
    let is_there = |key: &str| cluster.owner(cluster.slot(key)).port() == node.port();
    let find = |is: &dyn Fn(u64) -> bool| (0..).find(|n| is(*n)).expect("a key of the node");
    let n = find(&|n| is_there(number_entry(here, &calls, n).key()));
    number(here, &calls, n).await;
    // Without a replica that acknowledges it, this is an error, which does not matter here.
    drop(number_entry(here, &calls, n).invalidate().await);
    let n = find(&|n| is_there(large_entry(here, n).key()));
    for _ in 0..2 {
        large(here, n).await;
    }
    // A thread outside of tokio, with keys of all nodes.
    let cache = here.clone();
    let thread = std::thread::spawn(move || (0..50).for_each(|n| assert_eq!(number_sync(&cache, n), n)));
    tokio::task::block_in_place(|| thread.join().expect("no panic"));
    // One process waits for another one.
    let n = find(&|n| is_there(slow_entry(here, n).key()));
    let call = |cache: &Cache| {
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        tokio::spawn(async move { slow(&cache, &gate, n).await })
    };
    let computing = call(there);
    gate.arrived(1).await;
    let waiting = call(here);
    eventually(LONG, || node.command(&["CLIENT", "LIST"]).contains("cmd=exists"));
    gate.open();
    assert_eq!(
        (in_time(computing).await.expect("no panic"), in_time(waiting).await.expect("no panic")),
        (n, n)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_left_is_forgotten() {
    let cluster = RedisCluster::start_with(3, 1, &[]);
    let [leaving, other, ..] = cluster.nodes() else { panic!("four nodes") };
    let prefix = unique("t");
    let here = builder(&cluster, &prefix).local(LocalTier::new()).confirm(1, "50ms").build();
    let (here, there) =
        (here.await.expect("a cache"), builder(&cluster, &prefix).build().await.expect("a cache"));
    eventually_async(LONG, || async { here.health().await.push == Some(true) }).await;
    connect(&cluster, &here, &there, leaving).await;
    // Commands, large values, a thread outside of tokio, confirmations, the keys of a prefix, single keys.
    assert!(clients(leaving) >= 6, "{}", leaving.command(&["CLIENT", "LIST"]));
    let address = format!("127.0.0.1:{}", leaving.port());
    let lists = async |cache: &Cache| cache.health().await.nodes.iter().any(|node| node.address == address);
    assert!(lists(&here).await && lists(&there).await);

    tokio::task::block_in_place(|| {
        cluster.fail_over(cluster.replica_of(leaving));
        cluster.until_ok();
        cluster.remove(leaving);
    });
    // The loss of a connection is a reason to ask for the map.
    other.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually_async(REFRESHED, || async { !lists(&here).await && !lists(&there).await }).await;
    eventually_or(LONG, || clients(leaving) == 0, || leaving.command(&["CLIENT", "LIST"]));

    // Nothing connects to it again, whatever is called.
    let (before, calls) = (accepted(leaving), Calls::default());
    for n in 0..50 {
        for cache in [&here, &there] {
            assert_eq!(in_time(number(cache, &calls, n)).await, n);
            cache.invalidate_tag(&n.to_string()).await.unwrap_or_else(|error| {
                assert!(matches!(error, larder::Error::NotConfirmed { .. }), "{error}");
            });
        }
    }
    assert_eq!(here.health().await.nodes.len(), 3);
    eventually_async(LONG, || async { here.health().await.push == Some(true) }).await;
    assert_eq!(accepted(leaving), before + 1, "{}", leaving.command(&["CLIENT", "LIST"]));
}
