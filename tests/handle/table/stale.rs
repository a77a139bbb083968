//! Stale values of tables.

use std::sync::Arc;
use std::time::Duration;

use larder::{Cache, Policy};
use support::stores::{Calls, LONG, caches, counts};
use support::wait::eventually_async;

const STALE: Policy = Policy::new()
    .expire(Duration::from_secs(60))
    .stale_while_revalidate(Duration::from_secs(3600))
    .stale_if_error(Duration::from_secs(3600));

/// Moves the clock of a cache past the expiry of its entries.
fn age(cache: &Cache) {
    cache.clock().advance(Duration::from_secs(90));
}

#[tokio::test]
async fn a_stale_value_is_served_and_loaded_again_in_the_background() {
    for cache in &caches().await {
        for has_tags in [false, true] {
            let calls = Arc::<Calls>::default();
            let name = if has_tags { "tagged" } else { "plain" };
            let builder = cache.table::<u64, usize>(name).policy(STALE);
            let builder = if has_tags { builder.tags(|id, _| [format!("t:{id}")]) } else { builder };
            let table = builder.load({
                let calls = Arc::clone(&calls);
                move |_: &u64| std::future::ready(calls.add())
            });
            assert_eq!(table.get(&1).await, 0);
            age(cache);
            assert_eq!(table.get(&1).await, 0, "{name}, {cache:?}: the stale value");
            eventually_async(LONG, || async { table.get(&1).await == 1 }).await;
            assert_eq!(counts(cache, name).refreshes, 1, "{name}, {cache:?}");
            cache.invalidate_tag("t:1").await.expect("invalidated");
            assert_eq!(table.get(&1).await, if has_tags { 2 } else { 1 }, "{name}, {cache:?}");
        }
    }
}

#[tokio::test]
async fn stale_ids_of_a_bulk_table_are_loaded_by_one_run() {
    for cache in &caches().await {
        let runs = Arc::<Calls>::default();
        let table = cache.table::<u64, usize>("bulk").policy(STALE).load_many({
            let runs = Arc::clone(&runs);
            move |ids: Vec<u64>| {
                let run = runs.add();
                std::future::ready(ids.into_iter().map(|id| (id, run)).collect::<Vec<_>>())
            }
        });
        assert_eq!(table.get_many(&[1, 2, 3]).await, [(1, 0), (2, 0), (3, 0)]);
        age(cache);
        assert_eq!(table.get_many(&[1, 2, 3]).await, [(1, 0), (2, 0), (3, 0)], "{cache:?}: the stale values");
        eventually_async(LONG, || async { table.get_many(&[1, 2, 3]).await == [(1, 1), (2, 1), (3, 1)] })
            .await;
        assert_eq!(runs.count(), 2, "{cache:?}");
    }
}
