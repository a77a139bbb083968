//! A computation that panics: its caller gets the panic, waiters get a value, and the key stays usable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};

use futures_util::future::join_all;
use larder::{Cache, cache};
use support::stores::{Calls, Gate, caches, counts, in_time, settle};

#[cache(expire = "1m", cache = cache)]
async fn first_panics(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> u64 {
    if calls.add() == 0 {
        gate.pass().await;
        panic!("no user {id}");
    }
    id * 2
}

#[cache(expire = "1m", cache = cache)]
async fn always_panics(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    let number = calls.add();
    tokio::task::yield_now().await;
    panic!("panic {number} of {id}");
}

#[cache(expire = "1m", cache = cache)]
fn sync_panics(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    match calls.add() {
        0 => panic!("no user {id}"),
        _ => id * 2,
    }
}

fn message(error: tokio::task::JoinError) -> String {
    error.into_panic().downcast_ref::<String>().cloned().expect("the message of the function")
}

#[tokio::test]
async fn the_panic_reaches_its_caller_and_the_waiters_get_a_value() {
    for cache in caches().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let call = || {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { first_panics(&cache, &calls, &gate, 7).await })
        };
        let leader = call();
        gate.arrived(1).await;
        let waiters: Vec<_> = (0..20).map(|_| call()).collect();
        settle(&cache).await;
        gate.open();
        assert_eq!(message(in_time(leader).await.expect_err("a panic")), "no user 7");
        for value in in_time(join_all(waiters)).await {
            assert_eq!(value.expect("no panic"), 14);
        }
        // Those that do not find the first value compute concurrently, and one of them stores its value.
        let computed = calls.count();
        assert!((2..=21).contains(&computed), "{cache:?}: {computed}");
        assert_eq!(in_time(call()).await.expect("no panic"), 14);
        assert_eq!((calls.count(), counts(&cache, "first_panics").stores), (computed, 1), "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn when_all_panic_each_caller_gets_its_own_panic() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let callers = (0..20).map(|_| {
            let (cache, calls) = (cache.clone(), Arc::clone(&calls));
            tokio::spawn(async move { always_panics(&cache, &calls, 7).await })
        });
        let callers = in_time(join_all(callers.collect::<Vec<_>>())).await;
        let mut messages: Vec<_> =
            callers.into_iter().map(|caller| message(caller.expect_err("a panic"))).collect();
        messages.sort_by_key(|message| message.len());
        assert_eq!(messages.iter().filter(|message| message.ends_with(" of 7")).count(), 20);
        messages.sort();
        messages.dedup();
        assert_eq!((messages.len(), calls.count()), (20, 20), "{cache:?}");
        assert_eq!(counts(&cache, "always_panics").stores, 0);
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn a_caught_panic_leaves_the_key_usable_in_the_same_task() {
    use futures_util::FutureExt;
    for cache in caches().await {
        let (calls, gate) = (Calls::default(), Gate::default());
        gate.open();
        let caught = AssertUnwindSafe(first_panics(&cache, &calls, &gate, 7)).catch_unwind().await;
        let panic = caught.expect_err("a panic");
        assert_eq!(panic.downcast_ref::<String>().expect("the message"), "no user 7");
        assert_eq!(in_time(first_panics(&cache, &calls, &gate, 7)).await, 14);
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[test]
fn a_synchronous_panic_reaches_its_caller_only() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        let (calls, barrier) = (Calls::default(), Barrier::new(8));
        let panics = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        catch_unwind(AssertUnwindSafe(|| sync_panics(&cache, &calls, 7)))
                    })
                })
                .collect();
            let results = threads.into_iter().map(|thread| thread.join().expect("the panic was caught"));
            results.filter(|result| result.as_ref().map_or(true, |value| *value != 14)).count()
        });
        let computed = calls.count();
        assert!(panics == 1 && (2..=8).contains(&computed), "{cache:?}: {panics}, {computed}");
        assert_eq!(sync_panics(&cache, &calls, 7), 14);
        assert_eq!((calls.count(), cache.blocking().health().computing), (computed, 0), "{cache:?}");
    }
}
