//! Deployments of Redis: clusters, users with few rights, full servers.

use larder::rate_limit::{DecidedBy, RateLimit};
use support::acl::{AclServer, rate_limit_rules};
use support::cluster::RedisCluster;
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{LONG, counts, on, unique};
use support::wait::eventually_async;

use crate::left;

#[tokio::test]
async fn a_cluster_counts_all_windows_of_many_clients() {
    let cluster = RedisCluster::start();
    let cache = on(&cluster).require_redis(true).build().await.expect("a cache");
    for limit in [
        RateLimit::new("3/minute").and("4/hour").and("5/day"),
        RateLimit::new("3/minute").and("4/hour").and("5/day").burst(3),
    ] {
        // Braces in a scope do not decide the slot.
        let limit = limit.scope(unique("/items/{id}")).cache(&cache);
        for client in 0..50 {
            let mut lefts = Vec::new();
            for _ in 0..4 {
                let verdict = limit.hit(client).await;
                assert_eq!((verdict.decided_by, verdict.windows.len()), (DecidedBy::Redis, 3));
                lefts.push(left(&verdict));
            }
            assert_eq!(lefts, [Some(2), Some(1), Some(0), None]);
        }
    }
    assert_eq!(cache.stats().total.store_errors, 0);
    // The clients are spread over the nodes.
    for node in cluster.nodes().iter().filter(|node| node.command(&["ROLE"]).starts_with("master")) {
        assert_ne!(node.command(&["DBSIZE"]), "0");
    }
}

#[tokio::test]
async fn a_user_with_the_rules_of_the_page_can_be_limited() {
    if !support::isolated!() {
        return;
    }
    let (server, log, prefix) = (AclServer::start(), Log::of_process(), unique("acl"));
    let all = rate_limit_rules();
    let every_call = async |limit: RateLimit| {
        for _ in 0..3 {
            limit.hit("ada").await;
        }
        limit.hit_n("bob", 2).await.expect("a verdict");
        limit.peek("ada").await;
        let refunded = limit.refund("ada", 1).await.map(drop);
        let taken = limit.hit("ada").await.decided_by;
        let reset = limit.reset("ada").await;
        (taken, refunded.is_ok() && reset.is_ok())
    };
    let limits = |cache: &larder::Cache| {
        [RateLimit::new("2/minute").and("2/hour"), RateLimit::new("2/minute").burst(2)]
            .map(|limit| limit.scope(unique("acl")).cache(cache))
    };
    let url = server.allow("limited", &all, &format!("~{prefix}:*"));
    let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    for limit in limits(&cache) {
        assert_eq!(every_call(limit).await, (DecidedBy::Redis, true));
    }
    assert_eq!((cache.stats().total.store_errors, log.take()), (0, Vec::new()));
    // Each command is needed, and named when it is missing.
    for rule in all.iter().filter(|rule| !["+evalsha", "+script|load"].contains(rule)) {
        let rules: Vec<_> = all.iter().copied().filter(|other| other != rule).collect();
        let user = unique("user");
        let url = server.allow(&user, &rules, &format!("~{prefix}:*"));
        let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
        let [by_log, smooth] = limits(&cache);
        every_call(by_log).await;
        every_call(smooth).await;
        // Hits of a second ago are to be forgotten while there are newer ones.
        let flood = RateLimit::new("900/s").scope(unique("acl")).cache(&cache);
        eventually_async(LONG, || async {
            flood.hit("eve").await;
            cache.stats().total.store_errors > 0
        })
        .await;
        let warnings = log.take();
        assert!(
            warnings.iter().any(|warning| warning.contains(&format!("`{rule}`"))),
            "{rule}: {warnings:?}"
        );
    }
}

/// A server at its memory limit refuses to write: the limit goes by its rule, and no call fails.
#[tokio::test]
async fn a_server_without_memory_does_not_fail_calls() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let limit = RateLimit::new("2/minute").scope("full").cache(&cache);
    assert_eq!(limit.hit("ada").await.decided_by, DecidedBy::Redis);
    for (setting, value) in [("maxmemory-policy", "noeviction"), ("maxmemory", "1")] {
        assert_eq!(server.command(&["CONFIG", "SET", setting, value]), "OK");
    }
    for expected in [Some(1), Some(0), None] {
        let verdict = limit.hit("ada").await;
        assert_eq!((verdict.decided_by, left(&verdict)), (DecidedBy::Local, expected));
    }
    assert_eq!(counts(&cache, "rate_limit:full").limit_outages, 3);
    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    assert_eq!(limit.hit("ada").await.decided_by, DecidedBy::Redis);
}

/// Entries and limits of one prefix leave each other alone.
#[tokio::test]
async fn clearing_a_cache_leaves_its_limits_alone() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let limit = RateLimit::new("2/minute").scope("kept").cache(&cache);
    limit.hit("ada").await;
    cache.set("entry", &1, "1m").await.expect("stored");
    cache.clear().await.expect("cleared");
    assert_eq!(cache.get::<u8>("entry").await, None);
    assert_eq!(left(&limit.hit("ada").await), Some(0));
}
