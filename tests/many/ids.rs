//! Types of ids.

use std::collections::HashMap;

use larder::{Cache, cache, cache_many};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct UserId(u32);

#[cache(expire = "5m", cache = cache, entry = by_name_entry)]
async fn by_name(cache: &Cache, calls: &Calls, name: &str) -> usize {
    calls.add();
    name.len()
}

#[cache_many(of = |name| by_name_entry(cache, calls, name))]
async fn by_names(cache: &Cache, calls: &Calls, names: &[&str]) -> HashMap<String, usize> {
    calls.add();
    names.iter().map(|name| ((*name).to_owned(), name.len())).collect()
}

#[cache_many(of = |name: &String| by_name_entry(cache, calls, name))]
async fn by_strings(cache: &Cache, calls: &Calls, names: Vec<String>) -> HashMap<String, usize> {
    calls.add();
    names.into_iter().map(|name| (name.clone(), name.len())).collect()
}

#[cache(expire = "5m", cache = cache, entry = placed_entry)]
async fn placed(cache: &Cache, calls: &Calls, x: u8, y: u8) -> u16 {
    calls.add();
    u16::from(x) * 256 + u16::from(y)
}

#[cache_many(of = |(x, y)| placed_entry(cache, calls, x, y))]
async fn places(cache: &Cache, calls: &Calls, at: &[(u8, u8)]) -> Vec<Option<u16>> {
    calls.add();
    at.iter().map(|(x, y)| Some(u16::from(*x) * 256 + u16::from(*y))).collect()
}

#[cache_many(expire = "5m", cache = cache)]
async fn users(cache: &Cache, calls: &Calls, ids: &[UserId]) -> HashMap<UserId, String> {
    calls.add();
    ids.iter().map(|id| (*id, format!("user {}", id.0))).collect()
}

#[cache_many(expire = "5m", cache = cache)]
async fn columns(
    cache: &Cache,
    calls: &Calls,
    columns: &[&str],
    #[cache(each)] ids: &[u64],
) -> HashMap<u64, String> {
    calls.add();
    ids.iter().map(|id| (*id, format!("{id}:{}", columns.join(",")))).collect()
}

#[tokio::test]
async fn texts() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(by_name(cache, &calls, "ann").await, 3);
        let both = HashMap::from([("ann".to_owned(), 3), ("bo".to_owned(), 2)]);
        assert_eq!(by_names(cache, &calls, &["ann", "bo"]).await, both);
        assert_eq!(by_strings(cache, &calls, vec!["ann".to_owned(), "bo".to_owned()]).await, both);
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn tuples_and_newtypes() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(placed(cache, &calls, 1, 2).await, 258);
        assert_eq!(places(cache, &calls, &[(1, 2), (2, 1)]).await, [Some(258), Some(513)]);
        assert_eq!(placed(cache, &calls, 2, 1).await, 513);
        assert_eq!(calls.count(), 2, "{cache:?}");
        let known = HashMap::from([(UserId(7), "user 7".to_owned())]);
        for _ in 0..2 {
            assert_eq!(users(cache, &calls, &[UserId(7)]).await, known);
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn another_list_is_an_argument() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(columns(cache, &calls, &["a", "b"], &[1]).await[&1], "1:a,b");
            assert_eq!(columns(cache, &calls, &["a"], &[1]).await[&1], "1:a");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}
