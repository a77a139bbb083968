//! A repository over SQLite: cache-aside, read-through and write-through as attributes, and a transaction whose evictions wait for
//! its commit. `cargo run --example repository --features sqlite`

use std::error::Error;
use std::path::PathBuf;

use larder::{Cache, cache, cache_evict, cache_put};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    id: i64,
    owner: String,
    balance: i64,
}

/// Read-through: the callers know nothing of the cache.
#[cache(expire = "5m", none_expire = "10s", entry = account_entry)]
fn account(#[cache(ignore)] db: &Connection, id: i64) -> rusqlite::Result<Option<Account>> {
    println!("  SELECT .. FROM account WHERE id = {id}");
    db.query_row("SELECT owner, balance FROM account WHERE id = ?1", params![id], |row| {
        Ok(Account { id, owner: row.get(0)?, balance: row.get(1)? })
    })
    .optional()
}

#[cache(expire = "5m", tags = ["accounts"])]
fn total(#[cache(ignore)] db: &Connection) -> rusqlite::Result<i64> {
    println!("  SELECT sum(balance) FROM account");
    db.query_row("SELECT sum(balance) FROM account", [], |row| row.get(0))
}

/// Cache-aside: the write removes the entry, and the next read loads it.
#[cache_evict(entry = account_entry(id))]
fn rename(db: &Connection, id: i64, owner: &str) -> rusqlite::Result<usize> {
    db.execute("UPDATE account SET owner = ?2 WHERE id = ?1", params![id, owner])
}

/// Write-through: the write stores the entry that the next read finds.
#[cache_put(entry = account_entry(account.id))]
#[cache_evict(tags = ["accounts"])]
fn open(db: &Connection, account: Account) -> rusqlite::Result<Account> {
    db.execute(
        "INSERT INTO account (id, owner, balance) VALUES (?1, ?2, ?3)",
        params![account.id, account.owner, account.balance],
    )?;
    Ok(account)
}

#[cache_evict(entry = account_entry(id), tags = ["accounts"])]
fn book(db: &Connection, id: i64, amount: i64) -> rusqlite::Result<usize> {
    db.execute("UPDATE account SET balance = balance + ?2 WHERE id = ?1", params![id, amount])
}

/// Books twice in one transaction. Before its commit, nothing is evicted, and nothing of it is cached.
fn transfer(
    cache: &Cache,
    db: &mut Connection,
    (from, to, amount): (i64, i64, i64),
    before_commit: impl FnOnce() -> rusqlite::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let later = cache.defer();
    let transaction = db.transaction()?;
    let booked = later.scope_blocking(|| {
        book(&transaction, to, amount)?;
        book(&transaction, from, -amount)
    });
    if let Err(error) = booked {
        transaction.rollback()?;
        later.discard();
        return Err(error.into());
    }
    before_commit()?;
    // Should the commit fail, `later` is dropped and evicts: it may have been made all the same.
    transaction.commit()?;
    later.send_blocking()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = TemporaryFile::new();
    let (mut db, reader) = (file.connect()?, file.connect()?);
    db.execute_batch(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, balance INTEGER NOT NULL CHECK (balance >= 0))",
    )?;
    let cache = Cache::builder().init_blocking()?;
    let show = |id| account(&reader, id).map(|account| println!("  {account:?}"));

    println!("write-through: no query after the write");
    for (id, owner) in [(1, "Ann"), (2, "Bob")] {
        open(&db, Account { id, owner: owner.to_owned(), balance: 100 })?;
        show(id)?;
    }
    println!("cache-aside: one query after the write");
    rename(&db, 1, "Anna")?;
    show(1)?;
    show(1)?;
    println!("no such account, which is cached as well");
    show(3)?;
    show(3)?;

    println!("a transfer; while it is not committed, readers find what was there before");
    println!("  total {}", total(&reader)?);
    transfer(&cache, &mut db, (1, 2, 30), || show(1))?;
    println!("after the commit");
    show(1)?;
    show(2)?;
    println!("  total {}", total(&reader)?);

    println!("a transfer that is rolled back evicts nothing");
    let refused = transfer(&cache, &mut db, (1, 2, 500), || Ok(()));
    println!("  {}", refused.expect_err("the balance is too small"));
    show(1)?;
    show(2)?;
    Ok(())
}

/// A database file that is removed at the end.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("larder-repository-{}.db", std::process::id())))
    }

    /// Connects so that readers do not wait for a writer.
    fn connect(&self) -> rusqlite::Result<Connection> {
        let db = Connection::open(&self.0)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        Ok(db)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            // The other two are there only while it is open.
            drop(std::fs::remove_file(path));
        }
    }
}
