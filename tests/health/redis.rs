//! The check of Redis.

use std::time::{Duration, Instant};

use larder::health::{Need, routes};
use larder::{Cache, LocalTier};
use support::redis::RedisServer;
use support::stores::{LONG, hasty};
use support::wait::eventually_async;

use crate::{is, json, ready, serve};

/// Calls that `redis-cli INFO commandstats` counts for a command.
fn calls(server: &RedisServer, command: &str) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

#[tokio::test]
async fn a_lost_redis_is_what_it_is_needed_for() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let optional = serve(routes(&cache)).await;
    let required = serve(routes(&cache).redis(Need::Required)).await;
    assert_eq!((ready(&optional).await, ready(&required).await), (is(200, "up"), is(200, "up")));
    // Gone, then hung.
    for (lose, find) in [
        (RedisServer::stop as fn(&RedisServer), RedisServer::restart as fn(&RedisServer)),
        (RedisServer::pause, RedisServer::resume),
    ] {
        lose(&server);
        eventually_async(LONG, || async { ready(&optional).await == is(200, "degraded") }).await;
        eventually_async(LONG, || async { ready(&required).await == is(503, "down") }).await;
        for route in ["/health/live", "/health/startup"] {
            let answer = required.get(route).await;
            assert_eq!((answer.status, answer.text()), (200, r#"{"status":"up"}"#), "{route}");
        }
        find(&server);
        eventually_async(LONG, || async { ready(&required).await == is(200, "up") }).await;
        eventually_async(LONG, || async { ready(&optional).await == is(200, "up") }).await;
    }
}

#[tokio::test]
async fn a_hung_redis_holds_up_neither_readiness_nor_liveness() {
    let server = RedisServer::start();
    // Longer than a probe may take.
    let cache = hasty(&server).redis_timeout(LONG).build().await.expect("a cache");
    let probes = serve(routes(&cache)).await;
    assert_eq!(ready(&probes).await, is(200, "up"));
    server.pause();
    // Calls that wait for Redis.
    let waiting: Vec<_> = (0..200)
        .map(|n| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get::<u64>(&n.to_string()).await })
        })
        .collect();
    eventually_async(LONG, || async { ready(&probes).await == is(200, "degraded") }).await;
    let mut times: Vec<Duration> = Vec::new();
    for route in ["/health/ready", "/health/live"].iter().cycle().take(20) {
        let began = Instant::now();
        assert_eq!(probes.get(route).await.status, 200);
        times.push(began.elapsed());
    }
    // Far below `redis_timeout`: the limit of a probe is 200 ms, on a machine that is not busy.
    assert!(times.iter().all(|time| *time < LONG / 4), "{times:?}");
    server.resume();
    for call in waiting {
        assert_eq!(call.await.expect("no panic"), None);
    }
    eventually_async(LONG, || async { ready(&probes).await == is(200, "up") }).await;
}

#[tokio::test]
async fn many_requests_share_a_probe() {
    let server = RedisServer::start();
    let cache = hasty(&server).redis_timeout(LONG).require_redis(true).build().await.expect("a cache");
    let probes = serve(routes(&cache)).await;
    let (before, began) = (calls(&server, "ping"), Instant::now());
    let mut requests = 0;
    while began.elapsed() < Duration::from_millis(1_600) {
        let all = (0..50).map(|_| probes.get("/health/ready"));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        requests += answers.len();
    }
    let (pings, took) = (calls(&server, "ping") - before, began.elapsed());
    // Two a second, one at the begin, and the pings of the connection itself.
    let most = took.as_millis() as u64 / 500 + 2;
    assert!(pings >= 2 && pings <= most, "{pings} pings in {took:?} for {requests} requests");
    assert!(requests > 100, "{requests}");
}

#[tokio::test]
async fn no_host_and_no_error_without_details() {
    let server = RedisServer::start_with(&["--requirepass", "open-sesame"]);
    let url = format!("redis://default:open-sesame@127.0.0.1:{}", server.port());
    let cache = Cache::builder().url(url).redis_timeout(Duration::from_millis(100)).build().await;
    let cache = cache.expect("a cache");
    let (brief, detailed) = (serve(routes(&cache)).await, serve(routes(&cache).details(true)).await);
    let port = server.port().to_string();
    for lost in [false, true] {
        if lost {
            server.stop();
            eventually_async(LONG, || async { ready(&brief).await == is(200, "degraded") }).await;
            eventually_async(LONG, || async { ready(&detailed).await == is(200, "degraded") }).await;
        }
        let answer = brief.get("/health/ready").await;
        let redis = &json(&answer)["checks"]["redis"];
        let mut names: Vec<&str> = redis.as_object().expect("an object").keys().map(String::as_str).collect();
        names.retain(|name| *name != "latency_ms");
        assert_eq!(names, ["breaker", "pending_invalidations", "status"], "{redis}");
        for secret in [&port, "127.0.0.1", "open-sesame", "default"] {
            assert!(!answer.text().contains(secret), "{secret} in {}", answer.text());
        }
        let answer = detailed.get("/health/ready").await;
        let redis = &json(&answer)["checks"]["redis"];
        assert_eq!(redis["nodes"][0]["address"], format!("127.0.0.1:{port}"), "{redis}");
        assert_eq!(redis["error"].is_string(), lost, "{redis}");
        assert!(!answer.text().contains("open-sesame"), "{}", answer.text());
    }
}

#[tokio::test]
async fn pending_invalidations_are_told() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let probes = serve(routes(&cache)).await;
    server.stop();
    cache.invalidate_tag("t").await.expect_err("no server");
    eventually_async(LONG, || async {
        json(&probes.get("/health/ready").await)["checks"]["redis"]["pending_invalidations"] == 1
    })
    .await;
    server.restart();
    eventually_async(LONG, || async { ready(&probes).await == is(200, "up") }).await;
}

#[tokio::test]
async fn copies_without_notifications_are_degraded() {
    let server = RedisServer::start();
    server.command(&["ACL", "SETUSER", "u", "on", "nopass", "~*", "&*", "+@all"]);
    let url = format!("redis://u:x@127.0.0.1:{}", server.port());
    let cache = Cache::builder().url(url).redis_timeout(LONG).local(LocalTier::new()).require_redis(true);
    let cache = cache.build().await.expect("a cache");
    let probes = serve(routes(&cache).redis(Need::Required)).await;
    eventually_async(LONG, || async { ready(&probes).await == is(200, "up") }).await;
    // From now on no connection may ask for notifications; those that are open are closed.
    server.command(&["ACL", "SETUSER", "u", "-client|tracking"]);
    server.command(&["CLIENT", "KILL", "USER", "u"]);
    eventually_async(LONG, || async { ready(&probes).await == is(200, "degraded") }).await;
    let answer = probes.get("/health/ready").await;
    let redis = &json(&answer)["checks"]["redis"];
    assert_eq!((&redis["status"], &redis["push"]), (&"degraded".into(), &false.into()), "{redis}");
    server.command(&["ACL", "SETUSER", "u", "+client|tracking"]);
    eventually_async(LONG, || async { ready(&probes).await == is(200, "up") }).await;
}
