//! Processes whose clocks differ by an hour: invalidations, leases and expiries do not depend on clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey, cache};
use support::deployment::shared;
use support::stores::{Calls, Gate, counts, in_time, on, settle, unique};

/// The current value that the function should return.
#[derive(Default)]
struct Source {
    version: AtomicU64,
    calls: Calls,
}

impl IgnoreInKey for Source {}

#[cache(cache = cache, expire = "5m", key = "{id}", tags = ["t"], group = "g", entry = versioned_entry)]
async fn versioned(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.calls.add();
    source.version.load(SeqCst)
}

#[cache(cache = cache, expire = "5m", key = "slow")]
async fn slow(cache: &Cache, calls: &Calls, gate: &Gate) -> u64 {
    gate.pass().await;
    calls.add() as u64
}

/// Makes two caches with one prefix; the clock of the first is an hour ahead.
async fn ahead_and_right() -> (Cache, Cache) {
    let (prefix, clock) = (unique("clocks"), TestClock::new());
    clock.advance(Duration::from_secs(3600));
    let one = || on(shared()).prefix(&prefix).require_redis(true);
    (
        one().clock(clock).build().await.expect("a cache"),
        one().clock(TestClock::new()).build().await.expect("a cache"),
    )
}

#[tokio::test]
async fn an_invalidation_by_either_process_holds_for_both() {
    let (ahead, right) = ahead_and_right().await;
    let source = Source::default();
    for round in 1..=12 {
        let (writer, reader) = if round % 2 == 0 { (&ahead, &right) } else { (&right, &ahead) };
        versioned(writer, &source, 1).await;
        versioned(reader, &source, 1).await;
        source.version.store(round, SeqCst);
        match round % 3 {
            0 => writer.invalidate_tag("t").await.expect("carried out"),
            1 => writer.delete_group("g").await.expect("carried out"),
            _ => versioned_entry(writer, &source, 1).invalidate().await.expect("carried out"),
        }
        assert_eq!(versioned(reader, &source, 1).await, round);
        assert_eq!(versioned(writer, &source, 1).await, round);
    }
}

#[tokio::test]
async fn entries_expire_by_the_clock_of_redis() {
    let (ahead, right) = ahead_and_right().await;
    let source = Source::default();
    versioned(&ahead, &source, 7).await;
    let entry = versioned_entry(&ahead, &source, 7);
    let left: i64 = shared().command(&["PTTL", entry.key()]).parse().expect("a number");
    assert!((1..=300_000).contains(&left), "{left} ms instead of five minutes");
    versioned(&right, &source, 7).await;
    assert_eq!(source.calls.count(), 1, "it is a hit for who is an hour behind");
}

#[tokio::test]
async fn a_lease_holds_for_a_process_an_hour_ahead() {
    let (ahead, right) = ahead_and_right().await;
    let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
    let call = |cache: &Cache| {
        let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
        tokio::spawn(async move { slow(&cache, &calls, &gate).await })
    };
    let first = call(&right);
    gate.arrived(1).await;
    let second = call(&ahead);
    support::wait::eventually_async(support::stores::LONG, || async {
        counts(&ahead, "slow").lease_waits == 1
    })
    .await;
    settle(&ahead).await;
    gate.open();
    in_time(first).await.expect("no panic");
    in_time(second).await.expect("no panic");
    assert!(calls.count() <= 2);
    assert_eq!(counts(&ahead, "slow").lease_waits, 1, "it waited, and did not take the lease");
}
