//! The commands of an application over the connections of the cache.

use axum::extract::FromRequestParts;
use axum::http::Request;
use larder::Cache;
use larder::http::RedisConnection;
use redis::{AsyncCommands, RedisResult};
use support::cluster::RedisCluster;

async fn connection(cache: &Cache) -> RedisConnection {
    let mut parts = Request::new(()).into_parts().0;
    parts.extensions.insert(cache.clone());
    RedisConnection::from_request_parts(&mut parts, &()).await.expect("a connection")
}

#[tokio::test]
async fn commands_go_to_the_nodes_of_their_keys() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let cache = Cache::builder().url(cluster.url()).build().await.expect("a cache");
    let mut redis = connection(&cache).await;
    let keys: Vec<String> = (0..20).map(|n| format!("key-{n}")).collect();
    for key in &keys {
        assert_eq!(redis.incr::<_, _, u64>(key, 1).await, Ok(1), "{key}");
    }
    let mut pipeline = redis::pipe();
    keys.iter().for_each(|key| {
        pipeline.cmd("INCR").arg(key).ignore().cmd("GET").arg(key);
    });
    let counts: Vec<u64> = pipeline.query_async(&mut redis).await.expect("every node answers");
    assert_eq!(counts, [2; 20], "in the order of the pipeline");
    let script = redis::Script::new("return redis.call('GET', KEYS[1])");
    assert_eq!(script.key(&keys[3]).invoke_async(&mut redis).await, Ok(2_u64));
    let mut atomic = redis::pipe();
    atomic.atomic().set("{t}a", 1).set("{t}b", 2).get("{t}a");
    assert_eq!(atomic.query_async(&mut redis).await, Ok(((), (), 1_u64)));
    let crossing: RedisResult<()> = redis.rename(&keys[0], &keys[1]).await;
    assert_eq!(crossing.expect_err("two slots").code(), Some("CROSSSLOT"));
    assert!(redis.ping::<String>().await.is_ok());

    // The slots of one node move, one after the other.
    let from = cluster.owner(cluster.slot("{t}"));
    let to = cluster.nodes().iter().find(|node| node.port() != from.port()).expect("another node");
    let tag = "{t}".to_owned();
    let all = keys.iter().chain([&tag]).map(|key| (key, cluster.slot(key))).collect::<Vec<_>>();
    let moved =
        all.into_iter().filter(|(_, slot)| cluster.owner(*slot).port() == from.port()).collect::<Vec<_>>();
    assert!(moved.len() > 3, "{moved:?}");
    for (key, slot) in moved {
        let mut moving = cluster.slot_move(from, to);
        moving.begin(slot);
        let new = format!("{{{}}}new", key.trim_matches(['{', '}']));
        assert_eq!(
            redis.incr::<_, _, u64>(&new, 1).await,
            Ok(1),
            "{new} is on the node that imports its slot"
        );
        moving.finish(slot);
    }
    assert_eq!(atomic.query_async(&mut redis).await, Ok(((), (), 1_u64)));
    let counts: Vec<u64> = pipeline.query_async(&mut redis).await.expect("every node answers");
    assert_eq!(counts, [3; 20]);
}
