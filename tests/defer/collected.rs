//! Every way to invalidate waits for the end of the transaction.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use larder::{Cache, Entry, cache, cache_evict, cache_put};
use support::stores::{caches, counts};

#[cache(expire = "1h", cache = cache, entry = user_entry, tags = ["user:{id}"], group = "users")]
async fn user(cache: &Cache, id: u64) -> String {
    format!("user {id}")
}

#[cache(expire = "1h", cache = cache, key = "count:{team}")]
async fn count(cache: &Cache, team: &str) -> u64 {
    team.len() as u64
}

#[cache_evict(cache = cache, entry = user_entry(cache, 1))]
async fn evicts_entry(cache: &Cache) {}

#[cache_evict(cache = cache, tags = ["user:1"])]
async fn evicts_tag(cache: &Cache) -> Result<(), String> {
    Ok(())
}

#[cache_evict(cache = cache, group = "users")]
async fn evicts_group(cache: &Cache) -> Option<()> {
    Some(())
}

#[cache_evict(cache = cache, key = "count:blue")]
async fn evicts_key(cache: &Cache) {}

#[cache_evict(cache = cache, entry_with = |id: &u64| user_entry(cache, *id))]
async fn evicts_entry_with(cache: &Cache) -> u64 {
    1
}

#[cache_evict(cache = cache, tags_with = |id: &u64| [format!("user:{id}")])]
async fn evicts_tag_with(cache: &Cache) -> u64 {
    1
}

#[cache_evict(cache = cache, entry = user_entry(cache, 1), before)]
async fn evicts_before(cache: &Cache) -> Result<(), String> {
    Err("not changed".to_owned())
}

#[cache_put(entry = user_entry(cache, 1))]
async fn puts_entry(cache: &Cache) -> String {
    "put".to_owned()
}

#[cache_put(cache = cache, key = "count:blue")]
async fn puts_key(cache: &Cache) -> Option<u64> {
    Some(0)
}

type Change = fn(&Cache) -> BoxFuture<'_, ()>;

fn done<T>(result: Result<T, larder::Error>) {
    result.expect("collected");
}

/// Changes that end the entry of user 1, by the function they are counted for.
const USER: &[(&str, Change)] = &[
    ("evicts_entry", |cache| evicts_entry(cache).boxed()),
    ("evicts_tag", |cache| evicts_tag(cache).map(drop).boxed()),
    ("evicts_group", |cache| evicts_group(cache).map(drop).boxed()),
    ("evicts_entry_with", |cache| evicts_entry_with(cache).map(drop).boxed()),
    ("evicts_tag_with", |cache| evicts_tag_with(cache).map(drop).boxed()),
    ("evicts_before", |cache| evicts_before(cache).map(drop).boxed()),
    ("puts_entry", |cache| puts_entry(cache).map(drop).boxed()),
    ("handle", |cache| async { done(user_entry(cache, 1).invalidate().await) }.boxed()),
    ("handle", |cache| async { done(user_entry(cache, 1).expire().await) }.boxed()),
    ("handle", |cache| async { done(user_entry(cache, 1).put("put").await) }.boxed()),
    ("handle", |cache| async { done(cache.invalidate_tag("user:1").await) }.boxed()),
    ("handle", |cache| async { done(cache.invalidate_tags(&["other", "user:1"]).await) }.boxed()),
    ("handle", |cache| async { done(cache.delete_group("users").await) }.boxed()),
    ("handle", |cache| async { assert_eq!(cache.clear().await.expect("collected"), 0) }.boxed()),
    ("handle", |cache| {
        async { assert_eq!(cache.group("users").clear().await.expect("collected"), 0) }.boxed()
    }),
];

/// Changes that end the entry `count:blue`.
const COUNT: &[(&str, Change)] = &[
    ("evicts_key", |cache| evicts_key(cache).boxed()),
    ("puts_key", |cache| puts_key(cache).map(drop).boxed()),
    ("handle", |cache| async { assert!(!cache.delete("count:blue").await.expect("collected")) }.boxed()),
    ("handle", |cache| {
        async { assert_eq!(cache.delete_many(&["count:blue", "x"]).await.expect("collected"), 0) }.boxed()
    }),
    ("handle", |cache| async { done(cache.set("count:blue", &0, "1h").await) }.boxed()),
    ("handle", |cache| async { done(cache.set_many([("count:blue", 0)], "1h").await) }.boxed()),
    ("handle", |cache| {
        async { assert_eq!(cache.delete_pattern("count:*").await.expect("collected"), 0) }.boxed()
    }),
    ("handle", |cache| async { assert!(!cache.blocking().delete("count:blue").expect("collected")) }.boxed()),
];

