//! A computation that fails: no caller hangs, nothing is stored, and the failure is not repeated needlessly.

use std::sync::Arc;

use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache};
use support::stores::{Calls, Gate, caches, counts, in_time, settle};

#[derive(Debug, Clone, PartialEq)]
struct Refused(String);

/// An error that is not `Clone`, so that each caller needs its own.
#[derive(Debug)]
struct Unique(usize);

#[cache(expire = "1m", cache = cache)]
async fn fails(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> Result<u64, Refused> {
    calls.add();
    gate.pass().await;
    Err(Refused(format!("no user {id}")))
}

#[tokio::test]
async fn a_cloneable_error_is_shared_with_waiters() {
    for cache in caches().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let callers = (0..50).map(|_| {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { fails(&cache, &calls, &gate, 7).await })
        });
        let callers: Vec<_> = callers.collect();
        gate.arrived(1).await;
        settle(&cache).await;
        gate.open();
        for result in in_time(join_all(callers)).await {
            assert_eq!(result.expect("no panic"), Err(Refused("no user 7".to_owned())));
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let counts = counts(&cache, "fails");
        assert_eq!((counts.refusals, counts.waits, counts.stores), (1, 49, 0), "{cache:?}");
        // The error is shared with the waiters, and not stored for later callers.
        assert!(fails(&cache, &calls, &gate, 7).await.is_err());
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

/// The first call fails at the gate `first`, the others stop at the gate `others`; `good` is the first call that succeeds.
#[derive(Default)]
struct Source {
    calls: Calls,
    first: Gate,
    others: Gate,
    good: usize,
}

impl IgnoreInKey for Source {}

#[cache(expire = "1m", cache = cache)]
async fn fails_uniquely(cache: &Cache, source: &Source) -> Result<usize, Unique> {
    let number = source.calls.add();
    if number == 0 {
        source.first.pass().await;
    } else {
        source.others.pass().await;
    }
    if number >= source.good { Ok(number) } else { Err(Unique(number)) }
}

#[tokio::test]
async fn callers_that_wait_for_an_error_that_cannot_be_cloned_run_concurrently() {
    for cache in caches().await {
        let source = Arc::new(Source { good: usize::MAX, ..Source::default() });
        let callers = (0..20).map(|_| {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { fails_uniquely(&cache, &source).await })
        });
        let callers: Vec<_> = callers.collect();
        source.first.arrived(1).await;
        settle(&cache).await;
        assert_eq!(source.calls.count(), 1, "the others wait on {cache:?}");
        source.first.open();
        source.others.arrived(19).await;
        source.others.open();
        let results = in_time(join_all(callers)).await.into_iter();
        let mut numbers: Vec<_> =
            results.map(|result| result.expect("no panic").expect_err("it fails").0).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>(), "{cache:?}");
        let counts = counts(&cache, "fails_uniquely");
        assert_eq!((counts.stores, counts.refusals, counts.misses), (0, 20, 20), "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn of_the_callers_that_wait_for_an_error_one_stores_its_value() {
    for cache in caches().await {
        let source = Arc::new(Source { good: 1, ..Source::default() });
        let callers = (0..20).map(|_| {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::spawn(async move { fails_uniquely(&cache, &source).await })
        });
        let callers: Vec<_> = callers.collect();
        source.first.arrived(1).await;
        settle(&cache).await;
        source.first.open();
        source.others.arrived(19).await;
        source.others.open();
        let results: Vec<_> =
            in_time(join_all(callers)).await.into_iter().map(|result| result.expect("no panic")).collect();
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1, "{cache:?}");
        assert_eq!(counts(&cache, "fails_uniquely").stores, 1, "{cache:?}");
        let stored = fails_uniquely(&cache, &source).await.expect("a value");
        assert!((1..20).contains(&stored) && source.calls.count() == 20, "{cache:?}: {stored}");
    }
}

#[tokio::test]
async fn try_remember_stores_no_error() {
    for cache in &caches().await {
        let calls = Calls::default();
        let call = || {
            cache.try_remember("k", "1m", || async {
                match calls.add() {
                    0 | 1 => Err(Unique(0)),
                    n => Ok(n),
                }
            })
        };
        assert!(call().await.is_err());
        assert!(call().await.is_err());
        assert_eq!(call().await.expect("the third"), 2);
        assert_eq!(call().await.expect("a hit"), 2);
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn passes_on(cache: &Cache, calls: &Calls, id: u64) -> Result<u64, Refused> {
    let gate = Gate::default();
    gate.open();
    calls.add();
    let value = fails(cache, calls, &gate, id).await?;
    Ok(value)
}

#[tokio::test]
async fn an_error_passes_through_nested_calls() {
    for cache in &caches().await {
        let calls = Calls::default();
        for round in 1..=3 {
            assert_eq!(passes_on(cache, &calls, 1).await, Err(Refused("no user 1".to_owned())));
            assert_eq!(calls.count(), 2 * round, "{cache:?}");
        }
    }
}
