//! Code of the user around a function that panics: it costs the entry, never a caller.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_util::future::join_all;
use larder::{Cache, Error, cache, cache_put};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use support::log::Log;
use support::stores::{Calls, LONG, caches, counts, in_time};
use support::wait::eventually_async;

/// A text that panics where it is used in the way that it names.
#[derive(Debug, PartialEq)]
struct Fragile(String);

impl Fragile {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    fn used(&self, way: &str) {
        assert_ne!(self.0, way, "as the test wants");
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.used("Clone");
        Self(self.0.clone())
    }
}

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.used("Display");
        f.write_str(&self.0)
    }
}

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.used("Serialize");
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Self(String::deserialize(deserializer)?);
        value.used("Deserialize");
        Ok(value)
    }
}

/// The ways in which a value is used after the body.
const WAYS: [&str; 5] = ["Serialize", "Deserialize", "Clone", "unless", "expire_with"];

/// Returns `false`, or panics.
fn unless(value: &Fragile) -> bool {
    value.used("unless");
    false
}

/// Returns a minute, or panics.
fn expire_with(value: &Fragile) -> u64 {
    value.used("expire_with");
    60
}

macro_rules! function {
    ($name:ident $codec:ident [$($async:ident)?]) => {
        #[cache(
            codec = $codec, local = "5s", unless = unless, expire_with = expire_with, cache = cache, ignore(cache, calls)
        )]
        $($async)? fn $name(cache: &Cache, calls: &Calls, way: &str) -> Fragile {
            calls.add();
            Fragile::of(way)
        }
    };
}

function!(in_json json [async]);
function!(in_msgpack msgpack [async]);
function!(in_postcard postcard [async]);
function!(in_sync json []);

/// Calls a function concurrently and one time after the other; every caller has its value.
macro_rules! each_caller_has_the_value {
    ($function:ident, $cache:expr, $way:expr) => {{
        let calls = Arc::new(Calls::default());
        let call = || {
            let (cache, calls) = ($cache.clone(), Arc::clone(&calls));
            tokio::spawn(async move { $function(&cache, &calls, $way).await })
        };
        for result in in_time(join_all((0..20).map(|_| call()).collect::<Vec<_>>())).await {
            assert_eq!(result.expect("no panic"), Fragile::of($way), "{:?}", $cache);
        }
        for _ in 0..3 {
            assert_eq!(in_time(call()).await.expect("no panic"), Fragile::of($way), "{:?}", $cache);
        }
        let refreshed = in_time(larder::refresh($function($cache, &calls, $way))).await;
        assert_eq!(refreshed, Fragile::of($way), "{:?}", $cache);
    }};
}

#[tokio::test]
async fn every_caller_has_the_value() {
    for cache in &caches().await {
        for way in WAYS {
            each_caller_has_the_value!(in_json, cache, way);
            each_caller_has_the_value!(in_msgpack, cache, way);
            each_caller_has_the_value!(in_postcard, cache, way);
        }
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
    }
}

#[test]
fn every_synchronous_caller_has_the_value() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        for way in WAYS {
            let calls = Calls::default();
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| in_sync(&cache, &calls, way))).collect();
                for thread in threads {
                    assert_eq!(thread.join().expect("no panic"), Fragile::of(way), "{cache:?}");
                }
            });
            let refreshed = larder::refresh_blocking(|| in_sync(&cache, &calls, way));
            assert_eq!(refreshed, Fragile::of(way), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn what_panicked_decides_whether_the_value_is_stored() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for (way, is_stored, warned) in [
        ("Serialize", false, "`Serialize` panicked"),
        ("unless", false, "`unless` of `"),
        ("expire_with", false, "`expire_with` of `"),
        ("Clone", true, "`Clone` of a value of `"),
    ] {
        for cache in &caches().await {
            let calls = Calls::default();
            for _ in 0..3 {
                in_json(cache, &calls, way).await;
            }
            let total = cache.stats().total;
            let expected = if is_stored { (1, 2) } else { (0, 0) };
            assert_eq!((total.stores, total.hits), expected, "{way} on {cache:?}");
            eventually_async(LONG, || async {
                in_json(cache, &calls, way).await;
                log.take().iter().any(|warning| warning.contains(warned))
            })
            .await;
        }
    }
}

#[tokio::test]
async fn one_warning_is_given_for_a_function() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            in_json(cache, &calls, "unless").await;
        }
        let warnings = log.take();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("in_json` panicked: a result was not stored"), "{warnings:?}");
    }
}

/// An error whose `Clone` panics.
#[derive(Debug)]
struct FragileError(usize);

impl Clone for FragileError {
    fn clone(&self) -> Self {
        panic!("as the test wants");
    }
}

#[cache(expire = "1m", cache = cache, ignore(cache, calls))]
async fn fails(cache: &Cache, calls: &Calls) -> Result<u8, FragileError> {
    tokio::task::yield_now().await;
    Err(FragileError(calls.add()))
}

