//! Handlers with `#[cache_put(response)]`.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::{BodyExt, Collected};
use larder::{cache, cache_put};
use support::http::Server;
use support::stores::{caches, in_time};
use support::wire::{Wire, ask, request};
use tower::ServiceExt;

use super::shop::{Shop, item, item_entry, put_kinds, put_unless, serve};

#[tokio::test]
async fn a_get_finds_the_response_that_was_put() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let server = serve(&shop).await;
        for status in [200, 201, 202] {
            shop.fails_with(status);
            let body = format!("put with {status}");
            let answer = server.send("PUT", "/items/1", &[], &body).await;
            assert_eq!((answer.status, answer.brief()), (status, ("MISS", body.as_str())), "{cache:?}");
            let hit = server.get("/items/1").await;
            assert_eq!((hit.status, hit.brief()), (200, ("HIT", body.as_str())), "{cache:?}");
            assert_eq!((hit.header("x-own"), hit.tag()), (Some("put"), answer.tag()), "{cache:?}");
            assert_eq!(hit.header("cache-control"), Some("no-cache"), "{cache:?}: {hit:?}");
            let left = item_entry(Path(1), State(shop.clone())).ttl().await.expect("it is asked");
            assert!(left > Duration::from_secs(3580), "{cache:?}: {left:?}");
            let same = server.get_with("/items/1", &[("if-none-match", answer.tag())]).await;
            assert_eq!(same.status, 304, "{cache:?}");
        }
        assert_eq!(shop.calls.count(), 0, "{cache:?}");
        // A failed put leaves the entry.
        let stored = server.get("/items/1").await;
        for status in [304, 400, 404, 500] {
            shop.fails_with(status);
            let answer = server.send("PUT", "/items/1", &[], "not stored").await;
            assert_eq!((answer.status, answer.header("etag")), (status, None), "{cache:?}");
            assert_eq!(server.get("/items/1").await.brief(), ("HIT", stored.text()), "{cache:?} {status}");
        }
        shop.fails_with(0);
        let answer = server.send("PATCH", "/items/1", &[], "").await;
        assert_eq!((answer.status, answer.x_cache()), (200, "BYPASS"), "{cache:?}");
        // The store refuses, and the response of the handler still arrives.
        cache.chaos().refuse();
        let answer = server.send("PUT", "/items/1", &[], "not stored either").await;
        assert_eq!((answer.status, answer.text()), (200, "not stored either"), "{cache:?}");
        cache.chaos().heal();
    }
}

#[tokio::test]
async fn a_put_that_may_not_be_stored_evicts() {
    #[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
    async fn secret(Path(id): Path<u64>, shop: State<Shop>, headers: HeaderMap) -> Response {
        shop.write(id);
        let kind = headers.get("x-kind").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind {
            "no-store" => ([("cache-control", "no-store")], "secret").into_response(),
            "cookie" => ([("set-cookie", "a=b")], "secret").into_response(),
            "vary" => ([("vary", "accept")], "secret").into_response(),
            _ => Response::new(Body::from(vec![b'a'; 11 << 20])),
        }
    }
    for cache in &caches().await {
        let shop = Shop::new(cache);
        // The route is that of the reading handler.
        let router = Router::new().route("/items/{id}", get(item).put(secret)).with_state(shop.clone());
        let server = Server::start(router).await;
        for kind in ["no-store", "cookie", "vary", "large"] {
            server.get("/items/1").await;
            let old = server.get("/items/1").await;
            assert_eq!(old.x_cache(), "HIT", "{cache:?}");
            let answer = server.send("PUT", "/items/1", &[("x-kind", kind)], "").await;
            assert_eq!((answer.status, answer.x_cache()), (200, "BYPASS"), "{cache:?} {kind}");
            assert!(answer.body.len() == 11 << 20 || answer.text() == "secret", "{cache:?} {kind}");
            // The handler wrote, so the stored response is outdated.
            let new = server.get("/items/1").await;
            assert_eq!(new.x_cache(), "MISS", "{cache:?} {kind}");
            assert_ne!(new.text(), old.text(), "{cache:?} {kind}");
        }
    }
}

fn kinds(shop: &Shop) -> Router {
    Router::new().route("/items/{id}", get(item).put(put_kinds).patch(put_unless)).with_state(shop.clone())
}

#[tokio::test]
async fn an_empty_truncated_or_refused_put_evicts() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = kinds(&shop);
        for (method, kind, status, body) in [
            ("PUT", "nothing", 204, Some("")),
            ("PUT", "elsewhere", 303, Some("")),
            // Cut off.
            ("PUT", "short", 200, None),
            ("PATCH", "refused", 200, Some("")),
        ] {
            let read = async || ask(&router, request("GET", "/items/1", &[])).await.expect("a response");
            read().await;
            let old = read().await;
            assert_eq!(old.x_cache(), "HIT", "{cache:?} {kind}");
            let put = request(method, "/items/1", &[("x-kind", kind)]);
            let (got, sent) = in_time(router.clone().oneshot(put)).await.expect("a response").into_parts();
            let sent = in_time(sent.collect()).await.ok().map(Collected::to_bytes);
            assert_eq!((got.status.as_u16(), sent.as_deref()), (status, body.map(str::as_bytes)), "{kind}");
            assert_eq!(got.headers["x-cache"], "BYPASS", "{cache:?} {kind}");
            let location = (kind == "elsewhere").then_some(&b"/items"[..]);
            assert_eq!(got.headers.get("location").map(HeaderValue::as_bytes), location, "{kind}");
            let new = read().await;
            assert_eq!((new.status, new.x_cache().as_str()), (200, "MISS"), "{cache:?} {kind}");
            assert_ne!(new.text(), old.text(), "{cache:?} {kind}");
        }
    }
}

