//! Every count of the statistics has its event, and both have the same sums.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures_util::future::join_all;
use larder::http::ResponseCacheLayer;
use larder::rate_limit::RateLimit;
use larder::{Cache, Error, Event, EventKind, Events, LocalTier, Tier, cache};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, caches_with, counts, hasty, in_time, on, settle, unique};
use support::wait::eventually_async;

use super::rest;

/// The sums of a function: each count that is not zero, by name.
type Sums = BTreeMap<String, BTreeMap<String, u64>>;

/// The counts that some story has changed.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn names(kind: &EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::Hit { tier: Tier::Local, .. } => &["hits", "local_hits"],
        EventKind::Hit { .. } => &["hits"],
        EventKind::NoneHit { tier: Tier::Local, .. } => &["none_hits", "local_hits"],
        EventKind::NoneHit { .. } => &["none_hits"],
        EventKind::Stale => &["stale_hits"],
        EventKind::Miss => &["misses"],
        EventKind::Stored { .. } => &["stores"],
        EventKind::Refused { .. } => &["refusals"],
        EventKind::Wait => &["waits"],
        EventKind::Bypass => &["bypasses"],
        EventKind::LeaseWait => &["lease_waits"],
        EventKind::Refresh => &["refreshes"],
        EventKind::Invalidated { .. } => &["invalidations"],
        EventKind::PendingInvalidation { .. } => &["pending_invalidations"],
        EventKind::LostInvalidation => &["pending_invalidations_lost"],
        EventKind::UnsentInvalidation => &["deferred_unsent"],
        EventKind::NotConfirmed => &["not_confirmed"],
        EventKind::Unusable => &["unusable"],
        EventKind::EncodeError => &["encode_errors"],
        EventKind::StoreError { .. } => &["store_errors"],
        EventKind::Shed => &["shed"],
        EventKind::LimitAllowed => &["limit_allowed"],
        EventKind::LimitRefused => &["limit_refused"],
        EventKind::LimitOutage => &["limit_outages"],
        EventKind::Breaker { .. } | EventKind::Push { .. } => &[],
        other => panic!("{other:?}"),
    }
}

fn sums_of_events(events: Vec<Event>) -> Sums {
    let mut sums = Sums::new();
    for event in events {
        for name in names(&event.kind) {
            let function = event.function.clone().expect("a function");
            *sums.entry(function).or_default().entry((*name).to_owned()).or_default() += 1;
        }
    }
    sums
}

fn sums_of_stats(cache: &Cache) -> Sums {
    let json = serde_json::to_value(cache.stats()).expect("JSON");
    let rows = json["functions"].as_array().expect("rows").iter().map(|row| {
        let counts = row.as_object().expect("a row").iter();
        let counts = counts
            .filter_map(|(name, count)| Some((name.clone(), count.as_u64().filter(|count| *count > 0)?)));
        (row["function"].as_str().expect("a name").to_owned(), counts.collect())
    });
    rows.filter(|(_, counts): &(String, BTreeMap<_, _>)| !counts.is_empty()).collect()
}

/// Ends the cache, and compares its events with its statistics.
async fn compare(cache: &Cache, events: Events) {
    let told = sums_of_events(rest(cache, events).await);
    assert_eq!(told, sums_of_stats(cache), "{cache:?}");
    SEEN.lock().expect("no panic").extend(told.into_values().flat_map(BTreeMap::into_keys));
}

#[cache(expire = "5m", none_expire = "5m", unless = |n: &u64| *n == 13, ignore(calls), cache = cache)]
async fn found(cache: &Cache, calls: &Calls, n: u64) -> Result<Option<u64>, String> {
    calls.add();
    match n {
        0 => Err("no".to_owned()),
        1 => Ok(None),
        n => Ok(Some(n)),
    }
}

#[cache(expire = "5m", cache = cache)]
async fn tuple_keys(cache: &Cache) -> HashMap<(u8, u8), u8> {
    HashMap::from([((1, 2), 3)])
}

