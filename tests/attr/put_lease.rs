//! The lease of `#[cache_put]`: puts that race with one another, with readers and with invalidations never leave an older value.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use larder::{Cache, IgnoreInKey, cache, cache_put};
use support::deployment::shared;
use support::stores::{Calls, Gate, LONG, caches, in_time, on, unique};
use support::wait::eventually_async;

/// A database whose answers take different times.
#[derive(Default)]
struct Database {
    rows: Mutex<HashMap<u64, u64>>,
    requests: Calls,
    reads: Calls,
    gate: Gate,
}

impl IgnoreInKey for Database {}

impl Database {
    async fn read(&self, id: u64) -> u64 {
        self.reads.add();
        self.delay().await;
        let value = self.now(id);
        self.delay().await;
        value
    }

    async fn write(&self, id: u64, value: u64) -> u64 {
        self.delay().await;
        self.rows.lock().expect("no panic").insert(id, value);
        self.delay().await;
        value
    }

    fn now(&self, id: u64) -> u64 {
        self.rows.lock().expect("no panic").get(&id).copied().unwrap_or_default()
    }

    /// Between nothing and some milliseconds, in an order that repeats seldom.
    async fn delay(&self) {
        let turn = self.requests.add() as u64;
        tokio::time::sleep(Duration::from_micros(turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51)).await;
    }
}

#[cache(expire = "1h", cache = cache, entry = row_entry, key = "row:{id}", group = "rows", tags = ["row:{id}"])]
async fn row(cache: &Cache, database: &Database, id: u64) -> u64 {
    database.read(id).await
}

#[cache_put(entry = row_entry(cache, database, id))]
async fn save(cache: &Cache, database: &Database, id: u64, value: u64) -> u64 {
    database.write(id, value).await
}

