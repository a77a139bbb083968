//! Writes that are dropped before their end, or that panic: the change may be made all the same, and may be made later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, poll_immediate};
use larder::{Builder, Cache, IgnoreInKey, cache, cache_evict, cache_put};
use support::deployment::shared;
use support::stores::{Calls, Gate, LONG, caches_with, counts, in_time, on, unique};
use support::wait::eventually_async;

/// The database, and the gate at which its writers stop.
#[derive(Default)]
struct Database {
    value: AtomicU64,
    reads: Calls,
    gate: Gate,
}

impl IgnoreInKey for Database {}

impl Database {
    fn read(&self) -> u64 {
        self.reads.add();
        self.value.load(SeqCst)
    }

    async fn write(&self) {
        self.gate.pass().await;
        self.value.store(1, SeqCst);
    }
}

#[cache(expire = "1h", cache = cache, ignore(database), entry = by_entry_entry)]
async fn by_entry(cache: &Cache, database: &Database) -> u64 {
    database.read()
}

#[cache(expire = "1h", cache = cache, ignore(database), key = "by key")]
async fn by_key(cache: &Cache, database: &Database) -> u64 {
    database.read()
}

#[cache(expire = "1h", cache = cache, ignore(database), tags = ["t"])]
async fn by_tag(cache: &Cache, database: &Database) -> u64 {
    database.read()
}

#[cache(expire = "1h", cache = cache, ignore(database), group = "g")]
async fn by_group(cache: &Cache, database: &Database) -> u64 {
    database.read()
}

#[cache_evict(cache = cache, entry = by_entry_entry(cache))]
async fn evicts_entry(cache: &Cache, database: &Database) {
    database.write().await;
}

#[cache_evict(cache = cache, key = "by key")]
async fn evicts_key(cache: &Cache, database: &Database) -> Result<(), String> {
    database.write().await;
    if database.value.load(SeqCst) == 1 { Ok(()) } else { Err("not written".to_owned()) }
}

#[cache_evict(cache = cache, tags = ["t"])]
async fn evicts_tag(cache: &Cache, database: &Database) {
    database.write().await;
}

#[cache_evict(cache = cache, group = "g", before)]
async fn evicts_group(cache: &Cache, database: &Database) {
    database.write().await;
}

#[cache_put(cache = cache, entry = by_entry_entry(cache))]
async fn puts_entry(cache: &Cache, database: &Database) -> u64 {
    database.write().await;
    1
}

#[cache_put(cache = cache, key = "by key")]
async fn puts_key(cache: &Cache, database: &Database) -> u64 {
    database.write().await;
    1
}

type Read = for<'a> fn(&'a Cache, &'a Database) -> BoxFuture<'a, u64>;
type Write = for<'a> fn(&'a Cache, &'a Database) -> BoxFuture<'a, ()>;

/// The writes, each with a read of the same entry.
const WRITES: [(Read, Write); 6] = [
    (|cache, db| by_entry(cache, db).boxed(), |cache, db| evicts_entry(cache, db).boxed()),
    (|cache, db| by_key(cache, db).boxed(), |cache, db| evicts_key(cache, db).map(drop).boxed()),
    (|cache, db| by_tag(cache, db).boxed(), |cache, db| evicts_tag(cache, db).boxed()),
    (|cache, db| by_group(cache, db).boxed(), |cache, db| evicts_group(cache, db).boxed()),
    (|cache, db| by_entry(cache, db).boxed(), |cache, db| puts_entry(cache, db).map(drop).boxed()),
    (|cache, db| by_key(cache, db).boxed(), |cache, db| puts_key(cache, db).map(drop).boxed()),
];

/// The second invalidation is made after four seconds.
fn patient(builder: Builder) -> Builder {
    builder.redis_timeout(Duration::from_secs(1))
}

/// Polls a write until it stops in the database, and drops it then.
async fn give_up(write: Write, cache: &Cache, database: &Database) {
    let mut write = write(cache, database);
    tokio::select! {
        biased;
        () = &mut write => panic!("the gate is closed"),
        () = database.gate.arrived(1) => {}
    }
}