#[cache(expire = "10ms", stale_if_error = "1h", stale_retry = "1h", ignore(calls), cache = cache)]
async fn once(cache: &Cache, calls: &Calls) -> Result<u64, String> {
    if calls.add() == 0 { Ok(1) } else { Err("gone".to_owned()) }
}

/// Calls, hits, misses, refusals, refreshes, bypasses, errors of encoding, of another type, invalidations.
async fn plain(cache: &Cache) {
    let calls = Calls::default();
    for n in [2, 2, 2, 1, 1, 0, 13, 13] {
        drop(found(cache, &calls, n).await);
    }
    larder::bypass(found(cache, &calls, 2)).await.expect("a value");
    larder::refresh(found(cache, &calls, 2)).await.expect("a value");
    tuple_keys(cache).await;
    cache.set("k", &1, "5m").await.expect("stored");
    assert_eq!(cache.get::<String>("k").await, None);
    assert_eq!(cache.get::<i32>("k").await, Some(1));
    cache.delete("k").await.expect("removed");
    cache.delete_many(&["a", "b"]).await.expect("removed");
    cache.delete_pattern("*").await.expect("removed");
    cache.delete_group("g").await.expect("dropped");
    cache.invalidate_tag("t").await.expect("dropped");
    cache.clear().await.expect("cleared");
    let table = cache.table::<u64, u64>("doubles").expire("5m").load(|id: &u64| {
        let id = *id;
        async move { id * 2 }
    });
    assert_eq!((table.get(&1).await, table.get(&1).await), (2, 2));
    let later = cache.defer();
    later.scope(cache.delete("k")).await.expect("collected");
    later.send().await.expect("sent");
    let dropped = cache.defer();
    dropped.scope(cache.delete("k")).await.expect("collected");
    drop(dropped);
}

/// Calls that wait for the computation of another one.
async fn waits(cache: &Cache) {
    let gate = Gate::default();
    let call = || {
        cache.remember("slow", "5m", || async {
            gate.pass().await;
            7
        })
    };
    let opener = async {
        gate.arrived(1).await;
        settle(cache).await;
        gate.open();
    };
    in_time(async { tokio::join!(call(), call(), call(), opener) }).await;
}

async fn stale(cache: &Cache) {
    let calls = Calls::default();
    assert_eq!(once(cache, &calls).await, Ok(1));
    eventually_async(Duration::from_secs(20), || async {
        assert_eq!(once(cache, &calls).await, Ok(1));
        counts(cache, "once").stale_hits > 0
    })
    .await;
}

/// Two caches with the entries of one prefix, which wait for one another as processes do.
async fn lease_waits(server: &RedisServer) {
    let prefix = unique("pair");
    let [one, other] = [0, 1].map(|_| on(server).prefix(&prefix).require_redis(true));
    let (one, other) = (one.build().await.expect("a cache"), other.build().await.expect("a cache"));
    let events = [one.events(), other.events()];
    let gate = Gate::default();
    let call = |cache: &Cache| {
        let cache = cache.clone();
        let gate = &gate;
        async move {
            cache
                .remember("slow", "5m", || async {
                    gate.pass().await;
                    7
                })
                .await
        }
    };
    let opener = async {
        let waits = || one.stats().total.lease_waits + other.stats().total.lease_waits;
        eventually_async(Duration::from_secs(20), || async { waits() == 1 }).await;
        gate.open();
    };
    in_time(async { tokio::join!(call(&one), call(&other), opener) }).await;
    let [first, second] = events;
    compare(&one, first).await;
    compare(&other, second).await;
}

async fn local_hits(server: &RedisServer) {
    let cache = on(server).local(LocalTier::new()).require_redis(true).build().await.expect("a cache");
    let events = cache.events();
    let calls = Calls::default();
    for n in [1, 2] {
        eventually_async(Duration::from_secs(20), || async {
            let before = cache.stats().total.local_hits;
            found(&cache, &calls, n).await.expect("a value");
            cache.stats().total.local_hits > before
        })
        .await;
    }
    compare(&cache, events).await;
}

