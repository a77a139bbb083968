//! Callers under any runtime, without one, and in synchronous code inside one.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use larder::{Cache, cache};
use support::stores::{Calls, Gate, LONG, caches, counts, in_time};
use tokio::runtime::{Builder, Runtime};

#[cache(expire = "1m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "1m", cache = cache)]
fn double_sync(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "1m", group = "g", cache = cache)]
fn double_grouped(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Ends the process when a test hangs where no timeout of a runtime fires.
struct Watchdog(std::sync::mpsc::Sender<()>);

impl Watchdog {
    fn start(what: &'static str) -> Self {
        let (alive, gone) = std::sync::mpsc::channel::<()>();
        thread::spawn(move || {
            if gone.recv_timeout(2 * LONG) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{what} hangs");
                std::process::abort();
            }
        });
        Self(alive)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The receiver is gone after the timeout.
        let _ = self.0.send(());
    }
}

/// Makes three synchronous calls, with and without a group.
fn call_sync(cache: &Cache, n: u64) {
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(double_sync(cache, &calls, n), n * 2);
        assert_eq!(double_grouped(cache, &calls, n), n * 2);
    }
    assert_eq!(calls.count(), 2, "{cache:?}");
}

#[test]
fn async_functions_on_both_flavours() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            for cache in caches().await {
                let calls = Arc::new(Calls::default());
                double(&cache, &calls, 1).await;
                let spawned = tokio::spawn({
                    let (cache, calls) = (cache.clone(), Arc::clone(&calls));
                    async move { double(&cache, &calls, 1).await }
                });
                assert_eq!(spawned.await.expect("no panic"), 2);
                assert_eq!(calls.count(), 1, "{cache:?}");
            }
        });
    }
}

#[test]
fn sync_functions_inside_async_code_on_both_flavours() {
    let _watchdog = Watchdog::start("a sync function in async code");
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            for cache in caches().await {
                call_sync(&cache, 1);
                let spawned = tokio::spawn({
                    let cache = cache.clone();
                    async move { call_sync(&cache, 2) }
                });
                spawned.await.expect("no panic");
                let blocking = tokio::task::spawn_blocking({
                    let cache = cache.clone();
                    move || call_sync(&cache, 3)
                });
                blocking.await.expect("no panic");
                // The connections of this runtime still work.
                assert_eq!(double(&cache, &Calls::default(), 4).await, 8);
                assert_eq!(counts(&cache, "double_sync").store_errors, 0, "{cache:?}");
            }
        });
    }
}

#[test]
fn sync_functions_without_any_runtime() {
    let _watchdog = Watchdog::start("a sync function without a runtime");
    for url in ["memory://".to_owned(), support::deployment::shared().url()] {
        let prefix = support::stores::unique("bare");
        let cache =
            Cache::builder().url(url).prefix(prefix).require_redis(true).build_blocking().expect("a cache");
        call_sync(&cache, 1);
        let threads: Vec<_> = (2..10)
            .map(|n| {
                let cache = cache.clone();
                thread::spawn(move || call_sync(&cache, n))
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        cache.blocking().close();
    }
}

/// A minimal executor that is not tokio.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn async_functions_on_another_executor() {
    let _watchdog = Watchdog::start("another executor");
    for cache in block_on(caches()) {
        let (calls, gate) = (Calls::default(), Gate::default());
        for _ in 0..3 {
            assert_eq!(block_on(double(&cache, &calls, 1)), 2);
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        block_on(cache.remember("k", "1m", || async {
                            calls.add();
                            gate.pass().await;
                            7
                        }))
                    })
                })
                .collect();
            support::wait::eventually(LONG, || calls.count() == 2);
            gate.open();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic"), 7);
            }
        });
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[test]
fn a_runtime_without_timers_and_sockets() {
    let _watchdog = Watchdog::start("a runtime without drivers");
    for cache in block_on(caches()) {
        let bare = Builder::new_current_thread().build().expect("a runtime");
        bare.block_on(async {
            let calls = Calls::default();
            for _ in 0..3 {
                assert_eq!(double(&cache, &calls, 1).await, 2);
            }
            assert_eq!(calls.count(), 1, "{cache:?}");
            call_sync(&cache, 2);
        });
    }
}

