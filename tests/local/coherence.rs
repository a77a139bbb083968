//! The local tier: copies in this process that are never served once they may be outdated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::{Cache, LocalTier, cache};
use serde::{Deserialize, Serialize};
use support::deployment::shared;
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, hasty, on, unique};
use support::wait::eventually_async;

/// A value that is not `Clone`, and therefore decoded for each call.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
}

#[cache(cache = cache, key = "{id}", expire = "1h", local = "1m", entry = near_entry)]
async fn near(cache: &Cache, calls: &Calls, id: u64) -> Arc<String> {
    Arc::new(format!("{id}:{}", calls.add()))
}

#[cache(cache = cache, expire = "1h", local = "1m", group = "g", tags = ["all", "of:{id}"], entry = labelled_entry)]
async fn labelled(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add() as u64 * 100 + id
}

#[cache(cache = cache, expire = "1h", local = "1m")]
async fn rows(cache: &Cache, calls: &Calls, id: u64) -> Row {
    calls.add();
    Row { id }
}

#[cache(cache = cache, expire = "1h", entry = plain_entry)]
async fn plain(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(cache = cache, expire = "1h", local = "100ms")]
async fn brief(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(cache = cache, expire = "1h", local = "1m")]
fn blocking(cache: &Cache, id: u64) -> u64 {
    id
}

fn local_hits(cache: &Cache, function: &str) -> u64 {
    counts(cache, function).local_hits
}

/// Calls until a local copy is served.
async fn warm(cache: &Cache, calls: &Calls, id: u64) -> Arc<String> {
    let before = local_hits(cache, "near");
    eventually_async(LONG, || async {
        near(cache, calls, id).await;
        local_hits(cache, "near") > before
    })
    .await;
    near(cache, calls, id).await
}

async fn start() -> (Cache, Calls) {
    (on(shared()).require_redis(true).build().await.expect("a cache"), Calls::default())
}

#[tokio::test]
async fn a_local_copy_is_served_without_redis_and_not_copied_again() {
    let (cache, calls) = start().await;
    let first = warm(&cache, &calls, 1).await;
    assert!(Arc::ptr_eq(&first, &near(&cache, &calls, 1).await));
    assert_eq!(calls.count(), 1);
    let before = local_hits(&cache, "near");
    for _ in 0..10 {
        near(&cache, &calls, 1).await;
    }
    assert_eq!(local_hits(&cache, "near"), before + 10);
    assert_eq!(cache.health().await.push, Some(true));
}

#[tokio::test]
async fn writes_of_another_program_are_seen() {
    let (cache, calls) = start().await;
    let other = on(shared()).build().await.expect("a cache");
    warm(&cache, &calls, 1).await;
    let key = near_entry(&cache, &calls, 1).key().to_owned();
    for change in [&["DEL", &key][..], &["SET", &key, "text"], &["PEXPIRE", &key, "1"]] {
        warm(&cache, &calls, 1).await;
        let before = calls.count();
        shared().command(change);
        let changed = Instant::now();
        eventually_async(LONG, || async {
            near(&cache, &calls, 1).await;
            calls.count() > before
        })
        .await;
        println!("{change:?} was seen after {:?}", changed.elapsed());
        // The documented limit is a hundred milliseconds; the rest is for a busy machine.
        assert!(changed.elapsed() < Duration::from_secs(2), "{change:?}: {:?}", changed.elapsed());
    }
    drop(other);
}

#[tokio::test]
async fn the_own_invalidations_need_no_message() {
    let (cache, calls) = start().await;
    for _ in 0..20 {
        warm(&cache, &calls, 1).await;
        let before = calls.count();
        near_entry(&cache, &calls, 1).invalidate().await.expect("carried out");
        near(&cache, &calls, 1).await;
        assert_eq!(calls.count(), before + 1);
    }
    warm(&cache, &calls, 1).await;
    near_entry(&cache, &calls, 1).put(&Arc::new("put".to_owned())).await.expect("stored");
    assert_eq!(*near(&cache, &calls, 1).await, "put");
    warm(&cache, &calls, 1).await;
    let before = calls.count();
    cache.clear().await.expect("carried out");
    near(&cache, &calls, 1).await;
    assert_eq!(calls.count(), before + 1);
}

