//! The same test on every tier: caches of their own, and a way to count computations.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use larder::{Builder, Cache, Counts, IgnoreInKey};
use tokio::sync::watch;

use super::redis::{RedisServer, shared};

/// A cache on each tier, empty and apart from every other: in this process, and on the shared Redis server.
pub async fn caches() -> [Cache; 2] {
    caches_with(|builder| builder).await
}

/// [`caches`] with more settings.
pub async fn caches_with(settings: impl Fn(Builder) -> Builder) -> [Cache; 2] {
    let memory = settings(Cache::builder().url("memory://").prefix(unique("t"))).build();
    let redis = settings(on(shared()).require_redis(true)).build();
    [memory.await.expect("a cache in memory"), redis.await.expect("a cache on the shared server")]
}

/// The builder of a cache of its own on a server. It is patient: a machine that runs all tests at once may take longer
/// than the 250 ms that are the default.
pub fn on(server: &RedisServer) -> Builder {
    Cache::builder()
        .url(server.url())
        .prefix(unique("t"))
        .redis_timeout(Duration::from_secs(10))
        .connect_timeout(LONG)
}

/// [`on`] with the limits that a builder has by itself.
pub fn hasty(server: &RedisServer) -> Builder {
    on(server).redis_timeout(Duration::from_millis(250)).connect_timeout(Duration::from_secs(1))
}

/// A name that nobody else uses, in this process or another.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, SeqCst))
}

/// Counts computations; never part of a key.
#[derive(Debug, Default)]
pub struct Calls(AtomicUsize);

impl IgnoreInKey for Calls {}

impl Calls {
    /// One more computation; answers how many there were before.
    pub fn add(&self) -> usize {
        self.0.fetch_add(1, SeqCst)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// What was counted for one function; nothing so far is all zeros.
pub fn counts(cache: &Cache, function: &str) -> Counts {
    cache.stats().function(function).copied().unwrap_or_default()
}

/// Lets every task that was spawned before get as far as it can without the one who calls this: on a current-thread
/// runtime tasks run in turn, and answers of Redis come back in turn as well, so ours is the last.
pub async fn settle(cache: &Cache) {
    for _ in 0..3 {
        tokio::task::yield_now().await;
        cache.health().await;
    }
}

/// A door inside a computation: it tells who stands before it, and holds them until it is opened.
#[derive(Debug)]
pub struct Gate {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrived: watch::Sender::new(0), open: watch::Sender::new(false) }
    }
}

impl IgnoreInKey for Gate {}

impl Gate {
    /// Goes through, once it is open.
    pub async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        self.open.subscribe().wait_for(|open| *open).await.expect("the gate is borrowed");
    }

    /// Waits until so many stood before it, in all.
    pub async fn arrived(&self, visitors: usize) {
        let mut arrived = self.arrived.subscribe();
        let came = tokio::time::timeout(LONG, arrived.wait_for(|arrived| *arrived >= visitors)).await;
        came.expect("they arrive").expect("the gate is borrowed");
    }

    /// Opens it for good.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Longer than anything takes that does not hang.
pub const LONG: Duration = Duration::from_secs(30);

/// The output of `future`, which must not hang.
///
/// # Panics
/// When it does.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("it hangs")
}
