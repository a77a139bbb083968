//! `refresh(..)` computes and stores, `bypass(..)` neither reads nor stores.

use larder::{Cache, bypass, bypass_blocking, cache, refresh, refresh_blocking};
use support::stores::{Calls, caches};

#[cache(expire = "1m", cache = cache)]
async fn number(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add() as u64 + id
}

#[cache(expire = "1m", cache = cache)]
async fn outer(cache: &Cache, calls: &Calls, inner_calls: &Calls) -> u64 {
    calls.add();
    number(cache, inner_calls, 0).await
}

#[cache(expire = "1m", cache = cache)]
fn sync(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add() as u64 + id
}

#[cache(expire = "1m", cache = cache)]
async fn fails_later(cache: &Cache, calls: &Calls) -> Result<u64, String> {
    if calls.add() == 0 { Ok(7) } else { Err("down".to_owned()) }
}

#[tokio::test]
async fn refresh_computes_and_stores() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(number(cache, &calls, 0).await, 0, "{cache:?}");
        assert_eq!(refresh(number(cache, &calls, 0)).await, 1, "{cache:?}");
        assert_eq!(number(cache, &calls, 0).await, 1, "{cache:?}");
        // The same holds without an entry.
        assert_eq!(refresh(number(cache, &calls, 10)).await, 12, "{cache:?}");
        assert_eq!(number(cache, &calls, 10).await, 12, "{cache:?}");
        let counts = *cache.stats().function("number").expect("it was called");
        assert_eq!((counts.refreshes, counts.stores, counts.hits), (2, 3, 2), "{cache:?}");
    }
}

#[tokio::test]
async fn a_failed_refresh_leaves_the_stored_value() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(fails_later(cache, &calls).await, Ok(7), "{cache:?}");
        assert_eq!(refresh(fails_later(cache, &calls)).await, Err("down".to_owned()), "{cache:?}");
        assert_eq!(fails_later(cache, &calls).await, Ok(7), "{cache:?}");
    }
}

#[tokio::test]
async fn bypass_neither_reads_nor_stores() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(bypass(number(cache, &calls, 0)).await, 0, "{cache:?}");
        assert_eq!(number(cache, &calls, 0).await, 1, "{cache:?}");
        assert_eq!(bypass(number(cache, &calls, 0)).await, 2, "{cache:?}");
        assert_eq!(number(cache, &calls, 0).await, 1, "{cache:?}");
        let counts = *cache.stats().function("number").expect("it was called");
        assert_eq!((counts.bypasses, counts.stores, counts.hits), (2, 1, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn every_call_inside_is_affected_and_none_outside() {
    for cache in &caches().await {
        let calls = Calls::default();
        for id in 0..3 {
            number(cache, &calls, id).await;
        }
        let block = refresh(async {
            tokio::task::yield_now().await;
            let first = number(cache, &calls, 0).await;
            tokio::task::yield_now().await;
            first + number(cache, &calls, 1).await
        });
        // The call is polled alternately with a future outside of it.
        let (_, aside) = tokio::join!(block, async {
            tokio::task::yield_now().await;
            number(cache, &calls, 2).await
        });
        assert_eq!(aside, 4, "{cache:?}");
        assert_eq!(calls.count(), 5, "{cache:?}");
        number(cache, &calls, 0).await;
        assert_eq!(calls.count(), 5, "{cache:?}");
    }
}

#[tokio::test]
async fn functions_called_by_a_refreshed_one_are_cached_as_usual() {
    for cache in &caches().await {
        let (calls, inner_calls) = (Calls::default(), Calls::default());
        outer(cache, &calls, &inner_calls).await;
        refresh(outer(cache, &calls, &inner_calls)).await;
        assert_eq!((calls.count(), inner_calls.count()), (2, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn the_inner_one_of_two_wins() {
    for cache in &caches().await {
        let calls = Calls::default();
        bypass(refresh(number(cache, &calls, 0))).await;
        assert_eq!(cache.stats().total.stores, 1, "{cache:?}");
        refresh(bypass(number(cache, &calls, 0))).await;
        assert_eq!(cache.stats().total.stores, 1, "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_functions_have_twins() {
    for cache in caches().await {
        let done = tokio::task::spawn_blocking(move || {
            let calls = Calls::default();
            assert_eq!(sync(&cache, &calls, 0), 0, "{cache:?}");
            assert_eq!(refresh_blocking(|| sync(&cache, &calls, 0)), 1, "{cache:?}");
            assert_eq!(sync(&cache, &calls, 0), 1, "{cache:?}");
            assert_eq!(bypass_blocking(|| sync(&cache, &calls, 0)), 2, "{cache:?}");
            assert_eq!(sync(&cache, &calls, 0), 1, "{cache:?}");
            // A panic inside ends the mode.
            let panics = || refresh_blocking(|| -> u64 { panic!("on purpose") });
            assert!(std::panic::catch_unwind(panics).is_err());
            assert_eq!(sync(&cache, &calls, 0), 1, "{cache:?}");
        });
        done.await.expect("the blocking half");
    }
}

#[tokio::test]
async fn the_futures_can_be_sent() {
    for cache in caches().await {
        let task = tokio::spawn(async move {
            let calls = Calls::default();
            refresh(number(&cache, &calls, 0)).await + bypass(number(&cache, &calls, 0)).await
        });
        assert_eq!(task.await.ok(), Some(1));
    }
}