/// Makes a change in a transaction: the entry stays until the invalidations are sent, and ends then.
async fn check<T: serde::de::DeserializeOwned>(
    cache: &Cache,
    (position, function, change): (usize, &str, Change),
    entry: &Entry,
) {
    let case = format!("{function}, {position}, {cache:?}");
    let before = counts(cache, function).invalidations;
    let later = cache.defer();
    later.scope(change(cache)).await;
    assert!(entry.get::<T>().await.is_some(), "{case}: nothing is sent yet");
    assert_eq!(counts(cache, function).invalidations, before, "{case}");
    later.send().await.expect("sent");
    assert!(entry.get::<T>().await.is_none(), "{case}: nothing is left");
    assert!(counts(cache, function).invalidations > before, "{case}");
    assert_eq!(cache.stats().total.deferred_unsent, 0, "{case}");
}

#[tokio::test]
async fn every_invalidation_waits_until_it_is_sent() {
    for cache in &caches().await {
        for (position, (function, change)) in USER.iter().enumerate() {
            user(cache, 1).await;
            check::<String>(cache, (position, function, *change), &user_entry(cache, 1)).await;
        }
        for (position, (function, change)) in COUNT.iter().enumerate() {
            assert_eq!(count(cache, "blue").await, 4, "the put of the transaction is not there");
            let later = cache.defer();
            later.scope(change(cache)).await;
            assert_eq!(cache.get::<u64>("count:blue").await, Some(4), "{function}, {position}, {cache:?}");
            later.send().await.expect("sent");
            assert_eq!(cache.get::<u64>("count:blue").await, None, "{function}, {position}, {cache:?}");
        }
    }
}

#[cache_evict(cache = cache, entry = user_entry(cache, 1), tags = ["user:1"])]
async fn fails(cache: &Cache) -> Result<(), String> {
    Err("not changed".to_owned())
}

#[cache_put(entry = user_entry(cache, 1))]
async fn fails_to_put(cache: &Cache) -> Result<String, String> {
    Err("not changed".to_owned())
}

#[cache_put(entry = user_entry(cache, 1), unless = |value: &String| value.is_empty())]
async fn is_not_to_be_stored(cache: &Cache) -> String {
    String::new()
}

#[tokio::test]
async fn a_function_that_changes_nothing_invalidates_nothing() {
    for cache in &caches().await {
        user(cache, 1).await;
        let later = cache.defer();
        later
            .scope(async {
                fails(cache).await.expect_err("it fails");
                fails_to_put(cache).await.expect_err("it fails");
                is_not_to_be_stored(cache).await;
            })
            .await;
        later.send().await.expect("nothing to send");
        assert!(user_entry(cache, 1).get::<String>().await.is_some(), "{cache:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_invalidated_is_reported_at_once() {
    for cache in &caches().await {
        let later = cache.defer();
        let refused = later.scope(cache.set("answer", &42, "0s")).await.expect_err("no time");
        assert!(matches!(refused, larder::Error::Config { .. }), "{refused:?}");
        cache.clone().close().await;
        assert!(matches!(later.scope(cache.delete("answer")).await, Err(larder::Error::Closed)));
        later.send().await.expect("nothing was collected");
    }
}

#[tokio::test]
async fn many_invalidations_are_sent_in_batches() {
    for cache in &caches().await {
        let keys: Vec<String> = (0..300).map(|number| format!("n:{number}")).collect();
        cache.set_many(keys.iter().map(|key| (key, 1)), "1h").await.expect("stored");
        let later = cache.defer();
        later
            .scope(async {
                for key in &keys {
                    // Each twice.
                    cache.delete(key).await.expect("collected");
                    cache.delete(key).await.expect("collected");
                }
            })
            .await;
        let before = counts(cache, "handle").invalidations;
        later.send().await.expect("sent");
        assert!(cache.get_many::<i32>(&keys).await.iter().all(Option::is_none), "{cache:?}");
        assert_eq!(counts(cache, "handle").invalidations - before, 300, "{cache:?}");
    }
}

#[tokio::test]
async fn one_set_of_every_kind_is_carried_out_as_a_whole() {
    for cache in &caches().await {
        for id in 0..20 {
            user(cache, id).await;
            for key in ["k", "p", "q"] {
                cache.set(&format!("{key}:{id}"), &id, "1h").await.expect("stored");
            }
            cache.group("g").set(&format!("k:{id}"), &id, "1h").await.expect("stored");
        }
        let later = cache.defer();
        later
            .scope(async {
                for id in 0..20 {
                    cache.delete(&format!("k:{id}")).await.expect("collected");
                    cache.invalidate_tag(&format!("user:{id}")).await.expect("collected");
                }
                cache.delete_group("g").await.expect("collected");
                cache.delete_pattern("p:*").await.expect("collected");
            })
            .await;
        later.send().await.expect("sent");
        for id in 0..20 {
            assert_eq!(user_entry(cache, id).get::<String>().await, None, "{id}, {cache:?}");
            for key in ["k", "p"] {
                assert!(!cache.exists(&format!("{key}:{id}")).await, "{key}:{id}, {cache:?}");
            }
            assert!(!cache.group("g").exists(&format!("k:{id}")).await, "{id}, {cache:?}");
            assert!(cache.exists(&format!("q:{id}")).await, "{id}, {cache:?}");
        }
    }
}
