//! A shop on axum: a cached handler, a cached service behind it, and writes that invalidate both.
//!
//! ```sh
//! cargo run --example axum_api --features axum          # REDIS_URL=redis://127.0.0.1:6379 for Redis, else in memory
//! curl -i localhost:3000/items/1                         # X-Cache: MISS
//! curl -i localhost:3000/items/1                         # X-Cache: HIT, the same ETag
//! curl -i localhost:3000/items/1 -H 'If-None-Match: *'   # 304
//! curl -i localhost:3000/items                           # the list, in the group `items`
//! curl -i -X PUT localhost:3000/items/1 -H 'content-type: application/json' -d '{"name":"pen","cents":120}'
//! curl -i localhost:3000/items/1                         # the response of the PUT, without a database query
//! curl -i -X DELETE localhost:3000/items/1
//! curl -i localhost:3000/items/1                         # 404: errors are not cached
//! curl -i localhost:3000/offers                          # by URL, through the layer
//! ```
//!
//! Ctrl-c stops the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    cents: u64,
}

/// A database that prints its queries.
#[derive(Clone, Default, IgnoreInKey)]
struct Db(Arc<Mutex<BTreeMap<u64, Item>>>);

impl Db {
    fn asked<R>(&self, what: &str, ask: impl FnOnce(&mut BTreeMap<u64, Item>) -> R) -> R {
        println!("  database: {what}");
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A value that several handlers need is cached as a value.
    #[cache(expire = "5m", ignore(self), tags = ["items"])]
    async fn total(&self) -> u64 {
        self.asked("the price of everything", |items| items.values().map(|item| item.cents).sum())
    }
}

enum AppError {
    NoSuchItem(u64),
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let Self::NoSuchItem(id) = self;
        (StatusCode::NOT_FOUND, format!("no item {id}")).into_response()
    }
}

#[cache(response, expire = "1m", entry = item_entry)]
async fn item(Path(id): Path<u64>, #[cache(ignore)] State(db): State<Db>) -> Result<Json<Item>, AppError> {
    db.asked(&format!("item {id}"), |items| items.get(&id).cloned()).map(Json).ok_or(AppError::NoSuchItem(id))
}

#[cache(response, expire = "1m", group = "items", stale_while_revalidate = "10s")]
async fn list(State(db): State<Db>) -> Json<BTreeMap<u64, Item>> {
    Json(db.asked("all items", |items| items.clone()))
}

async fn total(State(db): State<Db>) -> String {
    db.total().await.to_string()
}

#[cache_evict(group = "items", tags = ["items"])]
#[cache_put(response, entry = item_entry(Path(id)))]
async fn put(Path(id): Path<u64>, State(db): State<Db>, Json(item): Json<Item>) -> Json<Item> {
    db.asked(&format!("put item {id}"), |items| items.insert(id, item.clone()));
    Json(item)
}

#[cache_evict(response, entry = item_entry(Path(id)), group = "items", tags = ["items"])]
async fn delete(Path(id): Path<u64>, State(db): State<Db>) -> Result<StatusCode, AppError> {
    match db.asked(&format!("delete item {id}"), |items| items.remove(&id)) {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(AppError::NoSuchItem(id)),
    }
}

async fn offers(State(db): State<Db>) -> String {
    db.asked("offers", |items| format!("{} offers", items.len()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::from_env().prefix("shop").init().await?;
    let db = Db::default();
    for (id, name, cents) in [(1, "pencil", 80), (2, "paper", 450)] {
        db.asked("fill", |items| items.insert(id, Item { name: name.to_owned(), cents }));
    }
    let app = Router::new()
        .route("/offers", get(offers))
        .layer(ResponseCacheLayer::new().expire("10s"))
        .route("/items/{id}", get(item).put(put).delete(delete))
        .route("/items", get(list))
        .route("/total", get(total))
        .with_state(db);
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}; ctrl-c stops it", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    cache.close().await;
    println!("stopped");
    Ok(())
}

async fn stopped() {
    // Without a signal handler the server runs forever.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
