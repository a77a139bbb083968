//! Single values through the handle: get, set, delete, exists, ttl, remember, inspect.

use std::time::{Duration, SystemTime};

use larder::{Cache, Error, Expire, cache};
use serde::{Deserialize, Serialize};
use support::deployment::shared;
use support::stores::{Calls, LONG, caches, caches_with, counts, on, unique};
use support::wait::eventually_async;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: u8,
}

fn ann() -> User {
    User { name: "ann".to_owned(), age: 42 }
}

#[tokio::test]
async fn a_missing_key_is_none() {
    for cache in &caches().await {
        assert_eq!(cache.get::<i32>("k").await, None);
        assert!(cache.try_get::<i32>("k").await.expect("an answer").is_none());
        assert!(!cache.exists("k").await);
        assert_eq!(cache.ttl("k").await, None);
        assert_eq!(cache.inspect("k").await.expect("an answer"), None);
        assert!(!cache.delete("k").await.expect("an answer"));
        assert_eq!(cache.delete_pattern("none").await.expect("an answer"), 0);
        assert_eq!(cache.clear().await.expect("an answer"), 0);
    }
}

#[tokio::test]
async fn set_get_exists_delete() {
    for cache in &caches().await {
        cache.set("k", &ann(), "5m").await.expect("stored");
        cache.set("other", &1, "5m").await.expect("stored");
        assert_eq!(cache.get("k").await, Some(ann()));
        assert_eq!(cache.try_get("k").await.expect("an answer"), Some(ann()));
        assert!(cache.exists("k").await);
        assert!(cache.delete("k").await.expect("an answer"));
        assert!(!cache.delete("k").await.expect("an answer"));
        assert!(!cache.exists("k").await);
        assert_eq!(cache.get::<User>("k").await, None);
        assert_eq!(cache.get("other").await, Some(1), "one key deleted is one key");
    }
}

#[tokio::test]
async fn inspect_is_documented_json() {
    for cache in &caches().await {
        cache.set("k", &1, "5m").await.expect("stored");
        let info = cache.inspect("k").await.expect("an answer").expect("an entry");
        let json = serde_json::to_value(&info).expect("JSON");
        let ttl = json["ttl_ms"].as_f64().expect("a number");
        assert!(ttl > 200_000.0 && ttl <= 300_000.0, "{json}");
        let created = info.created.duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        assert_eq!(json["created_ms"], created.as_millis() as u64, "{json}");
        cache.set("k", &1, Expire::Never).await.expect("stored");
        let info = cache.inspect("k").await.expect("an answer").expect("an entry");
        assert!(serde_json::to_value(&info).expect("JSON")["ttl_ms"].is_null());
    }
}

#[tokio::test]
async fn a_value_replaces_another_of_any_type() {
    for cache in &caches().await {
        cache.set("k", &1, "5m").await.expect("stored");
        cache.set("k", "text", 1000).await.expect("stored");
        assert_eq!(cache.get::<String>("k").await.as_deref(), Some("text"));
        assert_eq!(cache.get::<i32>("k").await, None, "another type is nothing, not an error");
        assert_eq!(cache.try_get::<i32>("k").await.expect("an answer"), None);
        assert!(cache.ttl("k").await.is_some_and(|left| left > Duration::from_secs(900)));
        cache.set("k", [1_u8, 2].as_slice(), 1000).await.expect("stored");
        assert_eq!(cache.get::<Vec<u8>>("k").await, Some(vec![1, 2]));
    }
}

#[tokio::test]
async fn unit_and_none_are_values() {
    for cache in &caches().await {
        cache.set("none", &None::<u8>, "5m").await.expect("stored");
        cache.set("unit", &(), "5m").await.expect("stored");
        assert_eq!(cache.get::<Option<u8>>("none").await, Some(None));
        assert_eq!(cache.get::<()>("unit").await, Some(()));
        assert_eq!(cache.get::<Option<u8>>("absent").await, None);
        assert!(cache.exists("none").await && cache.exists("unit").await);
    }
}

#[tokio::test]
async fn an_expiry_can_be_written_in_every_form() {
    for cache in &caches().await {
        let near = |left: Option<Duration>, seconds: u64| {
            left.is_some_and(|left| {
                left <= Duration::from_secs(seconds) && left > Duration::from_secs(seconds - 60)
            })
        };
        cache.set("a", &1, 3600).await.expect("stored");
        cache.set("b", &1, 3600_u64).await.expect("stored");
        cache.set("c", &1, "1h").await.expect("stored");
        cache.set("d", &1, String::from("60m")).await.expect("stored");
        cache.set("e", &1, Duration::from_secs(3600)).await.expect("stored");
        cache.set("f", &1, Expire::After(Duration::from_secs(3600))).await.expect("stored");
        cache.set("g", &1, chrono::TimeDelta::hours(1)).await.expect("stored");
        for key in ["a", "b", "c", "d", "e", "f"] {
            assert!(near(cache.ttl(key).await, 3600), "{cache:?} {key}");
        }
        cache.set("never", &1, Expire::Never).await.expect("stored");
        assert_eq!((cache.ttl("never").await, cache.exists("never").await), (None, true));
        assert_eq!(cache.inspect("never").await.expect("an answer").expect("stored").ttl, None);
        cache.set("never", &2, 3600).await.expect("stored");
        assert!(near(cache.ttl("never").await, 3600), "a life can be given to what had none");
    }
}

