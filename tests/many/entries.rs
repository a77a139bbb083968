//! Only missing ids reach the function, and `of` shares the entries of the function for one id.

use std::collections::HashMap;

use larder::{Cache, cache, cache_many};
use support::stores::{caches, counts};

use crate::source::{Source, number, number_entry, numbers, own, values};

#[tokio::test]
async fn missing_ids_alone_reach_the_function() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(own(cache, &source, &[1, 2, 3]).await, values([1, 2, 3]));
        assert_eq!(own(cache, &source, &[2, 3, 4]).await, values([2, 3, 4]));
        assert_eq!(own(cache, &source, &[1, 2, 3, 4]).await, values([1, 2, 3, 4]));
        assert_eq!(source.asked(), [vec![1, 2, 3], vec![4]], "{cache:?}");
        let counts = counts(cache, "source::own");
        assert_eq!((counts.misses, counts.hits, counts.stores), (4, 6, 4), "{cache:?}");
    }
}

#[tokio::test]
async fn the_entries_of_one_id_are_shared() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(number(cache, &source, 2).await, 20);
        assert_eq!(numbers(cache, &source, &[1, 2]).await, values([1, 2]));
        assert_eq!(number(cache, &source, 1).await, 10);
        assert_eq!(source.asked(), [vec![2], vec![1]], "{cache:?}");
        number_entry(cache, &source, 1).invalidate().await.expect("the store answers");
        assert_eq!(numbers(cache, &source, &[1, 2]).await, values([1, 2]));
        assert_eq!(source.asked(), [vec![1]], "{cache:?}");
    }
}

#[tokio::test]
async fn other_arguments_count_for_each_id() {
    #[cache_many(expire = "5m", cache = cache)]
    async fn scaled(cache: &Cache, source: &Source, factor: u64, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids).into_iter().map(|(id, value)| (id, value * factor)).collect()
    }
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(scaled(cache, &source, 1, &[1, 2]).await, values([1, 2]));
        assert_eq!(scaled(cache, &source, 3, &[1]).await, HashMap::from([(1, 30)]));
        assert_eq!(source.asked().len(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn an_empty_list_calls_nothing() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(own(cache, &source, &[]).await, HashMap::new());
        assert_eq!(numbers(cache, &source, &[]).await, HashMap::new());
        assert!(source.asked().is_empty());
        assert_eq!(counts(cache, "source::own").misses, 0);
    }
}

