//! Concurrent reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::proxy::{FaultProxy, Mode};
use super::server::RedisServer;
use super::support::{FoundOne, LIMIT, SLACK, answers, connect, grouped, plain, runtime, shared};
use super::wait::eventually_async;
use crate::rt::park;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::key::Key;

/// Reads keys at the same time.
async fn find_all(redis: &Arc<RedisStore>, keys: impl Iterator<Item = Key>) -> Vec<Result<FoundOne, Error>> {
    let tasks: Vec<_> = keys
        .map(|key| {
            let redis = Arc::clone(redis);
            tokio::spawn(async move { redis.find(&key).await })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.expect("no panic"));
    }
    found
}

#[tokio::test]
async fn concurrent_reads_are_written_together() {
    let server = RedisServer::start();
    let redis = Arc::new(connect(&server.url()).await);
    let key = |n: usize| if n % 5 == 4 { grouped("{g}", &n.to_string()) } else { plain(&n.to_string()) };
    let value = |n: usize| Bytes::from(n.to_string().repeat(n));
    for n in 1..60 {
        assert!(redis.put(&key(n), value(n), None, None).await.expect("stored"));
    }
    // An error of one read does not affect the others.
    server.command(&["DEL", "30", "31"]);
    server.command(&["RPUSH", "30", "no string"]);
    let reads = || {
        let stats = server.command(&["INFO", "stats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        count.and_then(|count| count.trim().parse::<usize>().ok()).expect("a count")
    };
    let before = reads();
    for _ in 0..10 {
        for (n, found) in (1..60).zip(find_all(&redis, (1..60).map(key)).await) {
            let expected = Some(value(n)).filter(|_| n != 30 && n != 31);
            assert_eq!(found.expect("an answer").bytes, expected, "{n}");
        }
    }
    let after = reads();
    assert!(after - before < 590 / 4, "{before} and {after}");
}

#[tokio::test]
async fn concurrent_reads_end_within_the_time_limit() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let redis = Arc::new(connect(&proxy.url()).await);
    assert!(answers(&redis).await);
    proxy.set(Mode::Blackhole);
    let started = Instant::now();
    let found = find_all(&redis, (0..50).map(|n| plain(&n.to_string()))).await;
    assert!(started.elapsed() < LIMIT + SLACK, "{:?}", started.elapsed());
    assert!(found.iter().all(|found| matches!(found, Err(Error::Timeout { step: "read", .. }))));
    assert!(
        matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })),
        "the connection was given up"
    );
    proxy.set(Mode::Pass);
    eventually_async(Duration::from_secs(3), || answers(&redis)).await;
}

#[tokio::test]
async fn large_values_are_read_concurrently() {
    let redis = Arc::new(connect(&shared().url()).await);
    let key = |n: usize| plain(&format!("large:{n}"));
    for n in 0..40 {
        redis.put(&key(n), Bytes::from(vec![n as u8; 40 << 10]), None, None).await.expect("stored");
    }
    for _ in 0..10 {
        for (n, found) in (0..40).zip(find_all(&redis, (0..40).map(key)).await) {
            let bytes = found.expect("an answer").bytes.expect("a hit");
            assert!(bytes.len() == 40 << 10 && bytes.iter().all(|byte| *byte == n as u8));
        }
    }
}

#[test]
fn reads_whose_runtime_ends_fail() {
    let redis = park::block_on(connect(&shared().url()));
    let other = runtime(0);
    let keys: Vec<_> = (0..20).map(|n| plain(&n.to_string())).collect();
    let mut reads: Vec<_> = keys.iter().map(|key| Box::pin(redis.find(key))).collect();
    other.block_on(async {
        assert!(answers(&redis).await);
        // Started, and not driven to their end.
        std::future::poll_fn(|context| {
            assert!(reads.iter_mut().all(|read| read.as_mut().poll(context).is_pending()));
            std::task::Poll::Ready(())
        })
        .await;
    });
    drop(other);
    let elsewhere = runtime(0);
    for read in reads {
        let read = elsewhere.block_on(async { tokio::time::timeout(LIMIT + SLACK, read).await });
        assert!(matches!(read, Ok(Err(_))), "it fails before the time limit");
    }
}
