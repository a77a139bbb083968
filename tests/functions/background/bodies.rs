//! Errors, recursion and the options beside.

use std::pin::Pin;

use larder::{Cache, Policy, cache};
use support::stores::{Calls, caches};

use super::calls::{Counted, sent};

/// A function whose error is neither `Send` nor `Clone`, and is returned by `?`, coercion and early return.
#[cache(cache = cache, stale_while_revalidate = "1m", none_expire = 5)]
async fn fallible(
    cache: &Cache,
    calls: &Counted,
    text: &str,
) -> Result<Option<u64>, Box<dyn std::error::Error>> {
    calls.add();
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    if text == "none" {
        return Ok(None);
    }
    tokio::task::yield_now().await;
    let number: u64 = text.parse()?;
    if number == 0 { Err("zero".into()) } else { Ok(Some(number)) }
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn sync_fallible(cache: &Cache, calls: &Counted, text: &str) -> Result<u64, Box<dyn std::error::Error>> {
    calls.add();
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    Ok(text.parse::<u64>()?)
}

#[tokio::test]
async fn errors_and_early_returns() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(fallible(cache, &calls, "5").await.ok(), Some(Some(5)), "{cache:?}");
            assert_eq!(fallible(cache, &calls, "none").await.ok(), Some(None), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        for wrong in ["", "x", "0"] {
            assert!(fallible(cache, &calls, wrong).await.is_err(), "{cache:?} {wrong}");
        }
    }
}

#[test]
fn errors_and_early_returns_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    for _ in 0..2 {
        assert_eq!(sync_fallible(&cache, &calls, "5").ok(), Some(5));
    }
    assert_eq!(calls.count(), 1);
    assert!(sync_fallible(&cache, &calls, "").is_err());
    assert!(sync_fallible(&cache, &calls, "x").is_err());
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn fibonacci(cache: &Cache, calls: &Counted, n: u64) -> u64 {
    calls.add();
    if n < 2 { n } else { fibonacci(cache, calls, n - 1) + fibonacci(cache, calls, n - 2) }
}

/// A recursive function cannot infer that its future is `Send`, so a boxed function declares it.
#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn countdown(cache: &Cache, calls: &Counted, n: u64) -> u64 {
    fn next<'a>(
        cache: &'a Cache,
        calls: &'a Counted,
        n: u64,
    ) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(countdown(cache, calls, n))
    }
    calls.add();
    if n == 0 { 0 } else { 1 + next(cache, calls, n - 1).await }
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn boxed_countdown<'a>(
    cache: &'a Cache,
    calls: &'a Counted,
    n: u64,
) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
    Box::pin(async move {
        calls.add();
        if n == 0 { 0 } else { 1 + boxed_countdown(cache, calls, n - 1).await }
    })
}

#[tokio::test]
async fn recursion() {
    for cache in &caches().await {
        let calls = Counted::default();
        assert_eq!(sent(countdown(cache, &calls, 10)).await, 10, "{cache:?}");
        assert_eq!(countdown(cache, &calls, 11).await, 11, "{cache:?}");
        assert_eq!(calls.count(), 12, "{cache:?}");
        let calls = Counted::default();
        assert_eq!(boxed_countdown(cache, &calls, 10).await, 10, "{cache:?}");
        assert_eq!(boxed_countdown(cache, &calls, 11).await, 11, "{cache:?}");
        assert_eq!(calls.count(), 12, "{cache:?}");
    }
}

#[test]
fn recursion_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    assert_eq!(fibonacci(&cache, &calls, 40), 102_334_155);
    assert_eq!(calls.count(), 41);
}

/// The background refresh takes what `unless` and `expire_with` mention.
#[cache(cache = cache, stale_while_revalidate = "1m", unless = |n: &u64| *n > limit, expire_with = |_| limit)]
async fn limited(cache: &Cache, calls: &Counted, limit: u64, n: u64) -> u64 {
    calls.add();
    n
}

const REFRESHED: Policy = Policy::new().refresh_ahead(0.5);

#[cache(cache = cache, policy = REFRESHED, background)]
async fn by_policy(
    cache: &Cache,
    calls: &Counted,
    #[cfg(any())] absent: NoSuchType,
    #[cfg(not(any()))] name: &str,
) -> usize {
    calls.add();
    name.len()
}

#[cache(cache = cache, stale_if_error = "1m", stale_retry = 5, jitter = 0.1, local = "1s")]
async fn in_the_call(
    cache: &Cache,
    calls: &Calls,
    list: &[&str],
) -> Result<usize, Box<dyn std::error::Error>> {
    calls.add();
    Ok(list.len())
}

#[tokio::test]
async fn options_beside() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(sent(limited(cache, &calls, 5, 6)).await, 6, "{cache:?}");
            assert_eq!(sent(by_policy(cache, &calls, "abc")).await, 3, "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        assert_eq!(limited(cache, &calls, 5, 5).await, 5, "{cache:?}");
        assert_eq!(limited(cache, &calls, 5, 5).await, 5, "{cache:?}");
        assert_eq!(calls.count(), 4, "{cache:?}");
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(in_the_call(cache, &calls, &["a"]).await.ok(), Some(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
