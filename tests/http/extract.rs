//! The cache and its connection, as arguments of handlers.

use std::time::{Duration, Instant};

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use larder::http::{CacheHandle, RedisConnection};
use larder::{Cache, cache};
use support::deployment::shared;
use support::http::Server;
use support::redis::RedisServer;
use support::stores::{LONG, caches, hasty, unique};
use support::wait::eventually_async;

async fn read(cache: CacheHandle, Path(key): Path<String>) -> String {
    cache.get::<String>(&key).await.unwrap_or_else(|| "nothing".to_owned())
}

async fn write(cache: CacheHandle, Path(key): Path<String>, value: String) -> StatusCode {
    match cache.set(&key, &value, "1m").await {
        Ok(()) => StatusCode::CREATED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn count(mut redis: RedisConnection, Path(key): Path<String>) -> Response {
    let counted: redis::RedisResult<u64> = redis::cmd("INCR").arg(key).query_async(&mut redis).await;
    match counted {
        Ok(counted) => counted.to_string().into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn count_twice(redis: RedisConnection, Path(key): Path<String>) -> Response {
    let mut clone = redis.clone();
    let mut pipeline = redis::pipe();
    pipeline.incr(&key, 1).incr(&key, 1);
    let counted: redis::RedisResult<(u64, u64)> = pipeline.query_async(&mut clone).await;
    match counted {
        Ok(counted) => format!("{counted:?}").into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Neither argument is in the key.
#[cache(response, expire = "1m", cache = cache)]
async fn cached(cache: CacheHandle, mut redis: RedisConnection, Path(key): Path<String>) -> String {
    let counted: redis::RedisResult<u64> = redis::cmd("INCR").arg(key).query_async(&mut redis).await;
    counted.map(|counted| counted.to_string()).unwrap_or_default()
}

fn router() -> Router {
    Router::new()
        .route("/values/{key}", get(read).put(write))
        .route("/counts/{key}", post(count).put(count_twice))
        .route("/cached/{key}", get(cached))
}

#[tokio::test]
async fn the_cache_of_an_extension() {
    for cache in &caches().await {
        let server = Server::start(router().layer(Extension(cache.clone()))).await;
        assert_eq!(server.get("/values/a").await.text(), "nothing", "{cache:?}");
        assert_eq!(server.send("PUT", "/values/a", &[], "some").await.status, 201, "{cache:?}");
        assert_eq!(server.get("/values/a").await.text(), "some", "{cache:?}");
        assert_eq!(
            cache.get::<String>("a").await.as_deref(),
            Some("some"),
            "it is that very cache: {cache:?}"
        );
    }
}

#[tokio::test]
async fn the_process_wide_cache_after_init() {
    if !support::isolated!() {
        return;
    }
    let server = Server::start(router()).await;
    for (method, path) in [("GET", "/values/a"), ("POST", "/counts/a"), ("GET", "/cached/a")] {
        let answer = server.send(method, path, &[], "").await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.text().contains("init"), "{answer:?}");
    }
    let cache = Cache::builder().url("memory://").init().await.expect("the first");
    assert_eq!(server.send("PUT", "/values/a", &[], "some").await.status, 201);
    assert_eq!(server.get("/values/a").await.text(), "some");
    assert_eq!(cache.get::<String>("a").await.as_deref(), Some("some"));
    // A cache in an extension precedes the process-wide one.
    let [own, _] = caches().await;
    let server = Server::start(router().layer(Extension(own))).await;
    assert_eq!(server.get("/values/a").await.text(), "nothing");
}

#[tokio::test]
async fn raw_commands_on_redis_and_503_in_memory() {
    let [memory, redis] = caches().await;
    let server = Server::start(router().layer(Extension(redis))).await;
    let key = unique("raw");
    let path = format!("/counts/{key}");
    for count in ["1", "2"] {
        let answer = server.send("POST", &path, &[], "").await;
        assert_eq!((answer.status, answer.text()), (200, count));
    }
    assert_eq!(server.send("PUT", &path, &[], "").await.text(), "(3, 4)");
    assert_eq!(shared().command(&["GET", &key]), "4", "keys are as they are written");
    let path = format!("/cached/{key}");
    for from in ["MISS", "HIT"] {
        let answer = server.get(&path).await;
        assert_eq!(answer.brief(), (from, "5"));
    }
    // The handler gets the error of Redis.
    shared().command(&["SET", &key, "text"]);
    let answer = server.send("POST", &format!("/counts/{key}"), &[], "").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    let server = Server::start(router().layer(Extension(memory))).await;
    let answer = server.send("POST", "/counts/a", &[], "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("memory://"), "{answer:?}");
}

/// A limit far above `redis_timeout`, for busy machines, and far below a hang.
const BOUND: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_redis_that_hangs_or_is_gone_is_reported_in_time() {
    let redis = RedisServer::start();
    let cache = hasty(&redis).build().await.expect("a cache");
    let server = Server::start(router().layer(Extension(cache))).await;
    assert_eq!(server.send("POST", "/counts/a", &[], "").await.text(), "1");
    redis.pause();
    for method in ["POST", "PUT", "POST"] {
        let started = Instant::now();
        let answer = server.send(method, "/counts/a", &[], "").await;
        assert!([502, 503].contains(&answer.status), "{answer:?}");
        assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    }
    redis.resume();
    let works = async || server.send("POST", "/counts/a", &[], "").await.status == 200;
    eventually_async(LONG, works).await;
    redis.stop();
    for _ in 0..3 {
        let started = Instant::now();
        let answer = server.send("POST", "/counts/a", &[], "").await;
        assert!([502, 503].contains(&answer.status), "{answer:?}");
        assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    }
    redis.restart();
    eventually_async(LONG, works).await;
}
