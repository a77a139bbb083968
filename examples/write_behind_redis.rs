//! Write-behind: a write goes to a Redis stream and to the cache, and a worker brings it to the database.
//! `REDIS_URL=redis://127.0.0.1:6379 cargo run --example write_behind_redis`
//!
//! # What is lost, and when
//!
//! Until the worker has applied a write, the stream is the only copy of it. It is lost
//! - when Redis loses its memory: a crash without `appendonly yes`, up to a second of writes with `appendfsync everysec`, `FLUSHALL`;
//! - when a failover promotes a replica that has not received it yet;
//! - when Redis evicts the stream, as a whole: use `noeviction` or a `volatile-*` policy;
//! - for the database, when it was refused [`TRIES`] times: then it is in the stream of dead letters, for somebody to
//!   look at, and in the cache until its entry expires.
//!
//! And a read that misses the cache before the worker is done returns what the database has: the value before the write.
//!
//! It is not lost when a writer or a worker is killed, at any point: a message stays pending until it is acknowledged, and another
//! worker claims it. So each write is applied at least once, and versions make that harmless. While the database is away, messages stay
//! pending however often they were tried, the stream grows to [`MAX_QUEUED`] messages, and then writers get an error.
//!
//! This is an example and no part of the library: a cache that is the only copy is a database.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use larder::{Cache, IgnoreInKey, cache, cache_put};
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, cmd};
use serde::{Deserialize, Serialize};

pub(crate) const STREAM: &str = "larder-example:writes";
pub(crate) const DEAD: &str = "larder-example:dead";
pub(crate) const GROUP: &str = "database";
/// A message that a worker has had for this long is claimed by another.
pub(crate) const IDLE: Duration = Duration::from_millis(200);
const TRIES: u64 = 3;
pub(crate) const MAX_QUEUED: u64 = 10_000;

type AnyError = Box<dyn Error + Send + Sync>;

/// The reasons of a write that was not applied.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database is away: the same write may succeed later.
    Away,
    /// The database does not take this write.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) id: u64,
    pub(crate) count: u64,
    pub(crate) version: u64,
}

/// The database, which may be away, and refuses a product of its own choice.
#[derive(Default, IgnoreInKey)]
pub(crate) struct Database {
    rows: Mutex<BTreeMap<u64, Stock>>,
    pub(crate) is_away: Mutex<bool>,
}

impl Database {
    pub(crate) fn read(&self, id: u64) -> Option<Stock> {
        self.rows.lock().expect("no panic").get(&id).cloned()
    }

    /// Applies a write unless a newer one was applied before: `ON CONFLICT (id) DO UPDATE .. WHERE version < excluded.version`.
    pub(crate) fn upsert(&self, stock: Stock) -> Result<(), WriteError> {
        if *self.is_away.lock().expect("no panic") {
            return Err(WriteError::Away);
        }
        if stock.id == 13 {
            return Err(WriteError::Refused);
        }
        let mut rows = self.rows.lock().expect("no panic");
        match rows.get(&stock.id) {
            Some(row) if row.version >= stock.version => {}
            _ => drop(rows.insert(stock.id, stock)),
        }
        Ok(())
    }
}

#[cache(expire = "1h", entry = stock_entry)]
pub(crate) async fn stock(#[cache(ignore)] database: &Database, id: u64) -> Option<Stock> {
    println!("  SELECT .. FROM stock WHERE id = {id}");
    database.read(id)
}

/// The write: it is queued, and the next read finds it in the cache.
#[cache_put(entry = stock_entry(stock.id))]
pub(crate) async fn save(queue: &MultiplexedConnection, stock: Stock) -> Result<Stock, AnyError> {
    let mut queue = queue.clone();
    let queued: u64 = cmd("XLEN").arg(STREAM).query_async(&mut queue).await?;
    if queued >= MAX_QUEUED {
        return Err("too many writes wait for the database".into());
    }
    let body = serde_json::to_string(&stock)?;
    cmd("XADD").arg(STREAM).arg("*").arg("write").arg(body).query_async::<String>(&mut queue).await?;
    Ok(stock)
}

/// A message: its id and its fields.
type Message = (String, HashMap<String, String>);

/// A worker, one of any number.
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) queue: MultiplexedConnection,
}

