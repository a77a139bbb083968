//! The start of a cache on a cluster, and on what is none.

use larder::{Breaker, Cache, Error};
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
