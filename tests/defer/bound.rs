//! The size of a set: beyond its bound the whole cache is invalidated.

use larder::{Cache, cache};
use support::log::Log;
use support::stores::{Calls, caches_with, counts};

/// The bound of a set, whatever the bound of pending invalidations is below it.
const MOST: u64 = 1000;

#[cache(expire = "1h", cache = cache, ignore(calls), tags = ["t:{id}"], group = "g")]
async fn labelled(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

async fn delete(cache: &Cache, ids: std::ops::Range<u64>) {
    for id in ids {
        cache.delete(&format!("k:{id}")).await.expect("collected");
    }
}

#[tokio::test]
async fn up_to_the_bound_each_invalidation_is_made_and_nothing_else() {
    for cache in &caches_with(|builder| builder.max_pending_invalidations(10)).await {
        cache.set("k:1", &1, "1h").await.expect("stored");
        cache.set("other", &1, "1h").await.expect("stored");
        let later = cache.defer();
        // Twice the same ones are no more.
        later.scope(delete(cache, 0..MOST)).await;
        later.scope(delete(cache, 0..MOST)).await;
        assert!(format!("{later:?}").contains("invalidations: 1000"), "{later:?}");
        later.send().await.expect("sent");
        assert!(!cache.exists("k:1").await && cache.exists("other").await, "{cache:?}");
        assert_eq!(counts(cache, "handle").invalidations, MOST, "{cache:?}");
    }
}

#[tokio::test]
async fn one_more_invalidates_the_whole_cache_and_warns_once() {
    if !support::isolated!() {
        return;
    }
    for cache in &caches_with(|builder| builder.max_pending_invalidations(10)).await {
        let calls = &Calls::default();
        cache.set("other", &1, "1h").await.expect("stored");
        labelled(cache, calls, 1).await;
        let (log, _guard) = Log::start();
        let later = cache.defer();
        later.scope(delete(cache, 0..MOST + 500)).await;
        assert!(format!("{later:?}").contains("invalidations: 1,"), "{later:?}: {cache:?}");
        assert!(cache.exists("other").await, "{cache:?}: not yet");
        // What comes afterwards is in it.
        later.scope(async { cache.invalidate_tag("t:1").await.expect("collected") }).await;
        later.send().await.expect("sent");
        let warnings = log.take();
        assert!(
            matches!(&warnings[..], [one] if one.contains("more than 1000 invalidations")),
            "{warnings:?}"
        );
        assert!(!cache.exists("other").await, "{cache:?}");
        labelled(cache, calls, 1).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(counts(cache, "handle").invalidations, 1, "{cache:?}");
    }
}

#[tokio::test]
async fn an_inner_set_adds_to_the_size_of_the_outer_one() {
    for cache in &caches_with(|builder| builder.max_pending_invalidations(10)).await {
        cache.set("other", &1, "1h").await.expect("stored");
        let later = cache.defer();
        later
            .scope(async {
                delete(cache, 0..600).await;
                let inner = cache.defer();
                inner.scope(delete(cache, 500..MOST)).await;
                inner.send().await.expect("passed on");
                let inner = cache.defer();
                inner.scope(delete(cache, MOST..MOST + 1)).await;
                inner.send().await.expect("passed on");
            })
            .await;
        later.send().await.expect("sent");
        assert!(!cache.exists("other").await, "{cache:?}: one more than the bound");
    }
}

#[tokio::test]
async fn one_that_the_store_refuses_is_retried() {
    for cache in &caches_with(|builder| builder.max_pending_invalidations(1)).await {
        cache.set("other", &1, "1h").await.expect("stored");
        let later = cache.defer();
        later.scope(delete(cache, 0..MOST + 1)).await;
        cache.chaos().refuse();
        later.send().await.expect_err("the store refuses");
        assert_eq!(cache.health().await.pending_invalidations, 1, "{cache:?}: there is room for it");
        cache.chaos().heal();
        assert_eq!(cache.get::<i32>("other").await, None, "{cache:?}");
    }
}
