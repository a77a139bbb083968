//! The reads of a call: few commands, one wait, and no command that touches two slots.

use std::time::{Duration, Instant};

use larder::Cache;
use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::stores::{LONG, in_time, on};
use support::wait::eventually_async;

use crate::source::{Source, numbers, own, values};

/// The number of calls of a command since the statistics were reset.
fn calls_of(server: &RedisServer, command: &str) -> usize {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

/// Reads a thousand ids that are cached.
async fn read_a_thousand(cache: &Cache, servers: &[&RedisServer]) {
    let source = Source::default();
    let ids: Vec<u64> = (0..1_000).collect();
    assert_eq!(in_time(own(cache, &source, &ids)).await, values(0..1_000));
    assert_eq!(source.asked(), std::slice::from_ref(&ids), "one call for all");
    // On a machine that is too busy a lease of one id may lapse before its value is stored.
    eventually_async(LONG, || async {
        assert_eq!(in_time(own(cache, &source, &ids)).await, values(0..1_000));
        source.asked().is_empty()
    })
    .await;
    for server in servers {
        assert_eq!(server.command(&["CONFIG", "RESETSTAT"]), "OK");
    }
    assert_eq!(in_time(own(cache, &source, &ids)).await, values(0..1_000));
    assert!(source.asked().is_empty());
}

#[tokio::test]
async fn a_thousand_ids_take_eight_reads() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    read_a_thousand(&cache, &[&server]).await;
    assert_eq!((calls_of(&server, "mget"), calls_of(&server, "get")), (8, 0));
}

#[tokio::test]
async fn each_node_of_a_cluster_is_asked_for_its_own_ids() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = on(&cluster).require_redis(true).build().await.expect("a cache");
    let nodes: Vec<&RedisServer> = cluster.nodes().iter().collect();
    read_a_thousand(&cache, &nodes).await;
    let reads: Vec<usize> = nodes.iter().map(|node| calls_of(node, "get")).collect();
    assert_eq!(reads.iter().sum::<usize>(), 1_000, "{reads:?}");
    assert!(reads.iter().all(|reads| *reads > 100), "{reads:?}");
    for node in nodes {
        let errors = node.command(&["INFO", "errorstats"]);
        assert!(!errors.contains("CROSSSLOT") && !errors.contains("MOVED"), "{errors}");
    }
    assert_eq!(cache.stats().total.store_errors, 0);
}

#[tokio::test]
async fn a_call_waits_for_a_stopped_server_once() {
    let limit = Duration::from_secs(2);
    let server = RedisServer::start();
    let cache = on(&server).redis_timeout(limit).require_redis(true).build().await.expect("a cache");
    let source = Source::default();
    numbers(&cache, &source, &[1]).await;
    server.pause();
    let (started, ids) = (Instant::now(), (0..1_000).collect::<Vec<_>>());
    assert_eq!(in_time(numbers(&cache, &source, &ids)).await, values(0..1_000));
    let took = started.elapsed();
    assert!(took >= limit && took < limit * 2, "{took:?}");
    assert_eq!(source.asked().last(), Some(&ids));
    server.resume();
}
