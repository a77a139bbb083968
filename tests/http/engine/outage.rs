//! Failures of Redis under handlers.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use larder::cache;
use support::http::{Server, is_empty};
use support::proxy::{FaultProxy, Mode};
use support::redis::RedisServer;
use support::stores::{LONG, caches_with, counts, hasty, on};
use support::wait::eventually_async;

use super::app::{App, answers, crowd, serve};

/// A limit far above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);

/// Asserts that each client gets its own response in time.
async fn clients_are_served(server: Server, what: &str) {
    let crowd = (0..32).map(|id| async move {
        let started = Instant::now();
        let answer = server.get(&format!("/{id}")).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        assert!(["MISS", "BYPASS"].contains(&answer.x_cache()), "{what}: {answer:?}");
        started.elapsed()
    });
    let slowest = join_all(crowd).await.into_iter().max().expect("32");
    assert!(slowest < BOUND, "{what}: {slowest:?}");
}

async fn caching_begins(server: Server) {
    eventually_async(LONG, || async {
        let path = format!("/{}", rand());
        server.get(&path).await;
        server.get(&path).await.x_cache() == "HIT"
    })
    .await;
}

/// Returns a number that is used nowhere else.
fn rand() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1_000_000);
    NEXT.fetch_add(1, SeqCst)
}

#[tokio::test]
async fn redis_is_absent_at_the_start_and_starts_later() {
    let redis = RedisServer::start();
    redis.stop();
    let cache = hasty(&redis).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    clients_are_served(server, "absent").await;
    clients_are_served(server, "absent still").await;
    redis.restart();
    caching_begins(server).await;
}

#[tokio::test]
async fn redis_dies_and_hangs_midway() {
    let redis = RedisServer::start();
    let cache = hasty(&redis).build().await.expect("a cache");
    let app = App::free(&cache);
    let server = serve(&app).await;
    caching_begins(server).await;
    // The server dies during the handler.
    app.stops.store(true, SeqCst);
    app.others.open();
    let waits = App::new(&cache);
    let waiting = serve(&waits).await;
    let crowd = crowd(waiting, "/77", 20);
    waits.first.arrived(1).await;
    redis.stop();
    waits.first.open();
    waits.others.open();
    for answer in answers(crowd).await {
        assert_eq!(answer.status, 200);
    }
    clients_are_served(server, "dead").await;
    redis.restart();
    caching_begins(server).await;
    redis.pause();
    clients_are_served(server, "hung").await;
    redis.resume();
    caching_begins(server).await;
}

#[tokio::test]
async fn the_connection_to_redis_is_broken() {
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port()).await;
    let cache = hasty(&redis).url(proxy.url()).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    for mode in [Mode::Blackhole, Mode::SwallowReplies, Mode::Truncate(7), Mode::Reset, Mode::Refuse] {
        proxy.set(mode);
        clients_are_served(server, &format!("{mode:?}")).await;
        proxy.set(Mode::Pass);
        proxy.cut();
        caching_begins(server).await;
        cache.clear().await.expect("cleared");
    }
}

#[tokio::test]
async fn the_password_changes_and_the_memory_is_full() {
    let redis = RedisServer::start();
    let cache = on(&redis).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    clients_are_served(server, "full").await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    caching_begins(server).await;
    // A wrong password at the start is an error (see `tests/redis/refusals.rs`); one that becomes wrong does not reach
    // the clients.
    let redis = RedisServer::start_with(&["--requirepass", "right"]);
    let url = redis.url().replace("127.0.0.1", ":right@127.0.0.1");
    let cache = hasty(&redis).url(&url).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    let mut raw = redis::Client::open(url).and_then(|client| client.get_connection()).expect("a connection");
    for command in [&["CONFIG", "SET", "requirepass", "other"][..], &["CLIENT", "KILL", "TYPE", "normal"]] {
        let answer: redis::RedisResult<redis::Value> =
            redis::cmd(command[0]).arg(&command[1..]).query(&mut raw);
        answer.expect("Redis takes the command");
    }
    clients_are_served(server, "another password").await;
}

#[tokio::test]
async fn every_failure_of_the_store() {
    for cache in &caches_with(|builder| builder.redis_timeout(Duration::from_millis(100))).await {
        let app = App::free(cache);
        let server = serve(&app).await;
        let chaos = cache.chaos();
        for (what, begin) in [("refuse", 0), ("hang", 1), ("lose", 2)] {
            match begin {
                0 => chaos.refuse(),
                1 => chaos.hang(),
                _ => chaos.lose_fills(),
            }
            clients_are_served(server, what).await;
            let answer = server.get_with("/1", &[("cache-control", "no-cache")]).await;
            assert_eq!(answer.status, 200, "{cache:?} {what}");
            // An only-if-cached request finds nothing, which is its answer.
            let answer = server.get_with("/1", &[("cache-control", "only-if-cached")]).await;
            assert_eq!(answer.status, 504, "{cache:?} {what}");
            chaos.heal();
            assert!(is_empty(cache).await || what != "lose", "{cache:?}");
        }
        caching_begins(server).await;
        assert!(counts(cache, "page").store_errors > 0, "{cache:?}");
    }
}

#[cache(response, expire = "1m")]
async fn of_the_global_cache() -> &'static str {
    "text"
}

/// No test of this binary installs a process-wide cache in its own process.
#[tokio::test]
async fn before_init_handlers_run_uncached() {
    let server = Server::start(Router::new().route("/", get(of_the_global_cache))).await;
    for _ in 0..2 {
        let answer = server.get("/").await;
        assert_eq!((answer.status, answer.text(), answer.header("etag")), (200, "text", None));
    }
}
