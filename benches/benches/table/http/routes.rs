//! The routes that are compared. All answer with the same JSON.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use axum_response_cache::CacheLayer;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use larder_benches::{User, bare_connection, server_url};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

/// The state of a server that caches explicitly.
#[derive(Clone)]
struct ByHand(MultiplexedConnection);

static MEMORY: LazyLock<Cache> =
    LazyLock::new(|| Cache::builder().url("memory://").build_blocking().expect("a cache in memory"));

/// Not even the id is taken from the request.
async fn constant() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_string(&User::new(7)).expect("JSON"));
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

async fn raw(Path(id): Path<u64>, State(ByHand(mut connection)): State<ByHand>) -> Response {
    let text: Vec<u8> = connection.get(format!("raw:{id}")).await.expect("an answer");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

#[cache(response, expire = "1h")]
async fn from_redis(Path(id): Path<u64>) -> Json<User> {
    Json(User::new(id))
}

#[cache(response, expire = "1h", local = "1h")]
async fn from_local(Path(id): Path<u64>) -> Json<User> {
    Json(User::new(id))
}

#[cache(response, expire = "1h", cache = &*MEMORY)]
async fn from_memory(Path(id): Path<u64>) -> Json<User> {
    Json(User::new(id))
}

async fn computed(Path(id): Path<u64>) -> Json<User> {
    Json(User::new(id))
}

/// The app; each route is warm after its first request.
pub async fn app() -> Router {
    let url = server_url("REDIS_URL");
    Cache::builder().url(url.clone()).prefix("bench").require_redis(true).init().await.expect("a server");
    let by_hand = ByHand(bare_connection(&url).await);
    let response_cache = CacheLayer::with_lifespan(Duration::from_secs(3600));
    let layer = ResponseCacheLayer::new().expire("1h");
    Router::new()
        .route("/constant/{id}", get(constant))
        .route("/computed/{id}", get(computed))
        .route("/response_cache/{id}", get(computed).layer(response_cache))
        .route("/memory/{id}", get(from_memory))
        .route("/layer/{id}", get(computed).layer(layer.clone().cache(&*MEMORY)))
        .route("/local/{id}", get(from_local))
        .route("/redis/{id}", get(from_redis))
        .route("/redis_layer/{id}", get(computed).layer(layer))
        .route("/raw/{id}", get(raw).with_state(by_hand))
}
