//! Connections and the runtimes of callers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Builder;

use super::server::RedisServer;
use super::support::{answers, config, connect, plain, runtime, shared};
use super::wait::{eventually, eventually_async};
use crate::rt::park;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::store::RedisStore;

#[test]
fn links_end_with_their_runtimes() {
    for threads in [0, 2] {
        let redis = runtime(threads).block_on(connect(&shared().url()));
        for round in 0..50 {
            let runtime = runtime(threads);
            runtime.block_on(async {
                let key = plain(&format!("rt:{threads}:{round}"));
                assert!(redis.put(&key, Bytes::from_static(b"v"), None, None).await.expect("stored"));
                assert!(redis.find(&key).await.expect("a hit").bytes.is_some());
            });
            drop(runtime);
            assert_eq!(redis.nodes.one().links(), 0, "the link of runtime {round} still exists");
        }
    }
}

#[test]
fn callers_without_a_runtime_are_served() {
    let redis = park::block_on(connect(&shared().url()));
    assert!(park::block_on(answers(&redis)));
    let inside = runtime(0);
    let started = Instant::now();
    // The thread drives a runtime and is parked: nothing on that runtime can run meanwhile.
    inside.block_on(async { assert!(park::block_on(answers(&redis))) });
    // Entered, but not driven.
    let _entered = inside.enter();
    assert!(park::block_on(answers(&redis)));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_runtime_without_drivers_is_not_used() {
    let bare = Builder::new_current_thread().build().expect("a runtime");
    let redis = bare.block_on(connect(&shared().url()));
    for _ in 0..3 {
        assert!(bare.block_on(answers(&redis)));
    }
    let timers = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    assert!(timers.block_on(answers(&redis)));
    drop((bare, timers));
    eventually(Duration::from_secs(1), || redis.nodes.one().links() <= 1);
}

#[test]
fn a_runtime_that_was_not_driven_recovers() {
    let server = RedisServer::start();
    let runtime = runtime(0);
    let redis = runtime.block_on(connect(&server.url()));
    server.restart();
    // Each call fails at once and gives the supervisor no time; larder's own runtime takes over.
    eventually(Duration::from_secs(6), || runtime.block_on(answers(&redis)));
}

#[tokio::test]
async fn dropping_the_store_closes_its_connections() {
    let server = RedisServer::start();
    let redis = RedisStore::connect(RedisConfig {
        connections: 4,
        client_name: Some("mine".to_owned()),
        ..config(&server.url())
    });
    let redis = redis.await.expect("a store");
    let count = || server.command(&["CLIENT", "LIST"]).matches("name=mine").count();
    assert_eq!(count(), 4);
    drop(redis);
    eventually_async(Duration::from_secs(1), || async { count() == 0 }).await;
}
