//! A refresh that panics: it costs that refresh only, and `stale_retry` follows as after a failure.

use std::sync::Arc;
use std::time::Duration;

use larder::test_util::TestClock;
use larder::{Cache, cache};
use support::deployment::shared;
use support::log::Log;
use support::stores::{Calls, LONG, caches, in_time, on, unique};
use support::wait::eventually_async;

#[cache(cache = cache, key = "refreshed", entry = refreshed_entry, stale_while_revalidate = "1d", stale_retry = "1h")]
async fn refreshed(cache: &Cache, calls: Arc<Calls>) -> usize {
    first(calls.add())
}

#[cache(cache = cache, key = "blocking", entry = blocking_entry, stale_while_revalidate = "1d", stale_retry = "1h")]
fn blocking(cache: &Cache, calls: Arc<Calls>) -> usize {
    first(calls.add())
}

#[cache(cache = cache, key = "ahead", expire = "1h", refresh_ahead = 0.000001, stale_retry = "1h")]
async fn ahead(cache: &Cache, calls: Arc<Calls>) -> usize {
    first(calls.add())
}

#[cache(cache = cache, key = "inline", entry = inline_entry, stale_if_error = "1d", stale_retry = "1h")]
async fn inline(cache: &Cache, calls: Arc<Calls>) -> Result<usize, String> {
    Ok(first(calls.add()))
}

/// The first computation has a value, the later ones panic.
fn first(earlier: usize) -> usize {
    assert!(earlier == 0, "computation {earlier}");
    earlier
}

/// Waits until nothing runs in the background, and the lease is back.
async fn idle(cache: &Cache) {
    eventually_async(LONG, || async {
        let health = cache.health().await;
        health.background + health.computing == 0
    })
    .await;
}

/// Makes calls of a stale value, whose first refresh panics.
async fn refreshes_once(cache: &Cache, calls: &Calls, call: impl AsyncFn() -> usize) {
    let before = calls.count();
    for _ in 0..10 {
        assert_eq!(in_time(call()).await, 0, "{cache:?}");
        idle(cache).await;
    }
    assert_eq!(calls.count() - before, 1, "{cache:?}");
}

#[tokio::test]
async fn a_panic_in_a_refresh_is_followed_by_the_pause() {
    for cache in &caches().await {
        let calls = Arc::new(Calls::default());
        let call = async || refreshed(cache, Arc::clone(&calls)).await;
        assert_eq!(call().await, 0);
        refreshed_entry(cache, Arc::clone(&calls)).expire().await.expect("carried out");
        refreshes_once(cache, &calls, call).await;

        let calls = Arc::new(Calls::default());
        let call = async || blocking(cache, Arc::clone(&calls));
        assert_eq!(call().await, 0);
        blocking_entry(cache, Arc::clone(&calls)).expire().await.expect("carried out");
        refreshes_once(cache, &calls, call).await;

        let calls = Arc::new(Calls::default());
        let call = async || ahead(cache, Arc::clone(&calls)).await;
        eventually_async(LONG, || async { call().await == 0 && calls.count() == 2 }).await;
        idle(cache).await;
        for _ in 0..10 {
            assert_eq!(call().await, 0, "{cache:?}");
            idle(cache).await;
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn after_the_pause_there_is_another_attempt() {
    // The pause in Redis goes by the server's clock.
    let clock = TestClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().await.expect("a cache");
    let calls = Arc::new(Calls::default());
    let call = async || refreshed(&cache, Arc::clone(&calls)).await;
    assert_eq!(call().await, 0);
    refreshed_entry(&cache, Arc::clone(&calls)).expire().await.expect("carried out");
    for _ in 0..2 {
        refreshes_once(&cache, &calls, &call).await;
        clock.advance(Duration::from_secs(3601));
    }
}

#[tokio::test]
async fn a_panic_in_one_process_keeps_the_others_from_a_refresh() {
    let prefix = unique("panic");
    let host = || async { on(shared()).prefix(&prefix).build().await.expect("a cache") };
    let hosts = [host().await, host().await];
    let calls = Arc::new(Calls::default());
    assert_eq!(refreshed(&hosts[0], Arc::clone(&calls)).await, 0);
    refreshed_entry(&hosts[0], Arc::clone(&calls)).expire().await.expect("carried out");
    for _ in 0..5 {
        for host in &hosts {
            assert_eq!(refreshed(host, Arc::clone(&calls)).await, 0);
            idle(host).await;
        }
    }
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn after_a_panic_in_the_call_the_stale_value_is_served() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        assert_eq!(inline(&cache, Arc::clone(&calls)).await, Ok(0));
        inline_entry(&cache, Arc::clone(&calls)).expire().await.expect("carried out");
        let panics = {
            let (cache, calls) = (cache.clone(), Arc::clone(&calls));
            tokio::spawn(async move { inline(&cache, calls).await })
        };
        panics.await.expect_err("the panic is the caller's own");
        for _ in 0..10 {
            idle(&cache).await;
            assert_eq!(inline(&cache, Arc::clone(&calls)).await, Ok(0), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(cache = cache, key = "local", entry = local_entry, stale_while_revalidate = "1d")]
async fn local(cache: &Cache, calls: Arc<Calls>) -> usize {
    // Not `Send`, as in programs whose tasks stay on one thread: the handle is joined elsewhere.
    drop(tokio::task::spawn_local(async {}));
    calls.add()
}

#[tokio::test]
async fn a_refresh_without_the_local_set_of_its_caller_says_what_to_do() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let works = tokio::task::LocalSet::new();
        let values = works.run_until(async {
            let first = local(&cache, Arc::clone(&calls)).await;
            local_entry(&cache, Arc::clone(&calls)).expire().await.expect("carried out");
            let second = local(&cache, Arc::clone(&calls)).await;
            idle(&cache).await;
            [first, second, local(&cache, Arc::clone(&calls)).await]
        });
        assert_eq!((in_time(values).await, calls.count()), ([0; 3], 1), "{cache:?}");
        let warnings = log.take();
        let said = |word: &str| warnings[0].contains(word);
        assert!(warnings.len() == 1, "{cache:?} {warnings:?}");
        assert!(
            said("local") && said("LocalSet") && said("stale_if_error") && said("stale_retry"),
            "{warnings:?}"
        );
    }
}
