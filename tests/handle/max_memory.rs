//! The memory limit of `memory://`.

use larder::{Cache, Error, cache};
use support::stores::Calls;

#[tokio::test]
async fn a_value_that_does_not_fit_is_refused_and_removes_the_older_one() {
    let cache = Cache::builder().max_memory(1 << 20).max_value(1 << 22).build().await.expect("a cache");
    cache.set("k", &vec![0_u64; 10], "1h").await.expect("it fits");
    let large = "x".repeat(1 << 20);
    assert!(matches!(cache.set("k", &large, "1h").await, Err(Error::TooLarge { .. })));
    assert!(!cache.exists("k").await);
}

#[tokio::test]
async fn every_value_up_to_max_value_fits_by_default() {
    let cache = Cache::builder().build().await.expect("a cache");
    let large = "x".repeat((8 << 20) - 2);
    cache.set("k", &large, "1h").await.expect("it fits");
    assert!(cache.exists("k").await);
}

#[cache(cache = cache, compress = zstd)]
async fn zeros(cache: &Cache, calls: &Calls, n: usize) -> Vec<u8> {
    calls.add();
    vec![b'0'; 1_000_000 + n]
}

/// The size of the decoded copies counts, not only the few compressed bytes.
#[tokio::test]
async fn compressed_values_count_by_their_decoded_size() {
    let cache = Cache::builder().max_memory(8 << 20).max_value(2 << 20).build().await.expect("a cache");
    let calls = Calls::default();
    for n in 0..16 {
        zeros(&cache, &calls, n).await;
        zeros(&cache, &calls, n).await;
    }
    let cached = cache.delete_pattern("*").await.expect("an answer");
    assert!(cached <= 8, "{cached} values of a million bytes are cached in 8 MiB");
}
