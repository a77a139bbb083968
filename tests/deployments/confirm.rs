//! Invalidations that replicas acknowledge.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, poll_immediate};
use larder::{Cache, Error, cache, cache_evict, cache_put};
use support::cluster::RedisCluster;
use support::log::Log;
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, hasty, in_time, on};
use support::wait::{eventually, eventually_async};

#[cache(
    expire = "5m",
    group = "items",
    tags = ["all"],
    ignore(calls),
    cache = cache,
    entry = item_entry
)]
async fn item(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n
}

#[cache(expire = "5m", stale_while_revalidate = "5m", cache = cache, entry = windowed_entry)]
async fn windowed(cache: &Cache, n: u64) -> u64 {
    n
}

#[cache_evict(entry = item_entry(cache, n), tags = ["all"], cache = cache)]
async fn remove(cache: &Cache, n: u64) -> Result<u64, String> {
    Ok(n)
}

/// The entry is invalidated meanwhile, so that the result may be older than another one, and is not stored.
#[cache_put(entry = windowed_entry(cache, n))]
async fn overtaken(cache: &Cache, n: u64) -> u64 {
    drop(windowed_entry(cache, n).invalidate().await);
    n
}

/// A primary and a replica that is up to date.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
}

impl Pair {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(args: &[&str]) -> Self {
        let primary = RedisServer::start_with(&[args, &["--repl-diskless-sync-delay", "0"]].concat());
        let port = primary.port().to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]);
        let pair = Self { primary, replica };
        eventually(LONG, || pair.replica.command(&["INFO", "replication"]).contains("master_link_status:up"));
        pair
    }

    fn primary_has(&self, what: &str) -> bool {
        self.primary.command(&["KEYS", "*"]).contains(what)
    }
}

fn assert_not_confirmed<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotConfirmed { acknowledged: 0, wanted: 1, .. })), "{result:?}");
}

#[tokio::test]
async fn a_replica_has_what_is_confirmed() {
    let pair = Pair::start();
    let cache = on(&pair.primary).confirm(1, LONG).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for n in 0..50 {
        item(&cache, &calls, n).await;
        let entry = item_entry(&cache, n);
        let stored = || pair.replica.command(&["EXISTS", entry.key()]) == "1";
        eventually_async(LONG, || async { stored() }).await;
        entry.invalidate().await.expect("confirmed");
        assert!(!stored(), "the replica has carried it out");
        if n == 25 {
            assert_eq!(pair.primary.command(&["SCRIPT", "FLUSH"]), "OK");
        }
    }
    cache.delete_group("items").await.expect("confirmed");
    cache.invalidate_tag("all").await.expect("confirmed");
    cache.set("k", &1, "5m").await.expect("stored");
    assert!(cache.delete("k").await.expect("confirmed"));
    cache.set("k", &1, "5m").await.expect("stored");
    assert_eq!(cache.delete_pattern("k*").await.expect("confirmed"), 1);
    assert_eq!(remove(&cache, 1).await, Ok(1));
    assert_eq!(cache.stats().total.not_confirmed, 0);
}

#[tokio::test]
async fn without_its_replica_a_transaction_says_so_when_it_is_sent() {
    let pair = Pair::start();
    let settings = on(&pair.primary).prefix("deferred").require_redis(true).confirm(1, "20ms");
    let (cache, calls) = (settings.build().await.expect("a cache"), Calls::default());
    item(&cache, &calls, 1).await;
    cache.set("k", &1, "5m").await.expect("stored");
    pair.replica.pause();
    let later = cache.defer();
    let inside = async {
        assert_eq!(remove(&cache, 1).await, Ok(1));
        cache.delete("k").await.expect("collected")
    };
    assert!(!later.scope(inside).await, "nothing is removed yet");
    assert_not_confirmed(&later.send().await);
    assert_eq!(cache.get::<i32>("k").await, None);
    item(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 2);
    let removed = counts(&cache, "remove");
    assert!(removed.not_confirmed == 1 && removed.invalidations == 2, "{removed:?}");
    cache.set("k", &1, "5m").await.expect("stored");
    assert_not_confirmed(&cache.clear_function("handle").await);
    assert!(!cache.exists("k").await);
    let total = cache.stats().total;
    assert_eq!(
        (total.pending_invalidations, total.deferred_unsent, total.store_errors),
        (0, 0, 0),
        "{total:?}"
    );
    assert_eq!(cache.health().await.pending_invalidations, 0, "carried out, and not retried");
}