async fn not_confirmed(server: &RedisServer) {
    let cache = on(server).confirm(1, "20ms").require_redis(true).build().await.expect("a cache");
    let events = cache.events();
    for _ in 0..2 {
        let removed = cache.delete("k").await;
        assert!(matches!(removed, Err(Error::NotConfirmed { .. })), "{removed:?}");
    }
    drop(cache.invalidate_tag("t").await.expect_err("no replica"));
    compare(&cache, events).await;
}

/// A server that does not answer: errors, commands that are not sent, invalidations that wait or have no place. Returns whether
/// commands were not sent: that happens to those whose time ends before the connection is given up, which is about the same moment.
async fn silence() -> bool {
    let server = RedisServer::start();
    let cache =
        hasty(&server).max_pending_invalidations(2).require_redis(true).build().await.expect("a cache");
    let events = cache.events();
    cache.get::<u64>("k").await;
    let limit = RateLimit::new("1/hour").cache(&cache);
    limit.hit("ada").await;
    limit.hit("ada").await;
    server.pause();
    limit.hit("bob").await;
    let keys: Vec<String> = (0..400).map(|n| format!("k{n}")).collect();
    join_all(keys.iter().map(|key| cache.get::<u64>(key))).await;
    for key in ["a", "b", "c"] {
        cache.delete(key).await.expect_err("it does not answer");
    }
    let is_shed = cache.stats().total.shed > 0;
    server.resume();
    eventually_async(Duration::from_secs(20), || async { cache.health().await.pending_invalidations == 0 })
        .await;
    compare(&cache, events).await;
    is_shed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_count_has_its_event() {
    for cache in &caches_with(|builder| builder.events_with_keys(true)).await {
        let events = cache.events();
        plain(cache).await;
        waits(cache).await;
        stale(cache).await;
        compare(cache, events).await;
    }
    let server = RedisServer::start();
    lease_waits(&server).await;
    local_hits(&server).await;
    not_confirmed(&server).await;
    in_time(async { while !silence().await {} }).await;

    let json = serde_json::to_value(larder::Counts::default()).expect("JSON");
    let all: BTreeSet<String> = json.as_object().expect("counts").keys().cloned().collect();
    assert_eq!(*SEEN.lock().expect("no panic"), all, "each is part of a story");
}

#[tokio::test]
async fn responses_are_counted_as_their_events_say() {
    #[cache(response, expire = "5m", cache = cache, vary(accept_language))]
    async fn declared(State(cache): State<Cache>) -> &'static str {
        "declared"
    }

    #[cache(response, expire = "5m", cache = cache)]
    async fn answered(State(cache): State<Cache>) -> ([(&'static str, &'static str); 1], &'static str) {
        ([("vary", "accept-language")], "answered")
    }

    for cache in &caches_with(|builder| builder.local(LocalTier::new())).await {
        let events = cache.events();
        let (page, varied) = (
            [("cache-control", "max-age=60")],
            [("cache-control", "max-age=60"), ("vary", "accept-language")],
        );
        let layered = Router::new()
            .route("/page", get(async move || (page, "page")))
            .route("/varied", get(async move || (varied, "varied")))
            .route("/private", get(async || ([("cache-control", "no-store")], "private")))
            .layer(ResponseCacheLayer::new().name("site").cache(cache));
        let router = layered
            .route("/declared", get(declared))
            .route("/answered", get(answered))
            .with_state(cache.clone());
        let server = support::http::Server::start(router).await;
        for path in ["/page", "/varied", "/private", "/declared", "/answered"] {
            for _ in 0..3 {
                assert_eq!(server.get(path).await.status, 200);
            }
        }
        server.get_with("/page", &[("authorization", "Bearer x")]).await;
        let site = counts(cache, "site");
        assert_eq!((site.hits, site.misses, site.bypasses), (4, 5, 1), "{cache:?}: once for each request");
        for handler in ["declared", "answered"] {
            let handler = counts(cache, handler);
            assert_eq!((handler.hits, handler.misses, handler.bypasses), (2, 1, 0), "{cache:?}: {handler:?}");
        }
        compare(cache, events).await;
    }
}
