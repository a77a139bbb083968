//! Leases: one of all processes computes. Two caches with one prefix are two processes to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use larder::{Cache, cache};
use support::deployment::{Deployment, shared};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, counts, in_time, on, settle, unique};
use support::wait::eventually_async;

const LONG: Duration = support::stores::LONG;

/// Two caches with one prefix, which are two processes to Redis.
async fn pair(server: &dyn Deployment) -> [Cache; 2] {
    let [one, two, _] = three(server).await;
    [one, two]
}

/// Three caches with one prefix.
async fn three(server: &dyn Deployment) -> [Cache; 3] {
    let prefix = unique("lease");
    // A leader that a busy machine leaves alone is not taken for stalled.
    let one = || on(server).prefix(&prefix).require_redis(true).stall_timeout(LONG).build();
    [one().await.expect("a cache"), one().await.expect("a cache"), one().await.expect("a cache")]
}

/// The source of a computation, and the gate that holds it.
#[derive(Default)]
struct Source {
    value: AtomicU64,
    calls: Calls,
    gate: Gate,
}

impl larder::IgnoreInKey for Source {}

#[cache(cache = cache, key = "{id}", ignore(source), entry = slow_entry)]
async fn slow(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.calls.add();
    let value = source.value.load(SeqCst);
    source.gate.pass().await;
    value + id
}

#[cache(cache = cache, key = "g{id}", group = "g")]
async fn grouped(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.calls.add();
    let value = source.value.load(SeqCst);
    source.gate.pass().await;
    value + id
}

#[cache(cache = cache, key = "f{id}")]
async fn fallible(cache: &Cache, source: &Source, id: u64) -> Result<u64, String> {
    let before = source.calls.add();
    source.gate.pass().await;
    if before == 0 { Err("first".to_owned()) } else { Ok(id) }
}

fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

fn call(cache: &Cache, source: &Arc<Source>, id: u64) -> tokio::task::JoinHandle<u64> {
    let (cache, source) = (cache.clone(), Arc::clone(source));
    spawn(async move { slow(&cache, &source, id).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_computes_for_all_processes() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let callers: Vec<_> = (0..1000).map(|n| call(&caches[n % 2], &source, 1)).collect();
    source.gate.arrived(1).await;
    eventually_async(LONG, || async {
        caches.iter().all(|cache| counts(cache, "slow").lease_waits > 0 || counts(cache, "slow").misses > 0)
    })
    .await;
    source.gate.open();
    for result in in_time(join_all(callers)).await {
        assert_eq!(result.expect("no panic"), 1);
    }
    assert_eq!(source.calls.count(), 1);
}

#[tokio::test]
async fn a_lease_is_extended_while_it_is_needed() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let caller = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    let key = slow_entry(&caches[0], 1).key().to_owned();
    let left = || shared().command(&["PTTL", &key]).parse::<i64>().expect("a number");
    let mut seen = left();
    let mut renewals = 0;
    eventually_async(LONG, || {
        let now = left();
        assert!(now > 0, "it lapsed");
        renewals += usize::from(now > seen);
        seen = now;
        async move { renewals >= 3 }
    })
    .await;
    source.gate.open();
    assert_eq!(in_time(caller).await.expect("no panic"), 1);
    assert_eq!(slow(&caches[1], &source, 1).await, 1);
    assert_eq!(source.calls.count(), 1);
}

#[tokio::test]
async fn a_process_that_waits_too_long_computes_and_stores_nothing() {
    let prefix = unique("lease");
    let patient = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let hasty =
        on(shared()).prefix(&prefix).max_wait(Duration::from_millis(200)).build().await.expect("a cache");
    let source = Arc::new(Source::default());
    let slow_one = call(&patient, &source, 1);
    source.gate.arrived(1).await;
    let quick_one = call(&hasty, &source, 1);
    source.gate.arrived(2).await;
    assert_eq!(counts(&hasty, "slow").lease_waits, 1);
    source.gate.open();
    assert_eq!(in_time(quick_one).await.expect("no panic"), 1);
    assert_eq!(counts(&hasty, "slow").stores, 0);
    assert_eq!(in_time(slow_one).await.expect("no panic"), 1);
    assert_eq!(counts(&patient, "slow").stores, 1);
}

#[tokio::test]
async fn an_invalidation_of_another_process_is_never_undone() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let old = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    source.value.store(10, SeqCst);
    slow_entry(&caches[1], 1).invalidate().await.expect("carried out");
    // The caller does not get the result of the older computation that still runs.
    let new = call(&caches[0], &source, 1);
    source.gate.arrived(2).await;
    source.gate.open();
    assert_eq!(in_time(old).await.expect("no panic"), 1);
    assert_eq!(in_time(new).await.expect("no panic"), 11);
    for cache in &caches {
        assert_eq!(slow(cache, &source, 1).await, 11);
    }
    assert_eq!(source.calls.count(), 2);
}

