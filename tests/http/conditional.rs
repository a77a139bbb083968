//! Conditional requests, on hits and on misses.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use larder::{Cache, cache};
use support::http::{Answer, App, Server, is_empty};
use support::stores::caches;

#[cache(response, expire = 30, cache = app.cache)]
async fn page(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, statuses(200, 203, 404), cache = app.cache)]
async fn of_any_status(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, etag = strong, cache = app.cache)]
async fn file(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, etag = off, cache = app.cache)]
async fn untagged(app: State<App>) -> Response {
    app.make()
}

pub(super) const MODIFIED: &str = "Tue, 15 Nov 1994 12:45:26 GMT";
const BEFORE: &str = "Tue, 15 Nov 1994 12:45:25 GMT";
pub(super) const AFTER: &str = "Tue, 15 Nov 1994 12:45:27 GMT";

pub(super) type Headers = &'static [(&'static str, &'static str)];

/// Starts a server with pages that have these headers, and an empty cache.
pub(super) async fn serve(cache: &Cache, headers: Headers) -> (Server, App) {
    cache.clear().await.expect("cleared");
    let app = App::new(cache, move |_| {
        let mut response = Response::new(Body::from("0123456789"));
        for (name, value) in headers {
            response.headers_mut().append(*name, value.parse().expect("a value"));
        }
        response
    });
    let router = Router::new().route("/", get(page)).route("/file", get(file)).route("/off", get(untagged));
    (Server::start(router.with_state(app.clone())).await, app)
}

/// Starts a server whose page is cached.
pub(super) async fn cached(cache: &Cache, headers: Headers) -> (Server, App) {
    cached_at(cache, "/", headers).await
}

/// Starts a server whose page at a path is cached.
pub(super) async fn cached_at(cache: &Cache, path: &str, headers: Headers) -> (Server, App) {
    let (server, app) = serve(cache, headers).await;
    assert_eq!(server.get(path).await.x_cache(), "MISS");
    (server, app)
}

#[track_caller]
pub(super) fn assert_not_modified(answer: &Answer, from: &str) {
    assert_eq!((answer.status, answer.x_cache(), answer.body.len()), (304, from, 0), "{answer:?}");
    for name in ["content-type", "content-length", "transfer-encoding", "link"] {
        assert_eq!(answer.header(name), None, "{answer:?}");
    }
    for name in ["etag", "cache-control", "expires", "date"] {
        assert!(answer.header(name).is_some(), "{name} is missing: {answer:?}");
    }
}

