//! The loader of a table, and what of its results is cached.

use std::sync::Arc;

use futures_util::future::join_all;
use larder::{Cache, Error, Table, bypass, refresh};
use support::stores::{Calls, Gate, caches, caches_with, counts};

/// A table of doubled numbers that counts its loads.
fn doubles(cache: &Cache, calls: &Arc<Calls>) -> Table<u64, u64> {
    let calls = Arc::clone(calls);
    cache.table("doubles").expire("1h").load(move |id: &u64| {
        calls.add();
        std::future::ready(2 * id)
    })
}

#[tokio::test]
async fn a_value_is_loaded_once() {
    for cache in &caches().await {
        let calls = Arc::default();
        let table = doubles(cache, &calls);
        for _ in 0..2 {
            assert_eq!((table.get(&1).await, table.get(&2).await), (2, 4), "{cache:?}");
        }
        assert_eq!(table.clone().get_many(&[1, 3, 3]).await, [2, 6, 6], "{cache:?}");
        assert_eq!(calls.count(), 3, "{cache:?}");
        let counts = counts(cache, "doubles");
        assert_eq!((counts.misses, counts.stores), (3, 3), "{cache:?}");
        table.invalidate(&1).await.expect("removed");
        assert_eq!((table.get(&1).await, calls.count()), (2, 4), "{cache:?}");
    }
}

#[tokio::test]
async fn a_hundred_calls_at_once_load_once() {
    for cache in &caches().await {
        let (calls, gate) = (Arc::<Calls>::default(), Arc::<Gate>::default());
        let table = cache.table::<u64, u64>("slow").expire("1h").load({
            let (calls, gate) = (Arc::clone(&calls), Arc::clone(&gate));
            move |id: &u64| {
                let (id, calls, gate) = (*id, Arc::clone(&calls), Arc::clone(&gate));
                async move {
                    calls.add();
                    gate.pass().await;
                    id
                }
            }
        });
        let open = async {
            gate.arrived(1).await;
            gate.open();
        };
        let (values, ()) = tokio::join!(join_all((0..100).map(|_| table.get(&7))), open);
        assert_eq!((values, calls.count()), (vec![7; 100], 1), "{cache:?}");
        assert_eq!(counts(cache, "slow").misses, 1, "{cache:?}");
    }
}

#[tokio::test]
async fn none_and_err_are_cached_as_those_of_a_function() {
    for cache in &caches().await {
        let calls = &Arc::<Calls>::default();
        let counted = || {
            let calls = Arc::clone(calls);
            move || calls.add()
        };
        let (count, name) = (counted(), "options");
        let options = cache.table::<u64, u64>(name).load(move |id: &u64| {
            count();
            std::future::ready((*id > 0).then_some(*id))
        });
        let count = counted();
        let kept = cache.table::<u64, u64>("kept").none_expire("1h").load(move |id: &u64| {
            count();
            std::future::ready((*id > 0).then_some(*id))
        });
        let count = counted();
        let results = cache.table::<u64, u64>("results").try_load(move |id: &u64| {
            count();
            std::future::ready(if *id > 0 { Ok(*id) } else { Err("zero".to_owned()) })
        });
        let count = counted();
        let both = cache.table::<u64, u64>("both").none_expire("1h").try_load(move |id: &u64| {
            count();
            std::future::ready(match id {
                0 => Err("zero".to_owned()),
                1 => Ok(None),
                id => Ok(Some(*id)),
            })
        });
        for _ in 0..2 {
            assert_eq!((options.get(&0).await, options.get(&1).await), (None, Some(1)), "{cache:?}");
            assert_eq!((kept.get(&0).await, kept.get(&1).await), (None, Some(1)), "{cache:?}");
            assert_eq!(
                (results.get(&0).await, results.get(&1).await),
                (Err("zero".to_owned()), Ok(1)),
                "{cache:?}"
            );
            let values = both.get_many(&[0, 1, 2]).await;
            assert_eq!(values, [Err("zero".to_owned()), Ok(None), Ok(Some(2))], "{cache:?}");
        }
        let misses = ["options", "kept", "results", "both"].map(|name| counts(cache, name).misses);
        assert_eq!((misses, calls.count()), ([3, 2, 3, 4], 12), "{cache:?}");
    }
}

#[tokio::test]
async fn refresh_bypass_and_a_closed_cache() {
    for cache in &caches().await {
        let calls = Arc::default();
        let table = doubles(cache, &calls);
        table.get(&1).await;
        refresh(table.get(&1)).await;
        bypass(table.get(&1)).await;
        let later = cache.defer();
        later.scope(table.get(&1)).await;
        later.discard();
        assert_eq!((calls.count(), counts(cache, "doubles").bypasses), (4, 2), "{cache:?}");
        cache.clone().close().await;
        assert_eq!((table.get(&1).await, calls.count()), (2, 5), "{cache:?}");
        assert!(matches!(table.insert(&1, &3).await, Err(Error::Closed)), "{cache:?}");
        assert!(matches!(table.invalidate(&1).await, Err(Error::Closed)), "{cache:?}");
    }
}

#[tokio::test]
async fn a_cache_that_is_switched_off_loads_each_time() {
    for cache in &caches_with(|builder| builder.enabled(false)).await {
        let calls = Arc::default();
        let table = doubles(cache, &calls);
        let tagged = cache.table::<u64, u64>("tagged").tags(|id, _| [format!("t:{id}")]);
        let tagged = tagged
            .load_many(|ids: Vec<u64>| std::future::ready(ids.into_iter().map(Some).collect::<Vec<_>>()));
        table.insert(&1, &3).await.expect("removed");
        tagged.insert(&1, &3).await.expect("removed");
        assert_eq!((table.get(&1).await, table.get(&1).await, calls.count()), (2, 2, 2), "{cache:?}");
        assert_eq!(tagged.get_many(&[1, 2]).await, [Some(1), Some(2)], "{cache:?}");
        assert_eq!(cache.stats().total.stores, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn without_a_store_the_loader_runs() {
    for cache in &caches().await {
        let calls = Arc::default();
        let table = doubles(cache, &calls);
        cache.chaos().refuse();
        assert_eq!((table.get(&1).await, table.get(&1).await, calls.count()), (2, 2, 2), "{cache:?}");
        assert!(table.insert(&1, &3).await.is_err(), "{cache:?}");
        cache.chaos().heal();
    }
}

#[test]
fn synchronous_code_uses_tables_too() {
    let [memory, redis] = tokio::runtime::Runtime::new().expect("a runtime").block_on(caches());
    for cache in &[memory, redis] {
        let calls = Arc::default();
        let table = doubles(cache, &calls);
        assert_eq!((table.get_blocking(&1), table.get_blocking(&1), calls.count()), (2, 2, 1), "{cache:?}");
        table.insert_blocking(&1, &3).expect("stored");
        assert_eq!(table.get_blocking(&1), 3, "{cache:?}");
        table.entry(&1).blocking().invalidate().expect("removed");
        assert_eq!((table.get_blocking(&1), calls.count()), (2, 2), "{cache:?}");
    }
}
