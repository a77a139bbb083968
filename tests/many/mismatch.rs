//! Results that do not belong to their ids: nothing is stored, and nothing lands under a wrong id.

use std::collections::HashMap;

use larder::{Cache, cache, cache_many};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::log::Log;
use support::stores::{caches, counts};

use crate::source::Source;

#[cache_many(expire = "5m", cache = cache)]
async fn short(cache: &Cache, source: &Source, ids: &[u64]) -> Vec<Option<u64>> {
    let values = source.load(ids);
    ids.iter().filter_map(|id| values.get(id).copied().map(Some)).collect()
}

#[cache_many(expire = "5m", cache = cache)]
async fn more(cache: &Cache, source: &Source, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
    let mut values = source.load(ids);
    values.insert(999, 0);
    Ok(values)
}

#[cache_many(expire = "5m", cache = cache)]
async fn twice(cache: &Cache, source: &Source, ids: &[u64]) -> Vec<(u64, u64)> {
    source.load(ids).into_iter().flat_map(|pair| [pair, pair]).collect()
}

#[tokio::test]
async fn a_missing_value_shifts_nothing() {
    for cache in &caches().await {
        let (log, _guard) = Log::start();
        let source = Source::default();
        short(cache, &source, &[1]).await;
        assert_eq!(short(cache, &source, &[3, 1_000, 1, 2]).await, [Some(30), Some(10), Some(20)]);
        assert_eq!(source.asked(), [vec![1], vec![2, 3, 1_000], vec![1, 2, 3, 1_000]], "{cache:?}");
        assert_eq!(short(cache, &source, &[3]).await, [Some(30)]);
        assert_eq!(source.asked(), [[3]], "it was not stored");
        assert_eq!(counts(cache, "mismatch::short").refusals, 3, "{cache:?}");
        short(cache, &source, &[5, 1_000]).await;
        let warnings = log.take();
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        assert!(warnings[0].contains("it returned 2 values for 3 ids"), "{warnings:#?}");
    }
}

#[tokio::test]
async fn unknown_ids_and_ids_that_are_returned_twice() {
    for cache in &caches().await {
        let source = Source::default();
        assert_eq!(more(cache, &source, &[1]).await, Ok(HashMap::from([(1, 10), (999, 0)])));
        assert_eq!(twice(cache, &source, &[1]).await, [(1, 10), (1, 10)]);
        assert_eq!(source.asked(), [[1], [1], [1], [1]], "each ran once more");
        assert_eq!(more(cache, &source, &[999]).await, Ok(HashMap::from([(999, 0)])));
        assert_eq!(more(cache, &source, &[1]).await, Ok(HashMap::from([(1, 10), (999, 0)])));
        assert_eq!(source.asked(), [[999], [1], [1]], "{cache:?}");
    }
}

#[tokio::test]
async fn entries_of_another_type_are_left_alone() {
    #[cache(expire = "5m", cache = cache, entry = text_entry)]
    async fn text(cache: &Cache, id: u64) -> String {
        id.to_string()
    }
    #[cache_many(of = |id| text_entry(cache, id))]
    async fn wrong(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    for cache in &caches().await {
        let (log, _guard) = Log::start();
        let source = Source::default();
        assert_eq!(text(cache, 1).await, "1");
        for _ in 0..2 {
            assert_eq!(wrong(cache, &source, &[1, 2]).await, HashMap::from([(1, 10), (2, 20)]));
        }
        assert_eq!(source.asked(), [[1, 2], [1, 2]]);
        assert_eq!(text_entry(cache, 1).get::<String>().await.as_deref(), Some("1"));
        assert_eq!(counts(cache, "wrong").refusals, 2);
        let warnings = log.take();
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        assert!(
            warnings[0].contains("`u64`") && warnings[0].contains("`alloc::string::String`"),
            "{warnings:#?}"
        );
    }
}

/// Random rows are missing, in each form of result: no value is found under another id, not in the call and not later.
#[test]
fn no_value_is_under_a_wrong_id() {
    #[cache_many(expire = "5m", cache = cache)]
    fn options(cache: &Cache, source: &Source, ids: &[u64]) -> Vec<Option<u64>> {
        let values = source.load(ids);
        ids.iter().map(|id| values.get(id).copied()).collect()
    }
    #[cache_many(expire = "5m", cache = cache)]
    fn pairs(cache: &Cache, source: &Source, ids: &[u64]) -> Vec<(u64, u64)> {
        source.load(ids).into_iter().collect()
    }
    #[cache_many(expire = "5m", cache = cache)]
    fn map(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
        source.load(ids)
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cache = runtime.block_on(Cache::builder().build()).expect("a cache");
    let source = Source::default();
    let mut runner =
        TestRunner::new(Config { cases: 10_000, failure_persistence: None, ..Config::default() });
    let ids = (0..3_usize, proptest::collection::vec(900_u64..1_100, 0..8));
    let value = |id: u64| (id < 1_000).then_some(id * 10);
    let result = runner.run(&ids, |(form, ids)| {
        let all: Vec<Option<u64>> = ids.iter().map(|id| value(*id)).collect();
        let some: Vec<(u64, u64)> = ids.iter().filter_map(|id| Some((*id, value(*id)?))).collect();
        match form {
            0 => prop_assert_eq!(options(&cache, &source, &ids), all),
            1 => prop_assert_eq!(pairs(&cache, &source, &ids), some),
            _ => prop_assert_eq!(map(&cache, &source, &ids), some.into_iter().collect::<HashMap<_, _>>()),
        }
        if source.asked().iter().all(Vec::is_empty) {
            // Every id is cached by now: begin again.
            runtime.block_on(cache.clear()).expect("the store answers");
        }
        Ok(())
    });
    result.expect("no value under a wrong id");
}