impl Worker {
    /// Takes new messages, and those that other workers have left behind.
    pub(crate) async fn take(&mut self) -> RedisResult<Vec<Message>> {
        let (_, mut messages, _): (String, Vec<Message>, Vec<String>) = cmd("XAUTOCLAIM")
            .arg(&[STREAM, GROUP, self.name])
            .arg(IDLE.as_millis() as u64)
            .arg("0")
            .query_async(&mut self.queue)
            .await?;
        let new: Option<Vec<(String, Vec<Message>)>> = cmd("XREADGROUP")
            .arg(&["GROUP", GROUP, self.name, "COUNT", "100", "STREAMS", STREAM, ">"])
            .query_async(&mut self.queue)
            .await?;
        messages.extend(new.into_iter().flatten().flat_map(|(_, messages)| messages));
        Ok(messages)
    }

    /// Applies a message and acknowledges it. One that was not applied stays pending; one that was refused after [`TRIES`] is a dead
    /// letter.
    pub(crate) async fn apply(&mut self, database: &Database, (id, fields): Message) -> RedisResult<()> {
        let body = fields.get("write").map_or("", String::as_str);
        let write = serde_json::from_str(body).map_err(|_| WriteError::Refused);
        if let Err(error) = write.and_then(|stock| database.upsert(stock)) {
            let pending: Vec<(String, String, u64, u64)> =
                cmd("XPENDING").arg(&[STREAM, GROUP, &id, &id, "1"]).query_async(&mut self.queue).await?;
            let tries = pending.first().map_or(0, |(_, _, _, tries)| *tries);
            println!("  {}: {body}, try {tries}: {error:?}", self.name);
            if matches!(error, WriteError::Away) || tries < TRIES {
                return Ok(());
            }
            cmd("XADD").arg(&[DEAD, "*", "write", body]).query_async::<String>(&mut self.queue).await?;
            println!("  {}: {body} is a dead letter", self.name);
        } else {
            println!("  {}: {body} is in the database", self.name);
        }
        redis::pipe()
            .atomic()
            .cmd("XACK")
            .arg(&[STREAM, GROUP, &id])
            .cmd("XDEL")
            .arg(&[STREAM, &id])
            .exec_async(&mut self.queue)
            .await
    }

    /// Works until the stream is empty, or until the time is over; returns the number of messages that are left.
    pub(crate) async fn flush(&mut self, database: &Database, within: Duration) -> RedisResult<u64> {
        let end = Instant::now() + within;
        loop {
            for message in self.take().await? {
                self.apply(database, message).await?;
            }
            let left: u64 = cmd("XLEN").arg(STREAM).query_async(&mut self.queue).await?;
            if left == 0 || Instant::now() >= end {
                return Ok(left);
            }
            tokio::time::sleep(IDLE / 4).await;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let url = std::env::var("REDIS_URL").map_err(|_| "set REDIS_URL, such as redis://127.0.0.1:6379")?;
    let cache = Cache::builder().url(&url).prefix("larder-example").require_redis(true).init().await?;
    let mut queue = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    cmd("DEL").arg(&[STREAM, DEAD]).query_async::<u64>(&mut queue).await?;
    cmd("XGROUP").arg(&["CREATE", STREAM, GROUP, "0", "MKSTREAM"]).exec_async(&mut queue).await?;
    cache.clear().await?;
    let database = Database::default();

    println!("three writes, which readers see at once");
    for (id, count, version) in [(1, 10, 1), (2, 5, 1), (1, 9, 2)] {
        save(&queue, Stock { id, count, version }).await?;
    }
    println!("  {:?}", stock(&database, 1).await);
    println!("  the database: {:?}", database.read(1));

    println!("a worker takes them and is killed before it applies any");
    let taken = Worker { name: "first", queue: queue.clone() }.take().await?;
    println!("  first: took {}, and is gone", taken.len());
    println!("another one claims them");
    let mut worker = Worker { name: "second", queue: queue.clone() };
    worker.flush(&database, Duration::from_secs(5)).await?;
    println!("  the database: {:?}", database.read(1));

    println!("a write that the database refuses is a dead letter in the end");
    save(&queue, Stock { id: 13, count: 1, version: 1 }).await?;
    worker.flush(&database, Duration::from_secs(5)).await?;
    let dead: u64 = cmd("XLEN").arg(DEAD).query_async(&mut queue).await?;
    println!("  dead letters: {dead}");

    println!("the database is away at shutdown");
    *database.is_away.lock().expect("no panic") = true;
    save(&queue, Stock { id: 2, count: 4, version: 2 }).await?;
    let left = worker.flush(&database, IDLE).await?;
    println!("  {left} write is left in the stream, for the next start");
    *database.is_away.lock().expect("no panic") = false;
    worker.flush(&database, Duration::from_secs(5)).await?;
    println!("  the database: {:?}", database.read(2));

    cache.clear().await?;
    cmd("DEL").arg(&[STREAM, DEAD]).query_async::<u64>(&mut queue).await?;
    Ok(())
}
