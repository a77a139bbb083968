//! The feature `test-util`: a clock to advance, and a store with injected faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::test_util::TestClock;
use larder::{Breaker, Cache, Error, IgnoreInKey, LocalTier, cache};
use support::deployment::shared;
use support::stores::{Calls, LONG, caches, caches_with, counts, in_time, on};
use support::wait::eventually_async;

const MINUTE: Duration = Duration::from_secs(60);

/// A source that returns the number of its calls, or fails.
#[derive(Default)]
struct Origin {
    calls: Calls,
    fails: AtomicBool,
}

impl IgnoreInKey for Origin {}

impl Origin {
    fn ask(&self) -> Result<usize, String> {
        let before = self.calls.add();
        if self.fails.load(SeqCst) { Err("down".to_owned()) } else { Ok(before) }
    }
}

#[cache(expire = "1m", ignore(origin), cache = cache, entry = plain_entry)]
async fn plain(cache: &Cache, origin: &Origin, n: u64) -> Result<usize, String> {
    let _ = n;
    origin.ask()
}

#[cache(expire = "1m", stale_while_revalidate = "1m", cache = cache)]
async fn revalidated(cache: Arc<Cache>, origin: Arc<Origin>) -> Result<usize, String> {
    origin.ask()
}

#[cache(expire = "10m", refresh_ahead = 0.5, cache = cache)]
async fn ahead(cache: Arc<Cache>, origin: Arc<Origin>) -> Result<usize, String> {
    origin.ask()
}

#[cache(expire = "1m", stale_if_error = "1h", cache = cache)]
async fn forgiving(cache: &Cache, origin: &Origin) -> Result<usize, String> {
    origin.ask()
}

/// Makes a cache in each store, with one clock for both.
async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

#[tokio::test]
async fn entries_expire_by_the_test_clock() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let origin = Origin::default();
        for _ in 0..3 {
            assert_eq!(plain(cache, &origin, 1).await, Ok(0));
        }
        cache.set("k", &1, "1m").await.expect("stored");
        cache.set("ever", &1, larder::Expire::Never).await.expect("stored");
        clock.advance(MINUTE / 2);
        assert_eq!(plain(cache, &origin, 1).await, Ok(0), "{cache:?}");
        let left = plain_entry(cache, 1).ttl().await.expect("it lives");
        assert!(left <= MINUTE / 2, "{left:?} on {cache:?}");
        let info = cache.inspect("k").await.expect("an answer").expect("it is there");
        assert!(info.ttl.is_some_and(|left| left <= MINUTE / 2), "{info:?}");
        clock.advance(MINUTE / 2);
        assert_eq!(plain_entry(cache, 1).get::<usize>().await, None, "{cache:?}");
        assert_eq!(cache.get::<i32>("k").await, None, "{cache:?}");
        assert!(!cache.exists("k").await);
        assert_eq!((cache.ttl("k").await, cache.inspect("k").await.expect("an answer")), (None, None));
        assert_eq!(plain(cache, &origin, 1).await, Ok(1), "{cache:?}");
    }
    clock.advance(1_000_000 * MINUTE);
    clock.advance(Duration::MAX);
    for cache in &caches {
        assert_eq!(cache.get::<i32>("ever").await, Some(1), "{cache:?}");
        assert_eq!(plain(cache, &Origin::default(), 1).await, Ok(0), "{cache:?}");
    }
}

#[tokio::test]
async fn stale_values_are_served_and_refreshed_by_the_test_clock() {
    let (caches, clock) = clocked().await;
    for cache in caches {
        let (cache, origin) = (Arc::new(cache), Arc::new(Origin::default()));
        let call = || revalidated(Arc::clone(&cache), Arc::clone(&origin));
        assert_eq!((call().await, call().await), (Ok(0), Ok(0)));
        clock.advance(MINUTE);
        assert_eq!(call().await, Ok(0), "the old value, at once");
        eventually_async(LONG, || async { call().await == Ok(1) }).await;
        assert_eq!(origin.calls.count(), 2, "one computation renewed it");
        clock.advance(3 * MINUTE);
        assert_eq!(call().await, Ok(2), "too old to be served");
    }
}

#[tokio::test]
async fn refresh_ahead_follows_the_test_clock() {
    let (caches, clock) = clocked().await;
    for cache in caches {
        let (cache, origin) = (Arc::new(cache), Arc::new(Origin::default()));
        let call = || ahead(Arc::clone(&cache), Arc::clone(&origin));
        assert_eq!((call().await, call().await), (Ok(0), Ok(0)));
        clock.advance(4 * MINUTE);
        assert_eq!((call().await, origin.calls.count()), (Ok(0), 1));
        clock.advance(2 * MINUTE);
        assert_eq!(call().await, Ok(0));
        eventually_async(LONG, || async { call().await == Ok(1) }).await;
        assert_eq!(origin.calls.count(), 2);
    }
}

