//! Readers beside a transaction.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use support::deployment::shared;
use support::stores::{Calls, Gate, caches, on, unique};

/// A row of a database, which a transaction changes when it commits.
#[derive(Default)]
struct Database {
    row: AtomicU64,
    reads: Calls,
    gate: Option<Gate>,
}

impl IgnoreInKey for Database {}

impl Database {
    async fn read(&self) -> u64 {
        self.reads.add();
        let row = self.row.load(SeqCst);
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        row
    }
}

/// An open transaction. Readers do not see its changes.
struct Transaction<'d> {
    database: &'d Database,
    change: Option<u64>,
}

impl Transaction<'_> {
    fn commit(self) {
        let Self { database, change } = self;
        change.into_iter().for_each(|change| database.row.store(change, SeqCst));
    }
}

#[cache(expire = "1h", cache = cache, ignore(database), entry = row_entry, tags = ["rows"])]
async fn row(cache: &Cache, database: &Database) -> u64 {
    database.read().await
}

#[cache_evict(cache = cache, entry = row_entry(cache))]
async fn evict(cache: &Cache, transaction: &mut Transaction<'_>, value: u64) {
    transaction.change = Some(value);
}

#[cache_evict(cache = cache, tags = ["rows"])]
async fn evict_tag(cache: &Cache, transaction: &mut Transaction<'_>, value: u64) {
    transaction.change = Some(value);
}

#[cache_put(entry = row_entry(cache))]
async fn put(cache: &Cache, transaction: &mut Transaction<'_>, value: u64) -> u64 {
    transaction.change = Some(value);
    value
}

/// Changes the row in one of three ways.
async fn write(way: usize, cache: &Cache, transaction: &mut Transaction<'_>, value: u64) {
    match way {
        0 => evict(cache, transaction, value).await,
        1 => evict_tag(cache, transaction, value).await,
        _ => assert_eq!(put(cache, transaction, value).await, value),
    }
}

/// Pairs of a cache that writes and one that reads.
async fn pairs() -> Vec<[Cache; 2]> {
    let prefix = unique("defer");
    let local = |builder: larder::Builder| builder.local(larder::LocalTier::new());
    let redis = || async { local(on(shared()).prefix(&prefix)).build().await.expect("a cache") };
    let [memory, one] = caches().await;
    vec![[memory.clone(), memory], [one.clone(), one], [redis().await, redis().await]]
}

#[tokio::test]
async fn a_reader_in_the_middle_leaves_no_old_value_behind() {
    for [writer, reader] in &pairs().await {
        for way in 0..3 {
            let database = Database::default();
            let mut transaction = Transaction { database: &database, change: None };
            assert_eq!(row(reader, &database).await, 0);
            let later = writer.defer();
            later.scope(write(way, writer, &mut transaction, 1)).await;
            // The reader loads the row again before the commit, and caches it.
            row_entry(reader).invalidate().await.expect("removed");
            assert_eq!(row(reader, &database).await, 0, "{way}, {reader:?}: not committed yet");
            transaction.commit();
            later.send().await.expect("sent");
            assert_eq!(row(reader, &database).await, 1, "{way}, {reader:?}");
            assert_eq!(row(writer, &database).await, 1, "{way}, {writer:?}");
            row_entry(writer).invalidate().await.expect("removed");
        }
    }
}

#[tokio::test]
async fn a_reader_that_ends_after_the_commit_stores_nothing_old() {
    for [writer, reader] in &pairs().await {
        for way in 0..3 {
            let database = Database { gate: Some(Gate::default()), ..Database::default() };
            let mut transaction = Transaction { database: &database, change: None };
            let gate = database.gate.as_ref().expect("a gate");
            let later = writer.defer();
            later.scope(write(way, writer, &mut transaction, 1)).await;
            let slow = row(reader, &database);
            let commit = async {
                gate.arrived(1).await;
                transaction.commit();
                later.send().await.expect("sent");
                gate.open();
            };
            assert_eq!(tokio::join!(slow, commit).0, 0, "{way}: it has read before the commit");
            assert_eq!(row(reader, &database).await, 1, "{way}, {reader:?}");
            row_entry(writer).invalidate().await.expect("removed");
        }
    }
}

#[tokio::test]
async fn no_call_follows_a_computation_from_before_the_commit() {
    for cache in &caches().await {
        for way in 0..3 {
            let database = Database { gate: Some(Gate::default()), ..Database::default() };
            let mut transaction = Transaction { database: &database, change: None };
            let gate = database.gate.as_ref().expect("a gate");
            let later = cache.defer();
            later.scope(write(way, cache, &mut transaction, 1)).await;
            let (before, after) = (row(cache, &database), async {
                gate.arrived(1).await;
                transaction.commit();
                later.send().await.expect("sent");
                let after = row(cache, &database);
                let opens = async {
                    // The second call computes for itself; if it followed the first one, it would never arrive.
                    drop(tokio::time::timeout(Duration::from_millis(300), gate.arrived(2)).await);
                    gate.open();
                };
                tokio::join!(after, opens).0
            });
            assert_eq!(tokio::join!(before, after), (0, 1), "{way}, {cache:?}");
            row_entry(cache).invalidate().await.expect("removed");
        }
    }
}

#[tokio::test]
async fn a_rollback_with_discard_evicts_nothing() {
    for [writer, reader] in &pairs().await {
        let database = Database::default();
        for way in 0..3 {
            let mut transaction = Transaction { database: &database, change: None };
            row(reader, &database).await;
            let (reads, invalidations) = (database.reads.count(), writer.stats().total.invalidations);
            let later = writer.defer();
            later.scope(write(way, writer, &mut transaction, 1)).await;
            // The transaction is rolled back.
            later.discard();
            assert_eq!(row(reader, &database).await, 0, "{way}, {reader:?}");
            assert_eq!(database.reads.count(), reads, "{way}, {reader:?}: it is still cached");
            let total = writer.stats().total;
            assert_eq!((total.invalidations, total.deferred_unsent), (invalidations, 0), "{way}");
        }
    }
}
