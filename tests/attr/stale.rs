//! Stale values: served during a refresh and after a failure, and never instead of a newer value.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use larder::{Cache, cache};
use support::deployment::shared;
use support::stores::{Calls, Gate, LONG, caches, counts, in_time, on, unique};
use support::wait::eventually_async;

/// The source that the functions read.
#[derive(Default)]
struct Source {
    value: AtomicU64,
    fails: AtomicBool,
    is_slow: AtomicBool,
    calls: Calls,
    gate: Gate,
}

impl larder::IgnoreInKey for Source {}

impl Source {
    async fn read(&self) -> Result<u64, String> {
        self.calls.add();
        let value = self.value.load(SeqCst);
        if self.is_slow.load(SeqCst) {
            self.gate.pass().await;
        }
        if self.fails.load(SeqCst) { Err("it failed".to_owned()) } else { Ok(value) }
    }

    /// Makes computations return `value` and stop at the gate.
    fn changes(&self, value: u64) {
        self.value.store(value, SeqCst);
        self.is_slow.store(true, SeqCst);
    }
}

#[cache(cache = cache, key = "swr", entry = swr_entry, stale_while_revalidate = "1h")]
async fn swr(cache: &Cache, source: Arc<Source>) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "patient", entry = patient_entry, stale_while_revalidate = "1h", soft_timeout = "20s")]
async fn patient(cache: &Cache, source: Arc<Source>) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "hasty", entry = hasty_entry, stale_while_revalidate = "1h", soft_timeout = "10ms")]
async fn hasty(cache: &Cache, source: Arc<Source>) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "sie", entry = sie_entry, stale_if_error = "1h")]
async fn sie(cache: &Cache, source: &Source) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "brief", entry = brief_entry, stale_if_error = "1h", stale_retry = "50ms")]
async fn brief(cache: &Cache, source: &Source) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "ahead", expire = "1h", refresh_ahead = 0.000001)]
async fn ahead(cache: &Cache, source: Arc<Source>) -> Result<u64, String> {
    source.read().await
}

#[cache(cache = cache, key = "blocking", entry = blocking_entry, stale_while_revalidate = "1h")]
fn blocking(cache: &Cache, source: Arc<Source>) -> u64 {
    source.calls.add();
    source.value.load(SeqCst)
}

#[cache(cache = cache, key = "panics", entry = panics_entry, stale_while_revalidate = "1h")]
async fn panics(cache: &Cache, source: Arc<Source>) -> u64 {
    assert!(source.calls.add() == 0, "the second computation");
    source.value.load(SeqCst)
}

#[cache(cache = cache, expire = "1h", jitter = 0.5, entry = jittered_entry)]
async fn jittered(cache: &Cache, id: u64) -> u64 {
    id
}

/// Two caches with one prefix, which are two processes to Redis.
async fn pair() -> [Cache; 2] {
    let prefix = unique("stale");
    let one = || on(shared()).prefix(&prefix).require_redis(true).build();
    [one().await.expect("a cache"), one().await.expect("a cache")]
}

#[tokio::test]
async fn a_stale_value_is_served_while_one_refresh_runs() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        let call = || swr(cache, Arc::clone(&source));
        assert_eq!(call().await, Ok(0));
        swr_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.changes(1);
        assert!(
            in_time(join_all((0..50).map(|_| call()))).await.iter().all(|got| *got == Ok(0)),
            "{cache:?}"
        );
        source.gate.arrived(1).await;
        assert_eq!(call().await, Ok(0));
        assert_eq!((source.calls.count(), counts(cache, "swr").stale_hits), (2, 51), "{cache:?}");
        source.gate.open();
        eventually_async(LONG, || async { call().await == Ok(1) }).await;
        assert_eq!((source.calls.count(), counts(cache, "swr").refreshes), (2, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn one_of_all_processes_refreshes() {
    let caches = pair().await;
    let source = Arc::new(Source::default());
    assert_eq!(swr(&caches[0], Arc::clone(&source)).await, Ok(0));
    swr_entry(&caches[0], Arc::clone(&source)).expire().await.expect("carried out");
    source.changes(1);
    assert_eq!(swr(&caches[0], Arc::clone(&source)).await, Ok(0));
    source.gate.arrived(1).await;
    for _ in 0..10 {
        assert_eq!(swr(&caches[1], Arc::clone(&source)).await, Ok(0));
    }
    assert_eq!(source.calls.count(), 2);
    source.gate.open();
    for cache in &caches {
        eventually_async(LONG, || async { swr(cache, Arc::clone(&source)).await == Ok(1) }).await;
    }
    assert_eq!(source.calls.count(), 2);
}

#[tokio::test]
async fn within_soft_timeout_callers_wait_for_the_new_value() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(patient(cache, Arc::clone(&source)).await, Ok(0));
        patient_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.value.store(1, SeqCst);
        assert_eq!(in_time(patient(cache, Arc::clone(&source))).await, Ok(1), "{cache:?}");

        assert_eq!(hasty(cache, Arc::clone(&source)).await, Ok(1));
        hasty_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.changes(2);
        assert_eq!(in_time(hasty(cache, Arc::clone(&source))).await, Ok(1), "{cache:?}");
        source.gate.open();
        eventually_async(LONG, || async { hasty(cache, Arc::clone(&source)).await == Ok(2) }).await;
    }
}