#[tokio::test]
async fn labels_reach_every_process() {
    let prefix = unique("local");
    let one = || on(shared()).prefix(&prefix).require_redis(true).build();
    let (here, there) = (one().await.expect("a cache"), one().await.expect("a cache"));
    let calls = Calls::default();
    for round in 0..6 {
        let before = local_hits(&here, "labelled");
        eventually_async(LONG, || async {
            labelled(&here, &calls, 1).await;
            local_hits(&here, "labelled") > before
        })
        .await;
        let computed = calls.count();
        match round % 3 {
            0 => there.invalidate_tag("of:1").await.expect("carried out"),
            1 => there.invalidate_tags(&["all", "none"]).await.expect("carried out"),
            _ => there.delete_group("g").await.expect("carried out"),
        }
        eventually_async(LONG, || async {
            labelled(&here, &calls, 1).await;
            calls.count() > computed
        })
        .await;
        // The process that invalidated sees the change at once.
        let computed = calls.count();
        here.invalidate_tag("all").await.expect("carried out");
        labelled(&here, &calls, 1).await;
        assert_eq!(calls.count(), computed + 1);
    }
}

#[tokio::test]
async fn a_flush_is_noticed() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    warm(&cache, &calls, 1).await;
    server.command(&["FLUSHALL"]);
    eventually_async(LONG, || async {
        near(&cache, &calls, 1).await;
        calls.count() == 2
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_empties_the_local_tier() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for _ in 0..3 {
        warm(&cache, &calls, 1).await;
        server.command(&["CLIENT", "NO-EVICT", "on"]);
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        eventually_async(LONG, || async {
            let before = local_hits(&cache, "near");
            near(&cache, &calls, 1).await;
            local_hits(&cache, "near") == before
        })
        .await;
    }
    warm(&cache, &calls, 1).await;
}

#[tokio::test]
async fn a_silent_push_connection_is_not_trusted() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    warm(&cache, &calls, 1).await;
    server.pause();
    eventually_async(LONG, || async { cache.health().await.push == Some(false) }).await;
    let before = local_hits(&cache, "near");
    near(&cache, &calls, 1).await;
    assert_eq!(local_hits(&cache, "near"), before);
    server.resume();
    warm(&cache, &calls, 1).await;
}

#[tokio::test]
async fn an_invalidation_that_overtakes_a_read_wins() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let cache = on(&server).url(url).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    warm(&cache, &calls, 1).await;
    let entry = near_entry(&cache, &calls, 1);
    let (prefix, key) = entry.key().split_once(':').expect("a prefix");
    for round in 0..20 {
        // Reads and changes race; the copy afterwards must equal the stored value.
        let text = format!("round {round}");
        let value = Arc::new(text.clone());
        let other = on(&server).prefix(prefix).build().await.expect("a cache");
        let reads = async {
            for _ in 0..20 {
                near(&cache, &calls, 1).await;
            }
        };
        let write = other.set(key, &value, "1h");
        let ((), written) = futures_util::future::join(reads, write).await;
        written.expect("stored");
        eventually_async(Duration::from_secs(5), || async { *near(&cache, &calls, 1).await == text }).await;
        for _ in 0..5 {
            assert_eq!(*near(&cache, &calls, 1).await, text);
        }
    }
    proxy.set(Mode::Pass);
}

#[tokio::test]
async fn types_that_cannot_be_cloned_are_decoded() {
    let (cache, calls) = start().await;
    eventually_async(LONG, || async {
        assert_eq!(rows(&cache, &calls, 7).await, Row { id: 7 });
        local_hits(&cache, "rows") > 5
    })
    .await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn the_builder_copies_every_function() {
    let cache = on(shared()).local(LocalTier::new().max_bytes(1 << 20)).build().await.expect("a cache");
    let calls = Calls::default();
    eventually_async(LONG, || async {
        plain(&cache, &calls, 1).await;
        local_hits(&cache, "plain") > 0
    })
    .await;
    let (other, _) = start().await;
    for _ in 0..5 {
        plain(&other, &calls, 1).await;
    }
    assert_eq!((local_hits(&other, "plain"), other.health().await.push), (0, None));
}

#[tokio::test]
async fn a_local_copy_expires_in_time() {
    let (cache, _) = start().await;
    let before = local_hits(&cache, "brief");
    eventually_async(LONG, || async {
        brief(&cache, 1).await;
        local_hits(&cache, "brief") > before
    })
    .await;
    eventually_async(Duration::from_secs(10), || async {
        let before = local_hits(&cache, "brief");
        brief(&cache, 1).await;
        local_hits(&cache, "brief") == before
    })
    .await;
}

#[tokio::test]
async fn synchronous_functions_have_copies_as_well() {
    let (cache, _) = start().await;
    eventually_async(LONG, || async { blocking(&cache, 1) == 1 && local_hits(&cache, "blocking") > 0 }).await;
}

#[tokio::test]
async fn an_invalid_setting_is_named() {
    for (local, setting) in [
        (LocalTier::new().max_bytes(0), "local.max_bytes"),
        (LocalTier::new().expire(0), "local.expire"),
        (LocalTier::new().expire(larder::Expire::Never), "local.expire"),
    ] {
        let error = on(shared()).local(local).build().await.expect_err("refused");
        assert!(error.to_string().contains(setting), "{error}");
    }
}
