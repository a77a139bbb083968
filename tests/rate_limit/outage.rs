//! Redis that does not answer, and clients that hammer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::connect_info::MockConnectInfo;
use axum::routing::get;
use larder::rate_limit::{DecidedBy, OnOutage, RateLimit};
use larder::test_util::TestClock;
use larder::{Breaker, Cache};
use support::http::Server;
use support::redis::RedisServer;
use support::stores::{LONG, hasty, on, unique};
use support::wait::eventually_async;

use crate::{counted, left, scripts};

async fn serve(limit: &RateLimit) -> Server {
    let app = Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer());
    Server::start(app.layer(MockConnectInfo(SocketAddr::from(([203, 0, 113, 9], 1))))).await
}

/// Each request is decided: the first ones within the time limit of Redis, the others at once.
#[tokio::test]
async fn a_redis_that_hangs_delays_few_requests_and_fails_none() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let limit = |scope: &str| RateLimit::new("3/hour").scope(scope).cache(&cache);
    let local = limit("local");
    let (closed, open) =
        (limit("closed").on_outage(OnOutage::Closed), limit("open").on_outage(OnOutage::Open));
    let [on_local, on_closed, on_open] = [serve(&local).await, serve(&closed).await, serve(&open).await];
    assert_eq!(local.hit("ada").await.decided_by, DecidedBy::Redis);
    server.pause();
    let began = Instant::now();
    let first = local.hit("ada").await;
    assert_eq!((first.decided_by, left(&first)), (DecidedBy::Local, Some(2)));
    // The limit is 250 ms, and the machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    let began = Instant::now();
    for expected in [Some(1), Some(0), None, None] {
        assert_eq!(left(&local.hit("ada").await), expected);
    }
    for status in [200, 200, 200, 429] {
        assert_eq!(on_local.get("/").await.status, status);
    }
    for _ in 0..4 {
        assert_eq!(on_closed.get("/").await.status, 503);
        assert_eq!(on_open.get("/").await.status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let refused = closed.hit("ada").await;
    assert_eq!((refused.allowed, refused.decided_by, refused.retry_after), (false, DecidedBy::Nobody, None));
    let limited = refused.ok().expect_err("refused");
    assert!(limited.is_outage() && limited.retry_after_seconds() == 1, "{limited}");
    assert_eq!(counted(&cache, "local"), (1 + 3 + 3, 2 + 1, 4 + 1 + 4));
    assert!(local.reset("ada").await.is_err());
    server.resume();
    eventually_async(LONG, || async { local.hit("bob").await.decided_by == DecidedBy::Redis }).await;
}

#[tokio::test]
async fn a_redis_that_was_never_there_is_an_outage() {
    let cache =
        Cache::builder().url("redis://127.0.0.1:1").prefix(unique("t")).build().await.expect("a cache");
    let limit = RateLimit::new("2/hour").cache(&cache);
    for expected in [Some(1), Some(0), None] {
        let verdict = limit.hit("ada").await;
        assert_eq!((verdict.decided_by, left(&verdict)), (DecidedBy::Local, expected));
    }
    assert_eq!(counted(&cache, "default"), (2, 1, 3));
    // So is a cache that was closed.
    let closed = Cache::builder().build().await.expect("a cache");
    let limit = RateLimit::new("2/hour").cache(&closed);
    closed.close().await;
    assert_eq!(limit.hit("ada").await.decided_by, DecidedBy::Local);
}

/// Without a cache, limits count in the process.
#[tokio::test]
async fn a_limit_before_the_start_of_the_cache_is_an_outage() {
    if !support::isolated!() {
        return;
    }
    let limit = RateLimit::new("2/hour");
    for expected in [Some(1), Some(0), None] {
        let verdict = limit.hit("ada").await;
        assert_eq!((verdict.decided_by, left(&verdict)), (DecidedBy::Local, expected));
    }
    assert!(!limit.on_outage(OnOutage::Closed).hit("ada").await.allowed);
    // The scope of a cache is found.
    let cache = Cache::builder().build().await.expect("a cache");
    let verdict = cache.scope(async { RateLimit::new("2/hour").hit("ada").await }).await;
    assert_eq!(verdict.decided_by, DecidedBy::Memory);
}

#[tokio::test]
async fn a_client_that_hammers_costs_a_call_of_redis_for_each_wait() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    for limit in
        [RateLimit::new("1/s"), RateLimit::new("1/s").and("100/hour"), RateLimit::new("1/s").smooth()]
    {
        let limit = limit.scope(unique("hammer")).cache(&cache);
        let (before, began) = (scripts(&server), Instant::now());
        let (mut admitted, mut refused) = (0, 0);
        while began.elapsed() < Duration::from_millis(2_500) {
            for _ in 0..100 {
                match limit.hit("ada").await.allowed {
                    true => admitted += 1,
                    false => refused += 1,
                }
            }
            tokio::task::yield_now().await;
        }
        let calls = scripts(&server) - before;
        let waits = began.elapsed().as_secs() + 1;
        assert!(refused > 1_000 && admitted <= waits, "{admitted} {refused}");
        // One that is admitted, and one that comes too early by the clock of Redis.
        assert!(calls <= 2 * waits, "{calls} calls in {waits} waits, {admitted} {refused}");
        // One is due in a window of its own: a peek is no hit.
        assert!(!limit.peek("ada").await.allowed || limit.hit("ada").await.allowed);
    }
}

/// A client whose last hit was taken waits without asking, and other clients do not.
#[tokio::test]
async fn refused_clients_are_remembered_until_their_wait_is_over() {
    let server = RedisServer::start();
    let clock = TestClock::new();
    let cache = on(&server).clock(clock.clone()).require_redis(true).build().await.expect("a cache");
    let limit = RateLimit::new("2/minute").scope("remembered").cache(&cache);
    // Loads the script.
    limit.peek("ada").await;
    let before = scripts(&server);
    for expected in [Some(1), Some(0), None, None, None] {
        assert_eq!(left(&limit.hit("ada").await), expected);
    }
    assert_eq!(scripts(&server) - before, 2);
    let refused = limit.hit("ada").await;
    assert_eq!((refused.limit, refused.remaining, refused.decided_by), (2, 0, DecidedBy::Redis));
    clock.advance(Duration::from_secs(20));
    let later = limit.hit("ada").await.retry_after.expect("a wait");
    assert!(later <= Duration::from_secs(40) && later > Duration::from_secs(30), "{later:?}");
    assert_eq!(left(&limit.hit("bob").await), Some(1));
    assert_eq!(scripts(&server) - before, 3);
    // When the process thinks that the wait is over, Redis decides.
    clock.advance(Duration::from_secs(41));
    assert_eq!(left(&limit.hit("ada").await), None);
    assert_eq!(scripts(&server) - before, 4);
    // A dear hit that was refused says nothing of a cheap one.
    let dear = RateLimit::new("5/minute").scope("dear").cache(&cache);
    assert_eq!(left(&dear.hit_n("ada", 4).await.expect("a verdict")), Some(1));
    assert_eq!(left(&dear.hit_n("ada", 2).await.expect("a verdict")), None);
    assert_eq!(left(&dear.hit_n("ada", 1).await.expect("a verdict")), Some(0));
}
