//! Invalidations whose caller goes away: once polled, each is carried out or pending.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use larder::{Cache, Error, cache};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", key = "v:{n}", ignore(now), tags = ["n:{n}"], group = "g", cache = cache, entry = version_entry)]
async fn version(cache: &Cache, now: &Calls, n: u64) -> usize {
    let _ = n;
    now.count()
}

type Change<'c> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'c>>;
type MakeChange = for<'c> fn(&'c Cache) -> Change<'c>;

/// Every change of the handle and of an entry, each of which ends the entry of `version(.., 1)`.
const CHANGES: [(&str, MakeChange); 9] = [
    ("invalidate", |cache| Box::pin(async { version_entry(cache, 1).invalidate().await })),
    ("expire", |cache| Box::pin(async { version_entry(cache, 1).expire().await })),
    ("put", |cache| Box::pin(async { version_entry(cache, 1).put(&usize::MAX).await })),
    ("delete", |cache| Box::pin(async { cache.group("g").delete("v:1").await.map(drop) })),
    ("set", |cache| Box::pin(async { cache.group("g").set("v:1", &usize::MAX, "5m").await })),
    ("invalidate_tag", |cache| Box::pin(async { cache.invalidate_tag("n:1").await })),
    ("delete_group", |cache| Box::pin(async { cache.delete_group("g").await })),
    ("delete_pattern", |cache| Box::pin(async { cache.delete_pattern("*{g}*").await.map(drop) })),
    ("clear", |cache| Box::pin(async { cache.clear().await.map(drop) })),
];

/// In the process of the caller no read that begins afterwards returns an older version; in the others none does as soon as
/// nothing is pending.
async fn is_over(name: &str, mode: Mode, (far, near): (&Cache, &Cache), now: &Calls, proxy: &FaultProxy) {
    let current = now.count();
    let is_current = |value| value == current || (value == usize::MAX && (name == "put" || name == "set"));
    if mode != Mode::Pass {
        assert!(far.health().await.pending_invalidations > 0, "{name} {mode:?}: nothing is pending");
    }
    proxy.set(Mode::Pass);
    loop {
        assert!(is_current(in_time(version(far, now, 1)).await), "{name} {mode:?}");
        if far.health().await.pending_invalidations == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    eventually_async(LONG, || async { is_current(version(near, now, 1).await) }).await;
}

/// Makes an old version that both a cache behind a proxy and one that connects directly read, then has the first one
/// make a change while the proxy is in `mode`.
async fn given_up(mode: Mode, (name, change): (&str, MakeChange)) {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let prefix = unique("gone");
    let far = Cache::builder().url(proxy.url()).prefix(&prefix).connect_timeout(Duration::from_secs(1));
    let far = far.build().await.expect("a cache");
    // On a busy machine the first attempt may take too long.
    eventually_async(LONG, || async { far.health().await.connected }).await;
    let near = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let now = Calls::default();
    assert_eq!((version(&near, &now, 1).await, version(&far, &now, 1).await), (0, 0));
    proxy.set(mode);
    now.add();
    if mode == Mode::Pass {
        assert!(futures_util::future::poll_immediate(change(&far)).await.is_none(), "{name}");
    } else {
        let given_up = tokio::time::timeout(Duration::from_millis(20), change(&far)).await;
        given_up.expect_err("the line is silent");
    }
    is_over(name, mode, (&far, &near), &now, &proxy).await;
}

#[tokio::test]
async fn the_caller_gives_up_on_a_silent_line() {
    for mode in [Mode::Blackhole, Mode::SwallowReplies] {
        join_all(CHANGES.map(|change| given_up(mode, change))).await;
    }
}

#[tokio::test]
async fn the_caller_is_dropped_after_one_poll() {
    join_all(CHANGES.map(|change| given_up(Mode::Pass, change))).await;
}

/// A store in this process can be slow as well, as far as a test is concerned.
#[tokio::test]
async fn the_caller_gives_up_on_a_memory_store() {
    let cache = Cache::for_test();
    let now = Calls::default();
    for (name, change) in CHANGES {
        let before = now.count();
        eventually_async(LONG, || async { version(&cache, &now, 1).await == before }).await;
        cache.chaos().hang();
        now.add();
        let given_up = tokio::time::timeout(Duration::from_millis(5), change(&cache)).await;
        given_up.expect_err("the store hangs");
        assert!(cache.health().await.pending_invalidations > 0, "{name}");
        cache.chaos().heal();
        eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
        let value = version(&cache, &now, 1).await;
        assert!(
            value == now.count() || (value == usize::MAX && (name == "put" || name == "set")),
            "{name}: {value}"
        );
        version_entry(&cache, 1).invalidate().await.expect("removed");
    }
}
