//! Handlers of axum with each extractor, called over a real connection.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A type that is neither `Serialize` nor ignored.
#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Filter {
    page: u32,
    tag: Option<String>,
}

#[cache(expire = "1m", cache = app.cache)]
async fn item(
    Path(id): Path<u64>,
    Query(filter): Query<Filter>,
    app: State<App>,
    _: Extension<u8>,
    #[cache(ignore)] headers: HeaderMap,
    method: Method,
) -> Result<String, StatusCode> {
    let _ = (headers, method);
    app.calls.add();
    if id == 0 {
        Err(StatusCode::NOT_FOUND)
    } else {
        Ok(format!("item {id} page {} {:?}", filter.page, filter.tag))
    }
}

#[cache(expire = "1m", cache = app.cache)]
async fn pair(Path((a, b)): Path<(String, u8)>, app: State<App>) -> String {
    format!("{a}{b}{}", app.calls.add())
}

#[cache(expire = "1m", cache = app.cache)]
async fn search(app: State<App>, Json(filter): Json<Filter>) -> String {
    format!("{}{}", filter.page, app.calls.add())
}

#[cache(expire = "1m", cache = app.cache)]
async fn form(app: State<App>, Form(filter): Form<Filter>) -> String {
    format!("{}{}", filter.page, app.calls.add())
}

/// A handler whose options all use the binding of a pattern.
#[cache(expire = if id > 5 { "1m" } else { "2m" }, when = id < 10, key = (id, &filter.tag), cache = app.cache)]
async fn bound(Path(id): Path<u64>, Query(filter): Query<Filter>, State(app): State<App>) -> String {
    format!("{id}{}{}", filter.page, app.calls.add())
}

/// Starts a server, and returns its answer to one request: the status line and the body.
async fn serve(cache: &Cache) -> (Arc<Calls>, std::net::SocketAddr) {
    let calls = Arc::new(Calls::default());
    let app = Router::new()
        .route("/items/{id}", get(item))
        .route("/pairs/{a}/{b}", get(pair))
        .route("/search", post(search))
        .route("/form", post(form))
        .route("/bound/{id}", get(bound))
        .layer(Extension(7_u8))
        .with_state(App { cache: cache.clone(), calls: Arc::clone(&calls) });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (calls, address)
}

async fn request(address: std::net::SocketAddr, line: &str, kind: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: a\r\nx-random: {length}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("a request");
    stream.write_all(body.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

#[tokio::test]
async fn path_and_query_are_in_the_key_and_request_handles_are_not() {
    for cache in &caches().await {
        let (calls, address) = serve(cache).await;
        let get = async |path: &str| request(address, &format!("GET {path}"), "text/plain", "").await;
        for _ in 0..2 {
            assert_eq!(get("/items/1?page=2").await, (200, "item 1 page 2 None".to_owned()), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        // The same arguments in another order.
        get("/items/1?page=2&tag=a").await;
        assert_eq!(get("/items/1?tag=a&page=2").await.1, r#"item 1 page 2 Some("a")"#, "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(get("/items/2?page=2").await.1, "item 2 page 2 None", "{cache:?}");
        assert_eq!(get("/items/1?page=3").await.1, "item 1 page 3 None", "{cache:?}");
        assert_eq!(get("/items/1?page=2&tag=").await.1, r#"item 1 page 2 Some("")"#, "{cache:?}");
        assert_eq!(calls.count(), 5, "{cache:?}");
        // Errors are sent unchanged and not cached.
        for _ in 0..2 {
            assert_eq!(get("/items/0?page=2").await.0, 404, "{cache:?}");
        }
        assert_eq!(calls.count(), 7, "{cache:?}");
        let first = get("/pairs/a/1").await;
        assert_eq!(get("/pairs/a/1").await, first, "{cache:?}");
        assert_ne!(get("/pairs/a/2").await, first, "{cache:?}");
    }
}

#[tokio::test]
async fn options_see_the_bindings_of_patterns() {
    for cache in &caches().await {
        let (calls, address) = serve(cache).await;
        let get = async |path: &str| request(address, &format!("GET {path}"), "text/plain", "").await;
        let first = get("/bound/1?page=1&tag=a").await;
        assert_eq!(get("/bound/1?page=2&tag=a").await, first, "{cache:?}: the page is no part of the key");
        assert_ne!(get("/bound/1?page=1&tag=b").await, first, "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
        // `when` is false.
        get("/bound/10?page=1").await;
        get("/bound/10?page=1").await;
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}

#[tokio::test]
async fn bodies_are_in_the_key_by_their_content() {
    for cache in &caches().await {
        let (calls, address) = serve(cache).await;
        let json = async |body: &str| request(address, "POST /search", "application/json", body).await;
        let form = async |body: &str| {
            request(address, "POST /form", "application/x-www-form-urlencoded", body).await
        };
        let first = json(r#"{"page":1,"tag":null}"#).await;
        assert_eq!(json(r#"{ "tag": null, "page": 1 }"#).await, first, "{cache:?}");
        assert_ne!(json(r#"{"page":2,"tag":null}"#).await, first, "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
        let first = form("page=1&tag=a").await;
        assert_eq!(form("tag=a&page=1").await, first, "{cache:?}");
        assert_ne!(form("tag=b&page=1").await, first, "{cache:?}");
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}
