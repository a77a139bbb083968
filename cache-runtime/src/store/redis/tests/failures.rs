//! Servers and networks that fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::proxy::{FaultProxy, Mode};
use super::server::RedisServer;
use super::support::{LIMIT, SLACK, answers, config, connect, envelope, plain};
use super::wait::eventually_async;
use crate::store::Store;
use crate::store::redis::config::{Change, RedisConfig};
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

#[tokio::test]
async fn a_hung_server_costs_three_time_limits_and_then_nothing() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    assert!(answers(&redis).await);
    server.pause();
    for _ in 0..3 {
        let started = Instant::now();
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Timeout { step: "read", .. })));
        assert!(started.elapsed() < LIMIT + SLACK, "{:?}", started.elapsed());
    }
    let started = Instant::now();
    for _ in 0..1000 {
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })));
    }
    assert!(started.elapsed() < SLACK, "{:?}", started.elapsed());
    server.resume();
    eventually_async(Duration::from_secs(2), || answers(&redis)).await;
}

#[tokio::test]
async fn a_killed_server_is_reported_once_and_reconnected() {
    let server = RedisServer::start();
    let changes = Arc::new(Mutex::new(Vec::new()));
    let reported = Arc::clone(&changes);
    let redis = RedisStore::connect(RedisConfig {
        on_change: Arc::new(move |change| reported.lock().expect("no panic").push(change)),
        ..config(&server.url())
    });
    let redis = redis.await.expect("a store");
    for round in 1..=3 {
        server.stop();
        eventually_async(Duration::from_secs(1), || async {
            redis.nodes.one().status().connected == Some(false)
        })
        .await;
        let started = Instant::now();
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })));
        assert!(started.elapsed() < SLACK);
        server.restart();
        eventually_async(Duration::from_secs(2), || answers(&redis)).await;
        assert_eq!(changes.lock().expect("no panic").len(), 1 + 2 * round);
    }
    assert_eq!(changes.lock().expect("no panic")[0], Change::Connected);
}

#[tokio::test]
async fn the_store_opens_without_a_server_and_connects_later() {
    let server = RedisServer::start();
    server.stop();
    let redis = connect(&server.url()).await;
    assert!(!answers(&redis).await);
    assert!(redis.nodes.one().status().last_error.is_some());
    let required = RedisConfig { require: true, ..config(&server.url()) };
    assert!(matches!(RedisStore::connect(required).await, Err(Error::Unavailable { .. })));
    server.restart();
    eventually_async(Duration::from_secs(2), || answers(&redis)).await;
}

#[tokio::test]
async fn rejected_credentials_are_an_error_at_start_up() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let at = server.url().replace("redis://", "");
    assert!(matches!(RedisStore::connect(config(&server.url())).await, Err(Error::Auth { .. })));
    let wrong = RedisStore::connect(config(&format!("redis://:guess@{at}"))).await;
    assert!(matches!(&wrong, Err(Error::Auth { message, .. }) if !message.contains("guess")), "{wrong:?}");
    let right = connect(&format!("redis://:secret@{at}/3")).await;
    assert!(answers(&right).await && !format!("{right:?}").contains("secret"));
    let database = RedisStore::connect(config(&format!("redis://:secret@{at}/99"))).await;
    assert!(
        matches!(&database, Err(Error::Config { setting: "url", value, .. }) if value == "99"),
        "{database:?}"
    );
}

#[tokio::test]
async fn connections_recover_from_a_password_that_changed_for_a_while() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let redis = connect(&server.url().replace("redis://", "redis://:secret@")).await;
    server.command(&["EVAL", "redis.call('CONFIG', 'SET', 'requirepass', 'other')", "0"]);
    assert_eq!(server.command(&["CONFIG", "SET", "requirepass", "other"]), "OK");
    let other = redis::Client::open(server.url().replace("redis://", "redis://:other@")).expect("a client");
    let mut admin = other.get_connection().expect("a connection");
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").exec(&mut admin).expect("killed");
    eventually_async(Duration::from_secs(2), || async {
        redis.nodes.one().status().last_error.is_some_and(|e| e.contains("WRONGPASS"))
    })
    .await;
    assert!(!answers(&redis).await);
    redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("secret").exec(&mut admin).expect("restored");
    eventually_async(Duration::from_secs(3), || answers(&redis)).await;
}

#[tokio::test]
async fn a_full_server_still_serves_reads() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    redis.put(&plain("k"), envelope([1; 16]), None, None).await.expect("stored");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = redis.put(&plain("k"), envelope([2; 16]), None, None).await;
    assert!(matches!(refused, Err(Error::Redis { step: "fill", .. })), "{refused:?}");
    assert_eq!(redis.find(&plain("k")).await.expect("a hit").bytes, Some(envelope([1; 16])));
    assert!(redis.delete(&plain("k")).await.expect("deleted"));
}

#[tokio::test]
async fn a_master_that_became_a_replica_still_serves_reads() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    let (key, value) = (plain("k"), Bytes::from_static(b"v"));
    assert_eq!(redis.put(&key, value.clone(), None, None).await.ok(), Some(true));
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..200 {
        let refused = redis.put(&key, Bytes::from_static(b"w"), None, None).await;
        assert!(
            matches!(&refused, Err(Error::Redis { message, .. }) if message.starts_with("READONLY")),
            "{refused:?}"
        );
        assert_eq!(redis.find(&key).await.expect("it reads").bytes, Some(value.clone()));
    }
    assert_eq!(redis.nodes.one().status().connected, Some(true));
    server.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(redis.put(&key, Bytes::from_static(b"w"), None, None).await.ok(), Some(true), "at once");
}

#[tokio::test]
async fn servers_without_resp3_are_used_with_resp2() {
    let server = RedisServer::start_with(&["--rename-command", "HELLO", ""]);
    let redis = connect(&server.url()).await;
    assert!(answers(&redis).await, "{:?}", redis.nodes.one().status());
}

#[tokio::test]
async fn network_faults_are_bounded_in_time_and_recovered_from() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let redis =
        RedisStore::connect(RedisConfig { connections: 3, ..config(&proxy.url()) }).await.expect("a store");
    redis.put(&plain("k"), Bytes::from(vec![b'x'; 1000]), None, None).await.expect("stored");
    let modes = [
        Mode::Blackhole,
        Mode::Refuse,
        Mode::Reset,
        Mode::Delay(2 * LIMIT),
        Mode::Truncate(5),
        Mode::Truncate(100),
        Mode::SwallowReplies,
    ];
    for mode in modes {
        proxy.set(mode);
        let failed = Mutex::new(0);
        let within = Duration::from_secs(6);
        eventually_async(within, || async {
            let started = Instant::now();
            let read = redis.find(&plain("k")).await;
            assert!(started.elapsed() < LIMIT + SLACK, "{mode:?}: {:?}", started.elapsed());
            if let Ok(found) = &read {
                assert_eq!(found.bytes.as_ref().map(Bytes::len), Some(1000), "{mode:?}");
            }
            *failed.lock().expect("no panic") += i32::from(read.is_err());
            *failed.lock().expect("no panic") > 5
        })
        .await;
        proxy.set(Mode::Pass);
        eventually_async(Duration::from_secs(3), || answers(&redis)).await;
    }
}
