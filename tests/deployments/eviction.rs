//! Eviction policies that hurt a cache are reported at the start.

use larder::LocalTier;
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{LONG, hasty, in_time, on};
use support::wait::eventually_async;

/// The warnings of a cache on this server, when all of them were given.
async fn told(server: &RedisServer, log: &Log, url: &str) -> Vec<String> {
    let asked = || server.command(&["INFO", "commandstats"]);
    let calls = |stats: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_info:calls="));
        line.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    let before = calls(&asked());
    let cache =
        in_time(on(server).url(url).connections(2).local(LocalTier::new()).build()).await.expect("a cache");
    // One more for each question of the test.
    let mut questions = 1;
    eventually_async(LONG, || {
        let is_asked = calls(&asked()) > before + questions;
        questions += 1;
        async move { is_asked }
    })
    .await;
    cache.health().await;
    cache.health().await;
    log.take()
}

#[tokio::test]
async fn policies_that_hurt_are_reported_once() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start();
    let (log, _guard) = Log::start();
    assert_eq!(told(&server, &log, &server.url()).await, Vec::<String>::new(), "without a limit");
    server.command(&["CONFIG", "SET", "maxmemory", "100mb"]);
    for policy in ["noeviction", "allkeys-random", "volatile-random", "volatile-ttl"] {
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let warnings = told(&server, &log, &server.url()).await;
        assert_eq!(warnings.len(), 1, "{policy}: {warnings:#?}");
        let texts = [format!("`maxmemory-policy {policy}`"), "set `allkeys-lru`".to_owned()];
        assert!(texts.iter().all(|text| warnings[0].contains(text)), "{warnings:#?}");
    }
    for policy in ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu"] {
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        assert_eq!(told(&server, &log, &server.url()).await, Vec::<String>::new(), "{policy}");
    }
}

/// A server that was away at the start is asked when it answers.
#[tokio::test]
async fn a_policy_is_reported_when_redis_comes() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"]);
    server.stop();
    let (log, _guard) = Log::start();
    let cache = in_time(hasty(&server).build()).await.expect("a cache");
    assert!(log.take().iter().all(|line| line.contains("is not reachable")));
    server.restart();
    let mut warnings = Vec::new();
    eventually_async(LONG, || {
        warnings.extend(log.take());
        let is_told = warnings.iter().any(|line| line.contains("maxmemory-policy noeviction"));
        async move { is_told }
    })
    .await;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    drop(cache);
}

/// A user who may not ask is not told of anything.
#[tokio::test]
async fn a_server_that_does_not_say_is_not_warned_of() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"]);
    let (log, _guard) = Log::start();
    server.command(&["ACL", "SETUSER", "quiet", "on", ">pw", "~*", "&*", "+@all", "-info", "-config"]);
    let url = format!("redis://quiet:pw@127.0.0.1:{}", server.port());
    let cache = in_time(on(&server).url(url).require_redis(true).build()).await.expect("a cache");
    eventually_async(LONG, || async { server.command(&["ACL", "LOG"]).contains("info") }).await;
    cache.health().await;
    assert_eq!(log.take(), Vec::<String>::new());
}
