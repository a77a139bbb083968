//! The entries of tables, of functions, and of tables of functions.

use std::future::ready;

use larder::{Cache, Error, Table, cache};
use support::log::Log;
use support::stores::{Calls, caches, counts};

#[cache(expire = "1h", cache = cache, name = "users", ignore(calls), entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> String {
    calls.add();
    format!("user {id}")
}

#[tokio::test]
async fn tables_and_functions_of_one_name_share_nothing() {
    for cache in &caches().await {
        let calls = &Calls::default();
        let strings: Table<u64, String> = cache.table("users").load(|id: &u64| ready(format!("table {id}")));
        let numbers: Table<u64, u64> = cache.table("users").load(|id: &u64| ready(*id));
        let other: Table<String, String> =
            cache.table("users").load(|id: &String| ready(format!("text {id}")));
        let grouped: Table<u64, String> =
            cache.group("g").table("users").load(|id: &u64| ready(format!("grouped {id}")));
        for _ in 0..2 {
            assert_eq!(user(cache, calls, 1).await, "user 1");
            assert_eq!(strings.get(&1).await, "table 1");
            assert_eq!(numbers.get(&1).await, 1);
            assert_eq!(other.get(&"1".to_owned()).await, "text 1");
            assert_eq!(grouped.get(&1).await, "grouped 1");
        }
        let total = cache.stats().total;
        assert_eq!((total.misses, total.hits, total.unusable), (5, 5, 0), "{cache:?}");
        // The same table once more: the same entries.
        let again: Table<u64, String> = cache.table("users").load(|_: &u64| ready("not loaded".to_owned()));
        assert_eq!(again.get(&1).await, "table 1", "{cache:?}");
        assert_eq!(again.entry(&1).key(), strings.entry(&1).key());
        cache.delete_group("g").await.expect("dropped");
        assert_eq!(grouped.entry(&1).get::<String>().await, None, "{cache:?}");
        assert_eq!(strings.entry(&1).get::<String>().await.as_deref(), Some("table 1"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_table_of_a_function_has_its_entries() {
    for cache in &caches().await {
        let calls = &Calls::default();
        let users: Table<u64, String> = cache
            .table("users.table")
            .of({
                let cache = cache.clone();
                move |id| user_entry(&cache, *id)
            })
            .load(|id: &u64| ready(format!("loaded {id}")));
        user(cache, calls, 1).await;
        assert_eq!(users.get(&1).await, "user 1", "{cache:?}");
        assert_eq!(users.get(&2).await, "loaded 2", "{cache:?}");
        assert_eq!((user(cache, calls, 2).await.as_str(), calls.count()), ("loaded 2", 1), "{cache:?}");
        users.insert(&1, &"inserted".to_owned()).await.expect("stored");
        assert_eq!(user(cache, calls, 1).await, "inserted", "{cache:?}");
        assert_eq!(users.entry(&1).key(), user_entry(cache, 1).key());
        assert_eq!(
            (counts(cache, "users.table").hits, counts(cache, "users.table").misses),
            (1, 1),
            "{cache:?}"
        );
    }
}

#[tokio::test]
async fn a_table_of_a_function_with_another_type_runs_uncached() {
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        let calls = &Calls::default();
        user(cache, calls, 1).await;
        let of = |cache: &Cache| {
            let cache = cache.clone();
            move |id: &u64| user_entry(&cache, *id)
        };
        let name = format!("lengths-{}", support::stores::unique("t"));
        let lengths = cache.table::<u64, usize>(&name).of(of(cache)).load(|id: &u64| ready(*id as usize));
        let bulk = cache
            .table::<u64, usize>(&name)
            .of(of(cache))
            .load_many(|ids: Vec<u64>| ready(ids.iter().map(|id| Some(*id as usize)).collect::<Vec<_>>()));
        for _ in 0..2 {
            assert_eq!(lengths.get(&1).await, 1, "{cache:?}: its own result");
            assert_eq!(bulk.get_many(&[1]).await, [Some(1)], "{cache:?}");
        }
        let error = lengths.insert(&1, &7).await.expect_err("another type");
        assert!(matches!(&error, Error::Config { setting: "of", .. }), "{error:?}");
        assert_eq!(counts(cache, &name).refusals, 4, "{cache:?}");
        assert_eq!(user(cache, calls, 1).await, "user 1", "{cache:?}");
        assert_eq!(calls.count(), 1, "{cache:?}: its entry is untouched");
        let warnings = log.take();
        let about = warnings.iter().filter(|warning| warning.contains(&name)).collect::<Vec<_>>();
        assert_eq!(about.len(), 1, "{warnings:?}");
        assert!(about[0].contains("usize") && about[0].contains("String"), "{about:?}");
    }
}

#[tokio::test]
async fn ids_of_every_kind_make_keys() {
    for cache in &caches().await {
        let pairs = cache.table::<(String, u64), u64>("pairs").load(|(_, id): &(String, u64)| ready(*id));
        for (text, id) in [("a", 1), ("a1", 1), ("a", 11)] {
            assert_eq!(pairs.get(&(text.to_owned(), id)).await, id);
        }
        assert_eq!(counts(cache, "pairs").misses, 3, "{cache:?}");
        let keys = cache.table::<f64, u64>("floats").load(|_: &f64| ready(1));
        assert_eq!(keys.entry(&0.0).key(), keys.entry(&-0.0).key());
    }
}
