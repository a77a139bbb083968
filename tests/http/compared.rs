//! The same program with and without the cache: what clients and the layers above see.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Extension, IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use larder::http::{CachedResponse, EtagKind, ResponseCacheLayer};
use larder::{Cache, IgnoreInKey, cache};
use std::convert::Infallible;
use std::sync::Arc;
use support::http::{Answer, Server};
use support::stores::{Calls, caches};
use tower_http::compression::CompressionLayer;

#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

impl IgnoreInKey for App {}

impl App {
    fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default() }
    }
}

/// An extension by which a handler tells the layers above something.
#[derive(Clone)]
struct Note(usize);

fn text() -> String {
    "the same again and ".repeat(100)
}

async fn page(app: State<App>) -> Response {
    let note = Extension(Note(app.calls.add()));
    ([("content-type", "text/plain")], note, text()).into_response()
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn cached(app: State<App>) -> Response {
    page(app).await
}

#[cache(response, expire = "1m", unless = |_: &CachedResponse| true, cache = app.cache)]
async fn refused(app: State<App>) -> Response {
    page(app).await
}

#[cache(response, expire = "1m", vary(accept_language), cache = app.cache)]
async fn varied(app: State<App>) -> Response {
    page(app).await
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn streamed(app: State<App>) -> Response {
    let note = Extension(Note(app.calls.add()));
    let pieces = stream::iter(["a", "b"]).then(async |piece| {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(piece)
    });
    (note, Body::from_stream(pieces.boxed())).into_response()
}

fn layer(cache: &Cache) -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m").cache(cache)
}

/// The names of the headers that the cache adds or makes for itself.
const OWN: [&str; 7] = ["x-cache", "cache-status", "cache-control", "expires", "date", "etag", "vary"];

/// The headers of an answer, without those of the cache.
fn rest(answer: &Answer) -> Vec<(String, String)> {
    let mut rest = answer.headers.clone();
    rest.retain(|(name, _)| !OWN.contains(&name.as_str()));
    rest.sort();
    rest
}

#[tokio::test]
async fn head_is_answered_with_the_headers_that_it_has_without_a_cache() {
    for cache in caches().await {
        let state = || App::new(&cache);
        for (about, encoding) in
            [("compressed", CompressionLayer::new()), ("plain", CompressionLayer::new().no_gzip())]
        {
            let plain = Router::new().route("/", get(page)).layer(encoding.clone()).with_state(state());
            let plain = Server::start(plain).await;
            let accepts = [("accept-encoding", "gzip")];
            let wanted = rest(&plain.send("HEAD", "/", &accepts, "").await);
            let has = |name: &str| wanted.iter().any(|(own, _)| own == name);
            assert!(has("content-encoding") != has("content-length"), "{wanted:?}");
            for (kind, app) in [
                ("handler", Router::new().route("/", get(cached)).layer(encoding.clone())),
                ("layer", Router::new().route("/", get(page)).layer(layer(&cache)).layer(encoding.clone())),
            ] {
                cache.clear().await.expect("cleared");
                let server = Server::start(app.with_state(state())).await;
                for x_cache in ["BYPASS", "HIT"] {
                    let head = server.send("HEAD", "/", &accepts, "").await;
                    assert_eq!((head.x_cache(), head.body.len()), (x_cache, 0), "{cache:?} {about} {kind}");
                    assert_eq!(rest(&head), wanted, "{cache:?} {about} {kind} {x_cache}");
                    let got = server.get_with("/", &accepts).await;
                    assert_eq!(
                        got.header("content-encoding"),
                        head.header("content-encoding"),
                        "{about} {kind}"
                    );
                }
            }
        }
    }
}

/// Tells the client what the handler noted.
async fn tell(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let note = response.extensions().get::<Note>().map_or("none".to_owned(), |note| note.0.to_string());
    response.headers_mut().insert(HeaderName::from_static("x-note"), note.parse().expect("a value"));
    response
}

#[tokio::test]
async fn extensions_of_a_response_reach_the_layers_above_on_a_miss() {
    for cache in caches().await {
        let routes = |app: &App| {
            Router::new()
                .route("/cached", get(cached))
                .route("/refused", get(refused))
                .route("/varied", get(varied))
                .route("/streamed", get(streamed))
                .layer(from_fn(tell))
                .with_state(app.clone())
        };
        let behind = |app: &App| {
            let layer = layer(&cache);
            let routes = Router::new().route("/cached", get(page)).layer(layer.clone());
            let refused = Router::new().route("/refused", get(page)).layer(layer.clone().unless(|_| true));
            let varied = Router::new().route("/varied", get(page)).layer(layer.vary(["accept-language"]));
            routes.merge(refused).merge(varied).layer(from_fn(tell)).with_state(app.clone())
        };
        for (kind, has_streams) in [("handler", true), ("layer", false)] {
            cache.clear().await.expect("cleared");
            let app = App::new(&cache);
            let server = Server::start(if has_streams { routes(&app) } else { behind(&app) }).await;
            for path in ["/cached", "/refused", "/varied", "/streamed"] {
                if path == "/streamed" && !has_streams {
                    continue;
                }
                let (before, is_refused) = (app.calls.count().to_string(), path == "/refused");
                let missed = server.get(path).await;
                assert_eq!(
                    missed.x_cache(),
                    if is_refused { "BYPASS" } else { "MISS" },
                    "{cache:?} {kind} {path}"
                );
                assert_eq!(missed.header("x-note"), Some(before.as_str()), "{cache:?} {kind} {path}");
                if !is_refused {
                    // They are no part of what is stored.
                    let hit = server.get(path).await;
                    assert_eq!((hit.x_cache(), hit.header("x-note")), ("HIT", Some("none")), "{kind} {path}");
                }
            }
            // A condition of the client that holds on a miss.
            let refreshed = [("if-none-match", "*"), ("cache-control", "no-cache")];
            let before = app.calls.count().to_string();
            let same = server.get_with("/cached", &refreshed).await;
            assert_eq!(
                (same.status, same.header("x-note")),
                (304, Some(before.as_str())),
                "{cache:?} {kind}"
            );
        }
    }
}

/// A service that answers ranges itself, as one of files does.
async fn file(headers: HeaderMap) -> Response {
    let common = [("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("accept-ranges", "bytes")];
    match headers.contains_key("range") {
        true => {
            (StatusCode::PARTIAL_CONTENT, common, [("content-range", "bytes 0-0/3")], "a").into_response()
        }
        false => (common, "abc").into_response(),
    }
}

#[tokio::test]
async fn ranges_of_a_service_that_answers_them_itself() {
    let part = [("range", "bytes=0-0")];
    for cache in caches().await {
        for (kind, status, body, is_offered) in
            [(EtagKind::Weak, 200, "abc", None), (EtagKind::Strong, 206, "a", Some("bytes"))]
        {
            cache.clear().await.expect("cleared");
            let layer = layer(&cache).etag(kind);
            let server = Server::start(Router::new().route("/", get(file)).layer(layer)).await;
            // Nothing is cached yet, so the service decides.
            let first = server.get_with("/", &part).await;
            assert_eq!((first.status, first.brief()), (206, ("BYPASS", "a")), "{cache:?}");
            assert_eq!(server.get("/").await.x_cache(), "MISS", "{cache:?}");
            // The response is cached: its tag decides, and no client is offered what it does not get.
            let then = server.get_with("/", &part).await;
            assert_eq!((then.status, then.brief()), (status, ("HIT", body)), "{cache:?} {kind:?}");
            assert_eq!(server.get("/").await.header("accept-ranges"), is_offered, "{cache:?} {kind:?}");
        }
    }
}
