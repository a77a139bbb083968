//! Many processes that lose a cluster at once: none of them floods what is left with questions.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use larder::Cache;
use support::cluster::RedisCluster;
use support::process::rerun;
use support::redis::RedisServer;
use support::stores::{LONG, in_time};
use support::wait::eventually;

use super::load::ALONE;

const PROCESSES: usize = 30;
const URL: &str = "STORM_TEST_URL";
/// The time that is looked at.
const TIME: Duration = Duration::from_secs(5);

/// Runs in the processes that the other test starts, until that test ends, and does nothing without their variable.
#[tokio::test]
async fn worker() {
    let Ok(url) = std::env::var(URL) else { return };
    let cache = in_time(Cache::builder().url(url).build()).await.expect("a cache");
    std::thread::spawn(|| {
        // The pipe ends with the test.
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    for n in 0_u64.. {
        cache.get::<u64>(&n.to_string()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ends the processes with the test.
struct Workers(Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            drop(worker.kill());
            drop(worker.wait());
        }
    }
}

/// The questions for the map of the slots that these nodes have answered.
fn questions(nodes: &[RedisServer]) -> usize {
    let count = |node: &RedisServer| {
        let stats = node.command(&["INFO", "commandstats"]);
        // Redis 6.2 counts all subcommands as one; the test sends none of them.
        let calls = ["cmdstat_cluster|slots:calls=", "cmdstat_cluster:calls="]
            .iter()
            .find_map(|name| stats.lines().find_map(|line| line.strip_prefix(name)?.split(',').next()));
        calls.map_or(0, |calls| calls.parse().expect("a number"))
    };
    nodes.iter().map(count).sum()
}

/// Asserts that each process asks about once in a second at most, from now on.
fn assert_calm(nodes: &[RedisServer], before: usize) {
    let started = Instant::now();
    eventually(LONG, || started.elapsed() > TIME);
    let (asked, time) = (questions(nodes) - before, started.elapsed());
    let most = PROCESSES as f64 * (time.as_secs_f64() + 1.0);
    assert!((asked as f64) < most, "{asked} questions in {time:?}");
    assert!(asked >= PROCESSES, "each process has lost a node: {asked}");
}

#[test]
fn processes_that_lose_a_cluster_at_once_ask_once_in_a_second() {
    let _alone = ALONE.blocking_lock();
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let [lost, left @ ..] = cluster.nodes() else { panic!("three nodes") };
    let start = |_| {
        let mut worker = rerun("cluster::storm::worker");
        worker.env(URL, cluster.url()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        worker.spawn().expect("a process")
    };
    let _workers = Workers((0..PROCESSES).map(start).collect());
    let connected =
        |node: &RedisServer| node.command(&["CLIENT", "LIST"]).matches("name=").count() > PROCESSES;
    eventually(2 * LONG, || cluster.nodes().iter().all(connected));
    lost.stop();
    assert_calm(left, questions(left));
    let before = questions(left);
    left.iter().for_each(RedisServer::pause);
    let started = Instant::now();
    eventually(LONG, || started.elapsed() > Duration::from_secs(3));
    left.iter().for_each(RedisServer::resume);
    assert_calm(left, before);
}
