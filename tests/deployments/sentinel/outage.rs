//! Sentinels that do not run: the primary goes on being used.

use std::time::Duration;

use larder::{Cache, LocalTier, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::sentinel::{MASTER, SentinelDeployment};
use support::stores::{Calls, LONG, counts, in_time, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", name = "double", ignore(calls), cache = cache, entry = double_entry)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[tokio::test]
async fn without_sentinels_the_primary_is_used_as_before() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let deployment = SentinelDeployment::start();
    let settings = Cache::builder().url(deployment.url()).prefix(unique("out")).local(LocalTier::new());
    let cache =
        settings.redis_timeout(Duration::from_secs(5)).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    deployment.sentinels().iter().for_each(RedisServer::stop);
    eventually_async(LONG, || async { log.text().contains("no sentinel answers") }).await;
    for n in 0..200 {
        in_time(double(&cache, &calls, n)).await;
        in_time(double(&cache, &calls, n)).await;
    }
    assert_eq!(calls.count(), 200);
    assert_eq!(counts(&cache, "double").store_errors, 0);
    eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
    double_entry(&cache, 1).invalidate().await.expect("carried out");
    // Connections are made again without the sentinels.
    let primary = &deployment.servers()[0];
    primary.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually_async(LONG, || async {
        double(&cache, &calls, 1).await;
        let before = calls.count();
        double(&cache, &calls, 1).await;
        calls.count() == before && cache.health().await.push == Some(true)
    })
    .await;
    assert_eq!(log.take().iter().filter(|line| line.contains("no sentinel")).count(), 0, "it was said once");
    // One of them runs again, and is asked.
    let sentinel = &deployment.sentinels()[2];
    sentinel.restart();
    eventually_async(LONG, || async {
        sentinel.command(&["CLIENT", "LIST"]).matches("cmd=sentinel").count() > 0
    })
    .await;
    assert_eq!(SentinelDeployment::named_by(sentinel), Some(primary.port()), "{MASTER}");
}
