//! `expire = ..`, the presets and `default_expire`: the expiry of a result.

use std::time::Duration;

use larder::{Cache, Expire, cache};
use support::deployment::shared;
use support::expiry::assert_expiry;
use support::stores::{Calls, caches, caches_with, on};
use support::wait::eventually_async;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const DAY: u64 = 86_400;
const TWO_HOURS: Duration = seconds(7200);
const NINETY: u32 = 90;

#[cache(expire = 90, cache = cache, entry = integer_entry)]
async fn integer(cache: &Cache) -> u8 {
    1
}

#[cache(expire = "1h30m", cache = cache, entry = text_entry)]
async fn text(cache: &Cache) -> u8 {
    1
}

#[cache(expire = "1w 2d 3h 4m 5s 6ms", cache = cache, entry = all_units_entry)]
async fn all_units(cache: &Cache) -> u8 {
    1
}

#[cache(expire = TWO_HOURS, cache = cache, entry = constant_entry)]
async fn constant(cache: &Cache) -> u8 {
    1
}

#[cache(expire = NINETY * 2, cache = cache, entry = sum_entry)]
async fn sum(cache: &Cache) -> u8 {
    1
}

#[cache(expire = "800d", cache = cache, entry = too_long_entry)]
async fn too_long(cache: &Cache) -> u8 {
    1
}

