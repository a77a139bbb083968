//! Cached functions that call themselves go as deep as memory allows.

use std::sync::Mutex;

use larder::{Cache, IgnoreInKey, cache};
use support::stores::{Calls, caches, counts};

const DEEP: u64 = 10_000;

#[cache(expire = "5m", cache = cache)]
fn fib(cache: &Cache, n: u64) -> u64 {
    if n < 2 { n } else { fib(cache, n - 1) + fib(cache, n - 2) }
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
fn depth(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    if n == 0 { 0 } else { depth(cache, calls, n - 1) + 1 }
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn depth_async(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    match n {
        0 => 0,
        // Waits at the bottom, so that the whole chain is dropped while it waits.
        1 if calls.count() > 2 * DEEP as usize => std::future::pending().await,
        _ => Box::pin(depth_async(cache, calls, n - 1)).await + 1,
    }
}

#[tokio::test]
async fn memoised_recursion() {
    for cache in caches().await {
        assert_eq!(fib(&cache, 90), 2_880_067_194_370_816_120, "{cache:?}");
        assert_eq!(counts(&cache, "fib").misses, 91, "{cache:?}");
    }
}

#[tokio::test]
async fn a_deep_synchronous_recursion() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(depth(&cache, &calls, DEEP), DEEP, "{cache:?}");
        assert_eq!(depth(&cache, &calls, DEEP / 2), DEEP / 2);
        assert_eq!(calls.count() as u64, DEEP + 1, "{cache:?}: {}", cache.stats());
    }
}

#[tokio::test]
async fn a_deep_asynchronous_recursion() {
    for cache in caches().await {
        let calls = Calls::default();
        assert_eq!(depth_async(&cache, &calls, DEEP).await, DEEP, "{cache:?}");
        assert_eq!(calls.count() as u64, DEEP + 1, "{cache:?}: {}", cache.stats());
    }
}

#[tokio::test]
async fn a_deep_chain_is_dropped() {
    for cache in caches().await {
        let calls = Calls::default();
        (0..=DEEP).for_each(|_| _ = calls.add());
        let mut deep = Box::pin(depth_async(&cache, &calls, DEEP));
        while calls.count() < 2 * DEEP as usize + 1 {
            assert!(futures_util::future::poll_immediate(deep.as_mut()).await.is_none());
            tokio::task::yield_now().await;
        }
        drop(deep);
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
    }
}

/// The levels that are measured.
const LEVELS: u64 = 60;

/// The positions in the stack at which the levels of a recursion run.
#[derive(Default)]
struct Positions(Mutex<Vec<usize>>);

impl IgnoreInKey for Positions {}

impl Positions {
    /// Notes the position of the caller.
    #[inline(never)]
    fn note(&self) {
        let local = 0_u8;
        self.0.lock().expect("no panic").push(std::ptr::from_ref(&local).addr());
    }

    /// The bytes that a level takes. At a few levels the stack goes on in a new segment, so that the median counts.
    fn of_a_level(self) -> usize {
        let positions = self.0.into_inner().expect("no panic");
        assert_eq!(positions.len() as u64, LEVELS + 1);
        let mut steps: Vec<usize> = positions.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
        steps.sort_unstable();
        steps[steps.len() / 2]
    }
}

#[cache(expire = "5m", ignore(positions), cache = cache)]
fn descend(cache: &Cache, positions: &Positions, n: u64) -> u64 {
    positions.note();
    if n == 0 { 0 } else { descend(cache, positions, n - 1) + 1 }
}

#[cache(expire = "5m", ignore(positions), cache = cache)]
async fn descend_async(cache: &Cache, positions: &Positions, n: u64) -> u64 {
    positions.note();
    if n == 0 { 0 } else { Box::pin(descend_async(cache, positions, n - 1)).await + 1 }
}

/// The most stack that a level may take, in bytes: a third more than it takes with the compiler of `rust-toolchain.toml`.
const LEVEL: usize = if cfg!(debug_assertions) { 8 << 10 } else { 5 << 10 };

#[tokio::test]
async fn a_level_takes_little_of_the_stack() {
    for cache in caches().await {
        let positions = Positions::default();
        assert_eq!(descend(&cache, &positions, LEVELS), LEVELS);
        let synchronous = positions.of_a_level();
        let positions = Positions::default();
        assert_eq!(descend_async(&cache, &positions, LEVELS).await, LEVELS);
        let asynchronous = positions.of_a_level();
        assert!(synchronous < LEVEL && asynchronous < LEVEL, "{cache:?}: {synchronous}, {asynchronous}");
    }
}
