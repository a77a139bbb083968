//! The routes that are compared. All answer with the same JSON.

use std::sync::{LazyLock, OnceLock};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use larder_benches::{KEYS, User};
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

/// The app, with everything warm. The routes on Redis are there if `REDIS_URL` says where one is.
pub async fn app() -> Router {
    let layer = ResponseCacheLayer::new().expire("1h").cache(&*MEMORY);
    let app = Router::new()
        .route("/constant/{id}", get(constant))
        .route("/computed/{id}", get(computed))
        .route("/memory/{id}", get(from_memory))
        .route("/layer/{id}", get(computed).layer(layer));
    let Ok(url) = std::env::var("REDIS_URL") else { return app };
    let open = Cache::builder().url(url.clone()).prefix("bench").require_redis(true);
    open.init().await.expect("a server");
    let app = app.route("/local/{id}", get(from_local)).route("/redis/{id}", get(from_redis));
    app.route("/raw/{id}", get(raw).with_state(ByHand(by_hand(&url).await)))
}

async fn by_hand(url: &str) -> MultiplexedConnection {
    let info = redis::IntoConnectionInfo::into_connection_info(url).expect("a URL");
    let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
    let client = redis::Client::open(info).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    for id in 0..KEYS {
        let text = serde_json::to_string(&User::new(id)).expect("JSON");
        let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
    }
    connection
}
