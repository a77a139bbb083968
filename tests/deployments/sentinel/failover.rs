//! Failovers: the new primary is used as soon as it is named, and the old one is not read any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Builder, Cache, IgnoreInKey, LocalTier, cache};
use support::redis::RedisServer;
use support::sentinel::{Passwords, SentinelDeployment};
use support::stores::{LONG, counts, in_time, unique};
use support::wait::{eventually, eventually_async};

/// A limit far above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);
/// The time after which an old primary is not read any more.
pub(super) const NOTICED: Duration = Duration::from_secs(1);

/// The data that is cached.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) version: AtomicU64,
    pub(super) reads: AtomicU64,
}

impl IgnoreInKey for Data {}

#[cache(expire = "5m", name = "version", ignore(data), cache = cache, entry = version_entry)]
pub(super) async fn version(cache: &Cache, data: &Data, key: u64) -> u64 {
    data.reads.fetch_add(1, SeqCst);
    data.version.load(SeqCst) + key * 1_000
}

/// Two hosts with one prefix.
async fn hosts(deployment: &SentinelDeployment, settings: impl Fn(Builder) -> Builder) -> [Cache; 2] {
    let prefix = unique("failover");
    let host =
        || settings(Cache::builder().url(deployment.url()).prefix(&prefix).require_redis(true)).build();
    [host().await.expect("a cache"), host().await.expect("a cache")]
}

/// Returns once a host invalidated the entry of a key, and the failover is over for that host.
pub(super) async fn invalidate(host: &Cache, key: u64) {
    eventually_async(LONG, || async {
        version_entry(host, key).invalidate().await.is_ok() && host.health().await.pending_invalidations == 0
    })
    .await;
}

/// Reads on a host until the old primary has learnt that it is a replica, and asserts that every read after `NOTICED` is of
/// the last version. Returns the number of reads.
async fn assert_new(host: &Cache, data: &Data, old: &RedisServer, named: Instant) -> u64 {
    let (reads, last) = (AtomicU64::new(0), data.version.load(SeqCst));
    eventually_async(LONG, || async {
        let began = Instant::now();
        let found = version(host, data, 1).await - 1_000;
        assert!(found == last || began < named + NOTICED, "{found} {:?} after the switch", named.elapsed());
        reads.fetch_add(1, SeqCst);
        old.command(&["ROLE"]).starts_with("slave")
    })
    .await;
    reads.into_inner()
}

/// The address of the server that a host uses.
pub(super) async fn server_of(host: &Cache) -> String {
    let [node] = &host.health().await.nodes[..] else { panic!("one server") };
    node.address.clone()
}

pub(super) fn address(server: &RedisServer) -> String {
    format!("127.0.0.1:{}", server.port())
}

