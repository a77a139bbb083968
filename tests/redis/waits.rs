//! A call waits for a silent Redis once, whatever it does.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use support::redis::RedisServer;
use support::stores::{LONG, caches_with, hasty, in_time};
use support::wait::eventually_async;
use support::wire::{Reply, ask, request};

/// The limit of one step; a second wait would take as long again.
const LIMIT: Duration = Duration::from_millis(500);

/// The verbs of the table in [`call`].
const VERBS: [&str; 28] = [
    "hit",
    "miss",
    "sync",
    "grouped",
    "tagged",
    "stale",
    "refresh",
    "refresh grouped",
    "private",
    "private again",
    "vary",
    "layer",
    "layer vary",
    "set",
    "get",
    "try_get",
    "exists",
    "ttl",
    "inspect",
    "delete",
    "remember",
    "expire",
    "invalidate",
    "delete_group",
    "invalidate_tags",
    "evict before",
    "put",
    "put response",
];

#[derive(Clone)]
struct App {
    cache: Cache,
}

impl IgnoreInKey for App {}

#[cache(expire = "5m", cache = cache, entry = double_entry)]
async fn double(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache(expire = "5m", cache = cache)]
fn double_sync(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache)]
async fn grouped(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache(expire = "5m", tags = ["a", "b", "n:{n}"], stale_if_error = "1h", cache = cache)]
async fn tagged(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache(expire = "5m", stale_while_revalidate = "1h", cache = cache, entry = stale_entry)]
async fn stale(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache_evict(before, entry = [1, 2].map(|n| double_entry(cache, n)), tags = ["a", "b"], group = "g", cache = cache)]
async fn evicting(cache: &Cache) {}

#[cache_put(entry = double_entry(cache, n))]
async fn putting(cache: &Cache, n: u64) -> u64 {
    n * 2
}

#[cache(response, expire = "5m", private, cache = app.cache)]
async fn private(app: State<App>, headers: HeaderMap) -> String {
    format!("{:?}", headers.get(header::AUTHORIZATION))
}

#[cache(response, expire = "5m", vary("accept-language"), entry = varied_entry, cache = app.cache)]
async fn varied(app: State<App>, headers: HeaderMap) -> String {
    format!("{:?}", headers.get(header::ACCEPT_LANGUAGE))
}

#[cache(response, expire = "5m", entry = page_entry, cache = app.cache)]
async fn page(app: State<App>) -> &'static str {
    "page"
}

#[cache_put(response, entry = page_entry(app.clone()), cache = app.cache)]
async fn put_page(app: State<App>) -> &'static str {
    "put"
}

/// A response that varies by a header, without a declaration.
async fn varying() -> Response {
    ([("vary", "x-color")], "colored").into_response()
}

fn router(cache: &Cache) -> Router {
    let layer = ResponseCacheLayer::new().expire("5m").cache(cache);
    Router::new()
        .route("/plain", get(async || "plain").layer(layer.clone()))
        .route("/varying", get(varying).layer(layer))
        .route("/private", get(private))
        .route("/varied", get(varied))
        .route("/page", get(page).put(put_page))
        .with_state(App { cache: cache.clone() })
}

/// Makes one call. What calls return without a cache is what they return here; changes may fail.
async fn call(verb: &str, cache: &Cache, app: &Router) {
    // Boxed, because a future that holds all of them is large.
    if !Box::pin(call_function(verb, cache)).await && !Box::pin(send_request(verb, app)).await {
        Box::pin(call_handle(verb, cache)).await;
    }
}

/// Returns whether the verb is the call of a function.
async fn call_function(verb: &str, cache: &Cache) -> bool {
    match verb {
        "hit" => assert_eq!(double(cache, 1).await, 2),
        "miss" => assert_eq!(double(cache, 77).await, 154),
        "sync" => {
            let cache = cache.clone();
            let called = tokio::task::spawn_blocking(move || double_sync(&cache, 1));
            assert_eq!(called.await.expect("no panic"), 2);
        }
        "grouped" => assert_eq!(grouped(cache, 1).await, 2),
        "tagged" => assert_eq!(tagged(cache, 1).await, 2),
        "stale" => assert_eq!(stale(cache, 1).await, 2),
        "refresh" => assert_eq!(larder::refresh(double(cache, 1)).await, 2),
        "refresh grouped" => assert_eq!(larder::refresh(grouped(cache, 1)).await, 2),
        "evict before" => evicting(cache).await,
        "put" => assert_eq!(putting(cache, 1).await, 2),
        _ => return false,
    }
    true
}

