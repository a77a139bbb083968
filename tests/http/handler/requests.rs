//! Requests of every kind: methods, directives, credentials, bodies.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder::cache;
use support::connection::Http1;
use support::http::{App, Server, is_empty};
use support::stores::caches;
use support::wire::serve;

use super::app::{clocked, router, seconds, with};

#[tokio::test]
async fn no_store_bypasses_and_leaves_the_stored_response() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        let past = server.get_with("/plain", &[("cache-control", "no-store")]).await;
        assert_eq!(past.brief(), ("BYPASS", "0"), "{cache:?}");
        for name in ["etag", "cache-control", "expires", "age"] {
            assert_eq!(past.header(name), None, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
        assert_eq!(server.get("/plain").await.brief(), ("MISS", "1"), "{cache:?}");
        let past = server.get_with("/plain", &[("cache-control", "no-cache, no-store")]).await;
        assert_eq!(past.brief(), ("BYPASS", "2"), "{cache:?}");
        assert_eq!(server.get("/plain").await.brief(), ("HIT", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn no_cache_computes_and_stores() {
    let refreshes: &[&[(&str, &str)]] = &[
        &[("cache-control", "no-cache")],
        &[("cache-control", "NO-CACHE")],
        &[("cache-control", "no-cache, max-age=0")],
        &[("cache-control", "max-age=0, no-cache")],
        &[("cache-control", "max-age=0")],
        &[("cache-control", "max-age=\"0\"")],
        &[("cache-control", " , ,no-cache,, ")],
        &[("cache-control", "x"), ("cache-control", "no-cache")],
        &[("cache-control", "no-cache, no-cache")],
        &[("pragma", "no-cache")],
    ];
    let plain: &[&[(&str, &str)]] = &[
        &[("cache-control", "x-no-cache-y")],
        &[("cache-control", "no-cachet")],
        &[("cache-control", "x=\"no-cache\"")],
        &[("cache-control", "max-age=9999")],
        &[("cache-control", "max-age=9999, max-age=9999")],
        &[("cache-control", "")],
        &[("cache-control", ",,")],
        &[("pragma", "x")],
    ];
    for cache in &caches().await {
        for path in ["/plain", "/request"] {
            let app = App::counting(cache);
            let server = Server::start(router(&app)).await;
            server.get(path).await;
            for headers in refreshes {
                let now = app.calls.count().to_string();
                assert_eq!(
                    server.get_with(path, headers).await.brief(),
                    ("MISS", now.as_str()),
                    "{cache:?} {headers:?}"
                );
                assert_eq!(server.get(path).await.brief(), ("HIT", now.as_str()), "{cache:?} {headers:?}");
            }
            let calls = app.calls.count();
            for headers in plain {
                assert_eq!(server.get_with(path, headers).await.x_cache(), "HIT", "{cache:?} {headers:?}");
            }
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_request_limits_the_age_of_the_response() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(router(&App::counting(cache))).await;
        let ask = async |control: &str| server.get_with("/plain", &[("cache-control", control)]).await;
        assert_eq!(ask("max-age=5").await.brief(), ("MISS", "0"), "{cache:?}");
        clock.advance(seconds(10));
        assert_eq!(ask("max-age=9999").await.brief(), ("HIT", "0"), "{cache:?}");
        assert_eq!(ask("max-age=abc").await.status, 200, "{cache:?}");
        assert_eq!(ask("min-fresh=5").await.x_cache(), "HIT", "{cache:?}");
        let again = ask("max-age=5").await;
        assert_eq!(again.x_cache(), "MISS", "{cache:?}");
        assert_eq!(server.get("/plain").await.brief(), ("HIT", again.text()), "{cache:?}");
        let again = ask("min-fresh=31").await;
        assert_eq!(again.x_cache(), "MISS", "{cache:?}");
        assert_eq!(server.get("/plain").await.brief(), ("HIT", again.text()), "{cache:?}");
    }
}

#[tokio::test]
async fn an_age_that_is_no_number_is_ignored() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        server.get("/plain").await;
        for control in ["max-age=abc", "max-age=-1", "max-age=", "max-age"] {
            let answer = server.get_with("/plain", &[("cache-control", control)]).await;
            assert_eq!(answer.brief(), ("HIT", "0"), "{cache:?} {control}");
        }
        for control in ["max-age=99999999999999999999999", "max-stale", "max-stale=abc"] {
            let answer = server.get_with("/plain", &[("cache-control", control)]).await;
            assert_eq!(answer.brief(), ("HIT", "0"), "{cache:?} {control}");
        }
    }
}

#[tokio::test]
async fn the_age_counts_from_the_time_of_storing() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(router(&App::counting(cache))).await;
        assert_eq!(server.send("PUT", "/aged", &[], "").await.brief(), ("MISS", "0"), "{cache:?}");
        clock.advance(seconds(100));
        let hit = server.get("/aged").await;
        assert_eq!((hit.brief(), hit.header("cache-control")), (("HIT", "0"), Some("no-cache")), "{cache:?}");
        let ask = async |control: &str| server.get_with("/aged", &[("cache-control", control)]).await;
        assert_eq!(ask("max-age=150").await.brief(), ("HIT", "0"), "{cache:?}");
        assert_eq!(ask("max-age=5").await.brief(), ("MISS", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn only_if_cached_never_runs_the_handler() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let server = Server::start(router(&app)).await;
        let only = [("cache-control", "only-if-cached")];
        let answer = server.get_with("/plain", &only).await;
        assert_eq!((answer.status, answer.x_cache(), app.calls.count()), (504, "MISS", 0), "{cache:?}");
        assert_eq!(answer.header("cache-status"), Some("larder; detail=only-if-cached"), "{cache:?}");
        server.get("/plain").await;
        let answer = server.get_with("/plain", &only).await;
        assert_eq!((answer.status, answer.brief()), (200, ("HIT", "0")), "{cache:?}");
        // No stored response is young enough.
        let answer = server.get_with("/plain", &[("cache-control", "only-if-cached, min-fresh=60")]).await;
        assert_eq!((answer.status, answer.x_cache(), app.calls.count()), (504, "MISS", 1), "{cache:?}");
    }
}

#[tokio::test]
async fn other_methods_always_run_the_handler() {
    for cache in &caches().await {
        for path in ["/plain", "/request"] {
            let app = App::counting(cache);
            let server = Server::start(router(&app)).await;
            for (before, method) in ["POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].iter().enumerate() {
                let answer = server.send(method, path, &[], "body").await;
                assert_eq!(answer.brief(), ("BYPASS", before.to_string().as_str()), "{cache:?} {method}");
                assert_eq!((answer.header("etag"), answer.header("expires")), (None, None), "{cache:?}");
            }
            assert_eq!(server.get(path).await.brief(), ("MISS", "6"), "{cache:?}");
            assert_eq!(server.send("POST", path, &[], "").await.brief(), ("BYPASS", "7"), "{cache:?}");
            assert_eq!(server.get(path).await.brief(), ("HIT", "6"), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn head_is_answered_from_the_entry_of_get() {
    for cache in &caches().await {
        let app = App::new(cache, |_| with(&[("x-own", "1")], "four"));
        let server = Server::start(router(&app)).await;
        let head = async || server.send("HEAD", "/plain", &[], "").await;
        // On a miss the handler runs, and the response to HEAD is not stored in place of the one with a body.
        let miss = head().await;
        assert_eq!(
            (miss.status, miss.x_cache(), miss.header("x-own")),
            (200, "BYPASS", Some("1")),
            "{cache:?}"
        );
        assert_eq!((miss.body.len(), app.calls.count(), is_empty(cache).await), (0, 1, true), "{cache:?}");
        let full = server.get("/plain").await;
        assert_eq!((full.brief(), app.calls.count()), (("MISS", "four"), 2), "{cache:?}");
        let hit = head().await;
        assert_eq!((hit.status, hit.x_cache(), hit.body.len()), (200, "HIT", 0), "{cache:?}");
        assert_eq!((hit.tag(), hit.header("x-own")), (full.tag(), Some("1")), "{cache:?}");
        assert_eq!(hit.header("content-length"), Some("4"), "{cache:?}");
        let same = server.send("HEAD", "/plain", &[("if-none-match", full.tag())], "").await;
        assert_eq!((same.status, same.x_cache()), (304, "HIT"), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
    }
}

#[cache(response, expire = 30, key = (id,), cache = app.cache)]
async fn keyed(Path(id): Path<u64>, State(app): State<App>, #[cache(ignore)] headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, ignore(headers), cache = app.cache)]
async fn ignoring(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, vary(accept_language), cache = app.cache)]
async fn seeing(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, key = "texts:{id}", vary(accept_language), cache = app.cache)]
async fn texts(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, cache = app.cache)]
async fn blind(Path(id): Path<u64>, State(app): State<App>) -> String {
    format!("{id} {}", app.calls.add())
}

#[tokio::test]
async fn a_handler_that_sees_credentials_serves_each_client_its_own() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let router = Router::new()
            .route("/keyed/{id}", get(keyed))
            .route("/ignoring/{id}", get(ignoring))
            .route("/seeing/{id}", get(seeing))
            .route("/texts/{id}", get(texts))
            .route("/blind/{id}", get(blind))
            .with_state(app.clone());
        let server = Server::start(router).await;
        for path in ["/keyed/1", "/ignoring/1", "/seeing/1", "/texts/1"] {
            for user in ["alice", "bob"] {
                let own = server.get_with(path, &[("cookie", user)]).await;
                assert_eq!(own.x_cache(), "BYPASS", "{cache:?} {path}");
                assert!(own.text().contains(user), "{cache:?} {path} {own:?}");
            }
            let anonymous = server.get(path).await;
            assert!(
                anonymous.x_cache() == "MISS" && anonymous.text().contains("None"),
                "{cache:?} {path} {anonymous:?}"
            );
            assert_eq!(server.get(path).await.brief(), ("HIT", anonymous.text()), "{cache:?} {path}");
            assert_eq!(
                server.get_with(path, &[("cookie", "alice")]).await.x_cache(),
                "BYPASS",
                "{cache:?} {path}"
            );
        }
        // The arguments do not show all that decides about a response.
        for own in [("cookie", "session=alice"), ("cookie", "session=bob"), ("authorization", "bob")] {
            assert_eq!(server.get_with("/blind/1", &[own]).await.x_cache(), "BYPASS", "{cache:?}");
        }
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn echoes(State(app): State<App>, #[cache(ignore)] request: Request) -> Response {
    let sent = axum::body::to_bytes(request.into_body(), 1024).await.expect("a body");
    let sent = String::from_utf8(sent.to_vec()).expect("text");
    format!("{sent}{}", app.calls.add()).into_response()
}

#[tokio::test]
async fn a_get_with_a_body_is_bypassed() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let router = Router::new().route("/", get(echoes)).with_state(app.clone());
        let server = Server::start(router.clone()).await;
        let asks = async |headers: &[(&str, &str)], body| server.send("GET", "/", headers, body).await;
        assert_eq!(asks(&[], "alice").await.brief(), ("BYPASS", "alice0"), "{cache:?}");
        assert_eq!(asks(&[], "").await.brief(), ("MISS", "1"), "{cache:?}");
        assert_eq!(asks(&[], "bob").await.brief(), ("BYPASS", "bob2"), "{cache:?}");
        let mut wire = Http1::to(serve(router).await).await;
        wire.request("GET", "/", &[("transfer-encoding", "chunked")]).await;
        wire.send(b"5\r\ncarol\r\n0\r\n\r\n").await;
        let got = wire.response("GET").await.expect("a response");
        assert_eq!(got.brief(), ("BYPASS".to_owned(), "carol3".to_owned()), "{cache:?}");
        // Nothing was stored, and an empty body counts as none.
        assert_eq!(asks(&[("content-length", "0")], "").await.brief(), ("HIT", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_get_with_an_upgrade_is_bypassed() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let server = Server::start(Router::new().route("/", get(echoes)).with_state(app.clone())).await;
        assert_eq!(server.get("/").await.brief(), ("MISS", "0"), "{cache:?}");
        let upgrade = [("connection", "close, upgrade"), ("upgrade", "websocket")];
        assert_eq!(server.get_with("/", &upgrade).await.brief(), ("BYPASS", "1"), "{cache:?}");
        assert_eq!(server.get("/").await.brief(), ("HIT", "0"), "{cache:?}");
    }
}
