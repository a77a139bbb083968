//! Health: the store, pending invalidations and background work.

use std::sync::Arc;

use larder::{Breaker, Cache, IgnoreInKey, NodeRole, cache};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, caches, hasty};
use support::wait::eventually_async;

struct Slow {
    calls: Calls,
    gate: Gate,
}

impl IgnoreInKey for Slow {}

#[cache(expire = "5m", refresh_ahead = 0.000001, cache = cache)]
async fn early(cache: Arc<Cache>, slow: Arc<Slow>) -> usize {
    let before = slow.calls.add();
    if before > 0 {
        slow.gate.pass().await;
    }
    before
}

#[tokio::test]
async fn a_store_that_answers() {
    for cache in caches().await {
        let health = cache.health().await;
        assert!(health.connected && health.latency.is_some() && health.error.is_none(), "{health:?}");
        assert_eq!(
            (health.breaker, health.pending_invalidations, health.background),
            (Breaker::Closed, 0, 0),
            "{health:?}"
        );
        let json = serde_json::to_value(&health).expect("JSON");
        assert_eq!(
            (&json["breaker"], &json["pending_invalidations"]),
            (&"closed".into(), &0.into()),
            "{json}"
        );
    }
}

#[tokio::test]
async fn each_server_has_a_state_of_its_own() {
    let (primary, replica) = (RedisServer::start(), RedisServer::start());
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    for (server, role) in [(&primary, NodeRole::Primary), (&replica, NodeRole::Replica)] {
        let cache = hasty(server).require_redis(true).build().await.expect("a cache");
        let health = cache.health().await;
        let [node] = &health.nodes[..] else { panic!("{health:?}") };
        assert_eq!((&node.address, node.role), (&format!("127.0.0.1:{}", server.port()), role), "{health:?}");
        assert!(node.connected && node.latency.is_some() && node.last_error.is_none(), "{health:?}");
        let json = serde_json::to_value(&health).expect("JSON");
        assert_eq!(json["nodes"][0]["breaker"], "closed", "{json}");
        server.stop();
        let failed = || async {
            let [node] = &cache.health().await.nodes[..] else { panic!("one server") };
            (node.connected, node.breaker, node.latency) == (false, Breaker::Open, None)
                && node.last_error.is_some()
        };
        eventually_async(LONG, failed).await;
    }
    let memory = Cache::builder().build().await.expect("a cache");
    assert!(memory.health().await.nodes.is_empty());
}

#[tokio::test]
async fn a_store_that_is_away_and_comes_back() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    server.stop();
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    cache.delete("k").await.expect_err("no server");
    let health = cache.health().await;
    assert!(!health.connected && health.latency.is_none() && health.error.is_some(), "{health:?}");
    assert_eq!(health.pending_invalidations, 1);
    assert_eq!(serde_json::to_value(&health).expect("JSON")["breaker"], "open");
    assert_eq!(serde_json::to_value(Breaker::Connecting).expect("JSON"), "connecting");
    server.restart();
    eventually_async(LONG, || async {
        let health = cache.health().await;
        (health.connected, health.breaker, health.pending_invalidations) == (true, Breaker::Closed, 0)
    })
    .await;
}

#[tokio::test]
async fn background_work_is_counted() {
    for cache in caches().await {
        let cache = Arc::new(cache);
        let slow = Arc::new(Slow { calls: Calls::default(), gate: Gate::default() });
        eventually_async(LONG, || async {
            early(Arc::clone(&cache), Arc::clone(&slow)).await;
            slow.calls.count() > 1
        })
        .await;
        slow.gate.arrived(1).await;
        assert!(cache.health().await.background >= 1);
        slow.gate.open();
        eventually_async(LONG, || async { cache.health().await.background == 0 }).await;
    }
}
