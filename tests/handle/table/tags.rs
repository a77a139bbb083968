//! The tags of a table's values.

use std::future::ready;
use std::sync::Arc;

use larder::{Cache, Table};
use support::stores::{Calls, Gate, caches, counts};

/// Books by id. The author of a book is its id modulo 10.
fn books(cache: &Cache, calls: &Arc<Calls>) -> Table<u64, u64> {
    let calls = Arc::clone(calls);
    cache
        .table("books")
        .expire("1h")
        .tags(|id, author| [format!("book:{id}"), format!("author:{author}")])
        .load(move |id: &u64| {
            calls.add();
            ready(id % 10)
        })
}

#[tokio::test]
async fn a_tag_ends_the_values_that_name_it() {
    for cache in &caches().await {
        let calls = Arc::default();
        let table = books(cache, &calls);
        let ids = [1, 11, 2];
        for (tag, reloaded) in [("author:1", 2), ("book:2", 1), ("book:3", 0)] {
            table.get_many(&ids).await;
            let before = calls.count();
            table.get_many(&ids).await;
            assert_eq!(calls.count(), before, "{tag}, {cache:?}: all are cached");
            cache.invalidate_tag(tag).await.expect("invalidated");
            table.get_many(&ids).await;
            assert_eq!(calls.count() - before, reloaded, "{tag}, {cache:?}");
        }
    }
}

#[tokio::test]
async fn an_inserted_value_has_its_tags() {
    for cache in &caches().await {
        let calls = Arc::default();
        let table = books(cache, &calls);
        for tag in ["author:5", "book:1"] {
            table.insert(&1, &5).await.expect("stored");
            assert_eq!((table.get(&1).await, calls.count()), (5, 0), "{cache:?}");
            cache.invalidate_tag(tag).await.expect("invalidated");
            assert_eq!(table.entry(&1).get::<u64>().await, None, "{tag}, {cache:?}");
        }
        assert_eq!(table.get(&1).await, 1, "{cache:?}");
        table.insert(&1, &6).await.expect("stored in place of what was loaded");
        cache.invalidate_tag("author:1").await.expect("invalidated");
        assert_eq!(table.get(&1).await, 6, "{cache:?}: that was the tag of the old value");
        assert_eq!(
            cache
                .inspect(table.entry(&1).key().split_once(':').expect("a prefix").1)
                .await
                .expect("found")
                .expect("an entry")
                .tags
                .len(),
            2
        );
    }
}

#[tokio::test]
async fn a_value_whose_loading_began_before_the_invalidation_is_not_stored() {
    for cache in &caches().await {
        let gate = Arc::<Gate>::default();
        let table = cache.table::<u64, u64>("slow").tags(|id, _| [format!("slow:{id}")]).load({
            let gate = Arc::clone(&gate);
            move |id: &u64| {
                let (id, gate) = (*id, Arc::clone(&gate));
                async move {
                    gate.pass().await;
                    id
                }
            }
        });
        let invalidate = async {
            gate.arrived(1).await;
            cache.invalidate_tag("slow:1").await.expect("invalidated");
            gate.open();
        };
        assert_eq!(tokio::join!(table.get(&1), invalidate).0, 1);
        assert_eq!(table.entry(&1).get::<u64>().await, None, "{cache:?}");
        assert_eq!(counts(cache, "slow").refusals, 1, "{cache:?}");
    }
}

#[tokio::test]
async fn a_tag_that_is_refused_costs_the_entry() {
    for cache in &caches().await {
        let table = cache.table::<u64, u64>("empty").tags(|_, _| [""]).load(|id: &u64| ready(*id));
        assert_eq!(table.get(&1).await, 1, "{cache:?}");
        assert_eq!(table.entry(&1).get::<u64>().await, None, "{cache:?}");
        assert!(table.insert(&1, &2).await.is_err(), "{cache:?}");
        assert_eq!(counts(cache, "empty").refusals, 2, "{cache:?}");

        let many = cache
            .table::<u64, u64>("many")
            .tags(|_, _| (0..65).map(|n| n.to_string()))
            .load(|id: &u64| ready(*id));
        assert_eq!(many.get(&1).await, 1, "{cache:?}");
        assert_eq!((counts(cache, "many").refusals, counts(cache, "many").stores), (1, 0), "{cache:?}");

        let panics = cache
            .table::<u64, u64>("panics")
            .tags(|_, _| -> [String; 0] { panic!("in a closure") })
            .load(|id: &u64| ready(*id));
        assert_eq!(panics.get(&1).await, 1, "{cache:?}");
        assert_eq!(counts(cache, "panics").stores, 0, "{cache:?}");
    }
}
