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
                EventKind::Push { server, connected: true, .. } => (server, "push"),
                EventKind::Push { server, connected: false, .. } => (server, "no push"),
                _ => continue,
            };
            assert_eq!((event.function, event.key), (None, None));
            return told;
        }
    })
    .await
}

/// Reads events until the last ones about the breaker and the push connection are these.
async fn until(events: &mut Events, server: &str, breaker: &str, push: &str) {
    let (mut last_breaker, mut last_push) = ("", "");
    while (last_breaker, last_push) != (breaker, push) {
        let (name, state) = next(events).await;
        assert_eq!(name, server);
        let last = if state.ends_with("push") { &mut last_push } else { &mut last_breaker };
        assert_ne!(*last, state, "each change is told once");
        *last = state;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_told() {
    let server = RedisServer::start();
    let name = format!("127.0.0.1:{}", server.port());
    let builder = hasty(&server).local(LocalTier::new()).events_with_keys(true).require_redis(true);
    let cache = builder.build().await.expect("a cache");
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
    tokio::select! {
        () = until(&mut events, &name, "open", "no push") => {}
        () = calls => unreachable!("it has no end"),
    }
    server.restart();
    until(&mut events, &name, "closed", "push").await;
}
