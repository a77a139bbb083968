//! `when = ..` decides on the use of the cache, and `unless = ..` on storing a value.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

#[cache(when = !preview && calls.count() < 100, cache = cache)]
async fn page(cache: &Cache, calls: &Calls, slug: &str, preview: bool) -> String {
    calls.add();
    format!("{slug}{preview}")
}

#[cache(when = id > 10, cache = cache)]
fn sync(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn when_false_nothing_is_read_or_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(page(cache, &calls, "a", true).await, "atrue", "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        for _ in 0..2 {
            assert_eq!(page(cache, &calls, "a", false).await, "afalse", "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        let total = cache.stats().total;
        assert_eq!((total.stores, total.hits, total.misses), (1, 1, 1), "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_works_on_sync_functions() {
    for cache in caches().await {
        let done = tokio::task::spawn_blocking(move || {
            let calls = Calls::default();
            for id in [1, 1, 11, 11] {
                assert_eq!(sync(&cache, &calls, id), id, "{cache:?}");
            }
            assert_eq!(calls.count(), 3, "{cache:?}");
        });
        assert!(done.await.is_ok());
    }
}

#[cache(unless = |list: &Vec<u64>| list.is_empty(), cache = cache)]
async fn list(cache: &Cache, calls: &Calls, n: u64) -> Vec<u64> {
    calls.add();
    (0..n).collect()
}

#[cache(unless = Vec::is_empty, cache = cache)]
async fn list_or_error(cache: &Cache, calls: &Calls, n: i64) -> Result<Vec<i64>, String> {
    calls.add();
    if n < 0 { Err("negative".to_owned()) } else { Ok((0..n).collect()) }
}

#[cache(unless = |n| *n == 7, cache = cache)]
async fn option(cache: &Cache, calls: &Calls, n: u64) -> Result<Option<u64>, String> {
    calls.add();
    Ok((n > 0).then_some(n))
}

#[tokio::test]
async fn a_value_that_unless_refuses_is_returned_and_not_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert!(list(cache, &calls, 0).await.is_empty(), "{cache:?}");
            assert_eq!(list_or_error(cache, &calls, 0).await, Ok(vec![]), "{cache:?}");
            assert_eq!(option(cache, &calls, 7).await, Ok(Some(7)), "{cache:?}");
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
        assert_eq!(cache.stats().total.refusals, 6, "{cache:?}");
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(list(cache, &calls, 2).await, [0, 1], "{cache:?}");
            assert_eq!(list_or_error(cache, &calls, 1).await, Ok(vec![0]), "{cache:?}");
            assert_eq!(option(cache, &calls, 8).await, Ok(Some(8)), "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn unless_is_not_run_for_errors_and_none() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert!(list_or_error(cache, &calls, -1).await.is_err(), "{cache:?}");
            assert_eq!(option(cache, &calls, 0).await, Ok(None), "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn empty_is_data(cache: &Cache, calls: &Calls) -> Vec<u64> {
    calls.add();
    Vec::new()
}

#[tokio::test]
async fn without_unless_an_empty_list_is_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert!(empty_is_data(cache, &calls).await.is_empty(), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
