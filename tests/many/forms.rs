//! The forms of results: duplicates and order.

use std::collections::{BTreeMap, HashMap};

use larder::{Cache, cache_many};
use serde::{Deserialize, Serialize};
use support::stores::caches;

use crate::source::Source;

/// A value that is not `Clone`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row(u64);

fn rows(source: &Source, ids: &[u64]) -> Vec<Option<Row>> {
    let mut values = source.load(ids);
    ids.iter().map(|id| values.remove(id).map(Row)).collect()
}

#[cache_many(expire = "5m", cache = cache)]
async fn options(cache: &Cache, source: &Source, ids: &[u64]) -> Vec<Option<Row>> {
    rows(source, ids)
}

#[cache_many(expire = "5m", cache = cache)]
async fn pairs(cache: &Cache, source: &Source, ids: Vec<u64>) -> Result<Vec<(u64, Row)>, String> {
    Ok(ids.iter().copied().zip(rows(source, &ids)).filter_map(|(id, row)| Some((id, row?))).collect())
}

#[expect(clippy::ptr_arg, reason = "a function that takes it is cached as well")]
#[cache_many(expire = "5m", cache = cache)]
async fn map(cache: &Cache, source: &Source, ids: &Vec<u64>) -> Result<BTreeMap<u64, u64>, String> {
    Ok(source.load(ids).into_iter().collect())
}

type Answer = Result<HashMap<u64, u64>, Box<dyn std::error::Error>>;

#[cache_many(expire = "5m", cache = cache)]
async fn aliased(cache: &Cache, source: &Source, ids: &[u64]) -> Answer {
    Ok(source.load(ids))
}

#[tokio::test]
async fn options_have_the_order_of_the_ids_and_repeat_them() {
    for cache in &caches().await {
        let source = Source::default();
        let expected = [Some(Row(30)), None, Some(Row(10)), Some(Row(30)), None];
        for _ in 0..2 {
            assert_eq!(options(cache, &source, &[3, 1_000, 1, 3, 1_000]).await, expected, "{cache:?}");
        }
        assert_eq!(source.asked(), [vec![1, 3, 1_000], vec![1_000]], "{cache:?}");
    }
}

#[tokio::test]
async fn pairs_have_the_order_of_the_ids_and_repeat_them() {
    for cache in &caches().await {
        let source = Source::default();
        for _ in 0..2 {
            let found = pairs(cache, &source, vec![3, 1, 1_000, 3]).await;
            assert_eq!(found, Ok(vec![(3, Row(30)), (1, Row(10)), (3, Row(30))]), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn maps_have_each_id_once() {
    for cache in &caches().await {
        let source = Source::default();
        for _ in 0..2 {
            assert_eq!(map(cache, &source, &vec![2, 1, 2]).await, Ok(BTreeMap::from([(1, 10), (2, 20)])));
            let found = aliased(cache, &source, &[2, 2]).await.expect("no error");
            assert_eq!(found, HashMap::from([(2, 20)]));
        }
        assert_eq!(source.asked(), [vec![1, 2], vec![2]], "{cache:?}");
    }
}

#[tokio::test]
async fn the_future_is_send_though_its_error_is_not() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let [cache, _] = caches().await;
    let source = Source::default();
    assert!(is_send(aliased(&cache, &source, &[1])).await.is_ok());
}

#[tokio::test]
async fn a_boxed_future() {
    #[async_trait::async_trait]
    trait Load {
        async fn load(&self, cache: &Cache, ids: &[u64]) -> Result<HashMap<u64, u64>, String>;
    }
    #[async_trait::async_trait]
    impl Load for Source {
        #[cache_many(expire = "5m", cache = cache, ignore(self))]
        async fn load(&self, cache: &Cache, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
            tokio::task::yield_now().await;
            Ok(self.load(ids))
        }
    }
    for cache in &caches().await {
        let source = Source::default();
        for _ in 0..2 {
            let found = Load::load(&source, cache, &[1, 2]).await;
            assert_eq!(found, Ok(HashMap::from([(1, 10), (2, 20)])));
        }
        assert_eq!(source.asked(), [vec![1, 2]], "{cache:?}");
    }
}