#[tokio::test]
async fn without_its_replica_an_invalidation_is_carried_out_and_says_so() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let pair = Pair::start();
    let settings = || on(&pair.primary).prefix("cut").require_redis(true);
    let cache = settings().confirm(1, "20ms").build().await.expect("a cache");
    let other = settings().build().await.expect("another host");
    let calls = Calls::default();
    pair.replica.pause();
    drop(log.take());
    item(&cache, &calls, 1).await;
    assert_not_confirmed(&item_entry(&cache, 1).invalidate().await);
    item(&other, &calls, 1).await;
    assert_eq!(calls.count(), 2, "no host reads the old value");
    windowed(&cache, 1).await;
    assert_not_confirmed(&windowed_entry(&cache, 1).expire().await);
    assert_not_confirmed(&windowed_entry(&cache, 2).expire().await);
    assert_not_confirmed(&cache.invalidate_tag("all").await);
    assert_not_confirmed(&cache.delete_group("items").await);
    item(&other, &calls, 1).await;
    assert_eq!(calls.count(), 3);
    cache.set("k", &1, "5m").await.expect("storing is not confirmed");
    assert_not_confirmed(&cache.delete("k").await);
    assert_eq!(other.get::<i32>("k").await, None);
    cache.set("k", &1, "5m").await.expect("stored");
    assert_not_confirmed(&cache.clone().blocking().delete("k"));
    for n in 0..3 {
        cache.set(&format!("k:{n}"), &1, "5m").await.expect("stored");
    }
    assert_not_confirmed(&cache.delete_pattern("k*").await);
    assert!(!pair.primary_has("k:"));
    assert_not_confirmed(&cache.clear().await);
    assert!(!pair.primary_has("windowed"));
    let handle = counts(&cache, "handle");
    assert!(handle.not_confirmed == 9 && handle.invalidations == 9 && handle.store_errors == 0, "{handle:?}");
    // The functions are not affected.
    item(&cache, &calls, 1).await;
    assert_eq!(remove(&cache, 1).await, Ok(1));
    item(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 5);
    assert_eq!(overtaken(&cache, 3).await, 3);
    assert!(counts(&cache, "overtaken").not_confirmed == 1, "{:?}", counts(&cache, "overtaken"));
    let removed = counts(&cache, "remove");
    assert!(removed.not_confirmed == 2 && removed.invalidations == 2, "{removed:?}");
    let total = cache.stats().total;
    assert_eq!((total.pending_invalidations, total.store_errors), (0, 0), "{total:?}");
    assert_eq!(cache.health().await.pending_invalidations, 0);
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("0 of 1 replicas"), "{warnings:?}");
    // The replica comes back.
    pair.replica.resume();
    eventually_async(LONG, || async { item_entry(&cache, 1).invalidate().await.is_ok() }).await;
}

#[tokio::test]
async fn no_hit_waits_for_a_replica() {
    let pair = Pair::start();
    let cache = on(&pair.primary).confirm(1, "5s").require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    item(&cache, &calls, 1).await;
    pair.replica.pause();
    let began = Instant::now();
    cache.set("k", &1, "5m").await.expect("stored");
    let removed = tokio::spawn({
        let cache = cache.clone();
        async move { cache.delete("k").await }
    });
    // The removal is on its way.
    let waits = || pair.primary.command(&["INFO", "clients"]).contains("blocked_clients:1");
    eventually_async(LONG, || async { waits() }).await;
    for _ in 0..500 {
        in_time(item(&cache, &calls, 1)).await;
    }
    assert!(!removed.is_finished(), "500 hits in {:?}", began.elapsed());
    assert_eq!(calls.count(), 1);
    assert_not_confirmed(&in_time(removed).await.expect("no panic"));
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
}

/// The replica hears of nothing: its connection stays open and is silent, or is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_between_primary_and_replica_is_noticed_in_time_and_holds_up_no_hit() {
    const WITHIN: Duration = Duration::from_secs(1);
    let primary = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]);
    let line = FaultProxy::start(primary.port()).await;
    let port = line.port().to_string();
    let replica =
        RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-ping-replica-period", "1"]);
    let is_up = || async { replica.command(&["INFO", "replication"]).contains("master_link_status:up") };
    let cache = on(&primary).confirm(1, WITHIN).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for mode in [Mode::Blackhole, Mode::Refuse] {
        eventually_async(LONG, is_up).await;
        item(&cache, &calls, 1).await;
        cache.set("k", &1, "5m").await.expect("stored");
        eventually_async(LONG, || async { cache.delete("k").await.is_ok() }).await;
        cache.set("k", &1, "5m").await.expect("stored");
        let before = calls.count();
        line.set(mode);
        let began = Instant::now();
        let mut removed = std::pin::pin!(cache.delete("k"));
        let (mut hits, mut slowest) = (0, Duration::ZERO);
        let result = loop {
            if let Some(result) = poll_immediate(removed.as_mut()).await {
                break result;
            }
            let asked = Instant::now();
            in_time(item(&cache, &calls, 1)).await;
            (hits, slowest) = (hits + 1, slowest.max(asked.elapsed()));
        };
        assert_not_confirmed(&result);
        let elapsed = began.elapsed();
        assert!(elapsed >= WITHIN && elapsed < 3 * WITHIN, "{mode:?}: {elapsed:?}");
        assert!(hits > 100 && slowest < WITHIN / 2, "{mode:?}: {hits} hits, {slowest:?} the slowest");
        assert_eq!((calls.count(), cache.get::<i32>("k").await), (before, None));
        line.set(Mode::Pass);
        line.cut();
    }
    eventually_async(LONG, || async { cache.invalidate_tag("all").await.is_ok() }).await;
}

