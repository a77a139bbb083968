//! `cache = ..`: the cache that a function uses.

use std::sync::{Arc, LazyLock};

use larder::{Cache, cache, cache_evict, cache_put};
use serde::Serialize;
use support::deployment::shared;
use support::stores::{Calls, caches, on};

#[cache(cache = cache)]
async fn by_reference(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(cache = cache)]
async fn by_value(cache: Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(cache = cache)]
async fn by_arc(cache: Arc<Cache>, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(cache = if id > 10 { right } else { left })]
async fn by_choice(left: &Cache, right: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

static MEMORY: LazyLock<Cache> =
    LazyLock::new(|| Cache::builder().build_blocking().expect("a cache in memory"));
static REDIS: LazyLock<Arc<Cache>> =
    LazyLock::new(|| Arc::new(on(shared()).require_redis(true).build_blocking().expect("a cache")));
static OLDER: once_cell::sync::Lazy<Cache> = once_cell::sync::Lazy::new(|| MEMORY.clone());

#[cache(expire = "1m", cache = MEMORY, entry = by_memory_entry)]
async fn by_memory(calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1m", cache = &REDIS, entry = by_redis_entry)]
async fn by_redis(calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1m", cache = OLDER)]
fn by_older(calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache_evict(cache = REDIS, entry = by_redis_entry(&Calls::default(), id))]
async fn forget(id: u64) -> u64 {
    id
}

#[cache_put(cache = MEMORY, entry = by_memory_entry(&Calls::default(), id))]
async fn replace(id: u64, by: u64) -> u64 {
    id + by
}

#[tokio::test]
async fn caches_of_one_process_do_not_share() {
    let [a, b] = &caches().await;
    let [c, d] = &caches().await;
    let calls = Calls::default();
    for cache in [a, b, c, d] {
        by_reference(cache, &calls, 1).await;
        by_reference(cache, &calls, 1).await;
    }
    assert_eq!(calls.count(), 4);
    for cache in [a, b, c, d] {
        let counts = *cache.stats().function("by_reference").expect("each counts for itself");
        assert_eq!((counts.misses, counts.hits), (1, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn references_values_and_arcs_are_taken() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            by_reference(&cache, &calls, 1).await;
            by_value(cache.clone(), &calls, 1).await;
            by_arc(Arc::new(cache.clone()), &calls, 1).await;
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_that_makes_its_cache_is_taken() {
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(by_memory(&calls, 1).await, 1);
        assert_eq!(by_redis(&calls, 1).await, 1);
        assert_eq!(by_older(&calls, 1), 1);
    }
    assert_eq!(calls.count(), 3);
    assert!(!REDIS.health().await.nodes.is_empty());
    assert_eq!(by_memory_entry(&calls, 1).get().await, Some(1_u64));
    forget(1).await;
    assert_eq!(by_redis_entry(&calls, 1).get::<u64>().await, None);
    replace(1, 1).await;
    assert_eq!(by_memory(&calls, 1).await, 2);
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn an_expression_chooses_at_each_call() {
    let [left, right] = &caches().await;
    let calls = Calls::default();
    for id in [1, 1, 11, 11] {
        by_choice(left, right, &calls, id).await;
    }
    assert_eq!(calls.count(), 2);
    assert_eq!((left.stats().total.stores, right.stats().total.stores), (1, 1));
}

#[derive(Serialize)]
struct Weather {
    #[serde(skip)]
    cache: Option<Cache>,
    station: u32,
}

impl Weather {
    fn cache(&self) -> &Cache {
        self.cache.as_ref().expect("the tests give it one")
    }

    #[cache(cache = self.cache())]
    async fn today(&self, calls: &Calls, town: &str) -> String {
        calls.add();
        format!("{town} {}", self.station)
    }

    #[cache(cache = self.cache(), ignore(self), entry = sync_entry)]
    fn sync(&self, calls: &Calls, town: &str) -> String {
        calls.add();
        town.to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_brings_its_cache() {
    for cache in caches().await {
        let weather = Weather { cache: Some(cache), station: 7 };
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(weather.today(&calls, "Hull").await, "Hull 7");
        }
        assert_eq!(calls.count(), 1);
        let done = tokio::task::spawn_blocking(move || {
            let calls = Calls::default();
            for _ in 0..2 {
                assert_eq!(weather.sync(&calls, "Hull"), "Hull");
            }
            assert_eq!(calls.count(), 1);
            assert!(weather.sync_entry(&calls, "Hull").blocking().get::<String>().is_some());
        });
        done.await.expect("the blocking half");
    }
}

#[cache]
async fn without_cache(calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache]
fn nobody_sync(calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn without_any_cache_a_function_just_runs() {
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(without_cache(&calls, 1).await, 1);
        assert_eq!(nobody_sync(&calls, 1), 1);
    }
    assert_eq!(calls.count(), 4);
    assert!(Cache::global().is_err(), "no test of this file installs one");
}
