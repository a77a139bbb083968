//! `Cache-Status` of handlers (RFC 9211).

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use larder::http::ResponseCacheLayer;
use larder::{cache, cache_put};
use support::http::{Answer, App, Server};
use support::stores::caches;

use super::app::{clocked, router, seconds, with};

#[cache(response, expire = 60, stale_while_revalidate = "1h", cache = app.cache)]
async fn renewed(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, stale_if_error = "1h", cache = app.cache)]
async fn spare(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, vary(accept_language), cache = app.cache)]
async fn varied(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, when = false, cache = app.cache)]
async fn off(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, unless = |_| true, cache = app.cache)]
async fn refused(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, key = "written", entry = written_entry, cache = app.cache)]
async fn written(State(app): State<App>) -> Response {
    app.make()
}

#[cache_put(response, key = "written", cache = app.cache)]
async fn write(State(app): State<App>) -> Response {
    app.make()
}

fn routes(app: &App) -> Router {
    let routes = Router::new().route("/renewed", get(renewed)).route("/spare", get(spare));
    let routes = routes.route("/varied", get(varied)).route("/off", get(off)).route("/refused", get(refused));
    routes.route("/written", get(written).put(write)).with_state(app.clone()).merge(router(app))
}

#[track_caller]
fn status(answer: &Answer) -> (&str, &str) {
    (answer.x_cache(), answer.header("cache-status").unwrap_or_default())
}

#[tokio::test]
async fn every_way_of_a_request_is_described() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(routes(&App::counting(cache))).await;
        let miss = server.get("/plain").await;
        assert_eq!(status(&miss), ("MISS", "larder; fwd=uri-miss; fwd-status=200; stored"), "{cache:?}");
        let hit = server.get("/plain").await;
        assert!(hit.x_cache() == "HIT" && status(&hit).1.starts_with("larder; hit; ttl="), "{hit:?}");
        let known = server.get_with("/plain", &[("if-none-match", hit.tag())]).await;
        assert!(known.status == 304 && status(&known).1.starts_with("larder; hit; ttl="), "{known:?}");
        let head = server.send("HEAD", "/plain", &[], "").await;
        assert!(status(&head).1.starts_with("larder; hit; ttl="), "{head:?}");
        let asked = server.get_with("/plain", &[("cache-control", "no-cache")]).await;
        assert_eq!(status(&asked), ("MISS", "larder; fwd=request; fwd-status=200; stored"), "{cache:?}");
        clock.advance(seconds(40));
        let expired = server.get("/plain").await;
        assert_eq!(status(&expired), ("MISS", "larder; fwd=uri-miss; fwd-status=200; stored"), "{cache:?}");

        let german = [("accept-language", "de")];
        server.get("/varied").await;
        let other = server.get_with("/varied", &german).await;
        assert_eq!(status(&other), ("MISS", "larder; fwd=vary-miss; fwd-status=200; stored"), "{cache:?}");

        server.get("/renewed").await;
        clock.advance(seconds(61));
        let stale = server.get("/renewed").await;
        assert!(
            stale.x_cache() == "STALE" && status(&stale).1.starts_with("larder; hit; ttl=-"),
            "{stale:?}"
        );
    }
}