#[tokio::test]
async fn an_abandoned_write_invalidates_at_once_and_again() {
    let mut cases = Vec::new();
    for (read, write) in WRITES {
        for cache in caches_with(patient).await {
            cases.push(async move {
                let database = Database::default();
                assert_eq!((read(&cache, &database).await, read(&cache, &database).await), (0, 0));
                assert_eq!(database.reads.count(), 1, "{cache:?}");
                give_up(write, &cache, &database).await;
                // At once: nobody reads the old value any more.
                read(&cache, &database).await;
                assert_eq!(database.reads.count(), 2, "{cache:?}");
                // The change has not been made, so that the old value is cached again.
                eventually_async(LONG, || async {
                    let before = database.reads.count();
                    read(&cache, &database).await;
                    database.reads.count() == before
                })
                .await;
                assert_eq!(cache.health().await.pending_invalidations, 1, "{cache:?}");
                database.value.store(1, SeqCst);
                eventually_async(LONG, || async { read(&cache, &database).await == 1 }).await;
                eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
            });
        }
    }
    join_all(cases).await;
}

#[tokio::test]
async fn a_write_that_ends_or_never_begins_does_nothing_more() {
    for (read, write) in WRITES {
        for cache in &caches_with(patient).await {
            let database = Database::default();
            read(cache, &database).await;
            drop(write(cache, &database));
            {
                let mut bypassed = Box::pin(larder::bypass(write(cache, &database)));
                assert!(poll_immediate(&mut bypassed).await.is_none(), "{cache:?}");
            }
            read(cache, &database).await;
            assert_eq!(database.reads.count(), 1, "{cache:?}");
            database.gate.open();
            write(cache, &database).await;
            assert_eq!(read(cache, &database).await, 1, "{cache:?}");
            assert_eq!(cache.health().await.pending_invalidations, 0, "{cache:?}");
        }
    }
}

#[cache_evict(cache = cache, key = "by key")]
async fn panics(cache: &Cache, database: &Database) {
    database.value.store(1, SeqCst);
    panic!("as the test wants");
}

#[cache_put(cache = cache, key = "by key")]
fn panics_sync(cache: &Cache, database: &Database) -> u64 {
    database.value.store(1, SeqCst);
    panic!("as the test wants");
}

#[tokio::test]
async fn a_write_that_panics_invalidates() {
    for cache in &caches_with(patient).await {
        for is_sync in [false, true] {
            let database = Database::default();
            cache.clear().await.expect("cleared");
            assert_eq!(by_key(cache, &database).await, 0, "{cache:?}");
            let panic = if is_sync {
                catch_unwind(AssertUnwindSafe(|| panics_sync(cache, &database))).err()
            } else {
                AssertUnwindSafe(panics(cache, &database)).catch_unwind().await.err()
            };
            assert!(panic.is_some());
            assert_eq!(by_key(cache, &database).await, 1, "{cache:?} {is_sync}");
        }
    }
}

#[cache_evict(cache = cache, key = "by key")]
async fn fails(cache: &Cache, database: &Database) -> Result<(), ()> {
    database.reads.count();
    tokio::task::yield_now().await;
    Err(())
}

#[tokio::test]
async fn a_write_that_fails_invalidates_nothing() {
    for cache in &caches_with(patient).await {
        let database = Database::default();
        by_key(cache, &database).await;
        assert!(fails(cache, &database).await.is_err());
        by_key(cache, &database).await;
        assert_eq!((database.reads.count(), cache.health().await.pending_invalidations), (1, 0), "{cache:?}");
    }
}

#[tokio::test]
async fn a_closing_cache_does_not_wait_for_the_second_invalidation_and_makes_it() {
    let prefix = unique("abandoned");
    // The second invalidation would be made after forty seconds.
    let one = || on(shared()).prefix(&prefix).require_redis(true).build();
    let (mine, theirs) = (one().await.expect("a cache"), one().await.expect("a cache"));
    let database = Arc::new(Database::default());
    assert_eq!(by_key(&mine, &database).await, 0);
    give_up(WRITES[1].1, &mine, &database).await;
    eventually_async(LONG, || async { mine.health().await.pending_invalidations == 1 }).await;
    assert_eq!(counts(&mine, "evicts_key").pending_invalidations, 1);
    // The old value is cached again, by another process.
    assert_eq!(by_key(&theirs, &database).await, 0);
    assert_eq!(database.reads.count(), 2);
    database.value.store(1, SeqCst);
    in_time(mine.close()).await;
    assert_eq!(by_key(&theirs, &database).await, 1);
}
