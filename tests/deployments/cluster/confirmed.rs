//! Invalidations that replicas acknowledge, on a cluster whose nodes fail.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Builder, Cache, Error, cache};
use support::cluster::RedisCluster;
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, in_time, unique};
use support::wait::{eventually, eventually_async};

/// The time limit of a command.
const LIMIT: Duration = Duration::from_millis(500);
/// The time within which replicas acknowledge.
const WITHIN: Duration = Duration::from_millis(300);
/// The time after which an invalidation has an answer: one of its parts waits for a node in vain, and then the other one for
/// replicas, each behind another of its kind.
const BOUND: Duration = Duration::from_secs(4);

#[cache(expire = "1h", cache = cache, key = "{n}", tags = ["{tag}"], ignore(tag), entry = tagged_entry)]
async fn tagged(cache: &Cache, calls: &Calls, tag: &str, n: u64) -> u64 {
    calls.add();
    n
}

/// Makes the counter of the prefix.
#[cache(expire = "1h", cache = cache, key = "late:{n}", tags_with = |n: &u64| [format!("late:{n}")])]
async fn late(cache: &Cache, n: u64) -> u64 {
    n
}

fn builder(cluster: &RedisCluster) -> Builder {
    Cache::builder().url(cluster.url()).redis_timeout(LIMIT).connect_timeout(LONG).require_redis(true)
}

fn assert_not_confirmed<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotConfirmed { acknowledged: 0, wanted: 1, .. })), "{result:?}");
}

/// The number of keys of a node and of its replica.
fn are_equal(primary: &RedisServer, replica: &RedisServer) -> bool {
    primary.command(&["DBSIZE"]) == replica.command(&["DBSIZE"])
}

