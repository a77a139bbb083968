//! A computation that fails: no caller hangs, nothing is stored, and the failure is not repeated needlessly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

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

/// Returns the number of concurrent computations.
#[derive(Default)]
struct Overlap {
    now: AtomicUsize,
    most: AtomicUsize,
}
impl IgnoreInKey for Overlap {}

#[cache(expire = "1m", cache = cache)]
async fn fails_uniquely(
    cache: &Cache,
    calls: &Calls,
    overlap: &Overlap,
    gate: &Gate,
    good: usize,
) -> Result<usize, Unique> {
    let number = calls.add();
    overlap.most.fetch_max(overlap.now.fetch_add(1, SeqCst) + 1, SeqCst);
    gate.pass().await;
    tokio::task::yield_now().await;
    overlap.now.fetch_sub(1, SeqCst);
    if number == good { Ok(number) } else { Err(Unique(number)) }
}

#[tokio::test]
async fn an_error_that_cannot_be_cloned_is_computed_by_one_caller_at_a_time() {
    for cache in caches().await {
        let shared = Arc::new((Calls::default(), Overlap::default(), Gate::default()));
        let callers = (0..20).map(|_| {
            let (cache, shared) = (cache.clone(), Arc::clone(&shared));
            tokio::spawn(
                async move { fails_uniquely(&cache, &shared.0, &shared.1, &shared.2, usize::MAX).await },
            )
        });
        let callers: Vec<_> = callers.collect();
        shared.2.arrived(1).await;
        settle(&cache).await;
        assert_eq!(shared.0.count(), 1, "the others wait on {cache:?}");
        shared.2.open();
        let results = in_time(join_all(callers)).await.into_iter();
        let mut numbers: Vec<_> =
            results.map(|result| result.expect("no panic").expect_err("it fails").0).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>(), "{cache:?}");
        assert_eq!(shared.1.most.load(SeqCst), 1, "{cache:?}");
        assert_eq!(counts(&cache, "fails_uniquely").stores, 0);
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn the_first_success_after_failures_serves_all_remaining_waiters() {
    for cache in caches().await {
        let shared = Arc::new((Calls::default(), Overlap::default(), Gate::default()));
        let callers = (0..20).map(|_| {
            let (cache, shared) = (cache.clone(), Arc::clone(&shared));
            tokio::spawn(async move { fails_uniquely(&cache, &shared.0, &shared.1, &shared.2, 3).await })
        });
        let callers: Vec<_> = callers.collect();
        shared.2.arrived(1).await;
        settle(&cache).await;
        shared.2.open();
        let results: Vec<_> =
            in_time(join_all(callers)).await.into_iter().map(|result| result.expect("no panic")).collect();
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3, "{cache:?}");
        assert_eq!(results.iter().filter(|result| matches!(result, Ok(3))).count(), 17, "{cache:?}");
        assert_eq!(shared.0.count(), 4, "{cache:?}");
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
