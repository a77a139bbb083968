//! Tables whose loader loads several values.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::sync::{Arc, Mutex};

use larder::{BulkTable, Cache};
use support::stores::{caches, counts};

/// The ids of each run of a loader.
type Runs = Arc<Mutex<Vec<Vec<u64>>>>;

/// A table of the ids that are not divisible by ten.
fn table(cache: &Cache, runs: &Runs) -> BulkTable<u64, String, HashMap<u64, String>> {
    let runs = Arc::clone(runs);
    cache.table("names").expire("1h").tags(|id, _| [format!("name:{id}")]).load_many(move |ids: Vec<u64>| {
        runs.lock().expect("no panic").push(ids.clone());
        ready(ids.into_iter().filter(|id| id % 10 > 0).map(|id| (id, format!("name {id}"))).collect())
    })
}

fn taken(runs: &Runs) -> Vec<Vec<u64>> {
    std::mem::take(&mut *runs.lock().expect("no panic"))
}

#[tokio::test]
async fn only_missing_ids_reach_the_loader() {
    for cache in &caches().await {
        let runs = Runs::default();
        let names = table(cache, &runs);
        assert_eq!(names.get(&1).await.as_deref(), Some("name 1"));
        assert_eq!(names.get_many(&[1, 2, 2, 10]).await.len(), 2, "{cache:?}");
        assert_eq!(names.get_many(&[]).await.len(), 0, "{cache:?}");
        assert_eq!((names.get(&10).await, names.get(&2).await.as_deref()), (None, Some("name 2")));
        assert_eq!(taken(&runs), [vec![1], vec![2, 10], vec![10]], "{cache:?}");
        names.insert(&3, &"inserted".to_owned()).await.expect("stored");
        names.invalidate(&1).await.expect("removed");
        cache.invalidate_tag("name:2").await.expect("invalidated");
        let found = names.get_many(&[1, 2, 3]).await;
        assert_eq!((found[&3].as_str(), found.len()), ("inserted", 3), "{cache:?}");
        assert_eq!(taken(&runs), [vec![1, 2]], "{cache:?}");
        cache.invalidate_tag("name:3").await.expect("invalidated");
        assert_eq!(
            names.get(&3).await.as_deref(),
            Some("name 3"),
            "{cache:?}: the tags of the inserted value"
        );
    }
}

#[tokio::test]
async fn every_form_has_the_result_of_one_id() {
    for cache in &caches().await {
        let tree = cache
            .table::<u64, u64>("tree")
            .load_many(|ids: Vec<u64>| ready(ids.into_iter().map(|id| (id, id)).collect::<BTreeMap<_, _>>()));
        let pairs = cache
            .table::<u64, u64>("pairs")
            .load_many(|ids: Vec<u64>| ready(ids.into_iter().map(|id| (id, id)).collect::<Vec<_>>()));
        let failing = cache.table::<u64, u64>("failing").load_many(|ids: Vec<u64>| {
            ready(if ids.contains(&0) {
                Err("zero".to_owned())
            } else {
                Ok(ids.into_iter().map(Some).collect::<Vec<_>>())
            })
        });
        for _ in 0..2 {
            assert_eq!((tree.get(&1).await, pairs.get(&1).await), (Some(1), Some(1)), "{cache:?}");
            assert_eq!(failing.get(&1).await, Ok(Some(1)), "{cache:?}");
            assert_eq!(failing.get_many(&[1, 0]).await, Err("zero".to_owned()), "{cache:?}");
        }
        assert_eq!(["tree", "pairs"].map(|name| counts(cache, name).misses), [1, 1], "{cache:?}");
    }
}

#[tokio::test]
async fn an_answer_of_another_length_is_not_stored() {
    for cache in &caches().await {
        let short = cache.table::<u64, u64>("short").load_many(|_: Vec<u64>| ready(vec![Some(1)]));
        assert_eq!(short.get_many(&[1, 2]).await, [Some(1)], "{cache:?}: as the loader returned it");
        assert_eq!(counts(cache, "short").stores, 0, "{cache:?}");
    }
}

#[test]
fn synchronous_code_uses_bulk_tables_too() {
    let [memory, redis] = tokio::runtime::Runtime::new().expect("a runtime").block_on(caches());
    for cache in &[memory, redis] {
        let runs = Runs::default();
        let names = table(cache, &runs);
        names.insert_blocking(&1, &"inserted".to_owned()).expect("stored");
        assert_eq!(names.get_many_blocking(&[1, 2])[&1], "inserted", "{cache:?}");
        assert_eq!(names.get_blocking(&2).as_deref(), Some("name 2"), "{cache:?}");
        assert_eq!(taken(&runs), [vec![2]], "{cache:?}");
    }
}
