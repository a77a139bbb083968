//! Errors, panics and callers that go away: nothing is stored, and nobody hangs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use larder::{Cache, cache_many};
use support::stores::{caches, counts, in_time, settle};

use crate::source::{Source, gated, values};

/// An error that is not `Clone`.
#[derive(Debug, PartialEq)]
struct Failed(u64);

#[cache_many(expire = "5m", cache = cache)]
async fn fallible(cache: &Cache, source: &Source, ids: &[u64]) -> Result<HashMap<u64, u64>, Failed> {
    let version = source.version.load(SeqCst);
    let values = source.load(ids);
    source.gate.pass().await;
    if version == 0 { Err(Failed(7)) } else { Ok(values) }
}

#[cache_many(expire = "1h", stale_if_error = "10h", cache = cache)]
async fn kept(cache: &Cache, source: &Source, ids: &[u64]) -> Result<HashMap<u64, u64>, Failed> {
    let values = source.load(ids);
    if source.version.load(SeqCst) == 0 { Ok(values) } else { Err(Failed(8)) }
}

#[tokio::test]
async fn an_error_reaches_the_caller_and_is_not_stored() {
    for cache in &caches().await {
        let source = Source::default();
        source.gate.open();
        assert_eq!(fallible(cache, &source, &[1, 2]).await, Err(Failed(7)));
        source.version.store(1, SeqCst);
        for _ in 0..2 {
            assert_eq!(fallible(cache, &source, &[1, 2]).await, Ok(HashMap::from([(1, 11), (2, 21)])));
        }
        assert_eq!(source.asked(), [[1, 2], [1, 2]], "{cache:?}");
    }
}

#[tokio::test]
async fn waiting_calls_are_free_after_an_error() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        let call = |ids: &'static [u64]| {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { fallible(&cache, &source, ids).await })
        };
        let first = call(&[1]);
        source.gate.arrived(1).await;
        let second = call(&[1, 2]);
        source.gate.arrived(2).await;
        assert_eq!(source.asked(), [[1], [2]], "{cache:?}");
        source.version.store(1, SeqCst);
        source.gate.open();
        assert_eq!(in_time(first).await.expect("no panic"), Err(Failed(7)));
        // The second call read the version before it changed, too.
        assert_eq!(in_time(second).await.expect("no panic"), Err(Failed(7)));
        assert_eq!(in_time(fallible(&cache, &source, &[1, 2])).await, Ok(HashMap::from([(1, 11), (2, 21)])));
    }
}

#[tokio::test]
async fn the_ids_of_a_call_that_failed_are_computed_in_a_second_call() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        let call = |ids: &'static [u64]| {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { fallible(&cache, &source, ids).await })
        };
        let first = call(&[1, 2]);
        source.gate.arrived(1).await;
        source.version.store(1, SeqCst);
        let second = call(&[1, 2, 3]);
        source.gate.arrived(2).await;
        source.gate.open();
        assert_eq!(in_time(first).await.expect("no panic"), Err(Failed(7)));
        let second = in_time(second).await.expect("no panic");
        assert_eq!(second, Ok(HashMap::from([(1, 11), (2, 21), (3, 31)])));
        assert_eq!(source.asked(), [vec![1, 2], vec![3], vec![1, 2]], "{cache:?}");
    }
}

#[tokio::test]
async fn old_values_are_served_in_place_of_an_error() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(kept(cache, &source, &[1, 2]).await, Ok(values([1, 2])));
        cache.clock().advance(std::time::Duration::from_secs(7_200));
        source.version.store(1, SeqCst);
        assert_eq!(kept(cache, &source, &[1, 2]).await, Ok(values([1, 2])), "{cache:?}");
        assert_eq!(counts(cache, "kept").stale_hits, 2);
        assert_eq!(kept(cache, &source, &[1, 3]).await, Err(Failed(8)), "there is no old value of 3");
    }
}

#[tokio::test]
async fn the_ids_of_a_caller_that_goes_away_are_led_by_others() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        let call = |ids: &'static [u64]| {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { gated(&cache, &source, ids).await })
        };
        let first = call(&[1, 2]);
        source.gate.arrived(1).await;
        let second = call(&[2, 1]);
        settle(&cache).await;
        first.abort();
        source.gate.arrived(2).await;
        source.gate.open();
        assert_eq!(in_time(second).await.expect("no panic"), values([1, 2]));
        assert_eq!(source.asked(), [[1, 2], [1, 2]], "{cache:?}");
        assert_eq!(in_time(gated(&cache, &source, &[1, 2])).await, values([1, 2]));
        assert!(source.asked().is_empty(), "{cache:?}");
    }
}

#[tokio::test]
async fn a_panic_reaches_the_caller_alone() {
    #[cache_many(expire = "5m", cache = cache)]
    async fn panics(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        let values = source.load(ids);
        tokio::task::yield_now().await;
        assert!(source.version.load(SeqCst) > 0, "the source is not ready");
        values
    }
    for cache in caches().await {
        let source = Arc::new(Source::default());
        let (own, of_task) = (cache.clone(), Arc::clone(&source));
        let call = tokio::spawn(async move { panics(&own, &of_task, &[1, 2]).await });
        assert!(in_time(call).await.is_err_and(|error| error.is_panic()));
        source.version.store(1, SeqCst);
        assert_eq!(in_time(panics(&cache, &source, &[1, 2])).await, HashMap::from([(1, 11), (2, 21)]));
    }
}
