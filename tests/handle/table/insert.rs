//! Values that are put into a table.

use std::future::ready;

use larder::Table;
use support::stores::{Gate, caches, counts};

#[tokio::test]
async fn an_inserted_value_takes_the_place_of_the_loaded_one() {
    for cache in &caches().await {
        for has_tags in [false, true] {
            let builder = cache.table::<u64, String>(if has_tags { "tagged" } else { "plain" });
            let builder = if has_tags { builder.tags(|id, _| [format!("t:{id}")]) } else { builder };
            let table: Table<u64, String> = builder.load(|id: &u64| ready(format!("loaded {id}")));
            for id in [1, 2] {
                if id == 1 {
                    table.get(&id).await;
                }
                table.insert(&id, &"inserted".to_owned()).await.expect("stored");
                assert_eq!(table.get(&id).await, "inserted", "{has_tags}, {cache:?}");
            }
            let later = cache.defer();
            later.scope(table.insert(&1, &"not committed".to_owned())).await.expect("collected");
            assert_eq!(table.get(&1).await, "inserted", "{has_tags}, {cache:?}");
            later.send().await.expect("sent");
            assert_eq!(table.get(&1).await, "loaded 1", "{has_tags}, {cache:?}");
        }
    }
}

#[tokio::test]
async fn a_load_that_began_before_the_insert_does_not_replace_it() {
    for cache in &caches().await {
        for has_tags in [false, true] {
            let gate = std::sync::Arc::<Gate>::default();
            let builder = cache.table::<u64, u64>(if has_tags { "tagged" } else { "plain" });
            let builder = if has_tags { builder.tags(|id, _| [format!("t:{id}")]) } else { builder };
            let table = builder.load({
                let gate = gate.clone();
                move |_: &u64| {
                    let gate = gate.clone();
                    async move {
                        gate.pass().await;
                        0
                    }
                }
            });
            let insert = async {
                gate.arrived(1).await;
                table.insert(&1, &7).await.expect("stored");
                gate.open();
            };
            assert_eq!(tokio::join!(table.get(&1), insert).0, 0, "{has_tags}, {cache:?}");
            assert_eq!(table.get(&1).await, 7, "{has_tags}, {cache:?}");
        }
    }
}

#[tokio::test]
async fn a_value_that_is_too_large_removes_the_old_one() {
    for cache in &support::stores::caches_with(|builder| builder.max_value(100)).await {
        for has_tags in [false, true] {
            let name = if has_tags { "tagged" } else { "plain" };
            let builder = cache.table::<u64, String>(name);
            let builder = if has_tags { builder.tags(|id, _| [format!("t:{id}")]) } else { builder };
            let table: Table<u64, String> = builder.load(|_: &u64| ready("loaded".to_owned()));
            table.insert(&1, &"old".to_owned()).await.expect("stored");
            let error = table.insert(&1, &"x".repeat(1000)).await.expect_err("too large");
            assert!(matches!(error, larder::Error::TooLarge { .. }), "{error:?}");
            assert_eq!(table.get(&1).await, "loaded", "{has_tags}, {cache:?}");
            assert_eq!(counts(cache, name).refusals, 1, "{has_tags}, {cache:?}");
        }
    }
}
