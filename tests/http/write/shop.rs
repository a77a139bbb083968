//! A shop whose handlers read and change items.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use serde::{Deserialize, Serialize};
use support::http::Server;
use support::stores::{Calls, Gate};

/// A shop with a version for each item.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) cache: Cache,
    pub(super) items: Arc<Mutex<BTreeMap<u64, u64>>>,
    /// The status of the next write unless it succeeds.
    pub(super) status: Arc<AtomicU64>,
    pub(super) calls: Arc<Calls>,
    pub(super) gate: Arc<Gate>,
}

impl IgnoreInKey for Shop {}

impl Shop {
    pub(super) fn new(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            items: Arc::default(),
            status: Arc::default(),
            calls: Arc::default(),
            gate: Arc::default(),
        }
    }

    pub(super) fn read(&self, id: u64) -> String {
        self.calls.add();
        format!("v{}", self.items.lock().expect("no panic").get(&id).copied().unwrap_or(1))
    }

    pub(super) fn write(&self, id: u64) -> StatusCode {
        *self.items.lock().expect("no panic").entry(id).or_insert(1) += 1;
        StatusCode::from_u16(self.status.load(SeqCst).max(200) as u16).expect("a status")
    }

    pub(super) fn fails_with(&self, status: u16) {
        self.status.store(status.into(), SeqCst);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Filter {
    pub(super) z: Option<String>,
    pub(super) a: Option<String>,
}

#[cache(response, expire = "1h", entry = item_entry, cache = shop.cache)]
pub(super) async fn item(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", key = "named:{id}", cache = shop.cache)]
pub(super) async fn named(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", group = "shelf:{id}", cache = shop.cache)]
pub(super) async fn shelf(Path(id): Path<u64>, Query(filter): Query<Filter>, shop: State<Shop>) -> String {
    let _ = filter;
    shop.read(id)
}

#[cache(response, expire = "1h", tags = ["item:{id}", "all"], vary(accept_language), cache = shop.cache)]
pub(super) async fn tagged(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", tags = ["item:{id}"], cache = shop.cache)]
pub(super) async fn varied(Path(id): Path<u64>, shop: State<Shop>) -> Response {
    ([("vary", "accept-language")], shop.read(id)).into_response()
}

#[cache(response, expire = "1h", entry = slow_entry, group = "slow", tags = ["item:{id}"], cache = shop.cache)]
pub(super) async fn slow(Path(id): Path<u64>, shop: State<Shop>) -> String {
    let read = shop.read(id);
    shop.gate.pass().await;
    read
}

#[cache_put(response, key = "named:{id}", etag = strong, cache = shop.cache)]
pub(super) async fn put_named(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.write(id);
    format!("named {id}")
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn by_entry(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn fallible(Path(id): Path<u64>, shop: State<Shop>) -> Result<String, (StatusCode, String)> {
    let status = shop.write(id);
    if status.is_success() { Ok("written".to_owned()) } else { Err((status, "not written".to_owned())) }
}

#[cache_evict(response, key = "named:{id}", cache = shop.cache)]
pub(super) async fn by_key(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, group = "shelf:{id}", cache = shop.cache)]
pub(super) async fn by_group(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, tags = ["item:{id}"], cache = shop.cache)]
pub(super) async fn by_tag(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, tags = ["all"], before, cache = shop.cache)]
pub(super) async fn before(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn redirects(Path(id): Path<u64>, shop: State<Shop>) -> Redirect {
    shop.write(id);
    Redirect::to("/")
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn put(Path(id): Path<u64>, shop: State<Shop>, body: String) -> Response {
    let status = shop.write(id);
    ([("x-own", "put")], (status, body)).into_response()
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), unless = |page| page.body().is_empty(), cache = shop.cache)]
pub(super) async fn put_unless(Path(id): Path<u64>, shop: State<Shop>, body: String) -> String {
    shop.write(id);
    body
}

#[cache_evict(response, tags = ["item:{id}"], cache = shop.cache)]
#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn both(Path(id): Path<u64>, shop: State<Shop>, Form(form): Form<Filter>) -> Json<Filter> {
    shop.write(id);
    Json(form)
}

pub(super) async fn serve(shop: &Shop) -> Server {
    let router = Router::new()
        .route("/items/{id}", get(item).delete(by_entry).post(fallible).put(put).patch(put_unless))
        .route("/redirects/{id}", get(item).post(redirects))
        .route("/both/{id}", get(item).post(both))
        .route("/named/{id}", get(named).put(put_named).delete(by_key))
        .route("/shelves/{id}", get(shelf).delete(by_group))
        .route("/tagged/{id}", get(tagged).delete(by_tag).put(before))
        .route("/varied/{id}", get(varied).delete(by_tag))
        .route("/slow/{id}", get(slow))
        .with_state(shop.clone());
    Server::start(router).await
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
pub(super) async fn put_kinds(Path(id): Path<u64>, shop: State<Shop>, headers: HeaderMap) -> Response {
    shop.write(id);
    match headers.get("x-kind").and_then(|kind| kind.to_str().ok()).unwrap_or_default() {
        "nothing" => StatusCode::NO_CONTENT.into_response(),
        "elsewhere" => Redirect::to("/items").into_response(),
        "short" => {
            let pieces = stream::iter([Ok::<_, io::Error>("four")]);
            ([("content-length", "9")], Body::from_stream(pieces)).into_response()
        }
        "events" => {
            let events = stream::iter([Ok::<_, io::Error>("data: 1\n\n")]).chain(stream::pending());
            ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
        }
        "created" => (StatusCode::CREATED, [("location", "/items/1")], "created").into_response(),
        _ => unreachable!("the test names another kind"),
    }
}
