//! Names of generated code and of the user never collide.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

#[expect(clippy::too_many_arguments, reason = "each is a name that generated code might use")]
#[cache(expire = ttl, cache = cache, name = "hygiene", entry = names_entry)]
async fn names(
    cache: &Cache,
    calls: &Calls,
    key: String,
    result: u32,
    redis: u8,
    value: u8,
    ttl: u64,
    runtime: u8,
    site: u8,
    call: u8,
    text: u8,
    entry: u8,
    larder: u8,
    std: u8,
    core: u8,
    kept: u8,
    shape: u8,
    run: u8,
    probe: u8,
) -> String {
    let sum = redis
        + value
        + runtime
        + site
        + call
        + text
        + entry
        + larder
        + std
        + core
        + kept
        + shape
        + run
        + probe;
    calls.add();
    format!("{key}{result}{sum}{ttl}")
}

#[tokio::test]
async fn arguments_can_have_any_name() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            let text =
                names(cache, &calls, "k".to_owned(), 1, 1, 1, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).await;
            assert_eq!(text, "k11460", "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let entry =
            names_entry(cache, &calls, "k".to_owned(), 1, 1, 1, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        assert!(entry.get::<String>().await.is_some(), "{cache:?}");
    }
}

#[expect(dead_code, reason = "they stand in the way of generated code")]
#[expect(non_camel_case_types, reason = "as above")]
mod shadowed {
    use super::{Cache as Store, Calls};

    pub(super) struct Cache;
    pub(super) struct Call;
    pub(super) struct Site;
    pub(super) struct Entry;
    pub(super) struct Policy;
    pub(super) struct Box;
    pub(super) struct Pin;
    pub(super) struct String;
    pub(super) struct bool;
    pub(super) trait Serialize {}
    pub(super) trait Future {}
    pub(super) trait ViaHash {
        fn kind(&self) {}
        fn put(&self) {}
        fn shape(&self) {}
        fn kept(&self) {}
        fn share(&self) {}
        fn sharing(&self) {}
        fn cache(&self) {}
        fn text(&self) {}
        fn entry(&self) {}
    }
    impl<T> ViaHash for T {}
    pub(super) enum Option {
        Some,
        None,
    }
    pub(super) enum Result {
        Ok,
        Err,
    }
    pub(super) fn drop() {}
    pub(super) mod std {}
    pub(super) mod core {}
    pub(super) mod larder {}
    #[::larder::cache(expire = "1m", cache = cache, entry = plain_entry, when = id > 0)]
    pub(super) async fn plain(cache: &Store, calls: &Calls, id: u64) -> ::core::result::Result<u64, ()> {
        calls.add();
        ::core::result::Result::Ok(id)
    }

    #[::larder::cache(expire = "1m", cache = cache, key = "k:{id}", group = "g:{id}", none_expire = 5)]
    pub(super) fn sync(cache: &Store, calls: &Calls, id: u64) -> ::core::option::Option<u64> {
        calls.add();
        ::core::option::Option::Some(id)
    }

    #[::larder::cache_evict(entry = plain_entry(cache, calls, id), key = "k:{id}", group = "g:{id}", before, cache = cache)]
    pub(super) async fn evict(cache: &Store, calls: &Calls, id: u64) -> u64 {
        id
    }

    #[::larder::cache_put(key = "k:{id}", group = "g:{id}", unless = |id| *id == 9, cache = cache)]
    pub(super) async fn put(cache: &Store, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn shadowed_items_do_not_matter() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(shadowed::plain(cache, &calls, 1).await, Ok(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(shadowed::put(cache, 2).await, 2, "{cache:?}");
        assert_eq!(shadowed::evict(cache, &calls, 1).await, 1, "{cache:?}");
        assert_eq!(shadowed::plain(cache, &calls, 1).await, Ok(1), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[test]
fn shadowed_items_do_not_matter_to_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    assert_eq!(shadowed::sync(&cache, &calls, 1), Some(1));
    assert_eq!(shadowed::sync(&cache, &calls, 1), Some(1));
    assert_eq!(calls.count(), 1);
}

#[cache(cache = cache, entry = r#type_entry)]
async fn r#type(cache: &Cache, calls: &Calls, r#match: u32, r#fn: &str) -> String {
    calls.add();
    r#match.to_string() + r#fn
}

#[cache(cache = cache, entry = r#struct)]
async fn raw_entry(cache: &Cache, id: u32) -> u32 {
    id
}

#[tokio::test]
async fn raw_identifiers() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(r#type(cache, &calls, 1, "a").await, "1a", "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let entry = type_entry(cache, &calls, 1, "a");
        assert!(entry.get::<String>().await.is_some(), "{cache:?}");
        assert!(entry.key().contains("hygiene::type:"), "{}", entry.key());
        raw_entry(cache, 1).await;
        assert_eq!(r#struct(cache, 1).get().await, Some(1_u32), "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn get(cache: &Cache, id: u64) -> u64 {
    id
}

#[expect(non_snake_case, reason = "differs from `get` only by its case")]
#[cache(cache = cache)]
async fn GET(cache: &Cache, id: u64) -> u64 {
    id + 100
}

#[tokio::test]
async fn names_that_differ_only_by_case() {
    for cache in &caches().await {
        for _ in 0..2 {
            assert_eq!((get(cache, 1).await, GET(cache, 1).await), (1, 101), "{cache:?}");
        }
    }
}

macro_rules! cached {
    ($cache:ident, $name:ident, $expire:expr, $arg:ident: $ty:ty, $key:literal, $item:item) => {
        #[cache(expire = $expire, cache = $cache, key = $key)]
        async fn $name($cache: &Cache, $arg: $ty) -> $ty {
            $arg + 1
        }

        #[cache(expire = $expire, cache = $cache)]
        $item
    };
}

cached!(cache, by_macro, 30 + 30, id: u64, "macro:{id}", async fn passed(cache: &Cache, id: u64) -> u64 { id + 2 });

#[tokio::test]
async fn functions_generated_by_a_macro() {
    for cache in &caches().await {
        for _ in 0..2 {
            assert_eq!(by_macro(cache, 1).await, 2, "{cache:?}");
            assert_eq!(passed(cache, 1).await, 3, "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 2, "{cache:?}");
    }
}