#[tokio::test]
async fn a_put_that_streams_events_is_sent_as_it_runs_and_evicts() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let address = support::wire::serve(kinds(&shop)).await;
        let read = async || Wire::to(address).await.exchange("GET", "/items/1", &[]).await;
        read().await;
        let old = read().await;
        assert_eq!(old.x_cache(), "HIT", "{cache:?}");
        let mut wire = Wire::to(address).await;
        wire.request("PUT", "/items/1", &[("x-kind", "events")]).await;
        let head = wire.head().await.expect("a head");
        assert_eq!((head.status, head.x_cache().as_str()), (200, "BYPASS"), "{cache:?}");
        assert_eq!(wire.chunk().await.as_deref(), Some(&b"data: 1\n\n"[..]), "{cache:?}");
        let new = read().await;
        assert_eq!(new.x_cache(), "MISS", "{cache:?}");
        assert_ne!(new.text(), old.text(), "{cache:?}");
    }
}

#[tokio::test]
async fn location_of_a_created_item_goes_to_its_creator_only() {
    for cache in &caches().await {
        let router = kinds(&Shop::new(cache));
        let put = ask(&router, request("PUT", "/items/1", &[("x-kind", "created")])).await;
        let put = put.expect("a response");
        assert_eq!((put.status, put.field("location").as_deref()), (201, Some("/items/1")), "{cache:?}");
        let read = ask(&router, request("GET", "/items/1", &[])).await.expect("a response");
        assert_eq!((read.status, read.brief()), (200, ("HIT".to_owned(), "created".to_owned())));
        assert_eq!(read.field("location"), None, "{cache:?}");
    }
}

#[cache(response, expire = "1h", private, entry = mine_entry, cache = shop.cache)]
async fn mine(shop: State<Shop>, headers: HeaderMap) -> String {
    let who = headers.get("authorization").and_then(|who| who.to_str().ok()).unwrap_or("nobody");
    format!("{who} {}", shop.read(1))
}

#[cache_put(response, entry = mine_entry(shop.clone(), HeaderMap::new()), cache = shop.cache)]
async fn put_mine(shop: State<Shop>, body: String) -> String {
    shop.write(1);
    body
}

#[tokio::test]
async fn a_private_put_is_not_served_to_another_client() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = Router::new().route("/mine", get(mine).put(put_mine)).with_state(shop.clone());
        let server = Server::start(router).await;
        let (alice, bob) = ([("authorization", "alice")], [("authorization", "bob")]);
        for version in ["v2", "v3"] {
            let put = server.send("PUT", "/mine", &alice, "alice's secret").await;
            let wanted = Some("larder; fwd=method; fwd-status=200; detail=variants");
            assert_eq!(
                (put.brief(), put.header("cache-status")),
                (("BYPASS", "alice's secret"), wanted),
                "{cache:?}"
            );
            for (who, name) in [(&bob[..], "bob"), (&alice[..], "alice"), (&[], "nobody")] {
                let own = format!("{name} {version}");
                let x_caches = if who.is_empty() { ["BYPASS"; 2] } else { ["MISS", "HIT"] };
                for x_cache in x_caches {
                    let got = server.get_with("/mine", who).await;
                    assert_eq!(got.brief(), (x_cache, own.as_str()), "{cache:?}");
                }
            }
        }
    }
}

#[cache(response, expire = "1h", vary(accept_language), entry = translated_entry, cache = shop.cache)]
async fn translated(shop: State<Shop>) -> String {
    shop.read(1)
}

#[cache_put(response, entry = translated_entry(shop.clone()), cache = shop.cache)]
async fn put_translated(shop: State<Shop>, body: String) -> String {
    shop.write(1);
    body
}

#[tokio::test]
async fn a_put_onto_variants_removes_all_of_them_and_says_so() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = Router::new().route("/", get(translated).put(put_translated)).with_state(shop.clone());
        let server = Server::start(router).await;
        let languages = ["de", "fr"];
        for language in languages {
            server.get_with("/", &[("accept-language", language)]).await;
        }
        let put = server.send("PUT", "/", &[("accept-language", "de")], "written").await;
        assert_eq!(put.brief(), ("BYPASS", "written"), "{cache:?}");
        let status = "larder; fwd=method; fwd-status=200; detail=variants";
        assert_eq!(put.header("cache-status"), Some(status), "{cache:?}");
        for language in languages {
            for x_cache in ["MISS", "HIT"] {
                let got = server.get_with("/", &[("accept-language", language)]).await;
                assert_eq!(got.brief(), (x_cache, "v2"), "{cache:?} {language}");
            }
        }
    }
}

#[tokio::test]
async fn the_tag_of_what_was_put_is_of_the_kind_that_the_option_names() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        let put = server.send("PUT", "/named/7", &[], "").await;
        assert!(put.tag().starts_with('"'), "{cache:?} {put:?}");
        let part = server.get_with("/named/7", &[("range", "bytes=0-4"), ("if-range", put.tag())]).await;
        assert_eq!((part.status, part.brief()), (206, ("HIT", "named")), "{cache:?}");
        let weak = server.send("PUT", "/items/7", &[], "body").await;
        assert!(weak.tag().starts_with("W/"), "{cache:?} {weak:?}");
    }
}
