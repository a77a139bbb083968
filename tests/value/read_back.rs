//! Values that serde does not give back: unreadable ones are not stored, and ones that change are reported.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use larder::test_util::TestClock;
use larder::{Cache, cache, cache_put};
use serde::{Deserialize, Serialize};
use support::log::Log;
use support::stores::{Calls, caches, caches_with, counts};

/// JSON keys of maps are text, which an internally tagged enum does not turn back into numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Page {
    Numbered { by_id: BTreeMap<u32, String> },
    Empty,
}

impl Page {
    fn numbered() -> Self {
        Self::Numbered { by_id: BTreeMap::from([(1, "one".to_owned())]) }
    }
}

#[cache(expire = "1m", cache = cache, ignore(cache, calls))]
async fn page(cache: &Cache, calls: &Calls, is_numbered: bool) -> Page {
    calls.add();
    if is_numbered { Page::numbered() } else { Page::Empty }
}

#[cache(expire = "1m", cache = cache, ignore(cache, calls))]
fn sync_page(cache: &Cache, calls: &Calls) -> Result<Option<Page>, String> {
    calls.add();
    Ok(Some(Page::numbered()))
}

/// A field that is written under one name and read under another.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    field: u8,
}

#[cache(expire = "1m", codec = msgpack, cache = cache, ignore(cache, calls))]
async fn renamed(cache: &Cache, calls: &Calls) -> Renamed {
    calls.add();
    Renamed { field: 1 }
}

/// A type that only formats with types in their bytes can read.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
}

impl Serialize for Untagged {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Number(number) = self;
        serializer.serialize_u64(*number)
    }
}

#[cache(expire = "1m", codec = postcard, cache = cache, ignore(cache, calls))]
async fn untagged(cache: &Cache, calls: &Calls) -> Untagged {
    calls.add();
    Untagged::Number(1)
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_not_stored_and_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(page(cache, &calls, true).await, Page::numbered(), "{cache:?}");
            assert_eq!(sync_page(cache, &calls), Ok(Some(Page::numbered())), "{cache:?}");
            assert_eq!(renamed(cache, &calls).await, Renamed { field: 1 }, "{cache:?}");
            assert_eq!(untagged(cache, &calls).await, Untagged::Number(1), "{cache:?}");
        }
        let told = log.take();
        for (function, codec, cause) in [
            ("page", "json", "invalid type: string"),
            ("sync_page", "json", "invalid type: string"),
            ("renamed", "msgpack", "missing field `in`"),
            ("untagged", "postcard", "never implement"),
        ] {
            let counts = counts(cache, function);
            let sums = (counts.misses, counts.stores, counts.encode_errors, counts.refusals);
            assert_eq!(sums, (3, 0, 1, 2), "{function} on {cache:?}");
            let of = format!("::{function}`");
            let told: Vec<_> = told.iter().filter(|line| line.contains(&of)).collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains(codec), "{told:?}");
            assert!(told[0].contains(cause) || codec == "postcard", "{told:?}");
        }
    }
}

#[tokio::test]
async fn after_a_pause_values_that_can_be_read_are_stored() {
    let clock = TestClock::new();
    for cache in &caches_with(|builder| builder.clock(clock.clone())).await {
        let calls = Calls::default();
        let stores = || counts(cache, "page").stores;
        page(cache, &calls, true).await;
        page(cache, &calls, false).await;
        assert_eq!(stores(), 0, "nothing is stored meanwhile on {cache:?}");
        clock.advance(Duration::from_secs(2));
        for _ in 0..2 {
            assert_eq!(page(cache, &calls, false).await, Page::Empty);
        }
        assert_eq!((stores(), calls.count()), (1, 3), "{cache:?}");
        // Every value is checked now.
        page(cache, &calls, true).await;
        assert_eq!((stores(), counts(cache, "page").encode_errors), (1, 2), "{cache:?}");
    }
}

#[cache_put(key = "page", cache = cache)]
async fn put_page(cache: &Cache, page: Page) -> Page {
    page
}

#[tokio::test]
async fn what_is_put_and_cannot_be_read_leaves_no_older_value() {
    for cache in &caches().await {
        assert_eq!(put_page(cache, Page::Empty).await, Page::Empty, "{cache:?}");
        assert_eq!(cache.get::<Page>("page").await, Some(Page::Empty), "{cache:?}");
        assert_eq!(put_page(cache, Page::numbered()).await, Page::numbered(), "{cache:?}");
        assert_eq!(cache.get::<Page>("page").await, None, "{cache:?}");
    }
}

