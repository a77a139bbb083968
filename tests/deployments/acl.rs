//! Users of Redis who may not do everything.

use std::time::Duration;

use futures_util::TryStreamExt;
use larder::{Cache, Error, LocalTier, cache};
use support::acl::{AclServer, rules};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, in_time, on, unique};
use support::wait::eventually_async;

#[cache(group = "g", tags = ["t"], cache = cache)]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", stale_if_error = "5m", cache = cache, entry = plain_entry)]
async fn plain(cache: &Cache, calls: &Calls, n: u64) -> Result<u64, String> {
    calls.add();
    Ok(n * 3)
}

#[tokio::test]
async fn explore() {
    let server = AclServer::start();
    for missing in rules() {
        let (log, _guard) = Log::start();
        let left: Vec<_> = rules().into_iter().filter(|rule| *rule != missing).collect();
        server.allow(&left, "~*");
        let cache = on(&server).local(LocalTier::new()).require_redis(true).build().await.expect("a cache");
        let calls = Calls::default();
        for _ in 0..2 {
            labelled(&cache, &calls, 1).await;
            plain(&cache, &calls, 1).await.expect("3");
        }
        println!("--- {missing} health {:?}", cache.health().await);
        println!("set {:?}", cache.set("k", &1, "5m").await);
        println!(
            "get {:?} {:?} {:?}",
            cache.get::<u64>("k").await,
            cache.ttl("k").await,
            cache.exists("k").await
        );
        println!("refresh {:?}", larder::refresh(labelled(&cache, &calls, 1)).await);
        println!("put {:?}", plain_entry(&cache, &calls, 1).put(&3).await);
        println!("expire {:?}", plain_entry(&cache, &calls, 1).expire().await);
        println!("del {:?} {:?}", cache.delete("k").await, cache.delete("none").await);
        println!("tag {:?} {:?}", cache.invalidate_tag("t").await, cache.delete_group("g").await);
        println!("keys {:?}", cache.keys("*").try_collect::<Vec<_>>().await.map(|k| k.len()));
        println!("clear {:?}", cache.clear().await);
        println!("{:?}", cache.stats().total);
        println!("WARN {:#?}", log.take());
    }
}
