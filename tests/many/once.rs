//! Each id is computed once: in a process, and among processes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Cache, cache, cache_many};
use support::deployment::shared;
use support::process::{rerun, test_around};
use support::stores::{LONG, caches_with, in_time, on, settle, unique};

use crate::source::{Source, gated, values};

/// Names the prefix of the processes of a test, and the URL of their deployment.
const PREFIX: &str = "LARDER_MANY_PREFIX";
const URL: &str = "LARDER_MANY_URL";

async fn patient() -> [Cache; 2] {
    caches_with(|builder| builder.stall_timeout(LONG)).await
}

#[cache(expire = "5m", cache = cache, entry = held_entry)]
async fn held(cache: &Cache, source: &Source, id: u64) -> u64 {
    let value = source.load(&[id])[&id];
    source.gate.pass().await;
    value
}

#[cache_many(of = |id| held_entry(cache, source, id))]
async fn all_held(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    let values = source.load(ids);
    source.gate.pass().await;
    values
}

fn call(cache: &Cache, source: &Arc<Source>, ids: &[u64]) -> tokio::task::JoinHandle<HashMap<u64, u64>> {
    let (cache, source, ids) = (cache.clone(), Arc::clone(source), ids.to_vec());
    tokio::spawn(async move { gated(&cache, &source, &ids).await })
}

/// Two caches with one prefix, which are two processes to Redis.
async fn pair() -> [Cache; 2] {
    let prefix = unique("many");
    let one = || on(shared()).prefix(&prefix).require_redis(true).stall_timeout(LONG).build();
    [one().await.expect("a cache"), one().await.expect("a cache")]
}

#[tokio::test]
async fn own_ids_are_computed_before_those_of_others_are_waited_for() {
    let [memory, redis] = patient().await;
    let [one, other] = pair().await;
    for (first, second) in [(memory.clone(), memory), (redis.clone(), redis), (one, other)] {
        let source = Arc::new(Source::default());
        let leader = call(&first, &source, &[1]);
        source.gate.arrived(1).await;
        let crossing = call(&second, &source, &[1, 2]);
        source.gate.arrived(2).await;
        assert_eq!(source.asked(), [[1], [2]], "{first:?}");
        source.gate.open();
        assert_eq!(in_time(leader).await.expect("no panic"), values([1]));
        assert_eq!(in_time(crossing).await.expect("no panic"), values([1, 2]));
        assert!(source.asked().is_empty(), "{first:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_calls_do_not_wait_for_each_other() {
    let [memory, redis] = patient().await;
    let [one, other] = pair().await;
    for (first, second) in [(memory.clone(), memory), (redis.clone(), redis), (one, other)] {
        let source = Arc::new(Source::default());
        source.gate.open();
        let started = Instant::now();
        for n in 0..25 {
            let (a, b) = (n * 2, n * 2 + 1);
            let calls = [call(&first, &source, &[a, b]), call(&second, &source, &[b, a])];
            for called in in_time(join_all(calls)).await {
                assert_eq!(called.expect("no panic"), values([a, b]));
            }
        }
        // One wait for each other would take half of `max_wait`.
        assert!(started.elapsed() < Duration::from_secs(5), "{first:?}: {:?}", started.elapsed());
        let asked: Vec<u64> = source.asked().into_iter().flatten().collect();
        assert_eq!((asked.len(), asked.iter().collect::<HashSet<_>>().len()), (50, 50), "{first:?}");
    }
}

#[tokio::test]
async fn a_call_for_one_id_waits_for_a_call_for_several() {
    for cache in patient().await {
        let source = Arc::new(Source::default());
        let several = {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { all_held(&cache, &source, &[1, 2]).await })
        };
        source.gate.arrived(1).await;
        let one = {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { held(&cache, &source, 2).await })
        };
        settle(&cache).await;
        source.gate.open();
        assert_eq!(in_time(one).await.expect("no panic"), 20);
        assert_eq!(in_time(several).await.expect("no panic"), values([1, 2]));
        assert_eq!(source.asked(), [[1, 2]], "{cache:?}");
    }
}

#[tokio::test]
async fn an_id_that_is_invalidated_meanwhile_is_not_stored() {
    for cache in patient().await {
        let source = Arc::new(Source::default());
        let several = {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { all_held(&cache, &source, &[1, 2, 3]).await })
        };
        source.gate.arrived(1).await;
        held_entry(&cache, &source, 2).invalidate().await.expect("the store answers");
        source.gate.open();
        assert_eq!(in_time(several).await.expect("no panic"), values([1, 2, 3]));
        assert_eq!(in_time(all_held(&cache, &source, &[1, 2, 3])).await, values([1, 2, 3]));
        assert_eq!(source.asked(), [vec![1, 2, 3], vec![2]], "{cache:?}");
    }
}

#[tokio::test]
async fn a_call_inside_the_computation_of_its_id_does_not_wait_for_itself() {
    #[cache(expire = "5m", cache = cache, entry = inner_entry)]
    async fn inner(cache: &Cache, source: &Source, id: u64) -> u64 {
        source.load(&[id])[&id]
    }
    #[cache_many(of = |id| inner_entry(cache, source, id))]
    async fn outer(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        let mut values = HashMap::new();
        for id in ids {
            values.insert(*id, inner(cache, source, *id).await);
        }
        values
    }
    for cache in &patient().await {
        let source = Source::default();
        assert_eq!(in_time(outer(cache, &source, &[1, 2])).await, values([1, 2]));
        assert_eq!(source.asked(), [[1], [2]], "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_compute_each_id_once() {
    const COMPUTED: &str = "computed ";
    fn here() {}
    let source = Arc::new(Source::default());
    if let (Ok(prefix), Ok(url)) = (std::env::var(PREFIX), std::env::var(URL)) {
        let builder = Cache::builder().url(url).prefix(prefix).redis_timeout(Duration::from_secs(10));
        let cache = builder.require_redis(true).stall_timeout(LONG).build().await.expect("a cache");
        source.gate.open();
        let calls = (0..100).map(|n| call(&cache, &source, &(n..n + 10).collect::<Vec<_>>()));
        for (n, called) in in_time(join_all(calls)).await.into_iter().enumerate() {
            let n = n as u64;
            assert_eq!(called.expect("no panic"), values(n..n + 10));
        }
        for id in source.asked().into_iter().flatten() {
            println!("{COMPUTED}{id}");
        }
        return;
    }
    let (test, prefix) = (test_around(&here), unique("processes"));
    let start = || {
        let mut command = rerun(&test);
        command.env(PREFIX, &prefix).env(URL, shared().url()).stdout(std::process::Stdio::piped());
        command.spawn().expect("a process")
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    let mut computed = Vec::new();
    for process in processes {
        let output = process.wait_with_output().expect("a process");
        support::process::assert_passed(&test, &output);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        computed.extend(text.lines().filter_map(|line| Some(line.split_once(COMPUTED)?.1.parse::<u64>())));
    }
    let mut computed = computed.into_iter().collect::<Result<Vec<_>, _>>().expect("ids");
    computed.sort_unstable();
    assert_eq!(computed, (0..109).collect::<Vec<_>>());
}
