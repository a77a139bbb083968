//! Bodies of GET requests that no key holds.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::StringRejection;
use axum::extract::{Json, Request, State};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use larder::cache;
use support::stores::caches;
use support::wire::{Reply, ask, request};

use super::App;

async fn read(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn declared(app: State<App>, request: Request) -> String {
    app.page(read(request.into_body()).await)
}

#[cache(response, expire = "1h", stale_while_revalidate = "1m", ignore(request), cache = app.cache)]
async fn ignored(app: State<App>, request: Request) -> String {
    app.page(read(request.into_body()).await)
}

#[cache(response, expire = "1h", key = (request.uri().path(),), cache = app.cache)]
async fn keyed(app: State<App>, mut request: Request) -> String {
    let body = std::mem::take(request.body_mut());
    app.page(read(body).await)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn body(app: State<App>, #[cache(ignore)] body: Body) -> String {
    app.page(read(body).await)
}

#[cache(response, expire = "1h", ignore(body), cache = app.cache)]
async fn bytes(app: State<App>, body: Bytes) -> String {
    app.page(String::from_utf8_lossy(&body))
}

#[cache(response, expire = "1h", ignore(body), cache = app.cache)]
async fn string(app: State<App>, body: String) -> String {
    app.page(body)
}

#[cache(response, expire = "1h", ignore(body), cache = app.cache)]
async fn checked(app: State<App>, body: Result<String, StringRejection>) -> String {
    app.page(body.unwrap_or_default())
}

#[cache(response, expire = "1h", key = "bytes", cache = app.cache)]
async fn beside_a_key(app: State<App>, #[cache(ignore)] body: Bytes) -> String {
    app.page(String::from_utf8_lossy(&body))
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn counted(app: State<App>, body: String) -> String {
    app.page(body)
}

fn routes(app: &App) -> Router {
    Router::new()
        .route("/declared", get(declared).post(declared))
        .route("/ignored", get(ignored).post(ignored))
        .route("/keyed", get(keyed).post(keyed))
        .route("/body", get(body).post(body))
        .route("/bytes", get(bytes).post(bytes))
        .route("/string", get(string).post(string))
        .route("/checked", get(checked).post(checked))
        .route("/beside", get(beside_a_key).post(beside_a_key))
        .route("/counted", get(counted).post(counted))
        .with_state(app.clone())
}

/// A request whose body says nothing of its length, as over HTTP/2.
fn silent(method: &str, uri: &str, pieces: &[&'static str]) -> Request {
    let mut request = request(method, uri, &[]);
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, Infallible>(*piece)).collect();
    *request.body_mut() = Body::from_stream(stream::iter(pieces));
    request
}

async fn send(router: &Router, request: Request) -> Reply {
    ask(router, request).await.expect("a response")
}

#[tokio::test]
async fn a_body_that_is_in_no_key_bypasses_and_an_empty_one_is_none() {
    let paths = ["/declared", "/ignored", "/keyed", "/body", "/bytes", "/string", "/checked", "/beside"];
    for cache in &caches().await {
        for path in paths {
            let router = routes(&App::new(cache));
            for (calls, text) in ["ann", "bob"].into_iter().enumerate() {
                // In two frames, of which none is lost.
                let got = send(&router, silent("GET", path, &[text, "!"])).await;
                assert_eq!(
                    got.brief(),
                    ("BYPASS".to_owned(), format!("{text}! {calls}")),
                    "{cache:?} {path}"
                );
            }
            assert_eq!(send(&router, silent("GET", path, &[])).await.brief().0, "MISS", "{cache:?} {path}");
            for empty in [silent("GET", path, &[]), silent("GET", path, &[""]), request("GET", path, &[])] {
                let got = send(&router, empty).await;
                assert_eq!(got.brief(), ("HIT".to_owned(), " 2".to_owned()), "{cache:?} {path}");
            }
            let got = send(&router, silent("GET", path, &["carol"])).await;
            assert_eq!(got.brief(), ("BYPASS".to_owned(), "carol 3".to_owned()), "{cache:?} {path}");
            let got = send(&router, silent("POST", path, &["dave"])).await;
            assert_eq!(got.brief(), ("BYPASS".to_owned(), "dave 4".to_owned()), "{cache:?} {path}");
        }
        // What counts is in the key.
        let router = routes(&App::new(cache));
        for x_cache in ["MISS", "HIT"] {
            for text in ["ann", "bob"] {
                let got = send(&router, silent("GET", "/counted", &[text])).await;
                assert!(got.x_cache() == x_cache && got.text().starts_with(text), "{cache:?} {got:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_keeps_quiet_is_waited_for_a_moment_only() {
    for cache in &caches().await {
        let router = routes(&App::new(cache));
        // The rest of the body comes once the request is under way.
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let later = stream::once(async move {
            receiver.await.expect("sent");
            Ok::<_, Infallible>("late")
        });
        let mut request = request("GET", "/ignored", &[]);
        *request.body_mut() = Body::from_stream(later.boxed());
        let send_later = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            sender.send(()).expect("read");
        };
        let (got, ()) = tokio::join!(send(&router, request), send_later);
        assert_eq!(got.brief(), ("BYPASS".to_owned(), "late 0".to_owned()), "{cache:?}");
    }
}

#[tokio::test]
async fn an_ignored_json_is_left_out() {
    #[cache(response, expire = "1h", cache = app.cache)]
    async fn json(app: State<App>, #[cache(ignore)] Json(text): Json<String>) -> String {
        app.page(text)
    }
    for cache in &caches().await {
        let router = Router::new().route("/", get(json)).with_state(App::new(cache));
        for (text, expected) in [("\"a\"", ("MISS", "a 0")), ("\"b\"", ("HIT", "a 0"))] {
            let mut sent = request("GET", "/", &[("content-type", "application/json")]);
            *sent.body_mut() = Body::from_stream(stream::iter([Ok::<_, Infallible>(text)]));
            let got = send(&router, sent).await.brief();
            assert_eq!((got.0.as_str(), got.1.as_str()), expected, "{cache:?}");
        }
    }
}