#[tokio::test]
async fn an_expiry_of_zero_is_an_error_and_changes_nothing() {
    for cache in &caches().await {
        cache.set("k", &1, "5m").await.expect("stored");
        macro_rules! refused {
            ($($expire:expr),*) => {$(
                let error = cache.set("k", &2, $expire).await.expect_err(stringify!($expire));
                assert!(matches!(error, Error::Config { setting: "expire", .. }), "{error:?}");
            )*};
        }
        refused!(
            0,
            -1,
            0_u8,
            i64::MIN,
            Duration::ZERO,
            "0s",
            "",
            "soon",
            "-5m",
            "5 minutes",
            Expire::After(Duration::ZERO)
        );
        assert_eq!(cache.get("k").await, Some(1));
    }
}

#[tokio::test]
async fn values_expire() {
    for cache in &caches().await {
        cache.set("k", &1, Duration::from_millis(200)).await.expect("stored");
        eventually_async(LONG, || async { !cache.exists("k").await }).await;
        assert_eq!(cache.get::<i32>("k").await, None);
        assert_eq!(cache.ttl("k").await, None);
        assert_eq!(cache.inspect("k").await.expect("an answer"), None);
        assert!(!cache.delete("k").await.expect("an answer"), "what has ended is not there to be deleted");
    }
}

#[tokio::test]
async fn remember_computes_once() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            let value = cache.remember("k", "5m", || async {
                calls.add();
                ann()
            });
            assert_eq!(value.await, ann());
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(cache.get("k").await, Some(ann()), "it is the value that `get` finds");
        cache.set("k", &User { age: 43, ..ann() }, "5m").await.expect("stored");
        assert_eq!(
            cache.remember("k", "5m", || async { ann() }).await.age,
            43,
            "and the one that `set` left"
        );
        let counts = counts(cache, "handle");
        assert_eq!((counts.hits, counts.misses, counts.stores), (4, 1, 2), "{cache:?}");
    }
}