/// A nesting of lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Nested {
    Leaf,
    Inner(Vec<Nested>),
}

impl Nested {
    fn of(depth: usize) -> Self {
        (0..depth).fold(Self::Leaf, |inner, _| Self::Inner(vec![inner]))
    }
}

macro_rules! nested {
    ($($name:ident $codec:ident;)*) => {$(
        #[cache(expire = "1m", codec = $codec, cache = cache, ignore(cache))]
        async fn $name(cache: &Cache, depth: usize) -> Nested {
            let _ = cache;
            Nested::of(depth)
        }
    )*};
}

nested! { nested_json json; nested_msgpack msgpack; nested_postcard postcard; }

#[tokio::test]
async fn a_value_that_is_too_deep_to_be_read_is_not_stored() {
    for cache in &caches().await {
        for depth in [20, 200] {
            for _ in 0..2 {
                assert_eq!(nested_json(cache, depth).await, Nested::of(depth), "{cache:?}");
                assert_eq!(nested_msgpack(cache, depth).await, Nested::of(depth), "{cache:?}");
                assert_eq!(nested_postcard(cache, depth).await, Nested::of(depth), "{cache:?}");
            }
        }
        for function in ["nested_json", "nested_msgpack", "nested_postcard"] {
            let counts = counts(cache, function);
            assert_eq!((counts.stores, counts.hits, counts.misses), (1, 1, 3), "{function} on {cache:?}");
        }
    }
}

/// A user whose hash is not for others.
#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
struct User {
    name: String,
    #[serde(skip)]
    password_hash: String,
}

/// The same without `PartialEq`.
#[derive(Debug, Serialize, Deserialize)]
struct Opaque {
    #[serde(skip_serializing, default)]
    #[expect(dead_code, reason = "only serde reads it")]
    field: u8,
}

/// Neither can be compared.
#[derive(Serialize, Deserialize)]
struct Incomparable {
    #[serde(skip)]
    #[expect(dead_code, reason = "nothing reads it")]
    field: u8,
}

macro_rules! functions {
    ($($name:ident -> $type:ty { $value:expr })*) => {$(
        #[cache(expire = "1m", cache = cache, ignore(cache))]
        async fn $name(cache: &Cache) -> $type {
            let _ = cache;
            $value
        }
    )*};
}

functions! {
    user -> User { User { name: "n".to_owned(), password_hash: "h".to_owned() } }
    opaque -> Result<Opaque, String> { Ok(Opaque { field: 1 }) }
    not_a_number -> Vec<Option<f64>> { vec![Some(f64::NAN)] }
    unit -> Vec<Option<()>> { vec![Some(())] }
    faithful -> HashMap<u32, Option<User>> {
        (0..100).map(|id| (id, Some(User::default()))).collect()
    }
    incomparable -> Incomparable { Incomparable { field: 1 } }
}

#[cache(expire = "1m", cache = cache, ignore(cache))]
async fn generic<T: Default + Serialize + serde::de::DeserializeOwned>(
    cache: &Cache,
    value: &str,
) -> (T, User) {
    let _ = cache;
    (T::default(), User { name: String::new(), password_hash: value.to_owned() })
}

#[cache(expire = "1m", cache = cache, ignore(cache))]
fn sync_user(cache: &Cache) -> Option<User> {
    let _ = cache;
    Some(User { name: String::new(), password_hash: "h".to_owned() })
}

#[tokio::test]
async fn a_hit_that_differs_from_the_result_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        for _ in 0..2 {
            user(cache).await;
            sync_user(cache);
            opaque(cache).await.expect("a value");
            not_a_number(cache).await;
            unit(cache).await;
            faithful(cache).await;
            incomparable(cache).await;
            generic::<u8>(cache, "h").await;
        }
        let told = log.take();
        for function in ["user", "sync_user", "opaque", "not_a_number", "unit"] {
            let of =
                format!("a hit of `read_back::{function}` differs from what the function returned: json");
            assert_eq!(told.iter().filter(|line| line.contains(&of)).count(), 1, "{function}: {told:?}");
        }
        assert_eq!(told.len(), 5, "{told:?}");
        assert_eq!(cache.stats().total.hits, 8, "they are cached all the same on {cache:?}");
    }
}
