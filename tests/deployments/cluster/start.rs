//! The start of a cache on a cluster, and on what is none.

use larder::{Breaker, Cache, Error, NodeRole};
use support::cluster::RedisCluster;
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{LONG, hasty, in_time, unique};
use support::wait::eventually_async;

fn error_of(built: Result<Cache, Error>) -> String {
    built.expect_err("an error at the start").to_string()
}

#[tokio::test]
async fn a_url_of_another_deployment_is_an_error_that_names_the_right_one() {
    let (server, cluster) = (RedisServer::start(), RedisCluster::start_with(1, 0, &[]));
    let url = format!("redis+cluster://127.0.0.1:{}", server.port());
    let error = error_of(in_time(Cache::builder().url(url).build()).await);
    let right = format!("write `redis://127.0.0.1:{}`", server.port());
    assert!(error.contains("not part of a cluster") && error.contains(&right), "{error}");
    let node = &cluster.nodes()[0];
    let error = error_of(in_time(hasty(node).build()).await);
    let right = format!("write `redis+cluster://127.0.0.1:{}`", node.port());
    assert!(error.contains("part of a cluster") && error.contains(&right), "{error}");
}

#[tokio::test]
async fn a_node_that_answers_later_than_the_start_names_the_right_url() {
    let cluster = RedisCluster::start_with(2, 0, &[]);
    let node = &cluster.nodes()[0];
    node.stop();
    let cache = in_time(hasty(node).build()).await.expect("a cache");
    node.restart();
    eventually_async(LONG, || async {
        let mut errors = Vec::new();
        for n in 0..20 {
            errors.extend(cache.set(&format!("key-{n}"), &n, "1m").await.err());
        }
        errors.iter().any(|error| error.to_string().contains("write `redis+cluster://`"))
    })
    .await;
}

#[tokio::test]
async fn rejected_credentials_are_an_error() {
    let cluster = RedisCluster::start_with(1, 0, &["--requirepass", "right"]);
    let port = cluster.nodes()[0].port();
    let url = |password: &str| format!("redis+cluster://:{password}@127.0.0.1:{port}");
    let built = in_time(Cache::builder().url(url("wrong")).build()).await;
    assert!(matches!(built, Err(Error::Auth { .. })), "{built:?}");
    let cache = in_time(Cache::builder().url(url("right")).build()).await.expect("a cache");
    assert_eq!(in_time(cache.health()).await.breaker, Breaker::Closed);
}

#[tokio::test]
async fn caching_begins_when_a_node_answers() {
    if !support::isolated!() {
        return;
    }
    let cluster = RedisCluster::start_with(2, 0, &[]);
    cluster.nodes().iter().for_each(RedisServer::stop);
    let built = in_time(Cache::builder().url(cluster.url()).require_redis(true).build()).await;
    assert!(matches!(built, Err(Error::Unavailable { .. })), "{built:?}");
    let (log, _guard) = Log::start();
    let cache =
        in_time(Cache::builder().url(cluster.url()).prefix(unique("t")).build()).await.expect("a cache");
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("no node of the cluster") && warnings[0].contains("uncached"),
        "{warnings:?}"
    );
    assert_eq!(cache.get::<u64>("key").await, None);
    assert_eq!(cache.health().await.breaker, Breaker::Open);
    cluster.nodes().iter().for_each(RedisServer::restart);
    eventually_async(LONG, || async {
        cache.set("key", &7_u64, "1m").await.is_ok() && cache.get::<u64>("key").await == Some(7)
    })
    .await;
}

#[tokio::test]
async fn every_node_has_a_state_of_its_own() {
    let cluster = RedisCluster::start();
    let cache =
        in_time(Cache::builder().url(cluster.url()).prefix(unique("t")).build()).await.expect("a cache");
    let health = in_time(cache.health()).await;
    let count = |role| health.nodes.iter().filter(|node| node.role == role && node.connected).count();
    assert_eq!((count(NodeRole::Primary), count(NodeRole::Replica)), (3, 3), "{health:?}");
    assert_eq!((health.connected, health.breaker), (true, Breaker::Closed), "{health:?}");
    let lost = &cluster.nodes()[0];
    lost.pause();
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    let health = in_time(cache.health()).await;
    let open = |port: u16| {
        let address = format!("127.0.0.1:{port}");
        health.nodes.iter().any(|node| node.address == address && node.breaker == Breaker::Open)
    };
    let open: Vec<bool> = cluster.nodes()[..3].iter().map(|node| open(node.port())).collect();
    assert_eq!((open, health.connected), (vec![true, false, false], false), "{health:?}");
    lost.resume();
    // The replica may have been promoted meanwhile, and the old primary follows it.
    eventually_async(LONG, || async {
        let health = cache.health().await;
        health.connected && health.nodes.len() == 6 && health.breaker == Breaker::Closed
    })
    .await;
}
