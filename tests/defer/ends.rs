//! Ends of a set other than a success of `send`.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use larder::{Builder, Cache, Error, cache, cache_evict, cache_put};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, caches, caches_with, counts, on};
use support::wait::eventually_async;

#[cache(expire = "1h", cache = cache, ignore(calls), entry = user_entry, tags = ["user:{id}"])]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> usize {
    calls.add() + id as usize
}

#[cache_evict(cache = cache, entry = user_entry(cache, id))]
async fn rename(cache: &Cache, id: u64) {}

#[cache_evict(cache = cache, tags = ["user:{id}"])]
async fn slow_evict(cache: &Cache, gate: &Gate, id: u64) {
    gate.pass().await;
}

#[cache_put(entry = user_entry(cache, id))]
async fn slow_put(cache: &Cache, gate: &Gate, id: u64) -> usize {
    gate.pass().await;
    0
}

/// The second invalidation is made after four seconds.
fn patient(builder: Builder) -> Builder {
    builder.redis_timeout(Duration::from_secs(1))
}

async fn carried_out(cache: &Cache) {
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
}

/// Returns the reads that the next call costs.
async fn next_reads(cache: &Cache, calls: &Calls) -> usize {
    let before = calls.count();
    user(cache, calls, 1).await;
    calls.count() - before
}

#[tokio::test]
async fn a_set_that_is_dropped_sends_at_once_and_again() {
    for cache in &caches_with(patient).await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        drop(later);
        assert_eq!(counts(cache, "rename").deferred_unsent, 1, "{cache:?}");
        assert_eq!(next_reads(cache, calls).await, 1, "{cache:?}: at once");
        eventually_async(LONG, || async { next_reads(cache, calls).await == 0 }).await;
        // The transaction may commit only now, and a reader may have been faster.
        eventually_async(LONG, || async { next_reads(cache, calls).await == 1 }).await;
        carried_out(cache).await;
        assert_eq!(counts(cache, "rename").deferred_unsent, 1, "{cache:?}: once");
        next_reads(cache, calls).await;
        assert_eq!(next_reads(cache, calls).await, 0, "{cache:?}: and not a third time");
    }
}