#[tokio::test]
async fn many_invalidations_share_a_wait() {
    let pair = Pair::start();
    let cache = hasty(&pair.primary).confirm(1, "500ms").require_redis(true).build().await.expect("a cache");
    pair.replica.pause();
    let keys: Vec<String> = (0..64).map(|n| format!("k:{n}")).collect();
    for key in &keys {
        cache.set(key, &1, "5m").await.expect("stored");
    }
    let began = Instant::now();
    for result in in_time(join_all(keys.iter().map(|key| cache.delete(key)))).await {
        assert_not_confirmed(&result);
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_once_and_the_invalidation_is_retried() {
    let pair = Pair::start();
    let cache = hasty(&pair.primary).confirm(1, "1s").require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    item(&cache, &calls, 1).await;
    item_entry(&cache, 1).invalidate().await.expect("confirmed");
    item(&cache, &calls, 1).await;
    pair.primary.pause();
    let began = Instant::now();
    let error = in_time(item_entry(&cache, 1).invalidate()).await.expect_err("no answer");
    assert!(matches!(error, Error::Unavailable { .. } | Error::Timeout { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(cache.health().await.pending_invalidations, 1);
    pair.primary.resume();
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    item(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn a_user_that_may_not_wait_confirms_nothing() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let pair = Pair::start();
    assert_eq!(pair.primary.command(&["ACL", "SETUSER", "default", "-wait"]), "OK");
    let cache = on(&pair.primary).confirm(1, "100ms").require_redis(true).build().await.expect("a cache");
    for _ in 0..3 {
        cache.set("k", &1, "5m").await.expect("stored");
        assert_not_confirmed(&cache.delete("k").await);
        assert_eq!(cache.get::<i32>("k").await, None);
    }
    let warnings = log.take();
    assert_eq!(warnings.iter().filter(|line| line.contains("refused `wait`")).count(), 1, "{warnings:#?}");
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
}

#[tokio::test]
async fn on_a_cluster_each_key_and_tag_is_confirmed_at_its_own_node() {
    let cluster = RedisCluster::start();
    let builder = || Cache::builder().url(cluster.url()).redis_timeout(LONG).connect_timeout(LONG);
    let cache = builder().prefix("c").confirm(1, "200ms").require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    // Replicas may still be busy with their first synchronisation.
    eventually_async(LONG, || async {
        let mut are_confirmed = true;
        for n in 0..20 {
            item(&cache, &calls, n).await;
            are_confirmed &= item_entry(&cache, n).invalidate().await.is_ok();
        }
        are_confirmed && cache.invalidate_tag("all").await.is_ok()
    })
    .await;
    for n in 0..50 {
        cache.set(&format!("k:{n}"), &n, "5m").await.expect("stored");
    }
    assert_eq!(cache.delete_pattern("k:*").await.expect("confirmed"), 50);
    for n in 0..50 {
        cache.set(&format!("k:{n}"), &n, "5m").await.expect("stored");
    }
    cluster.nodes()[3..].iter().for_each(RedisServer::pause);
    assert_not_confirmed(&cache.delete("k:1").await);
    assert_not_confirmed(&cache.delete_pattern("k:*").await);
    assert_eq!(cache.get::<i32>("k:2").await, None, "carried out everywhere");
    assert_eq!(cache.health().await.pending_invalidations, 0);
    cluster.nodes()[3..].iter().for_each(RedisServer::resume);
}

#[tokio::test]
async fn memory_needs_no_confirmation_and_settings_are_checked() {
    let cache = Cache::builder().confirm(2, "1ms").build().await.expect("a cache");
    cache.set("k", &1, "5m").await.expect("stored");
    assert!(cache.delete("k").await.expect("no replicas are asked"));
    for (builder, value) in [
        (Cache::builder().confirm(0, "1s"), "0"),
        (Cache::builder().confirm(1, Duration::ZERO), "0s"),
        (Cache::builder().confirm(1, "soon"), "soon"),
        (Cache::builder().confirm(1, larder::Expire::Never), "Never"),
    ] {
        match builder.build().await {
            Err(Error::Config { setting: "confirm", value: refused, .. }) => assert_eq!(refused, value),
            other => panic!("{value}: {other:?}"),
        }
    }
}