#[tokio::test]
async fn dropping_the_caller_does_not_cancel_the_refresh() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(patient(cache, Arc::clone(&source)).await, Ok(0));
        patient_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.changes(1);
        let (clone, its_source) = (cache.clone(), Arc::clone(&source));
        let caller = tokio::spawn(async move { patient(&clone, its_source).await });
        source.gate.arrived(1).await;
        caller.abort();
        assert!(caller.await.expect_err("it was aborted").is_cancelled());
        source.gate.open();
        eventually_async(LONG, || async { cache.get::<u64>("patient").await == Some(1) }).await;
        assert_eq!(source.calls.count(), 2);
    }
}

#[tokio::test]
async fn a_stale_value_replaces_an_error_and_a_pause_follows() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(sie(cache, &source).await, Ok(0));
        sie_entry(cache, &source).expire().await.expect("carried out");
        source.fails.store(true, SeqCst);
        for _ in 0..5 {
            assert_eq!(sie(cache, &source).await, Ok(0), "{cache:?}");
        }
        assert_eq!((source.calls.count(), counts(cache, "sie").stale_hits), (2, 5), "{cache:?}");
        // A removed value is not served again, and there is no pause.
        sie_entry(cache, &source).invalidate().await.expect("carried out");
        assert_eq!(sie(cache, &source).await, Err("it failed".to_owned()), "{cache:?}");
        assert_eq!(source.calls.count(), 3);
    }
}

#[tokio::test]
async fn after_the_pause_the_function_runs_again() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(brief(cache, &source).await, Ok(0));
        brief_entry(cache, &source).expire().await.expect("carried out");
        source.fails.store(true, SeqCst);
        assert_eq!(brief(cache, &source).await, Ok(0));
        source.fails.store(false, SeqCst);
        source.value.store(1, SeqCst);
        eventually_async(LONG, || async { brief(cache, &source).await == Ok(1) }).await;
        assert_eq!(source.calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn a_pause_holds_for_all_processes() {
    let caches = pair().await;
    let source = Source::default();
    assert_eq!(sie(&caches[0], &source).await, Ok(0));
    sie_entry(&caches[0], &source).expire().await.expect("carried out");
    source.fails.store(true, SeqCst);
    assert_eq!(sie(&caches[0], &source).await, Ok(0));
    // The pause is written in the background.
    eventually_async(LONG, || async {
        let key = sie_entry(&caches[0], &source).key().to_owned();
        let lease = shared().command(&["GETRANGE", &key, "112", "135"]);
        lease.len() >= 24
            && lease.bytes().take(16).all(|byte| byte == 0)
            && lease.bytes().any(|byte| byte != 0)
    })
    .await;
    for _ in 0..5 {
        assert_eq!(sie(&caches[1], &source).await, Ok(0));
    }
    assert_eq!(source.calls.count(), 2);
}

#[tokio::test]
async fn callers_that_wait_for_a_failing_refresh_get_the_stale_value() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(sie(cache, &source).await, Ok(0));
        sie_entry(cache, &source).expire().await.expect("carried out");
        source.changes(1);
        source.fails.store(true, SeqCst);
        let calls = join_all((0..20).map(|_| sie(cache, &source)));
        let opens = async {
            source.gate.arrived(1).await;
            source.gate.open();
        };
        let (results, ()) = in_time(futures_util::future::join(calls, opens)).await;
        assert!(results.iter().all(|got| *got == Ok(0)), "{results:?} on {cache:?}");
        assert_eq!(source.calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn a_late_refresh_overwrites_nothing_newer() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        let entry = || swr_entry(cache, Arc::clone(&source));
        assert_eq!(swr(cache, Arc::clone(&source)).await, Ok(0));
        entry().expire().await.expect("carried out");
        source.changes(1);
        assert_eq!(swr(cache, Arc::clone(&source)).await, Ok(0));
        source.gate.arrived(1).await;
        entry().put(&7_u64).await.expect("stored");
        source.gate.open();
        eventually_async(LONG, || async { counts(cache, "swr").refusals == 1 }).await;
        assert_eq!(swr(cache, Arc::clone(&source)).await, Ok(7), "{cache:?}");
    }
}

