//! One computation of a key at a time for any number of callers.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache};
use support::stores::{Calls, Gate, LONG, caches_with, counts, in_time, settle};

/// Caches for which a leader is not stalled because a busy machine does not run it: without optimisation, the other calls of a
/// test may take longer than 50 ms.
async fn patient() -> [Cache; 2] {
    caches_with(|builder| builder.stall_timeout(LONG)).await
}

#[cache(expire = "1m", cache = cache)]
async fn gated(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> u64 {
    calls.add();
    gate.pass().await;
    id * 2
}

#[cache(expire = "1m", cache = cache)]
async fn quick(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    tokio::task::yield_now().await;
    id * 2
}

#[tokio::test]
async fn sequential_calls_compute_once() {
    for cache in &patient().await {
        let calls = Calls::default();
        for _ in 0..10 {
            assert_eq!(quick(cache, &calls, 1).await, 2);
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_concurrent_calls_compute_once() {
    for cache in patient().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let callers = (0..1000).map(|_| {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { gated(&cache, &calls, &gate, 1).await })
        });
        let callers: Vec<_> = callers.collect();
        gate.arrived(1).await;
        assert_eq!(cache.health().await.computing, 1);
        gate.open();
        for value in in_time(join_all(callers)).await {
            assert_eq!(value.expect("no panic"), 2);
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let counts = counts(&cache, "gated");
        assert_eq!((counts.misses, counts.stores, counts.hits + counts.waits), (1, 1, 999), "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn waiters_get_the_leaders_value() {
    for cache in patient().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let callers = (0..50).map(|_| {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { gated(&cache, &calls, &gate, 1).await })
        });
        let callers: Vec<_> = callers.collect();
        gate.arrived(1).await;
        settle(&cache).await;
        gate.open();
        for value in in_time(join_all(callers)).await {
            assert_eq!(value.expect("no panic"), 2);
        }
        assert_eq!((calls.count(), counts(&cache, "gated").waits), (1, 49), "{cache:?}");
    }
}

/// No caller may compute between the end of a flight and the store, or between a read and the lead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_no_gap_between_the_flight_and_the_store() {
    for cache in patient().await {
        for round in 0..300 {
            let calls = Arc::new(Calls::default());
            let callers = (0..8).map(|caller| {
                let (cache, calls) = (cache.clone(), Arc::clone(&calls));
                tokio::spawn(async move {
                    for _ in 0..caller {
                        tokio::task::yield_now().await;
                    }
                    quick(&cache, &calls, round).await
                })
            });
            for value in in_time(join_all(callers.collect::<Vec<_>>())).await {
                assert_eq!(value.expect("no panic"), round * 2);
            }
            assert_eq!(calls.count(), 1, "{cache:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn different_keys_do_not_wait_for_one_another() {
    for cache in patient().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let stuck = tokio::spawn({
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            async move { gated(&cache, &calls, &gate, u64::MAX / 2).await }
        });
        gate.arrived(1).await;
        let open = Gate::default();
        open.open();
        in_time(join_all((0..500).map(|id| gated(&cache, &calls, &open, id)))).await;
        assert_eq!(calls.count(), 501, "{cache:?}");
        assert!(!stuck.is_finished());
        gate.open();
        assert_eq!(in_time(stuck).await.expect("no panic"), u64::MAX - 1);
    }
}

#[tokio::test]
async fn two_caches_do_not_wait_for_one_another() {
    let [one, other] = patient().await;
    let (calls, gate, open) = (Calls::default(), Gate::default(), Gate::default());
    open.open();
    let first = gated(&one, &calls, &gate, 1);
    let second = async {
        gate.arrived(1).await;
        assert_eq!(gated(&other, &calls, &open, 1).await, 2);
        gate.open();
    };
    assert_eq!(in_time(async { tokio::join!(first, second) }).await, (2, ()));
    assert_eq!(calls.count(), 2);
}

/// A gate for threads.
struct Door(std::sync::Mutex<mpsc::Receiver<()>>);
impl IgnoreInKey for Door {}

#[cache(expire = "1m", cache = cache)]
fn sync(cache: &Cache, calls: &Calls, door: &Door, id: u64) -> u64 {
    calls.add();
    door.0.lock().expect("one computes").recv_timeout(LONG).expect("it is opened");
    id * 2
}

#[test]
fn many_threads_compute_once() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(patient()) {
        let (calls, barrier) = (Calls::default(), Barrier::new(17));
        let (open, door) = mpsc::channel();
        let door = Door(std::sync::Mutex::new(door));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        sync(&cache, &calls, &door, 1)
                    })
                })
                .collect();
            barrier.wait();
            support::wait::eventually(LONG, || calls.count() == 1);
            open.send(()).expect("somebody computes");
            for thread in threads {
                assert_eq!(thread.join().expect("no panic"), 2);
            }
        });
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(cache.blocking().health().computing, 0);
    }
}

