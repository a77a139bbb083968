//! Decoded copies of many entries: each lives as long as its entry, and those in use stay when memory is full.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::StreamExt;
use futures_util::stream::iter;
use larder::{Cache, LocalTier, cache};
use serde::{Deserialize, Deserializer, Serialize};
use support::deployment::shared;
use support::stores::{Calls, counts, on};

/// More than the tables of a stripe hold, so that most hits find their copy in the shared one.
const KEYS: u64 = 6_000;
const TASKS: usize = 64;

static DECODED: AtomicUsize = AtomicUsize::new(0);

/// A value that counts how often it is decoded.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row(u64);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.fetch_add(1, SeqCst);
        u64::deserialize(deserializer).map(Self)
    }
}

#[cache(cache = cache, expire = "1h", local = "1h", entry = row_entry)]
async fn row(cache: &Cache, calls: &Calls, id: u64) -> Row {
    calls.add();
    Row(id)
}

/// Calls for all keys, and returns the number of values that were decoded.
async fn pass(cache: &Cache, calls: &Calls) -> usize {
    let before = DECODED.load(SeqCst);
    let calls = iter(0..KEYS).map(|id| async move { assert_eq!(row(cache, calls, id).await, Row(id)) });
    calls.buffer_unordered(TASKS).collect::<()>().await;
    DECODED.load(SeqCst) - before
}

#[tokio::test]
async fn a_decoded_copy_lives_as_long_as_its_entry() {
    let memory = Cache::builder().max_memory(64 << 20).build().await.expect("a cache");
    let redis = on(shared()).local(LocalTier::new().max_bytes(64 << 20)).require_redis(true).build();
    for cache in [memory, redis.await.expect("a cache")] {
        let calls = Calls::default();
        // The first pass stores the values, the second may still decode them.
        pass(&cache, &calls).await;
        pass(&cache, &calls).await;
        pass(&cache, &calls).await;
        assert_eq!(pass(&cache, &calls).await, 0, "{cache:?}");
        assert_eq!(calls.count() as u64, KEYS, "{cache:?}");
        // An entry takes its copy with it, and no other.
        row_entry(&cache, &calls, 7).invalidate().await.expect("carried out");
        let before = calls.count();
        pass(&cache, &calls).await;
        assert_eq!(calls.count() - before, 1, "{cache:?}");
        cache.clear().await.expect("cleared");
        pass(&cache, &calls).await;
        assert_eq!((calls.count() - before) as u64, KEYS + 1, "{cache:?}");
    }
}

#[cache(cache = cache, expire = "1h")]
async fn text(cache: &Cache, id: u64) -> String {
    format!("{id:>500}")
}

/// Hits by the arguments alone are hits for the choice of what is evicted.
#[tokio::test]
async fn what_is_in_use_stays_when_memory_is_full() {
    let cache = Cache::builder().max_memory(1 << 20).max_value(1 << 16).build().await.expect("a cache");
    for id in 0..5_000 {
        text(&cache, id).await;
        // Ten entries in use.
        text(&cache, id % 10).await;
    }
    let misses = counts(&cache, "text").misses;
    // Each key is computed once; those in use may be so again while the table is young.
    assert!((5_000..5_100).contains(&misses), "{misses} misses");
}