#[tokio::test]
async fn a_group_that_another_process_drops_stays_dropped() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let (cache, shared_source) = (caches[0].clone(), Arc::clone(&source));
    let old = spawn(async move { grouped(&cache, &shared_source, 1).await });
    source.gate.arrived(1).await;
    source.value.store(10, SeqCst);
    caches[1].delete_group("g").await.expect("carried out");
    let (cache, shared_source) = (caches[0].clone(), Arc::clone(&source));
    let new = spawn(async move { grouped(&cache, &shared_source, 1).await });
    source.gate.arrived(2).await;
    source.gate.open();
    assert_eq!((in_time(old).await.expect("no panic"), in_time(new).await.expect("no panic")), (1, 11));
    assert_eq!(grouped(&caches[1], &source, 1).await, 11);
    assert_eq!(source.calls.count(), 2);
}

#[tokio::test]
async fn after_a_flush_nothing_is_written_back() {
    let server = RedisServer::start();
    let caches = pair(&server).await;
    let source = Arc::new(Source::default());
    let old = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    server.command(&["FLUSHALL"]);
    source.gate.open();
    assert_eq!(in_time(old).await.expect("no panic"), 1);
    assert_eq!(counts(&caches[0], "slow").stores, 0);
    assert_eq!(server.command(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn a_cancelled_call_releases_its_lease() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let first = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    first.abort();
    assert!(first.await.expect_err("it was aborted").is_cancelled());
    let key = slow_entry(&caches[0], 1).key().to_owned();
    let began = std::time::Instant::now();
    eventually_async(LONG, || async { shared().command(&["EXISTS", &key]) == "0" }).await;
    assert!(began.elapsed() < Duration::from_secs(3), "it lapsed instead");
    source.gate.open();
    assert_eq!(slow(&caches[1], &source, 1).await, 1);
    assert_eq!(counts(&caches[1], "slow").stores, 1);
}

#[tokio::test]
async fn after_an_error_another_process_computes() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let (cache, shared_source) = (caches[0].clone(), Arc::clone(&source));
    let first = spawn(async move { fallible(&cache, &shared_source, 1).await });
    source.gate.arrived(1).await;
    let (cache, shared_source) = (caches[1].clone(), Arc::clone(&source));
    let second = spawn(async move { fallible(&cache, &shared_source, 1).await });
    eventually_async(LONG, || async { counts(&caches[1], "fallible").lease_waits == 1 }).await;
    source.gate.open();
    assert_eq!(in_time(first).await.expect("no panic"), Err("first".to_owned()));
    assert_eq!(in_time(second).await.expect("no panic"), Ok(1));
    assert_eq!(source.calls.count(), 2);
}

/// An error that is not `Clone`.
#[derive(Debug)]
struct Own;

#[cache(cache = cache, key = "u{id}", entry = uncached_entry, ignore(source))]
async fn uncached(cache: &Cache, source: &Source, id: u64) -> Result<u64, Own> {
    source.calls.add();
    source.gate.pass().await;
    if source.value.load(SeqCst) == 0 { Err(Own) } else { Ok(id) }
}

/// Starts callers of a function whose result is not cached.
fn uncached_calls(cache: &Cache, source: &Arc<Source>, number: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let call = || {
        let (cache, source) = (cache.clone(), Arc::clone(source));
        spawn(async move { drop(uncached(&cache, &source, 1).await) })
    };
    (0..number).map(|_| call()).collect()
}

/// The sources of two processes: one call of the first computes, and twenty of the second wait for it.
async fn second_waits_for_first(
    caches: &[Cache; 2],
) -> ([Arc<Source>; 2], tokio::task::JoinHandle<()>, Vec<tokio::task::JoinHandle<()>>) {
    let sources = [Arc::new(Source::default()), Arc::new(Source::default())];
    let first = uncached_calls(&caches[0], &sources[0], 1).remove(0);
    sources[0].gate.arrived(1).await;
    let second = uncached_calls(&caches[1], &sources[1], 20);
    eventually_async(LONG, || async { counts(&caches[1], "uncached").lease_waits == 1 }).await;
    settle(&caches[1]).await;
    (sources, first, second)
}

#[tokio::test]
async fn after_a_result_that_is_not_cached_the_callers_of_another_process_run_concurrently() {
    let [one, two, third] = three(shared()).await;
    let caches = [one, two];
    let (sources, first, second) = second_waits_for_first(&caches).await;
    // Others of the first process wait as well, and one of them takes the lease next.
    let next = Arc::new(Source::default());
    let more = uncached_calls(&caches[0], &next, 20);
    settle(&caches[0]).await;
    assert_eq!(next.calls.count(), 0);
    // The time for which nobody waits afterwards.
    tokio::time::sleep(Duration::from_secs(2)).await;
    sources[0].gate.open();
    next.gate.arrived(20).await;
    sources[1].gate.arrived(20).await;
    in_time(first).await.expect("no panic");
    // A third process, which knows nothing of it, does not wait either, although another one holds the lease.
    let source = Arc::new(Source::default());
    let calls = uncached_calls(&third, &source, 20);
    source.gate.arrived(20).await;
    [&source, &next, &sources[1]].into_iter().for_each(|source| source.gate.open());
    in_time(join_all(calls.into_iter().chain(more).chain(second))).await;
    assert_eq!((sources[1].calls.count(), source.calls.count(), next.calls.count()), (20, 20, 20));
}

#[tokio::test]
async fn after_a_cancellation_one_caller_of_another_process_computes() {
    let caches = pair(shared()).await;
    let (sources, first, second) = second_waits_for_first(&caches).await;
    first.abort();
    sources[1].gate.arrived(1).await;
    settle(&caches[1]).await;
    assert_eq!(sources[1].calls.count(), 1, "the others wait");
    sources[1].value.store(1, SeqCst);
    sources[1].gate.open();
    in_time(join_all(second)).await;
    assert_eq!(sources[1].calls.count(), 1);
}

#[tokio::test]
async fn after_an_invalidation_one_caller_of_another_process_computes() {
    let caches = pair(shared()).await;
    let (sources, first, second) = second_waits_for_first(&caches).await;
    uncached_entry(&caches[0], 1).invalidate().await.expect("carried out");
    sources[1].gate.arrived(1).await;
    sources[0].gate.open();
    in_time(first).await.expect("no panic");
    settle(&caches[1]).await;
    assert_eq!(sources[1].calls.count(), 1, "the others wait");
    sources[1].value.store(1, SeqCst);
    sources[1].gate.open();
    in_time(join_all(second)).await;
    assert_eq!(sources[1].calls.count(), 1);
}

#[tokio::test]
async fn different_keys_do_not_wait_for_one_another() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let held = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    let other = call(&caches[1], &source, 2);
    source.gate.arrived(2).await;
    source.gate.open();
    assert_eq!((in_time(held).await.expect("no panic"), in_time(other).await.expect("no panic")), (1, 2));
}

#[tokio::test]
async fn a_lease_is_no_entry() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let caller = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    for cache in &caches {
        assert_eq!(cache.get::<u64>("1").await, None);
        assert!(!cache.exists("1").await);
        assert_eq!((cache.ttl("1").await, cache.inspect("1").await.expect("an answer")), (None, None));
    }
    assert_eq!(counts(&caches[0], "handle").unusable, 0);
    // A value that is put meanwhile stays.
    caches[1].set("1", &5_u64, "1m").await.expect("stored");
    source.gate.open();
    assert_eq!(in_time(caller).await.expect("no panic"), 1);
    assert_eq!(caches[0].get::<u64>("1").await, Some(5));
}

#[tokio::test]
async fn clear_removes_leases() {
    let caches = pair(shared()).await;
    let source = Arc::new(Source::default());
    let caller = call(&caches[0], &source, 1);
    source.gate.arrived(1).await;
    caches[1].clear().await.expect("carried out");
    source.gate.open();
    assert_eq!(in_time(caller).await.expect("no panic"), 1);
    assert_eq!(caches[1].get::<u64>("1").await, None);
    assert_eq!(counts(&caches[0], "slow").stores, 0);
}