#[tokio::test]
async fn if_none_match_with_the_tag_is_304() {
    for cache in &caches().await {
        let (server, app) = cached(cache, &[("content-type", "text/plain")]).await;
        let full = server.get("/").await;
        let same = server.get_with("/", &[("if-none-match", full.tag())]).await;
        assert_not_modified(&same, "HIT");
        assert_eq!((same.tag(), same.header("expires")), (full.tag(), full.header("expires")), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn if_none_match_takes_lists_stars_and_weak_tags() {
    let same: &[&[(&str, &str)]] = &[
        &[("if-none-match", r#""mine""#)],
        &[("if-none-match", r#""x", "mine""#)],
        &[("if-none-match", r#""mine","x""#)],
        &[("if-none-match", r#" , "x" ,, "mine" , "#)],
        &[("if-none-match", r#""with, a comma", "mine""#)],
        &[("if-none-match", "*")],
        &[("if-none-match", r#"W/"mine""#)],
        &[("if-none-match", r#"W/"x", W/"mine""#)],
        &[("if-none-match", r#""x""#), ("if-none-match", r#""mine""#)],
        &[("if-none-match", r#""mine""#), ("if-none-match", r#""x""#)],
    ];
    let other: &[&[(&str, &str)]] = &[
        &[("if-none-match", r#""x""#)],
        &[("if-none-match", r#""Mine""#)],
        &[("if-none-match", "mine")],
        &[("if-none-match", r#""mine"#)],
        &[("if-none-match", r#"w/"mine""#)],
        &[("if-none-match", r#""x, "mine"#)],
        &[("if-none-match", "")],
        &[("if-none-match", ",")],
        &[("if-none-match", "\u{fc}\u{fc}")],
    ];
    for cache in &caches().await {
        for tag in [r#""mine""#, r#"W/"mine""#] {
            let headers: Headers =
                if tag.starts_with('W') { &[("etag", r#"W/"mine""#)] } else { &[("etag", r#""mine""#)] };
            let (server, app) = cached(cache, headers).await;
            for condition in same {
                assert_not_modified(&server.get_with("/", condition).await, "HIT");
            }
            for condition in other {
                let answer = server.get_with("/", condition).await;
                assert_eq!((answer.status, answer.brief()), (200, ("HIT", "0123456789")), "{condition:?}");
            }
            assert_eq!(app.calls.count(), 1, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn on_a_miss_a_conditional_request_stores_first() {
    let own: Headers = &[("etag", r#""mine""#), ("last-modified", MODIFIED)];
    for cache in &caches().await {
        for condition in
            [("if-none-match", r#""mine""#), ("if-none-match", "*"), ("if-modified-since", MODIFIED)]
        {
            let (server, app) = serve(cache, own).await;
            assert_not_modified(&server.get_with("/", &[condition]).await, "MISS");
            assert_eq!(server.get("/").await.brief(), ("HIT", "0123456789"), "{cache:?}");
            assert_eq!(app.calls.count(), 1, "{cache:?}");
        }
        // The generated tag decides, also on a refresh.
        let (server, app) = serve(cache, &[]).await;
        let first = server.get_with("/", &[("if-none-match", r#""x""#)]).await;
        assert_eq!((first.status, first.x_cache()), (200, "MISS"), "{cache:?}");
        let refreshed =
            server.get_with("/", &[("if-none-match", first.tag()), ("cache-control", "no-cache")]).await;
        assert_not_modified(&refreshed, "MISS");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn if_modified_since_compares_dates() {
    for cache in &caches().await {
        let (server, app) = cached(cache, &[("last-modified", MODIFIED)]).await;
        let same = [
            MODIFIED,
            AFTER,
            "Tuesday, 15-Nov-94 12:45:26 GMT",
            "Tue Nov 15 12:45:26 1994",
            "Sun, 01 Jan 2090 00:00:00 GMT",
        ];
        for date in same {
            assert_not_modified(&server.get_with("/", &[("if-modified-since", date)]).await, "HIT");
        }
        for date in [BEFORE, "garbage", "", "Tue, 15 Nov 1994 12:45:26", "0", "Tue, 99 Nov 1994 99:45:26 GMT"]
        {
            let answer = server.get_with("/", &[("if-modified-since", date)]).await;
            assert_eq!((answer.status, answer.x_cache()), (200, "HIT"), "{cache:?} {date}");
        }
        assert_eq!(app.calls.count(), 1, "{cache:?}");
        // Without a `Last-Modified` there is nothing to compare.
        let (server, _) = cached(cache, &[]).await;
        let answer = server.get_with("/", &[("if-modified-since", AFTER)]).await;
        assert_eq!((answer.status, answer.x_cache()), (200, "HIT"), "{cache:?}");
    }
}

#[tokio::test]
async fn if_none_match_decides_alone() {
    for cache in &caches().await {
        let (server, _) = cached(cache, &[("etag", r#""mine""#), ("last-modified", MODIFIED)]).await;
        for (tag, date, status) in
            [(r#""x""#, MODIFIED, 200), (r#""mine""#, BEFORE, 304), ("garbage", MODIFIED, 200)]
        {
            let answer = server.get_with("/", &[("if-none-match", tag), ("if-modified-since", date)]).await;
            assert_eq!((answer.status, answer.x_cache()), (status, "HIT"), "{cache:?} {tag} {date}");
        }
    }
}

#[tokio::test]
async fn the_headers_that_a_304_repeats() {
    let headers: Headers = &[
        ("vary", "accept-language"),
        ("content-location", "/de"),
        ("link", "</a>; rel=next"),
        ("content-language", "de"),
        ("content-type", "text/plain"),
        ("x-own", "1"),
    ];
    for cache in &caches().await {
        let (server, _) = serve(cache, headers).await;
        let full = server.get("/").await;
        for condition in [full.tag(), "*"] {
            let answer = server.get_with("/", &[("if-none-match", condition)]).await;
            assert_not_modified(&answer, "HIT");
            assert_eq!(answer.header("vary"), Some("accept-language, Cookie"), "{cache:?}");
            assert_eq!(answer.header("content-location"), Some("/de"), "{cache:?}");
            for name in ["link", "content-language", "x-own"] {
                assert_eq!(answer.header(name), None, "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn conditions_apply_to_the_response_that_was_found() {
    for cache in &caches().await {
        for status in [203_u16, 404] {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| {
                let mut response = Response::new(Body::from("x"));
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                response.headers_mut().insert("etag", "\"mine\"".parse().expect("a value"));
                response
            });
            let server = Server::start(Router::new().route("/", get(of_any_status)).with_state(app)).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get_with("/", &[("if-none-match", "*"), ("range", "bytes=0-0")]).await;
                // A miss with a range stores nothing.
                let from = if from == "MISS" { "BYPASS" } else { from };
                assert_eq!((answer.status, answer.brief()), (status, (from, "x")), "{cache:?}");
                server.get("/").await;
            }
        }
    }
}

#[tokio::test]
async fn conditions_on_the_state_of_the_origin_are_left_to_the_handler() {
    for cache in &caches().await {
        let (server, app) = cached(cache, &[("etag", r#""mine""#)]).await;
        for condition in [("if-match", r#""mine""#), ("if-unmodified-since", AFTER)] {
            let answer = server.get_with("/", &[condition]).await;
            assert_eq!((answer.status, answer.brief()), (200, ("BYPASS", "0123456789")), "{cache:?}");
        }
        assert_eq!(app.calls.count(), 3, "{cache:?}");
        assert_eq!(server.get("/").await.x_cache(), "HIT", "{cache:?}");
    }
}

#[tokio::test]
async fn a_partial_response_is_not_stored() {
    for cache in &caches().await {
        // The handler ignores the range.
        let (server, app) = serve(cache, &[]).await;
        let answer = server.get_with("/", &[("range", "bytes=0-1")]).await;
        assert_eq!((answer.status, answer.brief()), (200, ("BYPASS", "0123456789")), "{cache:?}");
        assert!(is_empty(cache).await, "{cache:?}");
        assert_eq!(server.get("/").await.x_cache(), "MISS", "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        // The handler sends a partial response without a range.
        cache.clear().await.expect("cleared");
        let app = App::new(cache, |_| {
            let mut response = Response::new(Body::from("01"));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response.headers_mut().insert("content-range", "bytes 0-1/10".parse().expect("a value"));
            response
        });
        let server = Server::start(Router::new().route("/", get(page)).with_state(app.clone())).await;
        for _ in 0..2 {
            let answer = server.get_with("/", &[("range", "bytes=0-1")]).await;
            assert_eq!((answer.status, answer.brief()), (206, ("BYPASS", "01")), "{cache:?}");
        }
        assert!(app.calls.count() == 2 && is_empty(cache).await, "{cache:?}");
    }
}
