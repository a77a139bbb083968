//! Cached functions that call themselves go as deep as memory allows.

use larder::{Cache, cache};
use support::stores::{Calls, caches, counts};

const DEEP: u64 = 10_000;

#[cache(expire = "5m", cache = cache)]
fn fib(cache: &Cache, n: u64) -> u64 {
    if n < 2 { n } else { fib(cache, n - 1) + fib(cache, n - 2) }
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
fn depth(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    if n == 0 { 0 } else { depth(cache, calls, n - 1) + 1 }
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn depth_async(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    match n {
        0 => 0,
        // Waits at the bottom, so that the whole chain is dropped while it waits.
        1 if calls.count() > 2 * DEEP as usize => std::future::pending().await,
        _ => Box::pin(depth_async(cache, calls, n - 1)).await + 1,
    }
}

#[tokio::test]
async fn memoised_recursion() {
    for cache in caches().await {
        assert_eq!(fib(&cache, 90), 2_880_067_194_370_816_120, "{cache:?}");
        assert_eq!(counts(&cache, "fib").misses, 91, "{cache:?}");
    }
}

#[tokio::test]
async fn a_deep_synchronous_recursion() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(depth(&cache, &calls, DEEP), DEEP, "{cache:?}");
        assert_eq!(depth(&cache, &calls, DEEP / 2), DEEP / 2);
        assert_eq!(calls.count() as u64, DEEP + 1, "{cache:?}");
    }
}

#[tokio::test]
async fn a_deep_asynchronous_recursion() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(depth_async(&cache, &calls, DEEP).await, DEEP, "{cache:?}");
        assert_eq!(calls.count() as u64, DEEP + 1, "{cache:?}");
    }
}

#[tokio::test]
async fn a_deep_chain_is_dropped() {
    for cache in caches().await {
        let calls = Calls::default();
        (0..=DEEP).for_each(|_| _ = calls.add());
        let mut deep = Box::pin(depth_async(&cache, &calls, DEEP));
        while calls.count() < 2 * DEEP as usize + 1 {
            assert!(futures_util::future::poll_immediate(deep.as_mut()).await.is_none());
            tokio::task::yield_now().await;
        }
        drop(deep);
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
    }
}