/// Returns whether the verb is a request.
async fn send_request(verb: &str, app: &Router) -> bool {
    let language = [("accept-language", "de")];
    match verb {
        "private" => {
            let reply = asked(app, request("GET", "/private", &[("authorization", "first")])).await;
            assert_eq!(reply.text(), "Some(\"first\")");
        }
        "private again" => {
            let reply = asked(app, request("GET", "/private", &[("authorization", "other")])).await;
            assert_eq!(reply.text(), "Some(\"other\")");
        }
        "vary" => {
            let reply = asked(app, request("GET", "/varied", &language)).await;
            assert_eq!(reply.text(), "Some(\"de\")");
        }
        "layer" => assert_eq!(asked(app, request("GET", "/plain", &[])).await.text(), "plain"),
        "layer vary" => {
            let reply = asked(app, request("GET", "/varying", &[("x-color", "red")])).await;
            assert_eq!(reply.text(), "colored");
        }
        "put response" => assert_eq!(asked(app, request("PUT", "/page", &[])).await.text(), "put"),
        _ => return false,
    }
    true
}

async fn call_handle(verb: &str, cache: &Cache) {
    match verb {
        "set" => drop(cache.set("k", &1, "5m").await),
        "get" => assert_eq!(cache.get::<u64>("k").await, None),
        "try_get" => drop(cache.try_get::<u64>("k").await),
        "exists" => drop(cache.exists("k").await),
        "ttl" => drop(cache.ttl("k").await),
        "inspect" => drop(cache.inspect("k").await),
        "delete" => drop(cache.delete("k").await),
        "remember" => assert_eq!(cache.remember("r", "5m", async || 5).await, 5),
        "expire" => drop(stale_entry(cache, 1).expire().await),
        "invalidate" => drop(double_entry(cache, 1).invalidate().await),
        "delete_group" => drop(cache.delete_group("g").await),
        "invalidate_tags" => drop(cache.invalidate_tags(&["a", "b", "c"]).await),
        _ => panic!("{verb} is unknown"),
    }
}

async fn asked(app: &Router, request: Request<Body>) -> Reply {
    let Ok(reply) = ask(app, request).await;
    reply
}

/// Stores what the calls look for, so that they go their longest way.
async fn prepare(cache: &Cache, app: &Router) {
    for verb in VERBS.iter().filter(|verb| !matches!(**verb, "miss" | "private again" | "evict before")) {
        if !matches!(*verb, "get" | "delete" | "invalidate" | "delete_group" | "invalidate_tags") {
            call(verb, cache, app).await;
        }
    }
    drop(cache.delete("k").await);
}

/// Measures a call, and asserts that it waits once.
async fn waits_once(verb: &str, cache: &Cache, app: &Router) {
    let began = Instant::now();
    in_time(call(verb, cache, app)).await;
    let took = began.elapsed();
    assert!(took < LIMIT * 17 / 10, "{cache:?} {verb}: {took:?}");
    assert!(took > LIMIT / 2, "{cache:?} {verb} did not wait: {took:?}");
}

/// A store that answers nothing and never breaks the connection: no breaker ends the waiting early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_waits_once_for_a_store_that_hangs() {
    for cache in caches_with(|builder| builder.redis_timeout(LIMIT)).await {
        let app = router(&cache);
        prepare(&cache, &app).await;
        for verb in VERBS {
            cache.chaos().hang();
            waits_once(verb, &cache, &app).await;
            cache.chaos().heal();
            eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
        }
    }
}

/// The same with a real server that is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_waits_once_for_a_server_that_is_stopped() {
    let server = RedisServer::start();
    let cache = hasty(&server).redis_timeout(LIMIT).require_redis(true).build().await.expect("a cache");
    let app = router(&cache);
    prepare(&cache, &app).await;
    for verb in VERBS {
        server.pause();
        waits_once(verb, &cache, &app).await;
        server.resume();
        eventually_async(LONG, || async {
            let health = cache.health().await;
            health.connected && health.pending_invalidations == 0
        })
        .await;
    }
}

/// The server stops while a function runs, between its lease and its fill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_store_hangs_while_it_computes_waits_once() {
    for cache in caches_with(|builder| builder.redis_timeout(LIMIT)).await {
        let began = Instant::now();
        let computed = cache.remember("k", "5m", async || {
            cache.chaos().hang();
            5
        });
        assert_eq!(in_time(computed).await, 5);
        let took = began.elapsed();
        assert!(took > LIMIT / 2 && took < LIMIT * 17 / 10, "{cache:?}: {took:?}");
        cache.chaos().heal();
    }
}

/// `before` waits in vain, so what follows the success is pending at once, and nothing old is read afterwards.
#[tokio::test]
async fn an_eviction_that_waited_before_its_function_is_pending_after_it() {
    for cache in caches_with(|builder| builder.redis_timeout(LIMIT)).await {
        assert_eq!(double(&cache, 1).await, 2);
        cache.chaos().hang();
        evicting(&cache).await;
        assert!(cache.health().await.pending_invalidations > 0, "{cache:?}");
        cache.chaos().heal();
        eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
        assert_eq!(double_entry(&cache, 1).get::<u64>().await, None, "{cache:?}");
    }
}
