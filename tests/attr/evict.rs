//! `#[cache_evict]`: removes entries after a function succeeded.

use larder::{Cache, Entry, cache, cache_evict};
use support::redis::RedisServer;
use support::stores::{Calls, caches, on};

#[cache(expire = "1m", cache = cache, entry = user_entry)]
async fn user(cache: &Cache, id: u64) -> String {
    format!("user {id}")
}

#[cache(expire = "1m", cache = cache, key = "cart:{id}", entry = cart_entry)]
async fn cart(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(expire = "1m", cache = cache, group = "shop:{shop}", key = "offer:{id}", entry = offer_entry)]
async fn offer(cache: &Cache, shop: &str, id: u64) -> String {
    format!("{shop}{id}")
}

/// Stores every entry that a function of this file removes.
async fn fill(cache: &Cache) {
    user(cache, 1).await;
    user(cache, 2).await;
    cart(cache, 1).await;
    offer(cache, "books", 1).await;
    offer(cache, "toys", 1).await;
    assert_eq!(stored(&entries(cache)).await, [true; 5], "{cache:?}");
}

fn entries(cache: &Cache) -> [Entry; 5] {
    [
        user_entry(cache, 1),
        user_entry(cache, 2),
        cart_entry(cache, 1),
        offer_entry(cache, "books", 1),
        offer_entry(cache, "toys", 1),
    ]
}

async fn stored(entries: &[Entry; 5]) -> [bool; 5] {
    let mut stored = [false; 5];
    for (entry, stored) in entries.iter().zip(&mut stored) {
        *stored = entry.ttl().await.is_some()
            && (entry.get::<String>().await.is_some() || entry.get::<u64>().await.is_some());
    }
    stored
}

#[cache_evict(entry = user_entry(cache, id), cache = cache)]
async fn rename(cache: &Cache, id: u64, name: String) -> Result<usize, String> {
    if name.is_empty() { Err("no name".to_owned()) } else { Ok(name.len()) }
}

#[cache_evict(entry = user_entry(cache, 1), cache = cache)]
async fn maybe(cache: &Cache, some: bool) -> Option<u8> {
    some.then_some(1)
}

#[cache_evict(entry = user_entry(cache, 1), cache = cache)]
async fn maybe_result(cache: &Cache, some: bool) -> Result<Option<u8>, String> {
    Ok(some.then_some(1))
}

#[cache_evict(entry = user_entry(cache, 1), cache = cache)]
async fn nothing(cache: &Cache) {}

#[cache_evict(entry = user_entry(cache, 1), cache = cache)]
async fn borrowed<'a>(cache: &Cache, text: &'a str) -> &'a str {
    text
}

#[tokio::test]
async fn only_success_removes() {
    const GONE: [bool; 5] = [false, true, true, true, true];
    for cache in &caches().await {
        fill(cache).await;
        let entries = entries(cache);
        assert!(rename(cache, 1, String::new()).await.is_err(), "{cache:?}");
        assert_eq!(maybe(cache, false).await, None, "{cache:?}");
        assert_eq!(stored(&entries).await, [true; 5], "{cache:?}");

        assert_eq!(rename(cache, 1, "Ann".to_owned()).await, Ok(3), "{cache:?}");
        assert_eq!(stored(&entries).await, GONE, "Ok in {cache:?}");
        fill(cache).await;
        assert_eq!(maybe(cache, true).await, Some(1), "{cache:?}");
        assert_eq!(stored(&entries).await, GONE, "Some in {cache:?}");
        fill(cache).await;
        assert_eq!(maybe_result(cache, false).await, Ok(None), "{cache:?}");
        assert_eq!(stored(&entries).await, GONE, "Ok(None) in {cache:?}");
        fill(cache).await;
        nothing(cache).await;
        assert_eq!(stored(&entries).await, GONE, "() in {cache:?}");
        fill(cache).await;
        assert_eq!(borrowed(cache, "a").await, "a", "{cache:?}");
        assert_eq!(stored(&entries).await, GONE, "&str in {cache:?}");
    }
}

#[cache_evict(key = "cart:{id}", cache = cache)]
async fn by_key(cache: &Cache, id: u64) {}

#[cache_evict(group = "shop:{shop}", cache = cache)]
async fn by_group(cache: &Cache, shop: &str) {}

#[cache_evict(group = "shop:{shop}", key = "offer:{id}", cache = cache)]
async fn by_key_in_group(cache: &Cache, shop: &str, id: u64) {}

#[cache_evict(entry = [user_entry(cache, 1), user_entry(cache, 2)], key = "cart:1", cache = cache)]
async fn by_array_and_key(cache: &Cache) {}

