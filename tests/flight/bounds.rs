//! Waiting is bounded in number and in time; a caller that may not wait computes and does not store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use larder::{Cache, cache};
use support::log::Log;
use support::stores::{Calls, Gate, caches, caches_with, counts, in_time, settle};

#[cache(expire = "1m", cache = cache)]
async fn gated(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> usize {
    let number = calls.add();
    gate.pass().await;
    number
}

#[tokio::test]
async fn callers_beyond_max_waiters_compute_themselves() {
    for cache in caches_with(|builder| builder.max_waiters(2)).await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let call = || {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { gated(&cache, &calls, &gate, 1).await })
        };
        let mut callers = vec![call()];
        gate.arrived(1).await;
        callers.extend((0..9).map(|_| call()));
        // The leader and seven callers beyond the bound compute; two wait.
        gate.arrived(8).await;
        settle(&cache).await;
        assert_eq!(calls.count(), 8, "{cache:?}");
        gate.open();
        let mut numbers: Vec<_> =
            in_time(join_all(callers)).await.into_iter().map(|number| number.expect("no panic")).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7], "{cache:?}");
        let counts = counts(&cache, "gated");
        assert_eq!((counts.waits, counts.stores, counts.misses), (2, 1, 8), "{cache:?}");
        assert_eq!(
            gated(&cache, &calls, &gate, 1).await,
            0,
            "the result of the leader is cached on {cache:?}"
        );
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn max_waiters_holds_for_each_key() {
    for cache in caches_with(|builder| builder.max_waiters(1)).await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let callers = (0..20).map(|caller| {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { gated(&cache, &calls, &gate, caller / 2).await })
        });
        let callers: Vec<_> = callers.collect();
        gate.arrived(10).await;
        settle(&cache).await;
        assert_eq!((calls.count(), cache.health().await.computing), (10, 10), "{cache:?}");
        gate.open();
        in_time(join_all(callers)).await;
        assert_eq!(counts(&cache, "gated").waits, 10, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn first_waits(cache: &Cache, calls: &Calls, gate: &Gate) -> usize {
    let number = calls.add();
    if number == 0 {
        gate.pass().await;
    }
    number
}

#[tokio::test]
async fn after_max_wait_a_caller_computes_and_does_not_store() {
    for cache in caches_with(|builder| builder.max_wait(Duration::from_millis(200))).await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let leader = tokio::spawn({
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            async move { first_waits(&cache, &calls, &gate).await }
        });
        gate.arrived(1).await;
        let waited = in_time(join_all((0..5).map(|_| first_waits(&cache, &calls, &gate)))).await;
        assert!(waited.iter().all(|number| *number > 0) && calls.count() == 6, "{cache:?}: {waited:?}");
        assert_eq!(counts(&cache, "first_waits").stores, 0, "{cache:?}");
        gate.open();
        assert_eq!(in_time(leader).await.expect("no panic"), 0);
        assert_eq!(first_waits(&cache, &calls, &gate).await, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn a_wait_that_ends_by_max_wait_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches_with(|builder| builder.max_wait(Duration::from_millis(100))).await {
        let (calls, gate) = (Calls::default(), Gate::default());
        let mut leader = std::pin::pin!(first_waits(&cache, &calls, &gate));
        let waits = async {
            gate.arrived(1).await;
            for _ in 0..2 {
                in_time(join_all((0..3).map(|_| first_waits(&cache, &calls, &gate)))).await;
            }
            gate.open();
        };
        in_time(futures_util::future::join(leader.as_mut(), waits)).await;
        let warned: Vec<_> = log.take().into_iter().filter(|line| line.contains("max_wait")).collect();
        assert!(warned.len() == 1 && warned[0].contains("first_waits"), "{cache:?}: {warned:?}");
    }
}

/// Calls itself during its computation.
#[cache(expire = "1m", cache = cache)]
async fn asks_itself(cache: &Cache, calls: &Calls, depth: usize) -> usize {
    if calls.add() < 3 { Box::pin(asks_itself(cache, calls, depth)).await + 1 } else { 0 }
}

#[cache(expire = "1m", cache = cache)]
fn asks_itself_in_turn(cache: &Cache, calls: &Calls, depth: usize) -> usize {
    if calls.add() < 3 { asks_itself_in_turn(cache, calls, depth) + 1 } else { 0 }
}

#[tokio::test]
async fn a_function_that_calls_itself_does_not_wait_for_itself() {
    for cache in &caches().await {
        assert_eq!(in_time(asks_itself(cache, &Calls::default(), 0)).await, 3, "{cache:?}");
        let blocking = cache.clone();
        let nested =
            tokio::task::spawn_blocking(move || asks_itself_in_turn(&blocking, &Calls::default(), 0));
        assert_eq!(in_time(nested).await.expect("no panic"), 3, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}
