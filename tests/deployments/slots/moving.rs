//! Slots that are moved, and primaries that hand over, under load: no call reads an older version than one that was
//! invalidated before it began, no error reaches a caller, and walks are complete or say that they are not.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::TryStreamExt;
use larder::{Cache, Error, IgnoreInKey, cache};
use support::cluster::RedisCluster;
use support::stores::{Calls, LONG};
use support::wait::eventually_async;
use tokio::task::JoinSet;

use super::{LIMIT, on, pair};

/// The number of registers.
const REGISTERS: u64 = 24;

/// The versions in the database, and those whose invalidation has returned.
#[derive(Default)]
struct Registers {
    current: [AtomicU64; REGISTERS as usize],
    invalidated: [AtomicU64; REGISTERS as usize],
    reads: AtomicU64,
    is_over: AtomicBool,
}

impl IgnoreInKey for Registers {}

#[cache(expire = "1h", cache = cache, tags = ["register:{n}", "registers"], entry = register_entry)]
async fn register(cache: &Cache, registers: &Registers, n: u64) -> u64 {
    registers.current[n as usize].load(SeqCst)
}

/// Readers and writers of registers in two processes, until they are ended.
struct Load {
    registers: Arc<Registers>,
    tasks: JoinSet<()>,
}

impl Load {
    fn start(caches: &[Cache; 2]) -> Self {
        let registers = Arc::new(Registers::default());
        let mut tasks = JoinSet::new();
        for task in 0..16 {
            let (cache, registers) = (caches[task as usize % 2].clone(), Arc::clone(&registers));
            tasks.spawn(async move {
                let mut n = task;
                while !registers.is_over.load(SeqCst) {
                    if task < 2 {
                        write(&cache, &registers, n % REGISTERS).await;
                    } else {
                        let floor = registers.invalidated[(n % REGISTERS) as usize].load(SeqCst);
                        let version = register(&cache, &registers, n % REGISTERS).await;
                        assert!(version >= floor, "register {}: {version} after {floor}", n % REGISTERS);
                        registers.reads.fetch_add(1, SeqCst);
                    }
                    n += 7;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
        }
        Self { registers, tasks }
    }

    async fn end(mut self) {
        eventually_async(LONG, || async { self.registers.reads.load(SeqCst) > 1_000 }).await;
        self.registers.is_over.store(true, SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no older version");
        }
    }
}

/// Writes a new version and invalidates the one before: by its tag or its key.
async fn write(cache: &Cache, registers: &Registers, n: u64) {
    let version = registers.current[n as usize].fetch_add(1, SeqCst) + 1;
    let invalidated = match version % 3 {
        0 => register_entry(cache, registers, n).invalidate().await,
        _ => cache.invalidate_tag(&format!("register:{n}")).await,
    };
    invalidated.expect("no error reaches a caller");
    registers.invalidated[n as usize].fetch_max(version, SeqCst);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_reads_an_older_version_while_slots_move() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let load = Load::start(&pair(&cluster).await.into());
    let (first, second) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    tokio::task::block_in_place(|| {
        cluster.reshard(first, second, 0..1_000);
        cluster.reshard(second, first, 0..1_000);
    });
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_reads_an_older_version_while_primaries_hand_over() {
    let cluster = RedisCluster::start();
    let load = Load::start(&pair(&cluster).await.into());
    for round in 0..2 {
        let primary = cluster.owner([0, 8_000][round]);
        let replica = cluster.replica_of(primary);
        tokio::task::block_in_place(|| cluster.fail_over(replica));
    }
    load.end().await;
}

#[cache(expire = "1h", cache = cache, key = "{n}", group = "{group}")]
async fn grouped(cache: &Cache, calls: &Calls, group: &str, n: u64) -> u64 {
    calls.add();
    n
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_slot_is_moved_half_way_is_cached_without_delay() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).build().await.expect("a cache");
    let calls = Calls::default();
    let call = async |numbers: std::ops::Range<u64>| {
        let before = calls.count();
        for n in numbers {
            assert_eq!(grouped(&cache, &calls, "g", n).await, n);
        }
        calls.count() - before
    };
    assert_eq!(call(0..20).await, 20);
    let slot = cluster.slot("{g}");
    let from = cluster.owner(slot);
    let to = cluster.nodes().iter().find(|node| node.port() != from.port()).expect("another node");
    let ids = [from, to].map(|node| node.command(&["CLUSTER", "MYID"]));
    let (text, port) = (slot.to_string(), to.port().to_string());
    assert_eq!(to.command(&["CLUSTER", "SETSLOT", &text, "IMPORTING", &ids[0]]), "OK");
    assert_eq!(from.command(&["CLUSTER", "SETSLOT", &text, "MIGRATING", &ids[1]]), "OK");
    let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &text, "100"]);
    let label = keys.lines().find(|key| key.ends_with("{g}")).expect("the stamp of the group");
    let half: Vec<&str> = keys.lines().filter(|key| *key != label).take(10).collect();
    let migrate = [&["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"][..], &half].concat();
    assert_eq!(from.command(&migrate), "OK");
    // What was cached is found on either node, and what was not is cached, with a limit of ten seconds for each command.
    let began = std::time::Instant::now();
    assert_eq!((call(0..20).await, call(20..40).await, call(0..40).await), (0, 20, 0));
    assert_eq!(from.command(&["MIGRATE", "127.0.0.1", &port, label, "0", "5000"]), "OK");
    assert_eq!(call(0..40).await, 0);
    cache.delete_group("g").await.expect("dropped");
    assert_eq!((call(0..60).await, call(0..60).await), (60, 0));
    assert_eq!(cache.group("g").clear().await.expect("removed"), 60);
    assert_eq!((call(0..10).await, call(0..10).await), (10, 0));
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert_eq!(cache.health().await.pending_invalidations, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_during_a_move_is_complete_or_says_that_it_is_not() {
    let cluster = Arc::new(RedisCluster::start_with(3, 0, &[]));
    let cache = on(&cluster).build().await.expect("a cache");
    let is_over = Arc::new(AtomicBool::new(false));
    let moves = std::thread::spawn({
        let (cluster, is_over) = (Arc::clone(&cluster), Arc::clone(&is_over));
        move || {
            let (first, last) = (&cluster.nodes()[0], &cluster.nodes()[2]);
            for begin in (0..5_000).step_by(20) {
                if !is_over.load(SeqCst) {
                    cluster.reshard(first, last, begin..begin + 20);
                }
            }
        }
    });
    let (mut complete, mut incomplete) = (0, 0);
    for round in 0..8 {
        let keys: HashSet<String> = (0..400).map(|n| format!("{round}:{n}")).collect();
        for key in &keys {
            cache.set(key, &round, "1h").await.expect("stored");
        }
        match cache.keys(&format!("{round}:*")).try_collect::<HashSet<String>>().await {
            Ok(found) => assert_eq!(found, keys),
            Err(error) => assert!(matches!(error, Error::KeysMoved { .. }), "{error:?}"),
        }
        match cache.delete_pattern(&format!("{round}:*")).await {
            Ok(removed) => {
                complete += 1;
                assert_eq!(removed, 400);
            }
            Err(error) => {
                assert!(matches!(error, Error::KeysMoved { .. }), "{error:?}");
                incomplete += 1;
            }
        }
        // Removed, or bypassed until they are.
        for key in &keys {
            assert_eq!(cache.get::<i32>(key).await, None, "{key}");
        }
    }
    is_over.store(true, SeqCst);
    tokio::task::block_in_place(|| moves.join()).expect("the slots move");
    println!("{complete} walks were complete, {incomplete} were not");
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    let left: Vec<String> = cache.keys("*").try_collect().await.expect("all keys");
    assert!(left.is_empty(), "{left:?}");
    cache.set("a", &1, "1h").await.expect("stored");
    assert_eq!(cache.clear().await.expect("no slot moves"), 1);
}