/// Two caches that are two processes to Redis, and one in memory.
async fn worlds() -> Vec<[Cache; 2]> {
    let prefix = unique("puts");
    let one = || async { on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache") };
    let memory = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    vec![[memory.clone(), memory], [one().await, one().await]]
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_puts_leave_the_value_of_the_database_or_none() {
    for [one, two] in worlds().await {
        let database = Database::default();
        let mut stored = 0;
        for id in 0..30 {
            save(&one, &database, id, 1).await;
            assert_eq!(
                row_entry(&two, &database, id).get::<u64>().await,
                Some(1),
                "{one:?}: one put is stored"
            );
            let puts = (0..6).map(|put| {
                let cache = if put % 2 == 0 { &one } else { &two };
                save(cache, &database, id, 10 + put).boxed()
            });
            let reads = [&one, &two].map(|cache| row(cache, &database, id).boxed());
            join_all(puts.chain(reads)).await;
            for cache in [&one, &two] {
                let cached = row_entry(cache, &database, id).get::<u64>().await;
                assert!(
                    cached.is_none_or(|cached| cached == database.now(id)),
                    "{cache:?}: {cached:?} in row {id}"
                );
                stored += usize::from(cached.is_some());
            }
            assert_eq!(row(&one, &database, id).await, database.now(id), "{one:?}");
        }
        eprintln!("{one:?}: {stored} of 60 stored");
    }
}

/// The put holds at the gate, after it wrote to the database.
#[cache_put(entry = row_entry(cache, database, id))]
async fn slow_save(cache: &Cache, database: &Database, id: u64, value: u64) -> Result<u64, String> {
    database.write(id, value).await;
    database.gate.pass().await;
    if value == 0 { Err("refused".to_owned()) } else { Ok(value) }
}

type Invalidation = for<'a> fn(&'a Cache, &'a Database) -> BoxFuture<'a, ()>;

fn invalidations() -> [(&'static str, Invalidation); 7] {
    [
        ("delete", |cache, _| async { _ = cache.delete("{rows}:row:1").await.expect("carried out") }.boxed()),
        ("invalidate", |cache, database| {
            async { row_entry(cache, database, 1).invalidate().await.expect("carried out") }.boxed()
        }),
        ("tag", |cache, _| async { cache.invalidate_tag("row:1").await.expect("carried out") }.boxed()),
        ("group", |cache, _| async { cache.delete_group("rows").await.expect("carried out") }.boxed()),
        ("pattern", |cache, _| {
            async { _ = cache.delete_pattern("{rows}:*").await.expect("carried out") }.boxed()
        }),
        ("clear", |cache, _| async { _ = cache.clear().await.expect("cleared") }.boxed()),
        ("another put", |cache, database| async { _ = save(cache, database, 1, 7).await }.boxed()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_during_a_put_wins_whichever_process_made_it() {
    for [one, two] in worlds().await {
        for is_warm in [false, true] {
            for (name, invalidate) in invalidations() {
                let database = Database::default();
                one.clear().await.expect("cleared");
                if is_warm {
                    assert_eq!(row(&one, &database, 1).await, 0);
                }
                let put = slow_save(&one, &database, 1, 5);
                let meanwhile = async {
                    database.gate.arrived(1).await;
                    invalidate(&two, &database).await;
                    database.gate.open();
                };
                assert_eq!(in_time(async { tokio::join!(put, meanwhile) }).await.0, Ok(5));
                for cache in [&one, &two] {
                    let cached = row_entry(cache, &database, 1).get::<u64>().await;
                    assert_eq!(cached, None, "{cache:?} {name}, warm: {is_warm}");
                }
                // The next put is stored.
                save(&two, &database, 1, 9).await;
                assert_eq!(row_entry(&one, &database, 1).get::<u64>().await, Some(9), "{one:?} {name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_makes_no_reader_wait() {
    for [one, two] in worlds().await {
        for is_warm in [false, true] {
            let database = Database::default();
            one.clear().await.expect("cleared");
            if is_warm {
                assert_eq!(row(&one, &database, 1).await, 0);
            }
            let put = slow_save(&one, &database, 1, 5);
            let reads = database.reads.count();
            let meanwhile = async {
                database.gate.arrived(1).await;
                // The put stays at the gate until both have their values.
                let values = [row(&two, &database, 1).await, row(&one, &database, 1).await];
                database.gate.open();
                values
            };
            let (_, values) = in_time(async { tokio::join!(put, meanwhile) }).await;
            let expected = if is_warm { (0, 0) } else { (5, 1) };
            assert_eq!((values[0], values[1]), (expected.0, expected.0), "{one:?}, warm: {is_warm}");
            assert_eq!(database.reads.count() - reads, expected.1, "{one:?}, warm: {is_warm}");
            // Where a reader took the lease, the put removed what the reader stored.
            let cached = row_entry(&two, &database, 1).get::<u64>().await;
            assert_eq!(cached, is_warm.then_some(5), "{one:?}, warm: {is_warm}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_fails_leaves_everything_as_it_was() {
    for [one, two] in worlds().await {
        for is_warm in [false, true] {
            let database = Database::default();
            one.clear().await.expect("cleared");
            if is_warm {
                assert_eq!(row(&one, &database, 1).await, 0);
            }
            database.gate.open();
            assert!(slow_save(&one, &database, 1, 0).await.is_err());
            assert_eq!(row_entry(&two, &database, 1).get::<u64>().await, is_warm.then_some(0), "{one:?}");
            if !is_warm {
                // The lease is returned in the background.
                eventually_async(LONG, || async {
                    let key = row_entry(&one, &database, 1).key().to_owned();
                    shared().command(&["EXISTS", &key]) == "0"
                })
                .await;
            }
        }
    }
}

/// Puts a value of its own before it returns.
#[cache_put(entry = row_entry(cache, database, id))]
async fn save_twice(cache: &Cache, database: &Database, id: u64) -> u64 {
    database.write(id, 1).await;
    row_entry(cache, database, id).put(&1_u64).await.expect("put");
    database.gate.pass().await;
    database.write(id, 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_within_a_put_uses_its_lease() {
    for [one, two] in worlds().await {
        for invalidates in [false, true] {
            let database = Database::default();
            one.clear().await.expect("cleared");
            let put = save_twice(&one, &database, 1);
            let meanwhile = async {
                database.gate.arrived(1).await;
                let cached = row_entry(&two, &database, 1).get::<u64>().await;
                if invalidates {
                    two.delete("{rows}:row:1").await.expect("carried out");
                }
                database.gate.open();
                cached
            };
            let (_, cached) = in_time(async { tokio::join!(put, meanwhile) }).await;
            assert_eq!(cached, Some(1), "{one:?}");
            let cached = row_entry(&two, &database, 1).get::<u64>().await;
            assert_eq!(cached, (!invalidates).then_some(2), "{one:?}, invalidates: {invalidates}");
        }
    }
}

/// A value that another task puts explicitly ends the lease: which of the two is newer is not known.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_elsewhere_takes_a_lease_of_its_own() {
    for [one, two] in worlds().await {
        let database = Database::default();
        let put = slow_save(&one, &database, 1, 5);
        let meanwhile = async {
            database.gate.arrived(1).await;
            row_entry(&two, &database, 1).put(&6_u64).await.expect("put");
            assert_eq!(row_entry(&one, &database, 1).get::<u64>().await, Some(6), "{one:?}");
            database.gate.open();
        };
        in_time(async { tokio::join!(put, meanwhile) }).await.0.expect("saved");
        assert_eq!(row_entry(&two, &database, 1).get::<u64>().await, None, "{one:?}");
    }
}

#[cache_put(entry = row_entry(cache, database, id))]
fn save_sync(cache: &Cache, database: &Database, id: u64, value: u64) -> u64 {
    row_entry(cache, database, id).blocking().put(&value).expect("put");
    cache.blocking().delete("{rows}:row:1").expect("carried out");
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_put_has_a_lease_as_well() {
    for cache in caches().await {
        let database = Database::default();
        assert_eq!(tokio::task::block_in_place(|| save_sync(&cache, &database, 1, 5)), 5);
        assert_eq!(
            row_entry(&cache, &database, 1).get::<u64>().await,
            None,
            "{cache:?}: invalidated in its body"
        );
    }
}
