//! A read that starts after an invalidation returned never gets a value computed from the older state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use larder::{Cache, IgnoreInKey, cache, cache_evict};
use support::stores::caches;
use tokio::sync::Semaphore;

/// The source that the functions read, and a gate that holds them after the read.
struct Source {
    value: AtomicU64,
    has_read: Semaphore,
    may_return: Semaphore,
}

impl IgnoreInKey for Source {}

impl Source {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            value: AtomicU64::new(0),
            has_read: Semaphore::new(0),
            may_return: Semaphore::new(0),
        })
    }

    async fn read(&self) -> u64 {
        let value = self.value.load(SeqCst);
        self.has_read.add_permits(1);
        self.may_return.acquire().await.expect("it is never closed").forget();
        value
    }
}

#[cache(cache = cache, group = "g")]
async fn grouped(cache: &Cache, source: &Source) -> u64 {
    source.read().await
}

#[cache(cache = cache, entry = single_entry)]
async fn single(cache: &Cache, source: &Source) -> u64 {
    source.read().await
}

#[cache_evict(cache = cache, group = "g")]
async fn write_grouped(cache: &Cache, source: &Source, value: u64) {
    source.value.store(value, SeqCst);
}

#[cache_evict(cache = cache, entry = single_entry(cache, source))]
async fn write_single(cache: &Cache, source: &Source, value: u64) {
    source.value.store(value, SeqCst);
}

macro_rules! late_reader_gets_the_new_value {
    ($name:ident, $read:ident, $write:ident) => {
        #[tokio::test]
        async fn $name() {
            for cache in caches().await {
                let source = Source::new();
                let call = |cache: &Cache| {
                    let (cache, source) = (cache.clone(), Arc::clone(&source));
                    tokio::spawn(async move { $read(&cache, &source).await })
                };
                let early = call(&cache);
                source.has_read.acquire().await.expect("open").forget();
                $write(&cache, &source, 1).await;
                let late = call(&cache);
                source.has_read.acquire().await.expect("the late reader computes for itself").forget();
                source.may_return.add_permits(2);
                assert_eq!(early.await.expect("no panic"), 0, "{cache:?}");
                assert_eq!(late.await.expect("no panic"), 1, "{cache:?}");
                // The new value stays, whichever was stored last.
                source.may_return.add_permits(1);
                assert_eq!($read(&cache, &source).await, 1, "{cache:?}");
            }
        }
    };
}

late_reader_gets_the_new_value!(after_a_group_was_dropped, grouped, write_grouped);
late_reader_gets_the_new_value!(after_an_entry_was_invalidated, single, write_single);

#[tokio::test]
async fn an_invalidation_is_carried_out_after_its_caller_was_dropped() {
    for cache in caches().await {
        let source = Source::new();
        source.may_return.add_permits(1);
        assert_eq!(single(&cache, &source).await, 0);
        // The function ends at the first poll, so the drop hits the wait for the invalidation.
        {
            let mut write = std::pin::pin!(write_single(&cache, &source, 1));
            let waker = std::task::Waker::noop();
            let _ = write.as_mut().poll(&mut std::task::Context::from_waker(waker));
        }
        support::wait::eventually_async(support::stores::LONG, || async {
            single_entry(&cache, &source).get::<u64>().await.is_none()
        })
        .await;
    }
}
