//! Scopes: another cache in place of the process-wide one.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use larder::{Cache, cache, cache_evict, cache_put};
use support::stores::{Calls, LONG, caches, in_time};
use support::wait::eventually_async;

#[cache(expire = "1m", entry = user_entry)]
async fn user(#[cache(ignore)] calls: &Calls, id: u64) -> usize {
    calls.add() + id as usize
}

#[cache(expire = "1m", key = "count")]
fn count(#[cache(ignore)] calls: &Calls) -> usize {
    calls.add()
}

#[cache(expire = "1m", key = "outer")]
async fn outer(#[cache(ignore)] calls: &Calls) -> usize {
    user(calls, 1).await
}

#[cache_evict(entry = user_entry(id))]
async fn rename(id: u64) {}

#[cache_put(entry = user_entry(id))]
async fn save(id: u64, value: usize) -> usize {
    value
}

#[async_trait]
trait Numbers: Sync {
    async fn number(&self, calls: &Calls) -> usize;
}

struct Boxed;

#[async_trait]
impl Numbers for Boxed {
    #[cache(expire = "1m", key = "boxed", ignore(self))]
    async fn number(&self, #[cache(ignore)] calls: &Calls) -> usize {
        calls.add()
    }
}

#[tokio::test]
async fn every_kind_of_function_uses_the_cache_of_its_scope() {
    for cache in caches().await {
        let calls = Calls::default();
        cache
            .scope(async {
                for _ in 0..2 {
                    assert_eq!(outer(&calls).await, 1);
                    assert_eq!(user(&calls, 1).await, 1);
                    assert_eq!(count(&calls), 1);
                    assert_eq!(Boxed.number(&calls).await, 2);
                }
                save(1, 40).await;
                assert_eq!(user(&calls, 1).await, 40);
                rename(1).await;
                assert_eq!(user(&calls, 1).await, 4);
            })
            .await;
        assert_eq!((calls.count(), cache.stats().total.hits), (4, 6));
        assert!(Cache::global().is_err(), "nothing is left of the scope");
    }
}

#[tokio::test]
async fn scopes_that_run_at_the_same_time_share_nothing() {
    let (one, two) = (Cache::for_test(), Cache::for_test());
    let calls = Calls::default();
    let (a, b) = tokio::join!(one.scope(user(&calls, 0)), two.scope(user(&calls, 0)));
    assert_eq!((a, b, calls.count()), (0, 1, 2));
    assert_eq!(one.scope(user(&calls, 0)).await, 0);
    assert_eq!(two.scope(user(&calls, 0)).await, 1);
    assert_eq!(one.scope(two.scope(user(&calls, 0))).await, 1, "the innermost scope counts");
}

#[tokio::test]
async fn a_future_looks_for_its_cache_at_the_first_poll() {
    let cache = Cache::for_test();
    let calls = Calls::default();
    for _ in 0..2 {
        // Both are made outside the scope.
        let (native, boxed) = (user(&calls, 0), Boxed.number(&calls));
        assert_eq!(cache.scope(async { (native.await, boxed.await) }).await, (0, 1));
    }
    assert_eq!(calls.count(), 2);
}

#[test]
fn synchronous_code_has_scopes_too() {
    let cache = Cache::for_test();
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(cache.scope_blocking(|| count(&calls)), 0);
    }
    assert!(Cache::global().is_err());
    let panics = std::panic::catch_unwind(AssertUnwindSafe(|| cache.scope_blocking(|| panic!("inside"))));
    assert!(panics.is_err() && Cache::global().is_err(), "a panic ends the scope");
}

#[cache(expire = "1m", stale_while_revalidate = "1h", key = "stale")]
async fn stale(#[cache(ignore)] calls: std::sync::Arc<Calls>) -> usize {
    user(&calls, 0).await
}

#[tokio::test]
async fn a_refresh_in_the_background_stays_in_its_scope() {
    let cache = Cache::for_test();
    let calls = std::sync::Arc::new(Calls::default());
    assert_eq!(cache.scope(stale(calls.clone())).await, 0);
    cache.clock().advance(Duration::from_secs(90));
    assert_eq!(cache.scope(stale(calls.clone())).await, 0, "the stale value");
    // The refresh calls `user`, which finds its own entry expired, in this cache.
    in_time(eventually_async(LONG, || async { cache.scope(stale(calls.clone())).await == 1 })).await;
    assert_eq!(cache.stats().function("scope::user").map(|counts| counts.misses), Some(2));
}

#[tokio::test]
async fn spawned_tasks_and_threads_are_outside() {
    let cache = Cache::for_test().group("g");
    cache
        .scope(async {
            let here = Cache::current().expect("the cache of the scope");
            here.set("k", &1, "1m").await.expect("stored");
            let task = tokio::spawn(async move {
                assert!(Cache::current().is_err());
                here.scope(async { Cache::global().expect("carried over").get::<i32>("k").await }).await
            });
            assert_eq!(task.await.expect("the task ends"), Some(1));
            let blocking = tokio::task::spawn_blocking(|| Cache::current().is_err());
            assert!(blocking.await.expect("the thread ends"));
        })
        .await;
    assert_eq!(cache.get::<i32>("k").await, Some(1), "in the group of the handle");
}
