//! Handlers and a whole router inside a transaction, as a middleware that opens one for each request has them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache, cache_evict, cache_put};
use support::stores::caches;
use tower::ServiceExt;

#[derive(Clone)]
struct App {
    cache: Cache,
}

impl larder::IgnoreInKey for App {}

#[cache(response, expire = "1h", key = "item:{id}", cache = app.cache)]
async fn item(app: State<App>, Path(id): Path<u64>) -> String {
    format!("item {id}")
}

#[cache_evict(response, key = "item:{id}", cache = app.cache)]
async fn rename(app: State<App>, Path(id): Path<u64>) -> StatusCode {
    if id == 1 { StatusCode::OK } else { StatusCode::CONFLICT }
}

#[cache_put(response, expire = "1h", key = "item:{id}", cache = app.cache)]
async fn save(app: State<App>, Path(id): Path<u64>) -> (StatusCode, String) {
    if id == 1 { (StatusCode::OK, "saved".to_owned()) } else { (StatusCode::CONFLICT, String::new()) }
}

fn router(cache: &Cache) -> Router {
    let by_url = Router::new()
        .route("/pages/{id}", get(async || "page").post(async || "changed"))
        .layer(ResponseCacheLayer::new().cache(cache).expire("1h"));
    Router::new()
        .route("/items/{id}", get(item).put(save))
        .route("/items/{id}/name", post(rename))
        .with_state(App { cache: cache.clone() })
        .merge(by_url)
}

/// Sends a request, and returns the status, the body and whether the response was cached.
async fn send(router: &Router, method: &str, path: &str) -> (u16, String, String) {
    let request = Request::builder().method(method).uri(path).header("host", "shop").body(Body::empty());
    let response = router.clone().oneshot(request.expect("a request")).await.expect("infallible");
    let status = response.status().as_u16();
    let result =
        response.headers().get("x-cache").map_or("", |value| value.to_str().expect("text")).to_owned();
    let body = to_bytes(response.into_body(), 1000).await.expect("a body");
    (status, String::from_utf8(body.into()).expect("text"), result)
}

async fn read(router: &Router, path: &str) -> String {
    send(router, "GET", path).await.2
}

#[tokio::test]
async fn writes_of_handlers_and_layers_wait_until_they_are_sent() {
    for cache in &caches().await {
        let router = &router(cache);
        let writes = [
            ("/items/1", "POST", "/items/1/name", ""),
            ("/items/1", "PUT", "/items/1", "saved"),
            ("/pages/1", "POST", "/pages/1", "changed"),
        ];
        for (page, method, path, body) in writes {
            read(router, page).await;
            assert_eq!(read(router, page).await, "HIT", "{page}, {cache:?}");
            let later = cache.defer();
            let (status, written, _) = later.scope(send(router, method, path)).await;
            assert_eq!((status, written.as_str()), (200, body), "{path}, {cache:?}");
            assert_eq!(read(router, page).await, "HIT", "{path}, {cache:?}: nothing is sent");
            later.send().await.expect("sent");
            assert_eq!(read(router, page).await, "MISS", "{path}, {cache:?}");
        }
        let later = cache.defer();
        assert_eq!(later.scope(send(router, "POST", "/items/2/name")).await.0, 409);
        assert_eq!(later.scope(send(router, "PUT", "/items/2")).await.0, 409);
        read(router, "/items/2").await;
        later.send().await.expect("nothing to send");
        assert_eq!(read(router, "/items/2").await, "HIT", "{cache:?}: they have failed");
    }
}

#[tokio::test]
async fn nothing_is_stored_or_read() {
    for cache in &caches().await {
        let router = &router(cache);
        let later = cache.defer();
        for page in ["/items/1", "/pages/1"] {
            assert_eq!(later.scope(read(router, page)).await, "BYPASS", "{page}, {cache:?}");
            assert_eq!(read(router, page).await, "MISS", "{page}, {cache:?}: nothing was stored");
            assert_eq!(later.scope(read(router, page)).await, "BYPASS", "{page}, {cache:?}");
            assert_eq!(read(router, page).await, "HIT", "{page}, {cache:?}");
        }
        later.discard();
    }
}
