//! Readable keys: their text, and that no value can imitate another.

use std::fmt;

use larder::{Cache, cache, cache_evict};
use serde::Serialize;
use support::deployment::shared;
use support::stores::{Calls, caches, on, unique};

#[derive(Clone, Serialize)]
struct User {
    id: u64,
    home: Home,
}

#[derive(Clone, Serialize)]
struct Home {
    city: String,
}

/// A type with `Display` that cannot be hashed.
struct Day(u16, u8, u8);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0, self.1, self.2)
    }
}

#[cache(expire = "1m", cache = cache, key = "user:{id}", entry = user_entry)]
async fn user(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(expire = "1m", cache = cache, key = "city:{user.home.city}:{user.id}:{pair.1}", entry = city_entry)]
async fn city(cache: &Cache, user: &User, pair: (u8, u8)) -> String {
    format!("{}{}", user.home.city, pair.0)
}

#[cache(expire = "1m", cache = cache, key = "day:{day}", entry = day_entry)]
async fn day(cache: &Cache, day: Day) -> u16 {
    day.0
}

#[cache(expire = "1m", cache = cache, key = "plain", ignore(id), entry = plain_entry)]
async fn plain(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(expire = "1m", cache = cache, key = "raw:{type}:{r#match}", entry = raw_entry)]
async fn raw(cache: &Cache, r#type: u8, r#match: u8) -> u8 {
    r#type + r#match
}

#[cache(expire = "1m", cache = cache, group = "org {org}", key = "user:{id}", entry = grouped_entry)]
async fn grouped(cache: &Cache, org: &str, id: u64) -> u64 {
    let _ = org;
    id
}

impl User {
    #[cache(expire = "1m", cache = cache, key = "name:{self.id}", entry = name_entry)]
    async fn name(&self, cache: &Cache) -> String {
        format!("user {}", self.id)
    }
}

#[cache(expire = "1m", cache = cache, key = "inside:{id}:{town}", entry = inside_entry)]
async fn inside(cache: &Cache, (id, Home { city: town }): (u64, Home)) -> String {
    format!("{town}{id}")
}

#[cache_evict(key = "inside:{id}:{town}", cache = cache)]
#[cache_evict(entry = user_entry(cache, id), cache = cache)]
async fn leave(cache: &Cache, (id, Home { city: town }): (u64, Home)) -> Option<String> {
    (id > 0).then_some(town)
}

#[tokio::test]
async fn bindings_of_a_pattern_can_be_named() {
    let home = || Home { city: "Ulm".to_owned() };
    for cache in caches().await {
        assert_eq!(inside(&cache, (7, home())).await, "Ulm7");
        user(&cache, 7).await;
        let (inside, user) = (inside_entry(&cache, (7, home())), user_entry(&cache, 7));
        assert!(inside.key().ends_with("inside:7:Ulm"), "{}", inside.key());
        assert_eq!(inside.get::<String>().await.as_deref(), Some("Ulm7"));
        assert_eq!(leave(&cache, (0, home())).await, None);
        assert_eq!(leave(&cache, (7, home())).await.as_deref(), Some("Ulm"));
        assert_eq!((inside.get::<String>().await, user.get::<u64>().await), (None, None));
    }
}

#[tokio::test]
async fn the_key_is_prefix_and_text() {
    let prefix = unique("shop");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let user_7 = User { id: 7, home: Home { city: "Ulm".to_owned() } };
    user(&cache, 42).await;
    city(&cache, &user_7, (1, 2)).await;
    day(&cache, Day(2019, 5, 9)).await;
    plain(&cache, 1).await;
    raw(&cache, 1, 2).await;
    grouped(&cache, "acme", 42).await;
    user_7.name(&cache).await;
    let expected = [
        ("user:42", user_entry(&cache, 42)),
        ("city:Ulm:7:2", city_entry(&cache, &user_7, (1, 2))),
        ("day:2019-05-09", day_entry(&cache, Day(2019, 5, 9))),
        ("plain", plain_entry(&cache)),
        ("raw:1:2", raw_entry(&cache, 1, 2)),
        ("{org acme}:user:42", grouped_entry(&cache, "acme", 42)),
        ("name:7", user_7.name_entry(&cache)),
    ];
    for (text, entry) in expected {
        let whole = format!("{prefix}:{text}");
        assert_eq!(entry.key(), whole);
        assert_eq!(shared().command(&["EXISTS", &whole]), "1", "{whole}");
    }
}

#[tokio::test]
async fn without_a_prefix_the_key_is_the_text() {
    let cache = Cache::builder().build().await.expect("a cache");
    assert_eq!(user_entry(&cache, 42).key(), "user:42");
}

