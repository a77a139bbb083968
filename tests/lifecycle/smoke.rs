//! A miss and a hit in each store.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

#[cache(expire = "1m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[tokio::test]
async fn the_second_call_is_answered_from_the_cache() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(double(&cache, &calls, 21).await, 42, "{cache:?}");
        assert_eq!(double(&cache, &calls, 21).await, 42, "{cache:?}");
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