/// The pause after a failure follows the test clock for `memory://`, and the server's clock for Redis.
#[tokio::test]
async fn pauses_end_by_the_test_clock() {
    let clock = TestClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().await.expect("a cache");
    let origin = Origin::default();
    assert_eq!(forgiving(&cache, &origin).await, Ok(0));
    clock.advance(MINUTE);
    origin.fails.store(true, SeqCst);
    for _ in 0..3 {
        assert_eq!(forgiving(&cache, &origin).await, Ok(0), "the old value");
    }
    assert_eq!(origin.calls.count(), 2, "one attempt, and a pause");
    clock.advance(Duration::from_secs(31));
    assert_eq!((forgiving(&cache, &origin).await, origin.calls.count()), (Ok(0), 3));
    clock.advance(2 * 60 * MINUTE);
    assert_eq!(forgiving(&cache, &origin).await, Err("down".to_owned()), "too old to be served");
}

#[tokio::test]
async fn local_copies_expire_by_the_test_clock() {
    let clock = TestClock::new();
    let local = LocalTier::new().expire("10s");
    let cache =
        on(shared()).clock(clock.clone()).local(local).require_redis(true).build().await.expect("a cache");
    let origin = Origin::default();
    eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
    eventually_async(LONG, || async {
        plain(&cache, &origin, 1).await.expect("a value");
        counts(&cache, "plain").local_hits > 0
    })
    .await;
    let before = counts(&cache, "plain").local_hits;
    clock.advance(Duration::from_secs(11));
    plain(&cache, &origin, 1).await.expect("a value");
    assert_eq!(counts(&cache, "plain").local_hits, before, "the copy has ended");
    assert_eq!(origin.calls.count(), 1, "the entry has not");
    clock.advance(MINUTE);
    assert_eq!(plain(&cache, &origin, 1).await, Ok(1));
}

#[tokio::test]
async fn a_store_that_refuses() {
    for cache in caches().await {
        let origin = Origin::default();
        for _ in 0..2 {
            assert_eq!(plain(&cache, &origin, 1).await, Ok(0));
        }
        let chaos = cache.chaos();
        chaos.refuse();
        for n in 1..4 {
            assert_eq!(plain(&cache, &origin, 1).await, Ok(n), "computed each time on {cache:?}");
        }
        let away = |error: Error| assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        away(cache.try_get::<i32>("k").await.expect_err("refused"));
        away(cache.set("k", &1, "1m").await.expect_err("refused"));
        away(cache.clear().await.expect_err("refused"));
        let health = cache.health().await;
        assert!(
            !health.connected && health.breaker == Breaker::Open && health.pending_invalidations == 2,
            "{health:?}"
        );
        chaos.heal();
        eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
        assert_eq!(plain(&cache, &origin, 1).await, Ok(4), "cleared since");
        assert!(cache.health().await.connected);
        cache.set("k", &1, "1m").await.expect("stored");
    }
}

#[tokio::test]
async fn a_store_that_hangs_or_is_slow() {
    let limit = Duration::from_millis(50);
    let cache = Cache::builder().redis_timeout(limit).build().await.expect("a cache");
    let origin = Origin::default();
    plain(&cache, &origin, 1).await.expect("a value");
    cache.chaos().hang();
    let started = Instant::now();
    assert_eq!(in_time(plain(&cache, &origin, 1)).await, Ok(1));
    assert!(started.elapsed() >= limit);
    let error = in_time(cache.delete("k")).await.expect_err("it hangs");
    assert!(matches!(error, Error::Timeout { step: "delete", .. }), "{error:?}");
    let (sync, again) = (cache.clone(), cache.chaos());
    in_time(tokio::task::spawn_blocking(move || sync.blocking().try_get::<i32>("k").expect_err("it hangs")))
        .await
        .expect("no panic");

    again.delay(limit / 2);
    let started = Instant::now();
    assert_eq!(plain(&cache, &origin, 1).await, Ok(0));
    assert!(started.elapsed() >= limit / 2);
    again.delay(limit);
    assert_eq!(plain(&cache, &origin, 1).await, Ok(2), "that is too slow");
}

#[tokio::test]
async fn a_store_that_loses_its_entries() {
    for cache in caches().await {
        let origin = Origin::default();
        assert_eq!(plain(&cache, &origin, 1).await, Ok(0));
        cache.chaos().lose_fills();
        assert_eq!(plain(&cache, &origin, 1).await, Ok(0), "what was there is there");
        assert_eq!((plain(&cache, &origin, 2).await, plain(&cache, &origin, 2).await), (Ok(1), Ok(2)));
        cache.set("k", &1, "1m").await.expect("it says so");
        assert_eq!(cache.get::<i32>("k").await, None);
        cache.chaos().heal();
        assert_eq!((plain(&cache, &origin, 2).await, plain(&cache, &origin, 2).await), (Ok(3), Ok(3)));
    }
}

#[tokio::test]
async fn outages_of_memory_follow_the_test_clock() {
    let clock = TestClock::new();
    let builder = Cache::builder().clock(clock.clone()).outage_local(Duration::from_secs(2));
    let cache = builder.build().await.expect("a cache");
    let origin = Origin::default();
    cache.chaos().refuse();
    for _ in 0..3 {
        assert_eq!(plain(&cache, &origin, 1).await, Ok(0));
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!((plain(&cache, &origin, 1).await, plain(&cache, &origin, 1).await), (Ok(1), Ok(1)));
    cache.chaos().heal();
    assert_eq!(plain(&cache, &origin, 1).await, Ok(2), "the store has nothing, and is asked");
}
