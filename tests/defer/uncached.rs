//! Inside a transaction nothing is stored, and nothing that is cached is read.

use std::collections::HashMap;

use larder::{Cache, bypass, cache, cache_many, refresh};
use support::stores::{Calls, caches, counts};

#[cache(expire = "1h", cache = cache, ignore(calls), entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    inner(cache, calls, id).await
}

#[cache(expire = "1h", cache = cache, ignore(calls), key = "inner:{id}")]
async fn inner(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache_many(of = |id: &u64| user_entry(cache, *id))]
async fn users(
    #[cache(ignore)] cache: &Cache,
    #[cache(ignore)] calls: &Calls,
    ids: &[u64],
) -> HashMap<u64, u64> {
    calls.add();
    ids.iter().map(|id| (*id, *id)).collect()
}

#[tokio::test]
async fn functions_run_uncached() {
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        assert_eq!(calls.count(), 2);
        let later = cache.defer();
        later
            .scope(async {
                // Those that are cached, and those that are not.
                for id in [1, 2] {
                    assert_eq!(user(cache, calls, id).await, id);
                    assert_eq!(refresh(user(cache, calls, id)).await, id);
                    assert_eq!(bypass(user(cache, calls, id)).await, id);
                    assert_eq!(bypass(async { refresh(user(cache, calls, id)).await }).await, id);
                    assert_eq!(users(cache, calls, &[id, 3]).await.len(), 2);
                }
                for key in ["inner:1", "other"] {
                    let value = cache.remember(key, "1h", || async { calls.add() as u64 + 100 }).await;
                    assert!(value >= 100, "{key} is not read: {value}");
                }
            })
            .await;
        later.discard();
        assert_eq!(calls.count(), 2 + 2 * (4 * 2 + 1) + 2, "{cache:?}");
        let stats = cache.stats();
        assert_eq!(stats.total.stores, 2, "{cache:?}: those before the transaction");
        assert_eq!(counts(cache, "users").bypasses, 2, "{cache:?}");
        for key in ["inner:2", "other"] {
            assert!(!cache.exists(key).await, "{key}, {cache:?}");
        }
        assert_eq!(user_entry(cache, 2).get::<u64>().await, None, "{cache:?}");
        let before = calls.count();
        assert_eq!(user(cache, calls, 1).await, 1);
        assert_eq!(
            calls.count(),
            before,
            "{cache:?}: the transaction has ended, and the value was not touched"
        );
    }
}

#[tokio::test]
async fn reads_of_the_handle_find_nothing() {
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        let later = cache.defer();
        later
            .scope(async {
                let entry = user_entry(cache, 1);
                assert_eq!(entry.get::<u64>().await, None);
                assert_eq!(entry.ttl().await, None);
                assert_eq!(cache.get::<u64>("inner:1").await, None);
                assert_eq!(cache.try_get::<u64>("inner:1").await.expect("no failure"), None);
                assert_eq!(cache.get_many::<u64>(&["inner:1", "x"]).await, [None, None]);
                assert!(!cache.exists("inner:1").await);
                assert_eq!(cache.ttl("inner:1").await, None);
            })
            .await;
        later.discard();
        assert_eq!(cache.get::<u64>("inner:1").await, Some(1), "{cache:?}");
        assert_eq!(counts(cache, "handle").bypasses, 8, "{cache:?}");
    }
}