#[tokio::test]
async fn an_error_a_panic_and_a_cancellation_send_too() {
    async fn fails(cache: &Cache) -> Result<(), String> {
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        Err::<(), _>("no commit".to_owned())?;
        later.send().await.map_err(|error| error.to_string())
    }
    async fn panics(cache: &Cache) {
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        later.scope(async { panic!("no commit") }).await;
    }
    async fn hangs(cache: &Cache) {
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        std::future::pending::<()>().await;
    }
    // The second invalidation comes too late for this test.
    for cache in &caches_with(|builder| builder.redis_timeout(LONG * 4)).await {
        let calls = &Calls::default();
        for end in 0..4 {
            // Once the invalidation before is carried out.
            eventually_async(LONG, || async { next_reads(cache, calls).await == 0 }).await;
            match end {
                0 => drop(fails(cache).await.expect_err("it fails")),
                1 => drop(AssertUnwindSafe(panics(cache)).catch_unwind().await.expect_err("it panics")),
                2 => assert!(hangs(cache).now_or_never().is_none()),
                // A future of `send` that is never polled.
                _ => {
                    let later = cache.defer();
                    later.scope(rename(cache, 1)).await;
                    drop(later.send());
                }
            }
            assert_eq!(next_reads(cache, calls).await, 1, "{end}, {cache:?}");
        }
        assert_eq!(counts(cache, "rename").deferred_unsent, 4, "{cache:?}");
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_inside_is_collected() {
    for cache in &caches().await {
        let calls = &Calls::default();
        for write in 0..2 {
            let gate = Gate::default();
            user(cache, calls, 1).await;
            let later = cache.defer();
            let dropped = later
                .scope(async {
                    match write {
                        0 => slow_evict(cache, &gate, 1).now_or_never().is_none(),
                        _ => slow_put(cache, &gate, 1).now_or_never().is_none(),
                    }
                })
                .await;
            assert!(dropped, "the gate is closed");
            assert_eq!(next_reads(cache, calls).await, 0, "{write}, {cache:?}: not yet");
            later.send().await.expect("sent");
            assert_eq!(next_reads(cache, calls).await, 1, "{write}, {cache:?}");
        }
        assert_eq!(cache.stats().total.deferred_unsent, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn the_scope_that_is_dropped_with_its_write_sends() {
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        let gate = Gate::default();
        let work = async {
            let later = cache.defer();
            later.scope(slow_evict(cache, &gate, 1)).await;
            later.send().await
        };
        assert!(work.now_or_never().is_none(), "the gate is closed");
        assert_eq!(counts(cache, "slow_evict").deferred_unsent, 1, "{cache:?}");
        assert_eq!(next_reads(cache, calls).await, 1, "{cache:?}");
    }
}

#[tokio::test]
async fn what_the_store_refuses_is_reported_and_retried() {
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        cache.set("k", &1, "1h").await.expect("stored");
        let later = cache.defer();
        later
            .scope(async {
                rename(cache, 1).await;
                cache.delete("k").await.expect("collected");
                cache.invalidate_tag("t").await.expect("collected");
                cache.delete_pattern("p:*").await.expect("collected");
            })
            .await;
        cache.chaos().refuse();
        let error = later.send().await.expect_err("the store refuses");
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert_eq!(cache.health().await.pending_invalidations, 4, "{cache:?}");
        assert_eq!(counts(cache, "rename").pending_invalidations, 1, "{cache:?}");
        assert!(counts(cache, "rename").store_errors > 0, "{cache:?}");
        assert_eq!(counts(cache, "rename").invalidations, 0, "{cache:?}");
        cache.chaos().heal();
        assert_eq!(next_reads(cache, calls).await, 1, "{cache:?}: this process knows that it is old");
        carried_out(cache).await;
        assert_eq!(cache.get::<i32>("k").await, None, "{cache:?}");
    }
}

#[tokio::test]
async fn a_send_that_is_dropped_goes_on_in_the_background() {
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        cache.chaos().delay(Duration::from_millis(50));
        assert!(later.send().now_or_never().is_none(), "the store is slow");
        cache.chaos().heal();
        assert_eq!(next_reads(cache, calls).await, 1, "{cache:?}");
        carried_out(cache).await;
        assert_eq!(cache.stats().total.deferred_unsent, 0, "{cache:?}: it was sent");
    }
}

#[tokio::test]
async fn a_closed_cache_is_an_error() {
    for cache in &caches().await {
        let later = cache.defer();
        later.scope(rename(cache, 1)).await;
        cache.clone().close().await;
        assert!(matches!(later.send().await, Err(Error::Closed)), "{cache:?}");
    }
}

#[tokio::test]
async fn an_empty_set_sends_nothing() {
    for cache in &caches().await {
        cache.chaos().refuse();
        cache.defer().send().await.expect("nothing to send");
        drop(cache.defer());
        cache.defer().discard();
        assert_eq!(cache.stats().total.deferred_unsent, 0, "{cache:?}");
        assert!(format!("{:?}", cache.defer()).contains("invalidations: 0"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_write_that_outlives_the_set_is_invalidated_when_it_is_dropped() {
    for cache in &caches_with(patient).await {
        let calls = &Calls::default();
        let gate = Gate::default();
        user(cache, calls, 1).await;
        let mut write = Box::pin(slow_evict(cache, &gate, 1));
        let later = cache.defer();
        later.scope(poll_fn(|context| Poll::Ready(write.as_mut().poll(context).is_pending()))).await;
        later.send().await.expect("nothing yet");
        assert_eq!(next_reads(cache, calls).await, 0, "{cache:?}: it has not ended");
        drop(write);
        assert_eq!(next_reads(cache, calls).await, 1, "{cache:?}: the change may have been made");
    }
}

#[tokio::test]
async fn of_two_failures_the_one_that_leaves_something_undone_is_reported() {
    // Without replicas, whatever the shared deployment has.
    let server = RedisServer::start();
    let alone = on(&server).confirm(1, "10ms").build().await.expect("a cache");
    for cache in &caches().await {
        cache.chaos().refuse();
        for is_first in [true, false] {
            let later = cache.defer();
            for turn in [is_first, !is_first] {
                let of = if turn { &alone } else { cache };
                later.scope(of.invalidate_tag("t")).await.expect("collected");
            }
            let error = later.send().await.expect_err("both failed");
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}, {cache:?}");
        }
        let later = cache.defer();
        later.scope(alone.invalidate_tag("t")).await.expect("collected");
        assert!(
            matches!(later.send().await, Err(Error::NotConfirmed { .. })),
            "carried out, and not confirmed"
        );
    }
}

#[tokio::test]
async fn a_success_settles_what_had_failed_before() {
    for cache in &caches().await {
        cache.set("k", &1, "1h").await.expect("stored");
        cache.chaos().refuse();
        cache.delete("k").await.expect_err("the store refuses");
        assert_eq!(cache.health().await.pending_invalidations, 1, "{cache:?}");
        cache.chaos().heal();
        let later = cache.defer();
        later.scope(cache.delete("k")).await.expect("collected");
        later.send().await.expect("sent");
        assert_eq!(cache.health().await.pending_invalidations, 0, "{cache:?}: at once");
    }
}
