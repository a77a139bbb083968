//! Invalidations during an outage: the entries are not read when Redis returns, and the invalidation is carried
//! out then.

use std::time::Duration;

use larder::{Cache, Error, cache};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", ignore(now), tags = ["n:{n}"], cache = cache, entry = version_entry)]
async fn version(cache: &Cache, now: &Calls, n: u64) -> usize {
    let _ = n;
    now.count()
}

/// Makes a cache behind a proxy, and one that connects directly.
async fn near_and_far(server: &RedisServer, proxy: &FaultProxy) -> (Cache, Cache) {
    let prefix = unique("away");
    let far = Cache::builder().url(proxy.url()).prefix(&prefix).connect_timeout(Duration::from_secs(1));
    let far = far.require_redis(true).build().await.expect("a cache");
    let near = on(server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    (far, near)
}

/// In the process that invalidates, no read that begins afterwards returns an older version, whatever the connection
/// does; in other processes none does once the invalidation was carried out.
#[tokio::test]
async fn no_old_version_is_read_after_an_invalidation() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (far, near) = near_and_far(&server, &proxy).await;
    let now = Calls::default();
    for mode in [Mode::Refuse, Mode::Blackhole, Mode::SwallowReplies, Mode::Truncate(1)] {
        for by_tag in [false, true] {
            proxy.set(Mode::Pass);
            eventually_async(LONG, || async {
                version(&near, &now, 1).await == version(&far, &now, 1).await && far.health().await.connected
            })
            .await;
            proxy.set(mode);
            now.add();
            let failed = match by_tag {
                true => in_time(far.invalidate_tag("n:1")).await,
                false => in_time(version_entry(&far, 1).invalidate()).await,
            };
            let error = failed.expect_err("the line is cut");
            assert!(matches!(error, Error::Unavailable { .. } | Error::Timeout { .. }), "{error:?}");
            let current = now.count();
            assert_eq!(in_time(version(&far, &now, 1)).await, current, "{mode:?}");
            proxy.set(Mode::Pass);
            // Redis returns during these calls.
            while far.health().await.pending_invalidations > 0 {
                assert_eq!(in_time(version(&far, &now, 1)).await, current, "{mode:?}");
                // None of these calls waits, and the proxy runs on this thread as well.
                tokio::task::yield_now().await;
            }
            assert_eq!(version(&near, &now, 1).await, current, "{mode:?}: carried out for everybody");
            assert_eq!(version(&far, &now, 1).await, current, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn many_invalidations_are_carried_out_soon_after_the_return() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (far, near) = near_and_far(&server, &proxy).await;
    for n in 0..2_000 {
        near.set(&n.to_string(), &n, "5m").await.expect("stored");
    }
    proxy.set(Mode::Refuse);
    eventually_async(LONG, || async { !far.health().await.connected }).await;
    for n in 0..1_000 {
        far.delete(&n.to_string()).await.expect_err("the line is cut");
    }
    assert_eq!(far.health().await.pending_invalidations, 1_000);
    proxy.set(Mode::Pass);
    eventually_async(LONG, || async { far.health().await.pending_invalidations == 0 }).await;
    assert_eq!(server.command(&["DBSIZE"]), "1000");
    eventually_async(LONG, || async { far.get("1500").await == Some(1500) }).await;
}

/// A later put replaces an invalidation that failed before it.
#[tokio::test]
async fn a_later_invalidation_replaces_a_pending_one() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (far, near) = near_and_far(&server, &proxy).await;
    far.set("k", &1, "5m").await.expect("stored");
    proxy.set(Mode::Refuse);
    eventually_async(LONG, || async { !far.health().await.connected }).await;
    far.set("k", &2, "5m").await.expect_err("the line is cut");
    assert_eq!((far.health().await.pending_invalidations, far.get::<i32>("k").await), (1, None));
    proxy.set(Mode::Pass);
    eventually_async(LONG, || async { far.set("k", &3, "5m").await.is_ok() }).await;
    assert_eq!(far.health().await.pending_invalidations, 0);
    assert_ne!(far.get::<i32>("k").await, Some(1));
    assert_ne!(near.get::<i32>("k").await, Some(1));
}

#[tokio::test]
async fn close_carries_out_pending_invalidations() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (far, near) = near_and_far(&server, &proxy).await;
    far.set("k", &1, "5m").await.expect("stored");
    proxy.set(Mode::Refuse);
    eventually_async(LONG, || async { !far.health().await.connected }).await;
    far.delete("k").await.expect_err("the line is cut");
    proxy.set(Mode::Pass);
    in_time(far.close()).await;
    assert_eq!(near.get::<i32>("k").await, None);
}

#[tokio::test]
async fn close_does_not_wait_forever() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    server.stop();
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    cache.delete("k").await.expect_err("no server");
    in_time(cache.clone().close()).await;
    assert_eq!(cache.health().await.pending_invalidations, 0, "it has given up");
    assert!(matches!(cache.delete("k").await, Err(Error::Closed)));
}
