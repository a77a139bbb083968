//! Sets inside sets, as savepoints are inside a transaction.

use std::sync::Arc;

use larder::{Cache, Deferred, cache, cache_evict};
use support::stores::caches;

#[cache(expire = "1h", cache = cache, entry = user_entry)]
async fn user(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache_evict(cache = cache, entry = user_entry(cache, id))]
async fn rename(cache: &Cache, id: u64) {}

/// Stores users 0 to 3.
async fn fill(cache: &Cache) {
    for id in 0..4 {
        user(cache, id).await;
    }
}

/// Returns which of the users 0 to 3 are stored.
async fn stored(cache: &Cache) -> Vec<u64> {
    let mut stored = Vec::new();
    for id in 0..4 {
        stored.extend(user_entry(cache, id).get::<u64>().await);
    }
    stored
}

#[tokio::test]
async fn the_inner_set_belongs_to_the_outer_one() {
    for cache in &caches().await {
        fill(cache).await;
        let outer = cache.defer();
        let late = outer
            .scope(async {
                rename(cache, 0).await;
                let sent = cache.defer();
                sent.scope(rename(cache, 1)).await;
                sent.send().await.expect("passed on");
                let rolled_back = cache.defer();
                rolled_back.scope(rename(cache, 2)).await;
                rolled_back.discard();
                let late = cache.defer();
                late.scope(rename(cache, 3)).await;
                late
            })
            .await;
        // Not inside the scope, and still a part of the transaction.
        late.send().await.expect("passed on");
        assert_eq!(stored(cache).await, [0, 1, 2, 3], "{cache:?}");
        outer.send().await.expect("sent");
        assert_eq!(stored(cache).await, [2], "{cache:?}");
    }
}

#[tokio::test]
async fn an_inner_set_that_is_dropped_belongs_to_the_outer_one() {
    for cache in &caches().await {
        fill(cache).await;
        let outer = cache.defer();
        outer.scope(async { cache.defer().scope(rename(cache, 1)).await }).await;
        assert_eq!(stored(cache).await, [0, 1, 2, 3], "{cache:?}");
        assert_eq!(cache.stats().total.deferred_unsent, 0, "{cache:?}");
        outer.send().await.expect("sent");
        assert_eq!(stored(cache).await, [0, 2, 3], "{cache:?}");
    }
}

#[tokio::test]
async fn a_set_that_outlives_the_outer_one_sends_by_itself() {
    for cache in &caches().await {
        fill(cache).await;
        let outer = cache.defer();
        let inner = outer.scope(async { cache.defer() }).await;
        inner.scope(rename(cache, 1)).await;
        outer.discard();
        inner.send().await.expect("sent");
        assert_eq!(stored(cache).await, [0, 2, 3], "{cache:?}");
    }
}

#[tokio::test]
async fn the_innermost_scope_collects() {
    for cache in &caches().await {
        fill(cache).await;
        let (one, two) = (cache.defer(), cache.defer());
        one.scope(two.scope(rename(cache, 1))).await;
        one.send().await.expect("nothing to send");
        assert_eq!(stored(cache).await, [0, 1, 2, 3], "{cache:?}");
        two.send().await.expect("sent");
        assert_eq!(stored(cache).await, [0, 2, 3], "{cache:?}");
    }
}

#[tokio::test]
async fn one_transaction_of_two_caches() {
    let caches = caches().await;
    let later = caches[0].defer();
    for cache in &caches {
        fill(cache).await;
        later.scope(rename(cache, 1)).await;
    }
    assert_eq!(stored(&caches[1]).await, [0, 1, 2, 3]);
    later.send().await.expect("sent");
    for cache in &caches {
        assert_eq!(stored(cache).await, [0, 2, 3], "{cache:?}");
    }
}

#[tokio::test]
async fn spawned_tasks_are_outside_and_can_enter() {
    for cache in caches().await {
        fill(&cache).await;
        let later: Arc<Deferred> = Arc::new(cache.defer());
        let (outside, inside) = later
            .scope(async {
                let outside = tokio::spawn({
                    let cache = cache.clone();
                    async move { rename(&cache, 0).await }
                });
                let inside = tokio::spawn({
                    let (cache, later) = (cache.clone(), Arc::clone(&later));
                    async move { later.scope(rename(&cache, 1)).await }
                });
                tokio::join!(outside, inside)
            })
            .await;
        outside.and(inside).expect("no panic");
        assert_eq!(stored(&cache).await, [1, 2, 3], "{cache:?}");
        Arc::into_inner(later).expect("the tasks have ended").send().await.expect("sent");
        assert_eq!(stored(&cache).await, [2, 3], "{cache:?}");
    }
}
