//! Redis that does not answer.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use larder::Breaker;
use larder::session::{Session, SessionLayer, SessionRejection};
use support::http::Server;
use support::redis::RedisServer;
use support::stores::{LONG, hasty, on};
use support::wait::eventually_async;

use crate::app::{App, Browser};

/// The commands that a server has carried out for the application.
fn commands(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

#[tokio::test]
async fn a_redis_that_hangs_signs_nobody_out() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let (app, mut browser) = (App::start(&cache).await, Browser::default());
    browser.login(&app, "ada").await;
    server.pause();
    let began = Instant::now();
    for path in ["/me", "/get/cart", "/me"] {
        let answer = browser.send(&app, "GET", path).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None));
        assert_eq!(
            (answer.header("retry-after"), answer.header("cache-control")),
            (Some("1"), Some("no-store"))
        );
    }
    for path in ["/login/bob", "/logout", "/set/cart/7"] {
        let answer = browser.send(&app, "POST", path).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{path}");
    }
    // Without a cookie nothing has to be loaded, and nothing can be stored.
    assert_eq!(Browser::default().send(&app, "GET", "/me").await.status, 200);
    assert_eq!(Browser::default().send(&app, "POST", "/login/eve").await.status, 503);
    assert_eq!(browser.send(&app, "GET", "/plain").await.status, 200);
    // Each waits for 250 ms at most, and none once the breaker is open; the machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    server.resume();
    eventually_async(LONG, || async { browser.ask(&app, "GET", "/me").await.text() == "ada" }).await;
}

/// A handler that takes the result decides for itself.
#[tokio::test]
async fn a_handler_may_answer_without_the_session() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let handler = |session: Result<Session, SessionRejection>| async move {
        session.map_or_else(|rejection| rejection.to_string(), |session| session.user().unwrap_or_default())
    };
    let app = Server::start(Router::new().route("/", get(handler)).layer(SessionLayer::new(&cache))).await;
    server.pause();
    let id = format!("__Host-id={}", "0".repeat(80));
    let answer = app.send("GET", "/", &[("cookie", id.as_str())], "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("cannot be loaded"), "{}", answer.text());
    server.resume();
}

/// A session that is not asked for costs nothing; one that is asked for costs one command, and each write one more.
#[tokio::test]
async fn a_session_costs_a_command_where_it_is_used_and_none_elsewhere() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let (app, mut browser) = (App::start(&cache).await, Browser::default());
    browser.login(&app, "ada").await;
    // The first call of each script loads it.
    browser.send(&app, "POST", "/set/cart/7").await;
    browser.read(&app, "/get/cart").await;
    let mut cost = async |method: &str, path: &str| {
        let before = commands(&server);
        browser.send(&app, method, path).await;
        commands(&server) - before
    };
    assert_eq!(cost("GET", "/plain").await, 0);
    assert_eq!(cost("GET", "/get/cart").await, 1);
    assert_eq!(cost("POST", "/set/cart/8").await, 2);
    // The value is that already.
    assert_eq!(cost("POST", "/set/cart/8").await, 1);
    let before = commands(&server);
    assert_eq!(Browser::default().read(&app, "/me").await, "");
    assert_eq!(commands(&server), before);
}