/// Lets no replica follow a primary any more. What was not sent is lost with the primary.
fn cut_off(primary: &RedisServer) {
    assert_eq!(primary.command(&["ACL", "SETUSER", "default", "-psync", "-sync"]), "OK");
    assert_eq!(primary.command(&["CLIENT", "KILL", "TYPE", "replica"]), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_last_survives_the_primary() {
    let cluster = RedisCluster::start();
    let primary = &cluster.nodes()[0];
    let replica = cluster.replica_of(primary);
    let prefix = unique("last");
    let cache = builder(&cluster).prefix(&prefix).confirm(1, WITHIN).build().await.expect("a cache");
    let is_there =
        |key: &String| cluster.owner(cluster.slot(&format!("{prefix}:{key}"))).port() == primary.port();
    let keys: Vec<String> = (0..).map(|n| format!("k:{n}:")).filter(is_there).take(120).collect();
    for key in &keys {
        cache.set(key, &1, "1h").await.expect("stored");
    }
    eventually(LONG, || are_equal(primary, replica));

    // Eight tasks invalidate, and after a third of the keys the primary loses its replica, while some are on their way. The last
    // third comes after it.
    let (confirmed, third, is_cut) = (AtomicUsize::new(0), keys.len() / 3, Gate::default());
    let invalidate = async |keys: &[String]| {
        let mut results = Vec::new();
        for (n, key) in keys.iter().enumerate() {
            if n >= keys.len() * 2 / 3 {
                is_cut.pass().await;
            }
            let result = in_time(cache.delete(key)).await;
            confirmed.fetch_add(usize::from(result.is_ok()), SeqCst);
            results.push((key.clone(), result));
        }
        results
    };
    let cut = async {
        eventually_async(LONG, || async { confirmed.load(SeqCst) >= third }).await;
        cut_off(primary);
        is_cut.open();
    };
    let (results, ()) = tokio::join!(join_all(keys.chunks(15).map(invalidate)), cut);
    primary.stop();
    let left = replica.command(&["KEYS", "*"]);
    let (mut are_confirmed, mut are_lost) = (0, 0);
    for (key, result) in results.iter().flatten() {
        match result {
            Ok(_) => {
                are_confirmed += 1;
                assert!(!left.contains(key), "{key} was confirmed, and its replica has it");
            }
            result => {
                assert_not_confirmed(result);
                are_lost += usize::from(left.contains(key));
            }
        }
    }
    assert!(are_confirmed >= third && are_lost > 0, "{are_confirmed} confirmed, {are_lost} lost");

    tokio::task::block_in_place(|| cluster.until_promoted(replica));
    eventually_async(LONG, || async { cache.set(&keys[0], &2, "1h").await.is_ok() }).await;
    for (key, _) in results.iter().flatten().filter(|(_, result)| result.is_ok()).skip(1) {
        assert!(matches!(cache.try_get::<i32>(key).await, Ok(None)), "{key}");
    }
}

/// A former primary refuses `WAIT` as it refuses changes, which is no reason to warn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hands_over_refuses_nothing() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let cluster = RedisCluster::start();
    let settings = builder(&cluster).redis_timeout(LONG).confirm(1, LONG);
    let cache = settings.prefix("handed").build().await.expect("a cache");
    let keys: Vec<String> = (0..).map(|n| format!("k:{n}")).take(60).collect();
    for key in &keys {
        cache.set(key, &1, "1h").await.expect("stored");
        assert!(cache.delete(key).await.expect("confirmed"));
        cache.set(key, &1, "1h").await.expect("stored");
    }
    let replicas: Vec<_> = cluster.nodes()[..3].iter().map(|primary| cluster.replica_of(primary)).collect();
    for replica in replicas {
        tokio::task::block_in_place(|| cluster.fail_over(replica));
    }
    tokio::task::block_in_place(|| cluster.until_ok());
    drop(log.take());
    for key in &keys {
        assert!(in_time(cache.delete(key)).await.expect("confirmed by the new replica"), "{key}");
    }
    let warnings: Vec<_> = log.take().into_iter().filter(|line| line.contains("wait")).collect();
    assert_eq!(warnings, Vec::<String>::new());
}

/// The position of the node of a key.
fn node_of(cluster: &RedisCluster, key: &str) -> usize {
    let owner = cluster.owner(cluster.slot(key)).port();
    cluster.nodes().iter().position(|node| node.port() == owner).expect("one of the nodes")
}

/// Two processes, a tag on a node beside the one that counts the invalidations of tags, and an entry under it on the third.
struct Tagged {
    cluster: RedisCluster,
    here: Cache,
    there: Cache,
    calls: Calls,
    /// The key of the counter.
    counter: String,
    tag: String,
    /// Another tag, on the node of the counter.
    beside_counter: String,
    n: u64,
}

impl Tagged {
    async fn start() -> Self {
        let (cluster, prefix, calls) = (RedisCluster::start(), unique("count"), Calls::default());
        let cache = || builder(&cluster).prefix(&prefix).confirm(1, WITHIN).build();
        let (here, there) = (cache().await.expect("a cache"), cache().await.expect("a cache"));
        let counter = format!("{prefix}:{{}}#tags");
        let counting = node_of(&cluster, &counter);
        let tag_on = |node: usize| {
            let mut tags = (0..).map(|n| format!("t{n}"));
            tags.find(|tag| node_of(&cluster, &format!("{prefix}:{{#{tag}}}")) == node).expect("a tag")
        };
        let (tag, beside_counter) = (tag_on((counting + 1) % 3), tag_on(counting));
        let is_third =
            |n: &u64| node_of(&cluster, tagged_entry(&here, &calls, "", *n).key()) == (counting + 2) % 3;
        let n = (0..).find(is_third).expect("a number");
        late(&here, 1).await;
        eventually_async(LONG, || async {
            here.invalidate_tags(&[&tag, &beside_counter]).await.is_ok() && counts_tags(&cluster, &counter)
        })
        .await;
        Self { cluster, here, there, calls, counter, tag, beside_counter, n }
    }

    /// The node that counts now.
    fn counting(&self) -> &RedisServer {
        self.cluster.owner(self.cluster.slot(&self.counter))
    }

    /// The node of the tag, and its replica.
    fn holder(&self) -> (&RedisServer, &RedisServer) {
        let holder = self
            .cluster
            .owner(self.cluster.slot(&self.counter.replace("{}#tags", &format!("{{#{}}}", self.tag))));
        (holder, self.cluster.replica_of(holder))
    }

    /// The computations of a call of the other process.
    async fn computed(&self) -> usize {
        let before = self.calls.count();
        assert_eq!(in_time(tagged(&self.there, &self.calls, &self.tag, self.n)).await, self.n);
        self.calls.count() - before
    }

    /// Invalidates a tag, in time.
    async fn invalidate(&self, tag: &str) -> Result<(), Error> {
        let began = Instant::now();
        let result = in_time(self.here.invalidate_tag(tag)).await;
        assert!(began.elapsed() < BOUND, "{:?}: {result:?}", began.elapsed());
        result
    }
}

/// Returns whether the counter is there, and its replica has everything.
fn counts_tags(cluster: &RedisCluster, counter: &str) -> bool {
    let node = cluster.owner(cluster.slot(counter));
    node.command(&["EXISTS", counter]) == "1" && are_equal(node, cluster.replica_of(node))
}

/// The ways in which a node fails, and in which it comes back.
type Loss = (fn(&RedisServer), fn(&RedisCluster, &RedisServer));

const HANGS: Loss = (RedisServer::pause, |cluster, lost| {
    lost.resume();
    cluster.until_ok();
});
const DIES: Loss = (RedisServer::stop, RedisCluster::restart);

/// Without the node that counts a tag is barred, and that has to be confirmed at the node of the tag.
async fn a_tag_is_confirmed_where_it_is((lose, resume): Loss) {
    let test = Tagged::start().await;
    assert_eq!((test.computed().await, test.computed().await), (1, 0));
    let (counting, (_, replica)) = (test.counting(), test.holder());
    lose(counting);
    test.invalidate(&test.tag).await.expect("confirmed");
    assert_eq!(test.computed().await, 1, "no process reads the old value");
    // A tag on the lost node itself.
    let error = test.invalidate(&test.beside_counter).await.expect_err("the node is lost");
    assert!(matches!(error, Error::Unavailable { .. } | Error::Timeout { .. }), "{error:?}");
    assert_eq!(test.here.health().await.pending_invalidations, 1);
    // A tag whose replica is lost as well.
    replica.pause();
    assert_not_confirmed(&test.invalidate(&test.tag).await);
    assert_eq!(test.computed().await, 1);
    replica.resume();
    tokio::task::block_in_place(|| resume(&test.cluster, counting));
    eventually_async(LONG, || async { test.here.health().await.pending_invalidations == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_is_confirmed_while_the_node_that_counts_hangs() {
    a_tag_is_confirmed_where_it_is(HANGS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_is_confirmed_while_the_node_that_counts_is_dead() {
    a_tag_is_confirmed_where_it_is(DIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_that_was_confirmed_without_the_node_that_counts_survives_its_own() {
    let test = Tagged::start().await;
    assert_eq!((test.computed().await, test.computed().await), (1, 0));
    let (counting, (holder, replica)) = (test.counting(), test.holder());
    counting.pause();
    test.invalidate(&test.tag).await.expect("confirmed");
    tokio::task::block_in_place(|| {
        // Without the other primaries nobody votes.
        HANGS.1(&test.cluster, counting);
        holder.stop();
        test.cluster.until_promoted(replica);
    });
    eventually_async(LONG, || async { test.there.health().await.nodes.iter().all(|node| node.connected) })
        .await;
    let errors = test.there.stats().total.store_errors;
    assert_eq!(test.computed().await, 1, "the old value has not come back");
    assert_eq!(test.there.stats().total.store_errors, errors, "the store was asked");
}
