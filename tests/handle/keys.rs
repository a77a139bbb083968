//! Keys that are listed, matched and passed back.

use futures_util::{StreamExt, TryStreamExt};
use larder::{Cache, cache};
use support::stores::{Calls, caches, in_time};

#[cache(expire = "5m", key = "user:{id}", cache = cache)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "5m", group = "g", cache = cache)]
async fn grouped(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

async fn listed(cache: &Cache, glob: &str) -> Vec<String> {
    let mut keys: Vec<String> = in_time(cache.keys(glob).try_collect()).await.expect("the keys");
    keys.sort();
    keys.dedup();
    keys
}

#[tokio::test]
async fn keys_are_relative_and_match_a_glob() {
    for cache in &caches().await {
        for key in ["user:1", "user:2", "user:10", "user", "users", "order:1", "a*b", "aXb", "[x]", "x"] {
            cache.set(key, &1, "5m").await.expect("stored");
        }
        for (glob, expected) in [
            ("user:*", &["user:1", "user:10", "user:2"][..]),
            ("user:?", &["user:1", "user:2"]),
            ("user:[2-9]", &["user:2"]),
            ("user", &["user"]),
            ("*:1", &["order:1", "user:1"]),
            ("a\\*b", &["a*b"]),
            ("a*b", &["a*b", "aXb"]),
            ("\\[x\\]", &["[x]"]),
            ("[x]", &["x"]),
            ("nothing*", &[]),
            ("", &[]),
        ] {
            assert_eq!(listed(cache, glob).await, expected, "{cache:?} {glob:?}");
        }
        assert_eq!(listed(cache, "*").await.len(), 10, "{cache:?}");
        assert_eq!(cache.delete_pattern("user:*").await.expect("removed"), 3, "{cache:?}");
        assert_eq!(cache.delete_pattern("user:*").await.expect("removed"), 0, "{cache:?}");
        assert_eq!(cache.delete_pattern("a\\*b").await.expect("removed"), 1, "{cache:?}");
        assert_eq!(listed(cache, "*").await, ["[x]", "aXb", "order:1", "user", "users", "x"], "{cache:?}");
    }
}

#[tokio::test]
async fn the_same_glob_deletes_what_it_lists() {
    for cache in &caches().await {
        let keys =
            ["a", "b", "ab", "a:b", "a-b", "[", "]", "^", "!", "\\", "a\\b", "é", "漢字", "a b", "-", "A"];
        for glob in [
            "*", "?", "??", "a*", "*b", "[ab]", "[^a]", "[a-z]", "[\\]]", "\\\\", "a\\\\b", "[]", "[", "*[",
            "[!a]",
        ] {
            for key in keys {
                cache.set(key, &1, "5m").await.expect("stored");
            }
            let before = listed(cache, glob).await;
            let removed = cache.delete_pattern(glob).await.expect("removed");
            assert_eq!(removed as usize, before.len(), "{cache:?} {glob:?}");
            assert!(listed(cache, glob).await.is_empty(), "{cache:?} {glob:?}");
            assert_eq!(listed(cache, "*").await.len(), keys.len() - before.len(), "{cache:?} {glob:?}");
        }
    }
}

/// The globs of both stores are equal.
#[tokio::test]
async fn memory_and_redis_list_the_same_keys() {
    let [memory, redis] = caches().await;
    let keys =
        ["a", "b", "ab", "a:b", "[", "]", "^", "!", "\\", "a\\b", "é", "漢字", "-", "A", "*", "?", "a*"];
    for key in keys {
        memory.set(key, &1, "5m").await.expect("stored");
        redis.set(key, &1, "5m").await.expect("stored");
    }
    for glob in [
        "*", "?", "??", "[a-c]", "[c-a]", "[^a]", "[!a]", "[\\]]", "[]]", "[a", "\\", "a\\", "[a\\-z]", "**",
        "?*", "*?", "[^", "[-]",
    ] {
        assert_eq!(listed(&memory, glob).await, listed(&redis, glob).await, "{glob:?}");
    }
}

#[tokio::test]
async fn a_listed_key_can_be_passed_to_the_handle() {
    for cache in &caches().await {
        let calls = Calls::default();
        let long = "x".repeat(3_000);
        user(cache, &calls, 1).await;
        grouped(cache, &calls, 1).await;
        cache.set(&long, &1, "5m").await.expect("stored");
        cache.set("{odd", &1, "5m").await.expect("stored");
        cache.group("g").set("k", &1, "5m").await.expect("stored");
        cache.group("g").set(&long, &1, "5m").await.expect("stored");
        cache.group("{odd}").set("k", &1, "5m").await.expect("stored");
        let keys = listed(cache, "*").await;
        assert_eq!(keys.len(), 7, "entries, and no stamps: {keys:?}");
        for key in &keys {
            assert!(cache.exists(key).await, "{cache:?} {key}");
            assert!(cache.inspect(key).await.expect("an answer").is_some(), "{cache:?} {key}");
        }
        for (number, key) in keys.iter().enumerate() {
            assert!(cache.delete(key).await.expect("removed"), "{cache:?} {key}");
            assert_eq!(listed(cache, "*").await.len(), keys.len() - number - 1, "{cache:?} {key}");
        }
        user(cache, &calls, 1).await;
        grouped(cache, &calls, 1).await;
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}

#[tokio::test]
async fn a_group_lists_its_own_keys() {
    for cache in &caches().await {
        let group = cache.group("g");
        for key in ["1", "2", "x:*"] {
            group.set(key, &1, "5m").await.expect("stored");
        }
        cache.set("1", &1, "5m").await.expect("stored");
        cache.group("gx").set("1", &1, "5m").await.expect("stored");
        assert_eq!(listed(&group, "*").await, ["1", "2", "x:*"], "{cache:?}");
        for key in listed(&group, "*").await {
            assert!(group.delete(&key).await.expect("removed"), "{cache:?} {key}");
        }
        assert_eq!(listed(cache, "*").await, ["1", "{gx}:1"], "{cache:?}");
        group.set("1", &1, "5m").await.expect("stored");
        assert_eq!(group.delete_pattern("?").await.expect("removed"), 1);
        assert_eq!(listed(cache, "{*}:*").await, ["{gx}:1"], "{cache:?}");
    }
}

#[tokio::test]
async fn thousands_of_keys_are_paged_and_the_listing_can_be_dropped() {
    for cache in &caches().await {
        for n in 0..2_500 {
            cache.set(&n.to_string(), &n, "5m").await.expect("stored");
        }
        assert_eq!(listed(cache, "*").await.len(), 2_500, "{cache:?}");
        let first: Vec<_> = in_time(cache.keys("*").take(10).collect()).await;
        assert!(first.len() == 10 && first.iter().all(Result::is_ok), "{cache:?}");
        drop(cache.keys("*"));
        // Keys are deleted during the listing.
        let removed = cache
            .keys("*")
            .try_fold(0, |removed, key| async move { Ok(removed + usize::from(cache.delete(&key).await?)) });
        assert_eq!(in_time(removed).await.expect("walked"), 2_500, "{cache:?}");
        assert!(listed(cache, "*").await.is_empty());
    }
}
