//! `name = ".."`: the function part of the key, for keys that survive moving the function.

use larder::{Cache, cache};
use support::stores::{Calls, caches, unique};

mod old {
    use larder::{Cache, cache};

    #[cache(name = "users.get-all_2", cache = cache, entry = get_entry)]
    pub(super) async fn get(cache: &Cache, id: u64) -> u64 {
        id
    }
}

mod new {
    use larder::{Cache, cache};

    #[cache(name = "users.get-all_2", cache = cache, entry = fetch_entry)]
    pub(super) async fn fetch(cache: &Cache, id: u64) -> u64 {
        id + 1
    }
}

#[tokio::test]
async fn the_name_is_the_function_part_of_the_key() {
    let prefix = unique("t");
    let cache = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    let key = old::get_entry(&cache, 1).key().to_owned();
    assert!(key.starts_with(&format!("{prefix}:users.get-all_2:")), "{key}");
}

#[tokio::test]
async fn entries_survive_moving_and_renaming_the_function() {
    for cache in &caches().await {
        assert_eq!(old::get_entry(cache, 1).key(), new::fetch_entry(cache, 1).key());
        assert_eq!(old::get(cache, 1).await, 1, "{cache:?}");
        assert_eq!(new::fetch(cache, 1).await, 1, "{cache:?}");
        let counts = cache.stats();
        let counts = counts.function("users.get-all_2").expect("statistics go by the name");
        assert_eq!((counts.misses, counts.hits), (1, 1), "{cache:?}");
    }
}

#[cache(name = "list", cache = cache)]
async fn named(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(name = "lists", cache = cache)]
async fn named_longer(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn other_names_do_not_share() {
    for cache in &caches().await {
        let calls = Calls::default();
        named(cache, &calls, 1).await;
        named_longer(cache, &calls, 1).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(name = "readable", key = "k:{id}", cache = cache, entry = readable_entry)]
async fn readable(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_readable_key_does_not_show_the_name_but_statistics_do() {
    for cache in &caches().await {
        readable(cache, 7).await;
        assert!(readable_entry(cache, 7).key().ends_with(":k:7"), "{cache:?}");
        assert!(cache.stats().function("readable").is_some(), "{cache:?}");
    }
}