#[tokio::test]
async fn an_id_without_a_value_is_cached_by_none_expire() {
    #[cache_many(expire = "5m", none_expire = "1m", cache = cache)]
    async fn remembered(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    for cache in &caches().await {
        let source = Source::default();
        for _ in 0..2 {
            assert_eq!(own(cache, &source, &[1, 1_000]).await, values([1]));
            assert_eq!(remembered(cache, &source, &[1, 1_000]).await, values([1]));
        }
        assert_eq!(source.asked(), [vec![1, 1_000], vec![1, 1_000], vec![1_000]], "{cache:?}");
    }
}

#[tokio::test]
async fn refresh_and_bypass_compute_all_ids() {
    for cache in &caches().await {
        let source = Source::default();
        own(cache, &source, &[1, 2]).await;
        larder::bypass(own(cache, &source, &[1, 2, 1])).await;
        larder::refresh(own(cache, &source, &[1, 2, 1])).await;
        own(cache, &source, &[1, 2]).await;
        assert_eq!(source.asked(), [vec![1, 2], vec![1, 1, 2], vec![1, 2]], "{cache:?}");
    }
}

#[tokio::test]
async fn key_group_and_tags_are_those_of_each_id() {
    #[cache_many(key = "n:{ids}", group = "numbers", tags = ["n{ids}"], expire = "5m", cache = cache)]
    async fn labelled(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    for cache in &caches().await {
        let source = Source::default();
        labelled(cache, &source, &[1, 2, 3]).await;
        assert!(cache.group("numbers").exists("n:2").await, "{cache:?}");
        cache.invalidate_tag("n2").await.expect("the store answers");
        labelled(cache, &source, &[1, 2, 3]).await;
        cache.delete_group("numbers").await.expect("the store answers");
        labelled(cache, &source, &[1, 2, 3]).await;
        assert_eq!(source.asked(), [vec![1, 2, 3], vec![2], vec![1, 2, 3]], "{cache:?}");
    }
}

#[tokio::test]
async fn rules_judge_each_value() {
    #[cache_many(expire = "5m", unless = |value| *value > 20, when = ids.len() > 1, cache = cache)]
    async fn small(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    for cache in &caches().await {
        let source = Source::default();
        for _ in 0..2 {
            assert_eq!(small(cache, &source, &[2, 3]).await, values([2, 3]));
            assert_eq!(small(cache, &source, &[2]).await, values([2]));
        }
        assert_eq!(source.asked(), [vec![2, 3], vec![2], vec![3], vec![2]], "{cache:?}");
    }
}

/// A service whose entries need no receiver.
#[derive(Clone)]
struct Service {
    cache: Cache,
    source: std::sync::Arc<Source>,
}

impl Service {
    #[cache(expire = "5m", cache = self.cache, ignore(self), entry = one_entry)]
    async fn one(&self, id: u64) -> Result<u64, String> {
        self.source.load(&[id]).remove(&id).ok_or_else(|| "missing".to_owned())
    }

    #[cache_many(of = |id| self.one_entry(id), ignore(self))]
    async fn many(&self, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        Ok(self.source.load(ids))
    }
}

#[tokio::test]
async fn methods() {
    for cache in caches().await {
        let service = Service { cache, source: std::sync::Arc::default() };
        assert_eq!(service.one(1).await, Ok(10));
        assert_eq!(service.many(&[1, 2]).await, Ok(values([1, 2])));
        assert_eq!(service.source.asked(), [vec![1], vec![2]]);
    }
}

#[test]
fn synchronous_functions() {
    #[cache(expire = "5m", cache = cache, entry = single_entry)]
    fn single(cache: &Cache, source: &Source, id: u64) -> u64 {
        source.load(&[id])[&id]
    }
    #[cache_many(of = |id| single_entry(cache, source, id))]
    fn several(cache: &Cache, source: &Source, ids: &[u64]) -> Result<Vec<(u64, u64)>, String> {
        Ok(source.load(ids).into_iter().collect())
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        let source = Source::default();
        assert_eq!(single(&cache, &source, 2), 20);
        assert_eq!(several(&cache, &source, &[3, 2, 1]), Ok(vec![(3, 30), (2, 20), (1, 10)]));
        assert_eq!(several(&cache, &source, &[3, 3]), Ok(vec![(3, 30), (3, 30)]));
        assert_eq!(source.asked(), [vec![2], vec![1, 3]], "{cache:?}");
    }
}

#[tokio::test]
async fn an_entry_whose_tags_the_value_names_is_read_and_not_stored() {
    #[cache(expire = "5m", cache = cache, tags_with = |value| [format!("value:{value}")], entry = named_entry)]
    async fn named(cache: &Cache, source: &Source, id: u64) -> u64 {
        source.load(&[id])[&id]
    }
    #[cache_many(of = |id| named_entry(cache, source, id))]
    async fn all_named(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(named(cache, &source, 1).await, 10);
        for _ in 0..2 {
            assert_eq!(all_named(cache, &source, &[1, 2]).await, values([1, 2]));
        }
        assert_eq!(source.asked(), [vec![1], vec![2], vec![2]], "{cache:?}");
        cache.invalidate_tag("value:10").await.expect("carried out");
        assert_eq!(all_named(cache, &source, &[1]).await, values([1]));
        assert_eq!(source.asked(), [vec![1]], "{cache:?}");
    }
}
