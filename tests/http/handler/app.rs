//! The handlers that these tests share.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{any, get};
use larder::cache_put;
use larder::test_util::TestClock;
use larder::{Cache, Expire, cache};
use support::http::{Answer, App};
use support::stores::caches_with;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[cache(response, expire = 30, cache = app.cache)]
pub(super) async fn plain(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, cache = app.cache)]
pub(super) async fn with_request(
    State(app): State<App>,
    #[cache(ignore)] headers: HeaderMap,
    #[cache(ignore)] request: Request,
) -> Response {
    drop((headers, request));
    app.make()
}

#[cache(response, expire = "1h", cache = app.cache)]
pub(super) async fn hour(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1h", client_max_age = "1m", cache = app.cache)]
pub(super) async fn told_a_minute(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1h", tags = ["all"], cache = app.cache)]
pub(super) async fn tagged(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, private, cache = app.cache)]
pub(super) async fn private(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = Expire::Never, cache = app.cache)]
pub(super) async fn forever(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 5, cache = app.cache)]
pub(super) async fn brief(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, cache = app.cache)]
pub(super) async fn by_default(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, key = "aged", entry = aged_entry, cache = app.cache)]
pub(super) async fn aged(State(app): State<App>) -> Response {
    app.make()
}

#[cache_put(response, expire = 300, key = "aged", cache = app.cache)]
pub(super) async fn put_aged(State(app): State<App>) -> Response {
    app.make()
}

pub(super) fn router(app: &App) -> Router {
    Router::new()
        .route("/plain", any(plain))
        .route("/request", any(with_request))
        .route("/private", get(private))
        .route("/forever", get(forever))
        .route("/brief", get(brief))
        .route("/default", get(by_default))
        .route("/aged", get(aged).put(put_aged))
        .route("/hour", get(hour))
        .route("/told", get(told_a_minute))
        .route("/tagged", get(tagged))
        .with_state(app.clone())
}

/// Makes a cache in each store, with one clock for both.
pub(super) async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Makes a response with these headers.
pub(super) fn with(headers: &[(&'static str, &'static str)], body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().expect("a value"));
    }
    response
}

/// Returns the seconds since 1970 of an HTTP date.
#[track_caller]
pub(super) fn time(answer: &Answer, name: &str) -> i64 {
    let text = answer.header(name).unwrap_or_else(|| panic!("{name} is missing: {answer:?}"));
    chrono::DateTime::parse_from_rfc2822(text).expect("a date").timestamp()
}

#[cache(response, expire = 30, cache = app.cache)]
pub(super) async fn upgrade(State(app): State<App>, #[cache(ignore)] request: Request) -> Response {
    app.calls.add();
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.expect("an upgrade");
        let mut stream = hyper_util::rt::TokioIo::new(upgraded);
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.expect("four bytes");
        said.reverse();
        stream.write_all(&said).await.expect("written");
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, "upgrade".parse().expect("a value"));
    response.headers_mut().insert(header::UPGRADE, "echo".parse().expect("a value"));
    response
}