#[cache_evict(entry = ids.iter().map(|id| user_entry(cache, *id)).collect::<Vec<_>>(), group = "shop:toys", cache = cache)]
async fn by_vec_and_group(cache: &Cache, ids: Vec<u64>) {}

#[cache_evict(entry = id.map(|id| user_entry(cache, id)))]
async fn by_option(cache: &Cache, id: Option<u64>) {}

#[tokio::test]
async fn entries_keys_and_groups() {
    for cache in &caches().await {
        fill(cache).await;
        let entries = entries(cache);
        by_key(cache, 1).await;
        assert_eq!(stored(&entries).await, [true, true, false, true, true], "{cache:?}");
        by_key_in_group(cache, "books", 2).await;
        assert_eq!(stored(&entries).await, [true, true, false, true, true], "{cache:?}");
        by_key_in_group(cache, "books", 1).await;
        assert_eq!(stored(&entries).await, [true, true, false, false, true], "{cache:?}");
        by_group(cache, "toys").await;
        assert_eq!(stored(&entries).await, [true, true, false, false, false], "{cache:?}");
        by_option(cache, None).await;
        assert_eq!(stored(&entries).await, [true, true, false, false, false], "{cache:?}");
        by_option(cache, Some(2)).await;
        assert_eq!(stored(&entries).await, [true, false, false, false, false], "{cache:?}");
        fill(cache).await;
        by_array_and_key(cache).await;
        assert_eq!(stored(&entries).await, [false, false, false, true, true], "{cache:?}");
        fill(cache).await;
        by_vec_and_group(cache, vec![2, 3]).await;
        assert_eq!(stored(&entries).await, [true, false, true, true, false], "{cache:?}");
    }
}

#[cache_evict(entry = user_entry(cache, 1), before, cache = cache)]
async fn before(cache: &Cache, fails: bool) -> Result<bool, String> {
    // The function sees no entry, and its caller finds none.
    let seen = user_entry(cache, 1).get::<String>().await.is_some();
    user(cache, 1).await;
    if fails { Err(seen.to_string()) } else { Ok(seen) }
}

#[tokio::test]
async fn before_removes_in_any_case_and_again_after_success() {
    for cache in &caches().await {
        fill(cache).await;
        assert_eq!(before(cache, true).await, Err("false".to_owned()), "{cache:?}");
        assert!(user_entry(cache, 1).get::<String>().await.is_some(), "it failed: {cache:?}");
        assert_eq!(before(cache, false).await, Ok(false), "{cache:?}");
        assert_eq!(user_entry(cache, 1).get::<String>().await, None, "{cache:?}");
    }
}

struct Shop {
    cache: Cache,
}

impl Shop {
    #[cache_evict(entry = user_entry(&self.cache, id), cache = self.cache, key = "cart:{id}")]
    async fn leave(&mut self, id: u64) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[cache_evict(key = "cart:{id}", cache = self.cache)]
    fn clear(self, id: u64) -> u64 {
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_sync_functions() {
    for cache in caches().await {
        fill(&cache).await;
        let entries = entries(&cache);
        let mut shop = Shop { cache };
        assert!(shop.leave(1).await.is_ok());
        assert_eq!(stored(&entries).await, [false, true, false, true, true]);
        fill(&shop.cache).await;
        assert_eq!(tokio::task::spawn_blocking(move || shop.clear(1)).await.ok(), Some(1));
        assert_eq!(stored(&entries).await, [true, true, false, true, true]);
    }
}

#[tokio::test]
async fn inside_bypass_nothing_is_removed() {
    for cache in &caches().await {
        fill(cache).await;
        let entries = entries(cache);
        larder::bypass(nothing(cache)).await;
        assert_eq!(stored(&entries).await, [true; 5], "{cache:?}");
    }
}

#[cache_evict(entry = user_entry(cache, id), key = "cart:{id}", group = "shop:books", before, cache = cache)]
async fn everything(cache: &Cache, calls: &Calls, id: u64) -> Result<u64, String> {
    calls.add();
    if id == 13 { Err("unlucky".to_owned()) } else { Ok(id) }
}

#[tokio::test]
async fn without_redis_the_function_runs_unaffected() {
    let server = RedisServer::start();
    let cache = &on(&server).build().await.expect("a cache");
    fill(cache).await;
    server.stop();
    let calls = Calls::default();
    assert_eq!(everything(cache, &calls, 1).await, Ok(1));
    assert_eq!(everything(cache, &calls, 13).await, Err("unlucky".to_owned()));
    assert_eq!(calls.count(), 2);
    let counts = *cache.stats().function("everything").expect("it was called");
    assert!(counts.store_errors > 0, "{counts:?}");
}

#[cache_evict(key = "cart:1")]
async fn without_a_cache(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn without_a_process_wide_cache_the_function_runs_unaffected() {
    assert_eq!(without_a_cache(1).await, 1);
}