#[tokio::test]
async fn a_bypass_names_its_reason() {
    for cache in &caches().await {
        let server = Server::start(routes(&App::counting(cache))).await;
        for (method, path, headers, wanted) in [
            ("POST", "/plain", &[][..], "larder; fwd=method; fwd-status=200; detail=method"),
            (
                "GET",
                "/plain",
                &[("authorization", "x")],
                "larder; fwd=bypass; fwd-status=200; detail=credential",
            ),
            ("GET", "/private", &[], "larder; fwd=bypass; fwd-status=200; detail=no-credential"),
            (
                "GET",
                "/plain",
                &[("cache-control", "no-store")],
                "larder; fwd=request; fwd-status=200; detail=no-store",
            ),
            (
                "GET",
                "/plain",
                &[("if-match", "*")],
                "larder; fwd=request; fwd-status=200; detail=precondition",
            ),
            ("GET", "/off", &[], "larder; fwd=bypass; fwd-status=200; detail=when"),
            ("GET", "/refused", &[], "larder; fwd=uri-miss; fwd-status=200; detail=unless"),
            ("HEAD", "/brief", &[], "larder; fwd=uri-miss; fwd-status=200; detail=method"),
            ("PUT", "/written", &[], "larder; fwd=method; fwd-status=200; stored"),
        ] {
            let answer = server.send(method, path, headers, "").await;
            let from = if wanted.ends_with("stored") { "MISS" } else { "BYPASS" };
            assert_eq!(status(&answer), (from, wanted), "{cache:?} {method} {path}");
        }
        let with_body = server.send("GET", "/plain", &[], "a body").await;
        let wanted = ("BYPASS", "larder; fwd=request; fwd-status=200; detail=body");
        assert_eq!(status(&with_body), wanted, "{cache:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_its_reason() {
    for cache in &caches().await {
        for (code, headers, wanted) in [
            (200, &[("set-cookie", "a=1")][..], "larder; fwd=uri-miss; fwd-status=200; detail=set-cookie"),
            (200, &[("cache-control", "no-store")], "larder; fwd=uri-miss; fwd-status=200; detail=no-store"),
            (404, &[], "larder; fwd=uri-miss; fwd-status=404; detail=status"),
            (500, &[], "larder; fwd=uri-miss; fwd-status=500; detail=status"),
            // The service's own member stays before.
            (
                200,
                &[("cache-status", "inner; hit"), ("vary", "*")],
                "inner; hit, larder; fwd=uri-miss; fwd-status=200; detail=vary-any",
            ),
        ] {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| {
                let mut response = with(headers, "a");
                *response.status_mut() = StatusCode::from_u16(code).expect("a status");
                response
            });
            let server = Server::start(routes(&app)).await;
            let answer = server.get("/plain").await;
            assert_eq!(
                (answer.x_cache(), answer.all("cache-status").join(", ").as_str()),
                ("BYPASS", wanted)
            );
        }
    }
}

#[tokio::test]
async fn after_its_expiry_a_response_that_may_serve_as_a_spare_is_stale() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |before| {
            let mut response = with(&[], "a");
            if before == 1 {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            response
        });
        let server = Server::start(routes(&app)).await;
        server.get("/spare").await;
        clock.advance(seconds(61));
        let stale = server.get("/spare").await;
        assert!(
            stale.x_cache() == "STALE" && status(&stale).1.starts_with("larder; hit; ttl=-"),
            "{stale:?}"
        );
        let asked = server.get_with("/spare", &[("cache-control", "no-cache")]).await;
        assert_eq!(status(&asked), ("MISS", "larder; fwd=request; fwd-status=200; stored"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_response_that_is_sent_while_it_comes_has_it() {
    for cache in &caches().await {
        let app = App::new(cache, |_| {
            let late = stream::once(async {
                // The body is asked twice before its client gets the response.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                Ok(Bytes::from_static(b"second"))
            });
            let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"first"))]);
            Response::new(Body::from_stream(first.chain(late)))
        });
        let server = Server::start(routes(&app)).await;
        let miss = server.get("/plain").await;
        assert_eq!((miss.header("etag"), miss.text()), (None, "firstsecond"), "it was sent as it came");
        // Whether it will be stored is not known yet.
        assert_eq!(status(&miss), ("MISS", "larder; fwd=uri-miss; fwd-status=200"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_handler_below_a_layer_has_a_member_of_its_own() {
    for cache in &caches().await {
        let layer = ResponseCacheLayer::new().cache(cache).expire("1m");
        let server = Server::start(routes(&App::counting(cache)).layer(layer)).await;
        let miss = server.get("/plain").await;
        let (inner, outer) =
            ("larder; fwd=uri-miss; fwd-status=200; stored", "larder; fwd=uri-miss; fwd-status=200; stored");
        assert_eq!((miss.x_cache(), miss.all("cache-status")), ("MISS", vec![inner, outer]), "{cache:?}");
        let hit = server.get("/plain").await;
        let members = hit.all("cache-status");
        assert!(hit.x_cache() == "HIT" && members.len() == 2 && members[0] == inner, "{hit:?}");
        assert!(members[1].starts_with("larder; hit; ttl="), "{hit:?}");
    }
}
