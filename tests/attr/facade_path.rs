//! `crate = ..`: larder behind a facade. Renamed dependencies are in `tests/strict`.

use larder::Cache;
use support::stores::{Calls, caches};

/// A prelude crate of a workspace.
mod deps {
    pub(crate) mod caching {
        pub(crate) use larder::*;
    }
}

/// A module that can reach larder through the facade only.
mod user {
    #![allow(clippy::allow_attributes, unused_imports, reason = "a trap for generated code")]

    use super::deps::caching::{Cache, IgnoreInKey, cache, cache_evict, cache_put};

    /// The module that `larder::..` without a leading `::` would find.
    mod larder {}

    #[derive(IgnoreInKey)]
    #[larder(crate = crate::facade_path::deps::caching)]
    pub(super) struct Db;

    #[cache(expire = "1m", cache = cache, crate = crate::facade_path::deps::caching, entry = read_entry, codec = json, unless = |v: &u64| *v == 9)]
    pub(super) async fn read(cache: &Cache, calls: &super::Calls, db: &Db, id: u64) -> Result<u64, String> {
        let Db = db;
        calls.add();
        Ok(id)
    }

    #[cache_evict(entry = read_entry(cache, calls, db, id), crate = crate::facade_path::deps::caching)]
    pub(super) async fn evict(cache: &Cache, calls: &super::Calls, db: &Db, id: u64) {}

    #[cache_put(entry = read_entry(cache, calls, db, id), crate = crate::facade_path::deps::caching)]
    pub(super) async fn put(cache: &Cache, calls: &super::Calls, db: &Db, id: u64) -> u64 {
        id + 1
    }

    #[super::deps::caching::cache_one_hour(cache = cache, crate = ::larder, key = "k:{id}")]
    pub(super) fn sync(cache: &Cache, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn generated_code_goes_through_the_facade() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(user::read(cache, &calls, &user::Db, 1).await, Ok(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        user::evict(cache, &calls, &user::Db, 1).await;
        assert_eq!(user::read(cache, &calls, &user::Db, 1).await, Ok(1), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(user::put(cache, &calls, &user::Db, 1).await, 2, "{cache:?}");
        assert_eq!(user::read(cache, &calls, &user::Db, 1).await, Ok(2), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[test]
fn sync_functions_too() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    assert_eq!((user::sync(&cache, 1), user::sync(&cache, 1)), (1, 1));
    assert_eq!(cache.stats().total.hits, 1);
}
