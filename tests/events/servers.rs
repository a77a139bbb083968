//! Events about servers: the breaker, and the connection that reports changes.

use larder::{Breaker, EventKind, Events, LocalTier};
use support::redis::RedisServer;
use support::stores::{hasty, in_time};

/// Returns the next event about a server, as its name and its state.
async fn next(events: &mut Events) -> (String, &'static str) {
    in_time(async {
        loop {
            let event = events.recv().await.expect("the cache lives");
            let told = match event.kind {
                EventKind::Breaker { server, state: Breaker::Open, .. } => (server, "open"),
                EventKind::Breaker { server, state: Breaker::Closed, .. } => (server, "closed"),
                EventKind::Push { server, is_connected: true, .. } => (server, "push"),
                EventKind::Push { server, is_connected: false, .. } => (server, "no push"),
                _ => continue,
            };
            assert_eq!((event.function, event.key), (None, None));
            return told;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_told_once_for_each_change() {
    let server = RedisServer::start();
    let name = format!("127.0.0.1:{}", server.port());
    let cache = hasty(&server)
        .local(LocalTier::new())
        .events_with_keys(true)
        .require_redis(true)
        .build()
        .await
        .expect("a cache");
    let mut events = cache.events();
    cache.get::<u64>("k").await;
    while cache.health().await.push != Some(true) {
        tokio::task::yield_now().await;
    }
    server.stop();
    let calls = async {
        loop {
            cache.get::<u64>("k").await;
            tokio::task::yield_now().await;
        }
    };
    let told = async {
        // The connection for pushes may have been opened after `events`.
        let mut told = vec![next(&mut events).await];
        while told.iter().filter(|(_, state)| ["open", "no push"].contains(state)).count() < 2 {
            told.push(next(&mut events).await);
        }
        told
    };
    let mut told = tokio::select! { told = told => told, () = calls => unreachable!("it has no end") };
    told.retain(|(_, state)| *state != "push");
    told.sort_unstable();
    assert_eq!(told, [(name.clone(), "no push"), (name.clone(), "open")]);
    server.restart();
    let mut told = [next(&mut events).await, next(&mut events).await];
    told.sort_unstable();
    assert_eq!(told, [(name.clone(), "closed"), (name, "push")]);
}
