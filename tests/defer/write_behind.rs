//! Write-behind as in the example: what a worker that is killed, a database that is away and a shutdown leave behind.

use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

use larder::Cache;
use redis::aio::MultiplexedConnection;
use redis::cmd;
use support::process::{rerun, test_around};
use support::redis::{RedisServer, signal};
use support::stores::{LONG, caches};

use self::example::{DEAD, Database, GROUP, IDLE, MAX_QUEUED, STREAM, Stock, Worker, save, stock};

#[path = "../../examples/write_behind_redis.rs"]
#[expect(dead_code, reason = "the example prints what happens in a `main`")]
mod example;

const URL: &str = "LARDER_WRITE_BEHIND_URL";
const KILLED: &str = "LARDER_WRITE_BEHIND_KILLED";

async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

/// An empty stream with its group.
async fn begin(server: &RedisServer) -> MultiplexedConnection {
    let mut queue = connect(&server.url()).await;
    cmd("DEL").arg(&[STREAM, DEAD]).exec_async(&mut queue).await.expect("no stream");
    let create = ["CREATE", STREAM, GROUP, "0", "MKSTREAM"];
    cmd("XGROUP").arg(&create).exec_async(&mut queue).await.expect("a group");
    queue
}

async fn len(queue: &MultiplexedConnection, stream: &str) -> u64 {
    cmd("XLEN").arg(stream).query_async(&mut queue.clone()).await.expect("a length")
}

fn set_away(database: &Database, is_away: bool) {
    *database.is_away.lock().expect("no panic") = is_away;
}

/// Writes two versions of one row and one of another.
async fn write(cache: &Cache, queue: &MultiplexedConnection) {
    for (id, version) in [(1, 1), (2, 1), (1, 2)] {
        let row = Stock { id, count: 10 * id + version, version };
        cache.scope(save(queue, row)).await.expect("queued");
    }
}

#[tokio::test]
async fn each_write_is_applied_wherever_its_worker_is_killed() {
    fn here() {}
    if let (Ok(url), Ok(killed)) = (std::env::var(URL), std::env::var(KILLED)) {
        let taken = Worker { name: "killed", queue: connect(&url).await }.take().await.expect("messages");
        assert_eq!(taken.len(), 3);
        if killed == "before the acknowledgement" {
            let database = Database::default();
            let write = |fields: &str| serde_json::from_str(fields).expect("a row");
            let applied = taken.iter().all(|(_, fields)| database.upsert(write(&fields["write"])).is_ok());
            assert!(applied && database.read(1).is_some());
        }
        signal("KILL", std::process::id());
        std::future::pending::<()>().await;
    }
    let server = RedisServer::start();
    for killed in ["before the write", "before the acknowledgement"] {
        for cache in &caches().await {
            let (queue, database) = (begin(&server).await, Database::default());
            write(cache, &queue).await;
            let status = rerun(&test_around(&here)).env(URL, server.url()).env(KILLED, killed).status();
            assert_eq!(status.expect("a process").signal(), Some(9), "{killed}");
            assert_eq!(len(&queue, STREAM).await, 3, "{killed}, {cache:?}: nothing is lost");
            let mut worker = Worker { name: "other", queue: queue.clone() };
            assert_eq!(worker.flush(&database, LONG).await.expect("flushed"), 0, "{killed}, {cache:?}");
            for (id, version) in [(1, 2), (2, 1)] {
                let row = Some(Stock { id, count: 10 * id + version, version });
                assert_eq!(database.read(id), row, "{killed}, {cache:?}");
                assert_eq!(cache.scope(stock(&database, id)).await, row, "{killed}, {cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn while_the_database_is_away_writes_wait_in_a_bounded_queue() {
    let server = RedisServer::start();
    for cache in &caches().await {
        let (mut queue, database) = (begin(&server).await, Database::default());
        write(cache, &queue).await;
        set_away(&database, true);
        let mut worker = Worker { name: "worker", queue: queue.clone() };
        // More often than a refused write is tried.
        assert_eq!(worker.flush(&database, IDLE * 6).await.expect("flushed"), 3, "{cache:?}");
        assert_eq!(
            (len(&queue, STREAM).await, len(&queue, DEAD).await),
            (3, 0),
            "{cache:?}: all of them wait"
        );

        let mut fill = redis::pipe();
        for _ in 3..MAX_QUEUED {
            fill.cmd("XADD").arg(&[STREAM, "*", "write", ""]);
        }
        fill.exec_async(&mut queue).await.expect("filled");
        let refused = cache.scope(save(&queue, Stock { id: 1, count: 0, version: 3 })).await;
        assert!(refused.is_err(), "{cache:?}: the writer learns of it");
        assert_eq!(len(&queue, STREAM).await, MAX_QUEUED, "{cache:?}");
        let row = cache.scope(stock(&database, 1)).await.expect("a row");
        assert_eq!(row.version, 2, "{cache:?}: a write that was refused is not cached");

        cmd("XTRIM").arg(&[STREAM, "MAXLEN", "0"]).exec_async(&mut queue).await.expect("trimmed");
        set_away(&database, false);
        write(cache, &queue).await;
        assert_eq!(worker.flush(&database, LONG).await.expect("flushed"), 0, "{cache:?}");
        assert_eq!(database.read(1).map(|row| row.version), Some(2), "{cache:?}");
    }
}

#[tokio::test]
async fn a_shutdown_flushes_within_its_time_and_says_what_is_left() {
    let server = RedisServer::start();
    for cache in &caches().await {
        let (queue, database) = (begin(&server).await, Database::default());
        let mut worker = Worker { name: "worker", queue: queue.clone() };
        write(cache, &queue).await;
        assert_eq!(worker.flush(&database, LONG).await.expect("flushed"), 0, "{cache:?}: all of it");
        set_away(&database, true);
        write(cache, &queue).await;
        let began = Instant::now();
        assert_eq!(worker.flush(&database, IDLE).await.expect("flushed"), 3, "{cache:?}: what is left");
        assert!((IDLE..LONG).contains(&began.elapsed()), "{cache:?}: {:?}", began.elapsed());
        set_away(&database, false);
        let mut next = Worker { name: "next", queue: queue.clone() };
        assert_eq!(next.flush(&database, LONG).await.expect("flushed"), 0, "{cache:?}: by the next start");
        assert_eq!(database.read(2).map(|row| row.version), Some(1), "{cache:?}");
    }
}