#[test]
fn runtimes_one_after_the_other() {
    let _watchdog = Watchdog::start("one runtime after the other");
    for cache in current_thread().block_on(caches()) {
        let calls = Calls::default();
        for round in 0..20 {
            let runtime = if round % 2 == 0 { current_thread() } else { multi_thread() };
            runtime.block_on(async {
                assert_eq!(double(&cache, &calls, 1).await, 2);
                assert!(cache.set("round", &round, "1m").await.is_ok(), "{cache:?} {round}");
                assert_eq!(cache.get("round").await, Some(round), "{cache:?}");
            });
        }
        assert_eq!((calls.count(), counts(&cache, "double").store_errors), (1, 0), "{cache:?}");
    }
}

#[test]
fn two_runtimes_at_once() {
    let _watchdog = Watchdog::start("two runtimes at once");
    let (one, other) = (current_thread(), multi_thread());
    for cache in one.block_on(caches()) {
        let (calls, gate) = (Calls::default(), Gate::default());
        let compute = || async {
            calls.add();
            gate.pass().await;
            7
        };
        thread::scope(|scope| {
            let callers = [&one, &other]
                .map(|runtime| scope.spawn(|| runtime.block_on(cache.remember("k", "1m", compute))));
            support::wait::eventually(LONG, || calls.count() == 1);
            gate.open();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic"), 7);
            }
        });
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(expire = "1m", key = "shared", cache = cache)]
async fn leads(cache: &Cache, gate: &Gate) -> u64 {
    gate.pass().await;
    1
}

#[cache(expire = "1m", key = "shared", cache = cache)]
fn follows(cache: &Cache) -> u64 {
    2
}

/// The synchronous caller blocks the only thread of the computation that it waits for, and takes its place.
#[test]
fn a_sync_caller_on_the_leaders_own_thread_takes_over() {
    let _watchdog = Watchdog::start("a sync caller on the leader's thread");
    current_thread().block_on(async {
        for cache in caches().await {
            let gate = Arc::new(Gate::default());
            let leader = tokio::spawn({
                let (cache, gate) = (cache.clone(), Arc::clone(&gate));
                async move { leads(&cache, &gate).await }
            });
            gate.arrived(1).await;
            gate.open();
            assert_eq!(follows(&cache), 2, "{cache:?}");
            assert_eq!(in_time(leader).await.expect("no panic"), 1);
            assert_eq!(follows(&cache), 2, "{cache:?}: the value of the one that took over is stored");
        }
    });
}

#[test]
fn the_handle_works_from_sync_code_inside_a_runtime() {
    let _watchdog = Watchdog::start("the blocking handle");
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            for cache in caches().await {
                let blocking = cache.blocking();
                blocking.set("k", &1, "1m").expect("stored");
                assert_eq!(blocking.get::<i32>("k"), Some(1), "{cache:?}");
                assert_eq!(cache.get::<i32>("k").await, Some(1), "{cache:?}");
                assert_eq!(blocking.clear().expect("cleared"), 1);
            }
        });
    }
}

#[cache(expire = "1m", cache = cache)]
fn starts_a_runtime(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    let inner = Calls::default();
    current_thread().block_on(double(cache, &inner, n))
}

#[test]
fn a_sync_function_may_run_a_runtime_of_its_own() {
    let _watchdog = Watchdog::start("a runtime inside a sync function");
    for cache in block_on(caches()) {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(starts_a_runtime(&cache, &calls, 21), 42);
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(counts(&cache, "double").stores, 1, "{cache:?}");
    }
}

#[cache(expire = "1m", stale_while_revalidate = "1h", key = "renewed", cache = cache, entry = renewed_entry)]
async fn renewed(cache: &Cache, calls: Arc<Calls>, gate: Arc<Gate>) -> usize {
    let before = calls.add();
    if before == 1 {
        gate.pass().await;
    }
    before
}

#[test]
fn a_runtime_that_ends_in_the_middle_of_a_refresh_leaves_it_to_another() {
    let _watchdog = Watchdog::start("a runtime that ends in the middle of a refresh");
    let main = multi_thread();
    for cache in main.block_on(caches()) {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let call = || renewed(&cache, Arc::clone(&calls), Arc::clone(&gate));
        main.block_on(async {
            assert_eq!(call().await, 0);
            let entry = renewed_entry(&cache, Arc::clone(&calls), Arc::clone(&gate));
            entry.expire().await.expect("carried out");
        });
        let other = multi_thread();
        other.block_on(async {
            assert_eq!(call().await, 0, "the old value");
            gate.arrived(1).await;
        });
        other.shutdown_background();
        main.block_on(support::wait::eventually_async(LONG, || async { call().await == 2 }));
        assert_eq!(cache.blocking().health().computing, 0, "{cache:?}");
    }
}