#[tokio::test]
async fn every_caller_has_an_error_of_its_own_where_the_error_cannot_be_cloned() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let wave = (0..20).map(|_| {
            let (cache, calls) = (cache.clone(), Arc::clone(&calls));
            tokio::spawn(async move { fails(&cache, &calls).await.map_err(|error| error.0) })
        });
        let results = in_time(join_all(wave.collect::<Vec<_>>())).await;
        let mut errors: Vec<_> = results.into_iter().map(|result| result.expect("no panic")).collect();
        errors.sort_unstable();
        assert_eq!(errors, (0..20).map(Err).collect::<Vec<_>>(), "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, ignore(cache))]
async fn hashed(cache: &Cache, argument: Fragile) -> usize {
    argument.0.len()
}

#[cache(expire = "1m", key = "fragile:{argument}", cache = cache, ignore(cache))]
async fn in_a_key(cache: &Cache, argument: Fragile) -> usize {
    argument.0.len()
}

#[cache(expire = "1m", group = "fragile:{argument}", cache = cache, ignore(cache))]
async fn in_a_group(cache: &Cache, argument: &Fragile) -> usize {
    argument.0.len()
}

#[cache(expire = "1m", tags = ["fragile:{argument}"], cache = cache, ignore(cache))]
fn in_a_tag(cache: &Cache, argument: &Fragile) -> usize {
    argument.0.len()
}

#[tokio::test]
async fn an_argument_that_panics_makes_its_call_run_uncached() {
    for cache in &caches().await {
        let (written, serialized) = (Fragile::of("Display"), Fragile::of("Serialize"));
        for _ in 0..2 {
            assert_eq!(hashed(cache, serialized.clone()).await, 9, "{cache:?}");
            assert_eq!(in_a_key(cache, written.clone()).await, 7, "{cache:?}");
            assert_eq!(in_a_group(cache, &written).await, 7, "{cache:?}");
            assert_eq!(in_a_tag(cache, &written), 7, "{cache:?}");
        }
        let total = cache.stats().total;
        assert_eq!((total.encode_errors, total.misses, total.stores), (8, 0, 0), "{cache:?}");
    }
}

#[cache(expire = "1ms", stale_while_revalidate = "1h", cache = cache, ignore(cache, calls))]
async fn refreshed(cache: &Cache, calls: &Arc<Calls>, argument: &Fragile) -> usize {
    calls.add();
    argument.0.len()
}

#[tokio::test]
async fn an_argument_that_cannot_be_cloned_is_not_refreshed() {
    for cache in &caches().await {
        let (calls, argument) = (Arc::new(Calls::default()), Fragile::of("Clone"));
        eventually_async(LONG, || async {
            assert_eq!(refreshed(cache, &calls, &argument).await, 5, "{cache:?}");
            counts(cache, "refreshed").stale_hits > 3
        })
        .await;
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
    }
}

/// A value whose `Deserialize` panics from a moment on. Not `Clone`, so a copy in the process is decoded.
#[derive(Debug, PartialEq, Serialize)]
struct Moody(u8);

static IS_BAD: AtomicBool = AtomicBool::new(false);

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        assert!(!IS_BAD.load(SeqCst), "as the test wants");
        u8::deserialize(deserializer).map(Self)
    }
}

#[cache(expire = "1m", local = "1m", cache = cache, ignore(cache, calls))]
async fn moody(cache: &Cache, calls: &Calls) -> Moody {
    calls.add();
    Moody(7)
}

#[tokio::test]
async fn a_cached_value_that_can_no_longer_be_read_is_computed_again() {
    for cache in &caches().await {
        let calls = Calls::default();
        IS_BAD.store(false, SeqCst);
        eventually_async(LONG, || async {
            assert_eq!(moody(cache, &calls).await, Moody(7), "{cache:?}");
            counts(cache, "moody").hits > 3
        })
        .await;
        let before = calls.count();
        IS_BAD.store(true, SeqCst);
        for computed in 1..4 {
            assert_eq!(moody(cache, &calls).await, Moody(7), "{cache:?}");
            assert_eq!(calls.count(), before + computed, "{cache:?}");
        }
    }
}

#[cache_put(key = "put", unless = unless, expire_with = expire_with, cache = cache)]
async fn put(cache: &Cache, way: &str) -> Fragile {
    Fragile::of(way)
}

#[tokio::test]
async fn what_is_put_in_vain_leaves_no_older_value() {
    for cache in &caches().await {
        for way in ["Serialize", "unless", "expire_with"] {
            assert_eq!(put(cache, "good").await, Fragile::of("good"), "{cache:?}");
            assert_eq!(cache.get::<Fragile>("put").await, Some(Fragile::of("good")), "{cache:?}");
            assert_eq!(put(cache, way).await, Fragile::of(way), "{cache:?}");
            assert_eq!(cache.get::<Fragile>("put").await, None, "{way} on {cache:?}");
        }
    }
}

#[tokio::test]
async fn the_handle_reports_a_value_that_cannot_be_encoded_and_ignores_one_that_cannot_be_decoded() {
    for cache in &caches().await {
        cache.set("key", "old", "1m").await.expect("set");
        let refused = cache.set("key", &Fragile::of("Serialize"), "1m").await;
        assert!(matches!(refused, Err(Error::Encode { .. })), "{refused:?}");
        assert_eq!(cache.get::<String>("key").await, None, "{cache:?}");
        cache.set("key", &Fragile::of("Deserialize"), "1m").await.expect("set");
        assert_eq!(cache.get::<Fragile>("key").await, None, "{cache:?}");
        assert_eq!(counts(cache, "handle").unusable, 1, "{cache:?}");
        let remembered = cache.remember("key", "1m", || async { Fragile::of("new") }).await;
        assert_eq!(remembered, Fragile::of("new"), "{cache:?}");
        assert_eq!(cache.get::<Fragile>("key").await, Some(Fragile::of("new")), "{cache:?}");
    }
}
