//! Stale ids: one computation in the background for all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use larder::{Cache, cache, cache_many};
use support::stores::{LONG, caches, counts, in_time};
use support::wait::eventually_async;

use crate::source::{Source, values};

const TWO_HOURS: Duration = Duration::from_secs(7_200);

#[cache_many(expire = "1h", stale_while_revalidate = "10h", cache = cache)]
async fn stale(cache: &Cache, source: Arc<Source>, ids: &[u64]) -> HashMap<u64, u64> {
    let values = source.load(ids);
    source.gate.pass().await;
    values
}

#[cache(expire = "1h", stale_while_revalidate = "10h", cache = cache, ignore(source), entry = one_entry)]
async fn one(cache: &Cache, source: Arc<Source>, id: u64) -> u64 {
    source.load(&[id])[&id]
}

#[cache_many(of = |id| one_entry(cache, id), background, ignore(source))]
fn blocking(cache: &Cache, source: Arc<Source>, ids: &[u64]) -> HashMap<u64, u64> {
    source.load(ids)
}

/// The values of ids in the second version of the source.
fn new_values(ids: impl IntoIterator<Item = u64>) -> HashMap<u64, u64> {
    ids.into_iter().map(|id| (id, id * 10 + 1)).collect()
}

#[tokio::test]
async fn all_stale_ids_are_refreshed_by_one_call() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        source.gate.open();
        let call = |ids: &'static [u64]| stale(cache, Arc::clone(&source), ids);
        assert_eq!(in_time(call(&[1, 2, 3])).await, values([1, 2, 3]));
        cache.clock().advance(TWO_HOURS);
        source.version.store(1, SeqCst);
        let mut expected = values([1, 2, 3]);
        expected.extend(new_values([4]));
        assert_eq!(in_time(call(&[1, 2, 3, 4])).await, expected, "4 is missing, the others are stale");
        eventually_async(LONG, || async { in_time(call(&[1, 2, 3])).await == new_values([1, 2, 3]) }).await;
        let mut asked = source.asked();
        asked.sort();
        assert_eq!(asked, [vec![1, 2, 3], vec![1, 2, 3], vec![4]], "{cache:?}");
        let counts = counts(cache, "stale");
        assert!(counts.refreshes == 3 && counts.stale_hits >= 3, "{counts:?}");
    }
}

#[tokio::test]
async fn a_call_does_not_wait_for_the_refresh() {
    for cache in &caches().await {
        let source = Arc::new(Source::default());
        let call = |ids: &'static [u64]| stale(cache, Arc::clone(&source), ids);
        let (filled, ()) = tokio::join!(call(&[1, 2]), async { source.gate.open() });
        assert_eq!(filled, values([1, 2]));
        let held = Arc::new(Source::default());
        held.version.store(1, SeqCst);
        cache.clock().advance(TWO_HOURS);
        assert_eq!(in_time(stale(cache, Arc::clone(&held), &[1, 2])).await, values([1, 2]));
        held.gate.arrived(1).await;
        assert_eq!(in_time(stale(cache, Arc::clone(&held), &[2])).await, values([2]));
        assert_eq!(held.asked(), [[1, 2]], "{cache:?}");
        held.gate.open();
        eventually_async(LONG, || async { in_time(call(&[1, 2])).await == new_values([1, 2]) }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_another_function_with_its_policy() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        for id in [1, 2] {
            one(&cache, Arc::clone(&source), id).await;
        }
        cache.clock().advance(TWO_HOURS);
        source.version.store(1, SeqCst);
        let call = || {
            let (cache, source) = (cache.clone(), Arc::clone(&source));
            tokio::task::spawn_blocking(move || blocking(&cache, source, &[1, 2]))
        };
        assert_eq!(in_time(call()).await.expect("no panic"), values([1, 2]));
        eventually_async(LONG, || async { in_time(call()).await.expect("no panic") == new_values([1, 2]) })
            .await;
        assert_eq!(source.asked(), [vec![1], vec![2], vec![1, 2]], "{cache:?}");
    }
}