#[cache(expire = seconds(800 * DAY), cache = cache, entry = too_long_computed_entry)]
async fn too_long_computed(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn every_form_of_time() {
    for cache in &caches().await {
        integer(cache).await;
        assert_expiry(&integer_entry(cache), seconds(90)).await;
        text(cache).await;
        assert_expiry(&text_entry(cache), seconds(5400)).await;
        all_units(cache).await;
        assert_expiry(&all_units_entry(cache), Duration::from_millis(788_645_006)).await;
        constant(cache).await;
        assert_expiry(&constant_entry(cache), seconds(7200)).await;
        sum(cache).await;
        assert_expiry(&sum_entry(cache), seconds(180)).await;
    }
}

#[tokio::test]
async fn a_year_is_the_longest() {
    for cache in &caches().await {
        too_long(cache).await;
        assert_expiry(&too_long_entry(cache), seconds(31_536_000)).await;
        too_long_computed(cache).await;
        assert_expiry(&too_long_computed_entry(cache), seconds(31_536_000)).await;
    }
}

#[tokio::test]
async fn redis_itself_has_the_expiry() {
    let cache = &on(shared()).build().await.expect("a cache");
    text(cache).await;
    assert_eq!(shared().command(&["TTL", text_entry(cache).key()]), "5400");
    constant(cache).await;
    assert_eq!(shared().command(&["TTL", constant_entry(cache).key()]), "7200");
}

#[tokio::test]
async fn a_time_delta_of_chrono() {
    #[cache(expire = chrono::TimeDelta::minutes(7), cache = cache, entry = minutes_entry)]
    async fn minutes(cache: &Cache) -> u8 {
        1
    }
    for cache in &caches().await {
        minutes(cache).await;
        assert_expiry(&minutes_entry(cache), seconds(420)).await;
    }
}

#[derive(Clone, serde::Serialize)]
struct Settings {
    life: Duration,
    name: String,
}

#[cache(expire = seconds(u64::from(priority) * 60), cache = cache, key = "one", ignore(priority))]
async fn by_argument(cache: &Cache, priority: u8) -> u8 {
    priority
}

#[cache(expire = settings.life, cache = cache, key = "two", ignore(settings))]
async fn by_owned_argument(cache: &Cache, settings: Settings) -> String {
    settings.name
}

#[cache(expire = life, cache = cache, key = "three", ignore(life))]
async fn by_borrowed_text(cache: &Cache, life: &str) -> usize {
    life.len()
}

impl Settings {
    #[cache(expire = self.life, cache = cache, key = "four", ignore(self))]
    async fn by_self(&self, cache: &Cache) -> String {
        self.name.clone()
    }
}

#[tokio::test]
async fn arguments_are_in_scope() {
    for cache in &caches().await {
        let settings = Settings { life: seconds(500), name: "a".to_owned() };
        by_argument(cache, 3).await;
        by_owned_argument(cache, settings.clone()).await;
        by_borrowed_text(cache, "2h").await;
        settings.by_self(cache).await;
        for (key, life) in [("one", 180), ("two", 500), ("three", 7200), ("four", 500)] {
            let left = cache.ttl(key).await.expect("it is stored");
            assert!(left <= seconds(life) && left > seconds(life - 20), "{key}: {left:?} in {cache:?}");
        }
    }
}

#[cache(expire = seconds, cache = cache)]
async fn refused(cache: &Cache, calls: &Calls, seconds: i64) -> i64 {
    calls.add();
    seconds
}

#[cache(expire = Duration::ZERO, cache = cache)]
async fn no_time(cache: &Cache) -> u8 {
    1
}

#[cache(expire = text, cache = cache)]
async fn bad_text(cache: &Cache, text: &str) -> usize {
    text.len()
}

#[tokio::test]
async fn an_expiry_of_zero_at_run_time_returns_the_value_and_stores_nothing() {
    for cache in &caches().await {
        let calls = Calls::default();
        for seconds in [0, -5, i64::MIN, 0] {
            assert_eq!(refused(cache, &calls, seconds).await, seconds, "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
        assert_eq!(no_time(cache).await, 1, "{cache:?}");
        assert_eq!(bad_text(cache, "5 parsecs").await, 9, "{cache:?}");
        let total = cache.stats().total;
        assert_eq!((total.stores, total.hits, total.encode_errors), (0, 0, 6), "{cache:?}");
        // A valid expiry of the same function is used.
        refused(cache, &calls, 60).await;
        refused(cache, &calls, 60).await;
        assert_eq!(calls.count(), 5, "{cache:?}");
    }
}

#[cache(cache = cache, entry = unsaid_entry)]
async fn unsaid(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn the_default_is_the_builders_or_one_year() {
    for cache in &caches_with(|builder| builder.default_expire("7m")).await {
        unsaid(cache).await;
        assert_expiry(&unsaid_entry(cache), seconds(420)).await;
        // The option precedes the default.
        integer(cache).await;
        assert_expiry(&integer_entry(cache), seconds(90)).await;
    }
    for cache in &caches().await {
        unsaid(cache).await;
        assert_expiry(&unsaid_entry(cache), seconds(31_536_000)).await;
    }
}

#[cache(expire = Expire::Never, cache = cache, entry = for_ever_entry)]
async fn for_ever(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn never_means_no_expiry() {
    for cache in &caches().await {
        for_ever(cache).await;
        assert_eq!(for_ever_entry(cache).get::<u8>().await, Some(1), "{cache:?}");
        assert_eq!(for_ever_entry(cache).ttl().await, None, "{cache:?}");
    }
    let cache = &on(shared()).build().await.expect("a cache");
    for_ever(cache).await;
    assert_eq!(shared().command(&["TTL", for_ever_entry(cache).key()]), "-1");
}

#[cache(expire = "60ms", cache = cache)]
async fn short(cache: &Cache, calls: &Calls) -> usize {
    calls.add()
}

#[cache(expire = Duration::from_nanos(1), cache = cache)]
async fn shortest(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn an_expired_entry_is_computed_again() {
    for cache in &caches().await {
        let calls = Calls::default();
        short(cache, &calls).await;
        eventually_async(seconds(10), async || short(cache, &calls).await > 0).await;
        let counts = *cache.stats().function("short").expect("it was called");
        assert!(counts.misses >= 2, "{counts:?} {cache:?}");
        // A time below the resolution of Redis is a millisecond, not an error.
        assert_eq!(shortest(cache).await, 1, "{cache:?}");
        assert_eq!(cache.stats().total.store_errors, 0, "{cache:?}");
    }
}

macro_rules! presets {
    ($($preset:ident $entry:ident $life:expr;)*) => {
        mod presets {
            $(
                #[larder::$preset(cache = cache, entry = $entry)]
                pub(super) async fn $preset(cache: &larder::Cache, id: u64) -> u64 {
                    id
                }
            )*
        }

        #[tokio::test]
        async fn presets_expire_as_their_names_say() {
            for cache in &caches().await {
                $(
                    presets::$preset(cache, 1).await;
                    assert_expiry(&presets::$entry(cache, 1), seconds($life)).await;
                )*
            }
            let cache = &on(shared()).build().await.expect("a cache");
            $(
                presets::$preset(cache, 1).await;
                let left = shared().command(&["TTL", presets::$entry(cache, 1).key()]);
                assert_eq!(left, $life.to_string(), stringify!($preset));
            )*
        }
    };
}

presets! {
    cache_one_minute minute_entry 60;
    cache_one_hour hour_entry 3600;
    cache_one_day day_entry DAY;
    cache_one_week week_entry 7 * DAY;
    cache_one_month month_entry 30 * DAY;
    cache_one_year year_entry 365 * DAY;
}

#[larder::cache_one_hour(cache = cache, key = "preset:{id}", group = "g", none_expire = "10s", unless = |v: &u64| *v == 9)]
async fn preset_with_options(cache: &Cache, id: u64) -> Option<u64> {
    (id > 0).then_some(id)
}

#[tokio::test]
async fn presets_take_the_other_options() {
    for cache in &caches().await {
        for id in [0, 1, 9] {
            preset_with_options(cache, id).await;
        }
        let group = cache.group("g");
        assert!(group.ttl("preset:1").await.is_some_and(|left| left > seconds(3580)), "{cache:?}");
        assert!(group.ttl("preset:0").await.is_some_and(|left| left <= seconds(10)), "{cache:?}");
        assert!(!group.exists("preset:9").await, "{cache:?}");
    }
}