#[tokio::test]
async fn remember_stores_none_and_try_remember_no_error() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            let none = cache.remember("none", "5m", || async {
                calls.add();
                None::<User>
            });
            assert_eq!(none.await, None);
        }
        assert_eq!(calls.count(), 1, "`remember` keeps what it is given: {cache:?}");

        let calls = Calls::default();
        for round in 1..=2 {
            let failed = cache.try_remember("failed", "5m", || async {
                calls.add();
                Err::<User, _>("own error")
            });
            assert_eq!(failed.await, Err("own error"));
            assert_eq!(calls.count(), round, "{cache:?}");
        }
        for _ in 0..2 {
            let value = cache.try_remember("failed", "5m", || async {
                calls.add();
                Ok::<_, ()>(ann())
            });
            assert_eq!(value.await, Ok(ann()));
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn remember_returns_a_value_that_cannot_be_stored() {
    for cache in &caches_with(|builder| builder.max_value(10)).await {
        let calls = Calls::default();
        let long = || async {
            calls.add();
            "x".repeat(100)
        };
        for round in 1..=2 {
            assert_eq!(cache.remember("long", "5m", long).await.len(), 100);
            assert_eq!(cache.remember("zero", 0, long).await.len(), 100);
            assert_eq!(cache.remember("words", "some day", long).await.len(), 100);
            assert_eq!(calls.count(), 3 * round, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn remember_obeys_refresh_and_bypass() {
    for cache in &caches().await {
        let calls = Calls::default();
        let next = || async { calls.add() };
        assert_eq!(cache.remember("k", "5m", next).await, 0);
        assert_eq!(larder::bypass(cache.remember("k", "5m", next)).await, 1);
        assert_eq!(cache.remember("k", "5m", next).await, 0);
        assert_eq!(larder::refresh(cache.remember("k", "5m", next)).await, 2);
        assert_eq!(cache.remember("k", "5m", next).await, 2);
    }
}

#[tokio::test]
async fn keys_may_be_any_text() {
    for cache in &caches().await {
        let long = "k".repeat(5_000);
        let (almost, other) = (format!("{long}1"), format!("{long}2"));
        let keys = [
            "", " ", ":", "a:b", "*", "?", "[a]", "{", "}", "{}", "\\", "\n\0", "漢字", &long, &almost,
            &other,
        ];
        for (number, key) in keys.iter().enumerate() {
            cache.set(key, &number, "5m").await.expect("stored");
        }
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(cache.get(key).await, Some(number), "{cache:?} {key:?}");
        }
        for (number, key) in keys.iter().enumerate() {
            assert!(cache.delete(key).await.expect("an answer"), "{cache:?} {key:?}");
            assert!(!cache.exists(key).await);
            for (later, key) in keys.iter().enumerate().skip(number + 1) {
                assert_eq!(cache.get(key).await, Some(later), "one key deleted is one key: {key:?}");
            }
        }
    }
}

#[tokio::test]
async fn inspect_returns_everything_but_the_value() {
    for cache in &caches().await {
        let before = SystemTime::now() - Duration::from_secs(1);
        cache.set("k", "canary", "5m").await.expect("stored");
        let info = cache.inspect("k").await.expect("an answer").expect("stored");
        assert!(info.key.ends_with(":k"), "{info:?}");
        assert_eq!((info.codec, info.compress, info.is_none), ("json", "none", false));
        assert!(
            info.ttl.is_some_and(|left| left <= Duration::from_secs(300) && left > Duration::from_secs(200))
        );
        assert!(
            info.created >= before && info.created <= SystemTime::now() + Duration::from_secs(1),
            "{info:?}"
        );
        assert_eq!(info.size, 152 + "handle".len() + "\"canary\"".len());
        let texts = [format!("{info:?}"), serde_json::to_string(&info).expect("JSON")];
        assert!(texts.iter().all(|text| !text.contains("canary")), "{texts:?}");
        let counts = counts(cache, "handle");
        assert_eq!((counts.hits, counts.misses), (0, 0), "to look is not to use");
    }
}

#[cache(expire = "5m", none_expire = "1m", key = "none", cache = cache)]
async fn none(cache: &Cache) -> Option<User> {
    None
}

#[cache(expire = "5m", key = "small", codec = postcard, compress = lz4, cache = cache)]
async fn small(cache: &Cache) -> String {
    "x".repeat(10_000)
}

#[tokio::test]
async fn inspect_returns_the_stored_form() {
    for cache in &caches().await {
        none(cache).await;
        let info = cache.inspect("none").await.expect("an answer").expect("stored");
        assert!(info.is_none && info.ttl.is_some_and(|left| left <= Duration::from_secs(60)), "{info:?}");
        assert_eq!(cache.get::<User>("none").await, None);
        {
            small(cache).await;
            let info = cache.inspect("small").await.expect("an answer").expect("stored");
            assert_eq!((info.codec, info.compress), ("postcard", "lz4"));
            assert!(info.size < 1_000, "{info:?}");
            assert_eq!(cache.get::<String>("small").await.map(|text| text.len()), Some(10_000));
        }
    }
}

#[cache(expire = "5m", ignore(calls), cache = cache, entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> Result<User, String> {
    calls.add();
    Ok(User { age: calls.count().try_into().expect("few calls"), ..ann() })
}

#[tokio::test]
async fn an_entry_holds_the_value_of_its_function() {
    for cache in &caches().await {
        let (calls, entry) = (Calls::default(), user_entry(cache, 1));
        assert_eq!((entry.get::<User>().await, entry.ttl().await), (None, None));
        assert_eq!(user(cache, &calls, 1).await, Ok(User { age: 1, ..ann() }));
        assert_eq!(entry.get().await, Some(User { age: 1, ..ann() }));
        assert!(entry.ttl().await.is_some_and(|left| left <= Duration::from_secs(300)));
        user(cache, &calls, 2).await.expect("a user");

        entry.invalidate().await.expect("removed");
        assert_eq!(user(cache, &calls, 1).await, Ok(User { age: 3, ..ann() }), "computed again on {cache:?}");
        user(cache, &calls, 2).await.expect("a user");
        assert_eq!(calls.count(), 3, "and no other on {cache:?}");

        entry.put(&User { age: 99, ..ann() }).await.expect("stored");
        assert_eq!(
            user(cache, &calls, 1).await,
            Ok(User { age: 99, ..ann() }),
            "written through on {cache:?}"
        );
        assert_eq!(calls.count(), 3, "{cache:?}");
        entry.expire().await.expect("ended");
        user(cache, &calls, 1).await.expect("a user");
        assert_eq!(calls.count(), 4, "{cache:?}");
        entry.invalidate().await.expect("removed");
        entry.invalidate().await.expect("nothing to remove is no error");
    }
}

#[tokio::test]
async fn clones_are_one_cache_and_other_caches_are_not() {
    for cache in &caches().await {
        let clone = cache.clone();
        clone.set("k", &1, "5m").await.expect("stored");
        assert_eq!(cache.get("k").await, Some(1));
    }
    let (one, other) = (Cache::builder().build().await, Cache::builder().build().await);
    one.as_ref().expect("a cache").set("k", &1, "5m").await.expect("stored");
    assert_eq!(other.expect("a cache").get::<i32>("k").await, None, "each `memory://` is one of its own");
}

#[tokio::test]
async fn another_process_sees_the_changes_of_this_one() {
    let prefix = unique("shared");
    let build = || on(shared()).prefix(&prefix).require_redis(true).build();
    let (one, other) = (build().await.expect("a cache"), build().await.expect("a cache"));
    one.set("k", &1, "5m").await.expect("stored");
    assert_eq!(other.get("k").await, Some(1));
    assert!(other.delete("k").await.expect("removed"));
    assert_eq!(one.get::<i32>("k").await, None);
}