#[tokio::test]
async fn arguments_that_the_text_does_not_name_are_not_in_the_key() {
    for cache in caches().await {
        assert_eq!(plain(&cache, 1).await, 1, "{cache:?}");
        assert_eq!(plain(&cache, 2).await, 1, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, key = "pair:{a}:{b}", entry = pair_entry)]
async fn pair(cache: &Cache, a: &str, b: &str) -> String {
    format!("{a}|{b}")
}

#[cache(expire = "1m", cache = cache, key = "dashed:{a}-{b}", entry = dashed_entry)]
async fn dashed(cache: &Cache, a: &str, b: &str) -> String {
    format!("{a}|{b}")
}

#[cache(expire = "1m", cache = cache, key = "worded:{a}and{b}")]
async fn worded(cache: &Cache, a: &str, b: &str) -> String {
    format!("{a}|{b}")
}

#[tokio::test]
async fn separators_inside_values_are_escaped() {
    let pairs = [
        ("x:y", "z"),
        ("x", "y:z"),
        ("x%3Ay", "z"),
        ("x-y", "z"),
        ("x", "y-z"),
        ("xandy", "z"),
        ("x", "yandz"),
        ("", "x"),
        ("x", ""),
        ("*", "[a]?"),
        ("{x}", "\\"),
        ("a\r\nb", "c d"),
        ("~v2", "~(u8)"),
    ];
    for cache in caches().await {
        for _ in 0..2 {
            for (a, b) in pairs {
                let right = format!("{a}|{b}");
                assert_eq!(pair(&cache, a, b).await, right, "{cache:?}");
                assert_eq!(dashed(&cache, a, b).await, right, "{cache:?}");
                assert_eq!(worded(&cache, a, b).await, right, "{cache:?}");
            }
        }
        assert!(pair_entry(&cache, "x:y", "*{ }").key().ends_with("pair:x%3Ay:%2A%7B%20%7D"));
        assert!(dashed_entry(&cache, "x-y", "a-b").key().ends_with("dashed:x%2Dy-a-b"));
    }
}

#[tokio::test]
async fn a_pattern_in_a_value_deletes_nothing_else() {
    for cache in caches().await {
        for id in [1, 10, 11] {
            user(&cache, id).await;
        }
        pair(&cache, "*", "x").await;
        pair(&cache, "y", "x").await;
        assert!(pair_entry(&cache, "*", "x").invalidate().await.is_ok());
        assert!(pair_entry(&cache, "y", "x").get::<String>().await.is_some(), "{cache:?}");
        assert!(user_entry(&cache, 1).invalidate().await.is_ok());
        assert_eq!(user_entry(&cache, 10).get::<u64>().await, Some(10), "{cache:?}");
    }
}

struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

#[cache(expire = "1m", cache = cache, key = "bad:{_value}", entry = unprintable_entry)]
async fn unprintable(cache: &Cache, calls: &Calls, _value: Unprintable) -> u64 {
    calls.add() as u64
}

#[tokio::test]
async fn a_value_that_cannot_be_written_runs_uncached() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(unprintable(&cache, &calls, Unprintable).await, 0, "{cache:?}");
        assert_eq!(unprintable(&cache, &calls, Unprintable).await, 1, "{cache:?}");
        let counts = *cache.stats().function("unprintable").expect("it was called");
        assert_eq!((counts.encode_errors, counts.stores), (2, 0), "{cache:?}");
        let entry = unprintable_entry(&cache, &calls, Unprintable);
        assert!(entry.invalidate().await.is_err(), "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, key = "doc:{text}", entry = doc_entry)]
async fn doc(cache: &Cache, text: &str) -> usize {
    text.len()
}

#[tokio::test]
async fn long_values_are_cut_and_still_differ() {
    let (a, b) = (format!("{}a", "x".repeat(10 << 20)), format!("{}b", "x".repeat(10 << 20)));
    for cache in caches().await {
        let (first, second) = (doc_entry(&cache, &a), doc_entry(&cache, &b));
        assert_ne!(first.key(), second.key());
        for entry in [&first, &second] {
            assert!(entry.key().len() <= 1024, "{}", entry.key().len());
            assert!(entry.key().contains(":doc:xxx"), "the readable part stays");
        }
        assert_eq!(doc(&cache, &a).await, a.len(), "{cache:?}");
        assert_eq!(first.get::<usize>().await, Some(a.len()), "{cache:?}");
        assert_eq!(second.get::<usize>().await, None, "{cache:?}");
        // The cut is between characters.
        let umlauts = "ü".repeat(2000);
        assert_eq!(doc(&cache, &umlauts).await, 4000, "{cache:?}");
        assert!(doc_entry(&cache, &umlauts).get::<usize>().await.is_some(), "{cache:?}");
    }
}