async fn a_stopped_primary_that_goes_on_is_not_read(local: bool) {
    let deployment = SentinelDeployment::start();
    let [reader, writer] =
        hosts(&deployment, |builder| if local { builder.local(LocalTier::new()) } else { builder }).await;
    let (data, old) = (Data::default(), deployment.primary());
    data.version.store(1, SeqCst);
    for _ in 0..3 {
        assert_eq!(version(&reader, &data, 1).await, 1_001);
    }
    assert_eq!(data.reads.load(SeqCst), 1);
    if local {
        eventually_async(LONG, || async {
            version(&reader, &data, 1).await;
            counts(&reader, "version").local_hits > 0
        })
        .await;
    }
    let keys = old.command(&["KEYS", "*"]);
    let key = keys.lines().find(|key| key.contains("version")).expect("the entry").to_owned();
    old.pause();
    assert_eq!(server_of(&reader).await, address(old));
    let new = tokio::task::block_in_place(|| deployment.switched_from(old.port()));
    let named = Instant::now();
    old.resume();
    assert_ne!(old.command(&["EXISTS", &key]), "0", "the old primary has the old value");
    data.version.store(2, SeqCst);
    invalidate(&writer, 1).await;
    // From here on the old value is nowhere but at the old primary.
    let reads = assert_new(&reader, &data, old, named).await;
    assert!(reads > 10, "{reads} reads, while the old primary served");
    // The new primary is used.
    eventually_async(LONG, || async {
        let before = data.reads.load(SeqCst);
        assert_eq!(version(&reader, &data, 1).await, 1_002);
        data.reads.load(SeqCst) == before && new.command(&["EXISTS", &key]) == "1"
    })
    .await;
    assert_eq!(server_of(&reader).await, address(new));
    if local {
        eventually_async(LONG, || async {
            let before = counts(&reader, "version").local_hits;
            version(&reader, &data, 1).await;
            reader.health().await.push == Some(true) && counts(&reader, "version").local_hits > before
        })
        .await;
        // The copies follow the new primary.
        data.version.store(3, SeqCst);
        invalidate(&writer, 1).await;
        eventually_async(NOTICED, || async { version(&reader, &data, 1).await == 1_003 }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_primary_that_goes_on_is_not_read_from_redis() {
    a_stopped_primary_that_goes_on_is_not_read(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_primary_that_goes_on_leaves_no_local_copy() {
    a_stopped_primary_that_goes_on_is_not_read(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_is_followed_while_the_old_primary_serves() {
    let deployment = SentinelDeployment::start_with(2, Passwords::default());
    let [reader, writer] = hosts(&deployment, |builder| builder.local(LocalTier::new())).await;
    let (data, old) = (Data::default(), deployment.primary());
    data.version.store(1, SeqCst);
    for _ in 0..3 {
        version(&reader, &data, 1).await;
    }
    tokio::task::block_in_place(|| deployment.failover());
    tokio::task::block_in_place(|| deployment.switched_from(old.port()));
    let named = Instant::now();
    data.version.store(2, SeqCst);
    invalidate(&writer, 1).await;
    assert_new(&reader, &data, old, named).await;
}

/// The replica does not get what the primary acknowledges before its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_that_was_not_replicated_is_made_again() {
    let deployment = SentinelDeployment::start();
    let [reader, writer] = hosts(&deployment, |builder| builder).await;
    let (data, old, replica) = (Data::default(), deployment.primary(), &deployment.servers()[1]);
    version(&reader, &data, 1).await;
    eventually(LONG, || replica.command(&["DBSIZE"]) != "0");
    // The port of nobody.
    assert_eq!(replica.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    data.version.store(2, SeqCst);
    version_entry(&writer, 1).invalidate().await.expect("acknowledged");
    assert_eq!(old.command(&["DBSIZE"]), "0");
    old.stop();
    assert_ne!(replica.command(&["DBSIZE"]), "0", "the replica has the old value");
    tokio::task::block_in_place(|| deployment.switched_from(old.port()));
    let named = Instant::now();
    eventually_async(LONG, || async { writer.health().await.connected }).await;
    eventually_async(NOTICED, || async { version(&reader, &data, 1).await == 1_002 }).await;
    assert!(named.elapsed() < BOUND, "{:?}", named.elapsed());
}

/// Calls of 64 tasks, until they are stopped.
struct Load {
    is_over: AtomicBool,
    slowest_ms: AtomicU64,
    calls: AtomicU64,
}

impl Load {
    async fn run(&self, host: &Cache, data: &Data, task: u64) {
        for n in 0.. {
            if self.is_over.load(SeqCst) {
                return;
            }
            let (key, began) = (task * 16 + n % 16, Instant::now());
            assert_eq!(version(host, data, key).await, key * 1_000);
            let elapsed = began.elapsed();
            self.slowest_ms.fetch_max(elapsed.as_millis() as u64, SeqCst);
            self.calls.fetch_add(1, SeqCst);
            // While Redis is away, a call waits for nothing.
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_under_load_costs_no_call_more_than_its_bound() {
    let deployment = SentinelDeployment::start();
    let [host, _] = hosts(&deployment, |builder| builder).await;
    let data = Arc::new(Data::default());
    let load =
        Load { is_over: AtomicBool::new(false), slowest_ms: AtomicU64::new(0), calls: AtomicU64::new(0) };
    let load = Arc::new(load);
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let (load, host, data) = (Arc::clone(&load), host.clone(), Arc::clone(&data));
            tokio::spawn(async move { load.run(&host, &data, task).await })
        })
        .collect();
    eventually_async(LONG, || async { counts(&host, "version").hits > 1_000 }).await;
    let old = deployment.primary();
    old.stop();
    tokio::task::block_in_place(|| deployment.switched_from(old.port()));
    let before = counts(&host, "version").hits;
    eventually_async(Duration::from_secs(10), || async { counts(&host, "version").hits > before + 1_000 })
        .await;
    load.is_over.store(true, SeqCst);
    for task in tasks {
        in_time(task).await.expect("every call returned its own value");
    }
    let slowest = Duration::from_millis(load.slowest_ms.load(SeqCst));
    assert!(slowest < BOUND, "{slowest:?} in {} calls", load.calls.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_the_url_does_not_name_are_asked_as_well() {
    let deployment = SentinelDeployment::start();
    let only = &deployment.sentinels()[0];
    let url = format!("redis+sentinel://127.0.0.1:{}/mymaster", only.port());
    let cache = Cache::builder().url(url).prefix(unique("one")).require_redis(true).build();
    let (cache, old) = (cache.await.expect("a cache"), deployment.primary());
    // The others are connected to.
    for other in &deployment.sentinels()[1..] {
        eventually(LONG, || other.command(&["CLIENT", "LIST"]).contains("sub=3"));
    }
    only.stop();
    old.pause();
    tokio::task::block_in_place(|| deployment.switched_from(old.port()));
    eventually_async(LONG, || async {
        cache.set("k", &1, "5m").await.is_ok() && cache.get::<i32>("k").await == Some(1)
    })
    .await;
    old.resume();
}