#[tokio::test]
async fn an_invalidation_is_not_undone_by_a_refresh() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        let entry = || swr_entry(cache, Arc::clone(&source));
        assert_eq!(swr(cache, Arc::clone(&source)).await, Ok(0));
        entry().expire().await.expect("carried out");
        source.changes(1);
        assert_eq!(swr(cache, Arc::clone(&source)).await, Ok(0));
        source.gate.arrived(1).await;
        entry().invalidate().await.expect("carried out");
        source.gate.open();
        eventually_async(LONG, || async { counts(cache, "swr").refusals == 1 }).await;
        assert_eq!(entry().get::<u64>().await, None, "{cache:?}");
    }
}

#[tokio::test]
async fn refresh_ahead_runs_before_the_expiry() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(ahead(cache, Arc::clone(&source)).await, Ok(0));
        source.value.store(1, SeqCst);
        eventually_async(LONG, || async { ahead(cache, Arc::clone(&source)).await == Ok(1) }).await;
        let counts = counts(cache, "ahead");
        assert!(counts.refreshes >= 1 && counts.stale_hits == 0 && counts.misses == 1, "{counts:?}");
    }
}

#[tokio::test]
async fn synchronous_functions_refresh_as_well() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(blocking(cache, Arc::clone(&source)), 0);
        blocking_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.value.store(1, SeqCst);
        assert_eq!(blocking(cache, Arc::clone(&source)), 0, "{cache:?}");
        eventually_async(LONG, || async { blocking(cache, Arc::clone(&source)) == 1 }).await;
        assert_eq!(source.calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn a_panic_in_the_background_stays_there() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(panics(cache, Arc::clone(&source)).await, 0);
        panics_entry(cache, Arc::clone(&source)).expire().await.expect("carried out");
        assert_eq!(panics(cache, Arc::clone(&source)).await, 0, "{cache:?}");
        eventually_async(LONG, || async { source.calls.count() == 2 }).await;
        assert_eq!(panics(cache, Arc::clone(&source)).await, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn closing_ends_background_refreshes() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        assert_eq!(swr(&cache, Arc::clone(&source)).await, Ok(0));
        swr_entry(&cache, Arc::clone(&source)).expire().await.expect("carried out");
        source.changes(1);
        assert_eq!(swr(&cache, Arc::clone(&source)).await, Ok(0));
        source.gate.arrived(1).await;
        in_time(cache.close()).await;
        // The computation was dropped, so only this test holds the source.
        eventually_async(LONG, || async { Arc::strong_count(&source) == 1 }).await;
    }
}

#[tokio::test]
async fn an_entry_without_stale_options_expires_at_once() {
    for cache in &caches().await {
        assert_eq!(jittered(cache, 1).await, 1);
        jittered_entry(cache, 1).expire().await.expect("carried out");
        assert_eq!(jittered_entry(cache, 1).get::<u64>().await, None, "{cache:?}");
    }
}

#[tokio::test]
async fn jitter_shortens_expiries_and_never_extends_them() {
    for cache in &caches().await {
        let mut lives = Vec::new();
        for id in 0..32 {
            jittered(cache, id).await;
            lives.push(jittered_entry(cache, id).ttl().await.expect("stored"));
        }
        let (hour, slack) = (Duration::from_secs(3600), Duration::from_secs(20));
        assert!(lives.iter().all(|life| *life <= hour && *life + slack > hour / 2), "{lives:?}");
        let spread = lives.iter().max().zip(lives.iter().min()).map(|(most, least)| *most - *least);
        assert!(spread > Some(Duration::from_secs(300)), "{lives:?}");
    }
}
