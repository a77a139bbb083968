//! A process that forks after it has opened a cache, as daemons do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;

use fork::{Fork, fork, waitpid_nohang};
use larder::{Cache, Error, cache};
use support::deployment::shared;
use support::isolated;
use support::log::Log;
use support::redis::signal;
use support::stores::{Calls, LONG, on, unique};
use support::wait::eventually;

#[cache(cache = cache)]
fn square(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * n
}

#[cache(cache = cache, stale_while_revalidate = "1h")]
async fn cube(cache: &Cache, calls: &'static Calls, n: u64) -> u64 {
    calls.add();
    n * n * n
}

/// Runs `inside` in a fork of this process, which must end well and in time.
fn forked(inside: impl FnOnce()) {
    let child = match fork().expect("a process") {
        // Only this thread exists here: the harness must not go on.
        Fork::Child => exit(i32::from(catch_unwind(AssertUnwindSafe(inside)).is_err())),
        Fork::Parent(child) => child,
    };
    let status = catch_unwind(|| {
        let mut status = None;
        eventually(LONG, || {
            status = waitpid_nohang(child).expect("a child");
            status.is_some()
        });
        status
    });
    if status.is_err() {
        signal("KILL", child.unsigned_abs());
    }
    assert_eq!(status.expect("the child hangs"), Some(0), "the child failed");
}

/// The calls of a child on a shared store, each of which must return.
fn runs_uncached(cache: &Cache, calls: &'static Calls) {
    let before = calls.count();
    assert_eq!([3, 3, 4].map(|n| square(cache, calls, n)), [9, 9, 16]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    assert_eq!(
        runtime.block_on(async { [cube(cache, calls, 3).await, cube(cache, calls, 3).await] }),
        [27; 2]
    );
    assert_eq!(calls.count() - before, 5, "each call computes");
    let blocking = cache.blocking();
    for error in [blocking.set("k", &1, "1h").err(), blocking.delete("k").err(), blocking.clear().err()] {
        let Some(Error::Unavailable { message, .. }) = &error else { panic!("{error:?}") };
        assert!(message.contains("forked"), "{message}");
    }
    assert_eq!((blocking.get::<u64>("k"), blocking.remember("k", "1h", || 7)), (None, 7));
    blocking.close();
}

#[test]
fn a_forked_process_runs_uncached_and_may_open_a_cache_of_its_own() {
    if !isolated!() {
        return;
    }
    let calls: &'static Calls = Box::leak(Box::default());
    let (log, _guard) = Log::start();
    let prefix = unique("fork");
    let cache =
        on(shared()).prefix(&prefix).local(larder::LocalTier::new()).build_blocking().expect("a cache");
    assert_eq!((square(&cache, calls, 3), square(&cache, calls, 3), calls.count()), (9, 9, 1));
    cache.blocking().set("k", &1, "1h").expect("stored");
    drop(log.take());
    forked(|| {
        // Not in this process yet, as nothing but an access of Redis finds out.
        cache.blocking().delete("other").expect_err("refused");
        runs_uncached(&cache, calls);
        let warnings = log.take();
        assert!(warnings.len() == 1 && warnings[0].contains("forked"), "{warnings:?}");

        let own = on(shared()).prefix(&prefix).build_blocking().expect("a cache");
        assert_eq!(own.blocking().get("k"), Some(1));
        let before = calls.count();
        assert_eq!((square(&own, calls, 3), square(&own, calls, 5), square(&own, calls, 5)), (9, 25, 25));
        assert_eq!(calls.count() - before, 1);
        own.blocking().close();
    });
    // The parent notices nothing.
    assert_eq!((square(&cache, calls, 3), cache.blocking().get("k"), calls.count()), (9, Some(1), 1));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[test]
fn a_forked_process_computes_what_is_not_in_its_memory() {
    if !isolated!() {
        return;
    }
    let calls: &'static Calls = Box::leak(Box::default());
    let (log, _guard) = Log::start();
    let cache = Cache::builder().build_blocking().expect("a cache");
    assert_eq!((square(&cache, calls, 3), calls.count()), (9, 1));
    forked(|| {
        assert_eq!((square(&cache, calls, 3), calls.count()), (9, 1));
        assert_eq!((square(&cache, calls, 4), square(&cache, calls, 4), calls.count()), (16, 16, 3));
        let warnings = log.take();
        assert!(warnings.len() == 1 && warnings[0].contains("forked"), "{warnings:?}");
    });
    assert_eq!((square(&cache, calls, 4), square(&cache, calls, 4), calls.count()), (16, 16, 2));
}
