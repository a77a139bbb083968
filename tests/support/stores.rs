//! Caches on every store, and means to count and hold computations.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use larder::{Builder, Cache, Counts, IgnoreInKey};
use tokio::sync::watch;

use super::deployment::{Deployment, shared};

/// Makes an empty cache in each store: in this process, and in the shared deployment of Redis.
pub async fn caches() -> [Cache; 2] {
    caches_with(|builder| builder).await
}

/// Makes [`caches`] with more settings.
pub async fn caches_with(settings: impl Fn(Builder) -> Builder) -> [Cache; 2] {
    let memory = settings(Cache::builder().url("memory://").prefix(unique("t"))).build();
    let redis = settings(on(shared()).require_redis(true)).build();
    [memory.await.expect("a cache in memory"), redis.await.expect("a cache in the shared deployment")]
}

/// The builder of a new cache on a server, with long timeouts: a machine that runs all tests at once may exceed the
/// default of 250 ms.
pub fn on(server: &dyn Deployment) -> Builder {
    Cache::builder()
        .url(server.url())
        .prefix(unique("t"))
        .redis_timeout(Duration::from_secs(10))
        .connect_timeout(LONG)
}

/// The builder of [`on`] with the default timeouts.
pub fn hasty(server: &dyn Deployment) -> Builder {
    on(server).redis_timeout(Duration::from_millis(250)).connect_timeout(Duration::from_secs(1))
}

/// A name that is used nowhere else, in no process.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, SeqCst))
}

/// Counts computations; never part of a key.
#[derive(Debug, Default)]
pub struct Calls(AtomicUsize);

impl IgnoreInKey for Calls {}

impl Calls {
    /// Counts a computation, and returns the number of earlier ones.
    pub fn add(&self) -> usize {
        self.0.fetch_add(1, SeqCst)
    }

    /// The number of computations so far.
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// The counts of one function; all zeros before its first call.
pub fn counts(cache: &Cache, function: &str) -> Counts {
    cache.stats().function(function).copied().unwrap_or_default()
}

/// Lets every task that was spawned before run until it waits for the caller. On a current-thread runtime tasks run in
/// turn and replies of Redis arrive in turn, so those of the caller come last.
pub async fn settle(cache: &Cache) {
    for _ in 0..3 {
        tokio::task::yield_now().await;
        cache.health().await;
    }
}

/// A gate inside a computation, which counts arrivals and holds them until it opens.
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
    /// Waits until the gate is open.
    pub async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        self.open.subscribe().wait_for(|open| *open).await.expect("the gate is borrowed");
    }

    /// Waits until `visitors` have arrived in total.
    pub async fn arrived(&self, visitors: usize) {
        let mut arrived = self.arrived.subscribe();
        let came = tokio::time::timeout(LONG, arrived.wait_for(|arrived| *arrived >= visitors)).await;
        came.expect("they arrive").expect("the gate is borrowed");
    }

    /// Opens the gate for good.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// A limit that only a hang exceeds.
pub const LONG: Duration = Duration::from_secs(30);

/// Awaits `future`, which must not hang.
///
/// # Panics
/// When `future` takes longer than [`LONG`].
pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("it hangs")
}