#[test]
fn threads_compute_once_in_each_of_many_rounds() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(patient()) {
        let (open, door) = mpsc::channel();
        let door = Door(std::sync::Mutex::new(door));
        for round in 0..100 {
            let (calls, barrier) = (Calls::default(), Barrier::new(4));
            open.send(()).expect("the door is there");
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        assert_eq!(sync(&cache, &calls, &door, round), round * 2);
                    });
                }
            });
            assert_eq!(calls.count(), 1, "{cache:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn remember_computes_once_too() {
    for cache in &patient().await {
        let (calls, gate) = (Calls::default(), Gate::default());
        let callers = join_all((0..50).map(|_| {
            cache.remember("total", "1m", || async {
                calls.add();
                gate.pass().await;
                42
            })
        }));
        let opener = async {
            gate.arrived(1).await;
            gate.open();
        };
        let (values, ()) = in_time(async { tokio::join!(callers, opener) }).await;
        assert_eq!(values, [42; 50]);
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(expire = "10s", ignore(gate), cache = cache, entry = slow_entry)]
async fn slow(cache: &Cache, gate: &Gate) -> u8 {
    gate.pass().await;
    1
}

#[tokio::test]
async fn the_expiry_counts_from_the_store_and_not_from_the_call() {
    for cache in &patient().await {
        let gate = Gate::default();
        let opener = async {
            gate.arrived(1).await;
            // This time must not count towards the expiry.
            tokio::time::sleep(Duration::from_millis(1500)).await;
            gate.open();
            Instant::now()
        };
        let (_, opened) = tokio::join!(slow(cache, &gate), opener);
        let left = slow_entry(cache).ttl().await.expect("it is stored");
        let since = opened.elapsed() + Duration::from_millis(2);
        assert!(left + since >= Duration::from_secs(10), "{cache:?}: {left:?} left after {since:?}");
        assert!(left <= Duration::from_secs(10), "{cache:?}: {left:?}");
    }
}

/// Returns the maximum of concurrent computations of one key.
#[derive(Default)]
struct Overlap {
    now: AtomicUsize,
    most: AtomicUsize,
}
impl IgnoreInKey for Overlap {}

#[cache(expire = "1ms", cache = cache)]
async fn short_lived(cache: &Cache, overlap: &Overlap, id: u64) -> u64 {
    let now = overlap.now.fetch_add(1, SeqCst) + 1;
    overlap.most.fetch_max(now, SeqCst);
    tokio::task::yield_now().await;
    overlap.now.fetch_sub(1, SeqCst);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_value_that_expires_at_once_is_computed_by_one_caller_at_a_time() {
    for cache in patient().await {
        let overlap = Arc::new(Overlap::default());
        let callers = (0..8).map(|_| {
            let (cache, overlap) = (cache.clone(), Arc::clone(&overlap));
            tokio::spawn(async move {
                for _ in 0..100 {
                    assert_eq!(short_lived(&cache, &overlap, 7).await, 7);
                }
            })
        });
        for caller in in_time(join_all(callers.collect::<Vec<_>>())).await {
            caller.expect("no panic");
        }
        assert_eq!(overlap.most.load(SeqCst), 1, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}
