//! `none_expire = ..`: the expiry of `None`, which is not cached otherwise.

use std::time::Duration;

use larder::{Cache, cache};
use support::expiry::assert_expiry;
use support::stores::{Calls, caches};

type Found<T> = Result<Option<T>, String>;

#[cache(expire = "1h", cache = cache)]
async fn forgetful(cache: &Cache, calls: &Calls, id: u64) -> Option<u64> {
    calls.add();
    (id > 0).then_some(id)
}

#[cache(expire = "1h", none_expire = "2m", cache = cache, entry = find_entry)]
async fn find(cache: &Cache, calls: &Calls, id: u64) -> Option<u64> {
    calls.add();
    (id > 0).then_some(id)
}

#[cache(expire = "1h", none_expire = Duration::from_secs(60 * minutes), cache = cache, entry = try_find_entry)]
async fn try_find(cache: &Cache, calls: &Calls, id: u64, minutes: u64) -> Found<String> {
    calls.add();
    match id {
        0 => Ok(None),
        1 => Err("one".to_owned()),
        id => Ok(Some(id.to_string())),
    }
}

#[cache(none_expire = 30, cache = cache)]
async fn option_of_option(cache: &Cache, calls: &Calls, depth: u8) -> Option<Option<u8>> {
    calls.add();
    match depth {
        0 => None,
        1 => Some(None),
        _ => Some(Some(depth)),
    }
}

#[cache(none_expire = minutes, cache = cache)]
async fn refused(cache: &Cache, calls: &Calls, minutes: i64) -> Option<u8> {
    calls.add();
    (minutes > 100).then_some(1)
}

#[tokio::test]
async fn none_is_not_cached_by_default() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(forgetful(cache, &calls, 0).await, None, "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        for _ in 0..3 {
            assert_eq!(forgetful(cache, &calls, 1).await, Some(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}

#[tokio::test]
async fn a_cached_none_is_a_hit_and_has_its_own_expiry() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(find(cache, &calls, 0).await, None, "{cache:?}");
            assert_eq!(find(cache, &calls, 1).await, Some(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        let counts = *cache.stats().function("find").expect("it was called");
        assert_eq!((counts.none_hits, counts.hits, counts.misses), (2, 2, 2), "{cache:?}");
        assert_expiry(&find_entry(cache, &calls, 0), Duration::from_secs(120)).await;
        assert_expiry(&find_entry(cache, &calls, 1), Duration::from_secs(3600)).await;
    }
}

#[tokio::test]
async fn results_of_options_follow_both_rules_under_any_alias() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(try_find(cache, &calls, 0, 3).await, Ok(None), "{cache:?}");
            assert_eq!(try_find(cache, &calls, 1, 3).await, Err("one".to_owned()), "{cache:?}");
            assert_eq!(try_find(cache, &calls, 2, 3).await, Ok(Some("2".to_owned())), "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
        assert_expiry(&try_find_entry(cache, &calls, 0, 3), Duration::from_secs(180)).await;
        assert_expiry(&try_find_entry(cache, &calls, 2, 3), Duration::from_secs(3600)).await;
    }
}

#[tokio::test]
async fn only_the_outer_none_is_none() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(option_of_option(cache, &calls, 0).await, None, "{cache:?}");
            assert_eq!(option_of_option(cache, &calls, 1).await, Some(None), "{cache:?}");
            assert_eq!(option_of_option(cache, &calls, 2).await, Some(Some(2)), "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn an_expiry_of_zero_at_run_time_stores_nothing() {
    for cache in &caches().await {
        let calls = Calls::default();
        for minutes in [0, -1, 0] {
            assert_eq!(refused(cache, &calls, minutes).await, None, "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        assert_eq!(cache.stats().total.stores, 0, "{cache:?}");
    }
}
