//! Real processes: one of four with 250 calls each computes, and one more after a kill.

use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache};
use redis::AsyncCommands;
use support::deployment::shared;
use support::process::rerun;
use support::redis::{RedisServer, signal};
use support::stores::{LONG, unique};
use support::wait::eventually;

const CALLS: usize = 250;
const URL: &str = "LEASE_TEST_URL";
const PREFIX: &str = "LEASE_TEST_PREFIX";
const ORIGIN: &str = "LEASE_TEST_ORIGIN";

/// The server of the source of the workers, whatever the cache is on.
fn origin() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(RedisServer::start)
}

/// The source of the workers: a computation announces itself in a list in a Redis of its own and waits for an item in
/// another.
struct Origin {
    redis: redis::Client,
    name: String,
}

impl IgnoreInKey for Origin {}

impl Origin {
    async fn compute(&self) -> u64 {
        // Both before it announces itself: once it has, a test may stop the process for seconds, and both timeouts of
        // this client would have passed when it goes on.
        let config =
            redis::AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connect = || self.redis.get_multiplexed_async_connection_with_config(&config);
        let mut said = connect().await.expect("a connection");
        let mut blocked = connect().await.expect("a connection");
        let () = said.rpush(format!("{}-computing", self.name), std::process::id()).await.expect("said");
        let gate = format!("{}-gate", self.name);
        let mut patience = redis::cmd("BRPOPLPUSH");
        patience.arg(&gate).arg(&gate).arg(0).query_async::<String>(&mut blocked).await.expect("opened");
        42
    }
}

#[cache(cache = cache, key = "answer")]
async fn answer(cache: &Cache, origin: &Origin) -> u64 {
    origin.compute().await
}

/// Runs in the processes that the other tests start, and does nothing without their variables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let (Ok(url), Ok(prefix)) = (std::env::var(URL), std::env::var(PREFIX)) else { return };
    let origin = std::env::var(ORIGIN).expect("the URL of the origin");
    let redis = redis::Client::open(origin).expect("a client");
    // Four processes on few processors: a leader that the machine has no time for is not stalled.
    let builder = Cache::builder().url(url).prefix(&prefix).redis_timeout(Duration::from_secs(10));
    let builder = builder.stall_timeout(LONG).connect_timeout(LONG);
    let cache = builder.require_redis(true).build().await.expect("a cache");
    let origin = Origin { redis, name: prefix };
    let calls = (0..CALLS).map(|_| answer(&cache, &origin));
    assert!(join_all(calls).await.iter().all(|answer| *answer == 42));
}

struct Workers {
    children: Vec<Child>,
    prefix: String,
}

impl Workers {
    fn start(count: usize) -> Self {
        let prefix = unique("processes");
        let start = |_| {
            rerun("processes::worker")
                .env(URL, shared().url())
                .env(PREFIX, &prefix)
                .env(ORIGIN, origin().url())
                .stdout(Stdio::null())
                .spawn()
                .expect("a process")
        };
        Self { children: (0..count).map(start).collect(), prefix }
    }

    /// Returns the processes that have begun to compute, in order.
    fn computing(&self) -> Vec<u32> {
        let pids = origin().command(&["LRANGE", &format!("{}-computing", self.prefix), "0", "-1"]);
        pids.split_whitespace().map(|pid| pid.parse().expect("a number")).collect()
    }

    fn open(&self) {
        origin().command(&["LPUSH", &format!("{}-gate", self.prefix), "open"]);
    }

    fn finish(&mut self) {
        for child in &mut self.children {
            assert!(child.wait().expect("an end").success());
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // The child has ended unless the test failed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The leading process is stopped for longer than its lease, and continues after another has stored its value.
#[test]
fn a_leader_that_was_stopped_and_continues_stores_nothing() {
    let mut workers = Workers::start(2);
    eventually(LONG, || !workers.computing().is_empty());
    let stopped = workers.computing()[0];
    signal("STOP", stopped);
    eventually(LONG, || workers.computing().len() > 1);
    workers.open();
    let position = workers.children.iter().position(|child| child.id() != stopped).expect("the other");
    let mut other = workers.children.swap_remove(position);
    assert!(other.wait().expect("an end").success());
    let entry = format!("{}:answer", workers.prefix);
    let stored = shared().command(&["GET", &entry]);
    assert_ne!(stored, "(nil)");
    signal("CONT", stopped);
    workers.finish();
    assert_eq!(shared().command(&["GET", &entry]), stored, "what came late was refused");
    assert_eq!(workers.computing().len(), 2);
}

#[test]
fn one_computes_for_four_processes() {
    let mut workers = Workers::start(4);
    eventually(LONG, || !workers.computing().is_empty());
    workers.open();
    workers.finish();
    assert_eq!(workers.computing().len(), 1, "{:?}", workers.computing());
}

#[test]
fn when_the_leader_is_killed_one_more_computes() {
    let mut workers = Workers::start(4);
    eventually(LONG, || !workers.computing().is_empty());
    let first = workers.computing()[0];
    let position = workers.children.iter().position(|child| child.id() == first).expect("one of ours");
    let mut leader = workers.children.swap_remove(position);
    leader.kill().expect("killed");
    leader.wait().expect("an end");
    let killed = Instant::now();
    eventually(LONG, || workers.computing().len() > 1);
    // The lease lapses after three seconds; the rest is for a busy machine.
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    workers.open();
    workers.finish();
    assert_eq!(workers.computing().len(), 2);
}
