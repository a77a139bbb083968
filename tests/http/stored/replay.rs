//! Responses that are replayed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use larder::cache;
use serde::{Deserialize, Serialize};
use support::http::{App, Server, is_empty};
use support::stores::{Gate, caches, caches_with, in_time};
use tokio::io::AsyncReadExt;

use super::page::{page_entry, serve};

#[tokio::test]
async fn status_and_headers_are_replayed() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            (StatusCode::NON_AUTHORITATIVE_INFORMATION, [("x-own", "ünï")], "text").into_response()
        })
        .await;
        for from in ["MISS", "HIT"] {
            let mut stream = server.open("GET", "/", &[], "").await;
            let mut bytes = Vec::new();
            in_time(stream.read_to_end(&mut bytes)).await.expect("an answer");
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.starts_with("HTTP/1.1 203 ") && text.contains("x-own: ünï\r\n"), "{text}");
            assert!(text.contains(&format!("x-cache: {from}\r\n")) && text.ends_with("text"), "{text}");
        }
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

/// Returns all bytes, including those that are no text.
fn image() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend((0..=255).cycle().take(5000));
    bytes
}

#[tokio::test]
async fn bytes_and_types_are_the_same() {
    for cache in &caches().await {
        for kind in ["image/png", "text/html; charset=utf-8", "text/csv", "application/octet-stream", "odd"] {
            let (server, _) =
                serve(cache, move |_| ([("content-type", kind)], image()).into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert!(answer.x_cache() == from && answer.body == image(), "{cache:?} {kind}");
                assert_eq!(answer.header("content-type"), Some(kind), "{cache:?}");
            }
        }
        // A response without a type gets none.
        let (server, _) = serve(cache, |_| Response::new(Body::from("a"))).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/").await;
            assert_eq!((answer.brief(), answer.header("content-type")), ((from, "a"), None), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn repeated_headers_keep_their_order() {
    for cache in &caches().await {
        let (server, _) = serve(cache, |_| {
            let mut headers = HeaderMap::new();
            for link in ["</1>; rel=prev", "</3>; rel=next", "</1>; rel=prev"] {
                headers.append(header::LINK, HeaderValue::from_static(link));
            }
            headers.append("x-total-count", HeaderValue::from_static("3"));
            (headers, Html("a")).into_response()
        })
        .await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/").await;
            assert_eq!(answer.x_cache(), from);
            assert_eq!(
                answer.all("link"),
                ["</1>; rel=prev", "</3>; rel=next", "</1>; rel=prev"],
                "{cache:?}"
            );
            assert_eq!(answer.header("x-total-count"), Some("3"), "{cache:?}");
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Typed {
    at: chrono::DateTime<chrono::Utc>,
    day: chrono::NaiveDate,
    price: String,
    big: u64,
    share: f64,
}

#[tokio::test]
async fn json_is_the_same_on_miss_and_hit() {
    let at = "2024-02-29T12:00:00.123456Z".parse().expect("a time");
    let typed =
        move || Typed { at, day: at.date_naive(), price: "1.10".to_owned(), big: u64::MAX, share: 0.1 };
    for cache in &caches().await {
        let (server, _) = serve(cache, move |_| Json(typed()).into_response()).await;
        let (miss, hit) = (server.get("/").await, server.get("/").await);
        assert_eq!((miss.x_cache(), hit.x_cache(), &hit.body), ("MISS", "HIT", &miss.body), "{cache:?}");
        assert_eq!(serde_json::from_slice::<Typed>(&hit.body).expect("json"), typed(), "{cache:?}");
        for value in ["null", "7", "true", "{}", "[]", "\"\"", "-0.0"] {
            let json: serde_json::Value = serde_json::from_str(value).expect("json");
            let (server, _) = serve(cache, move |_| Json(json.clone()).into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.status, answer.brief()), (200, (from, value)), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn statuses_that_are_stored() {
    for cache in &caches().await {
        for status in [400_u16, 404, 500, 503, 302, 201, 204] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (server, app) = serve(cache, move |_| status.into_response()).await;
            for calls in 1..=2 {
                let answer = server.get("/strict").await;
                assert_eq!((answer.status, answer.x_cache()), (status.as_u16(), "BYPASS"), "{cache:?}");
                assert_eq!(app.calls.count(), calls, "{cache:?}");
            }
            assert!(is_empty(cache).await, "{cache:?} {status}");
        }
        for status in [404_u16, 410, 204] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (server, app) = serve(cache, move |_| status.into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.status, answer.brief()), (status.as_u16(), (from, "")), "{cache:?}");
                let length = if status == StatusCode::NO_CONTENT { None } else { Some("0") };
                assert_eq!(answer.header("content-length"), length, "{cache:?} {status} {from}");
            }
            assert_eq!(app.calls.count(), 1, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn bodies_in_pieces_are_stored_whole() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let parts =
                ["a", "", "b", "c"].map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes())));
            Response::new(Body::from_stream(stream::iter(parts)))
        })
        .await;
        let (miss, hit) = (server.get("/").await, server.get("/").await);
        assert_eq!((miss.brief(), hit.brief()), (("MISS", "abc"), ("HIT", "abc")), "{cache:?}");
        assert_eq!((miss.tag(), hit.header("content-length")), (hit.tag(), Some("3")), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
        // The client receives the first part before there is a second.
        let gate = Arc::new(Gate::default());
        let door = Arc::clone(&gate);
        let (server, app) = serve(cache, move |_| {
            let door = Arc::clone(&door);
            let second = stream::once(async move {
                door.pass().await;
                Ok(Bytes::from_static(b"second"))
            });
            let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
            Response::new(Body::from_stream(first.chain(second)))
        })
        .await;
        let mut stream = server.open("GET", "/", &[], "").await;
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"first\r\n") {
            bytes.push(in_time(stream.read_u8()).await.expect("a part"));
        }
        gate.open();
        in_time(stream.read_to_end(&mut bytes)).await.expect("the rest");
        let miss = support::http::Answer::parse("GET", &bytes);
        assert_eq!(miss.brief(), ("MISS", "firstsecond"), "{cache:?}");
        // An entry function can take the response back.
        assert_eq!(
            (miss.header("etag"), miss.header("cache-control")),
            (None, Some("no-cache")),
            "{cache:?}"
        );
        let hit = server.get("/").await;
        assert_eq!((hit.brief(), app.calls.count()), (("HIT", "firstsecond"), 1), "{cache:?}");
    }
}

#[cache(response, expire = "1m", unless = |page| page.body().len() > 10, cache = app.cache)]
async fn short(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1h", expire_with = |page| page.body().len(), cache = app.cache)]
async fn by_length(app: State<App>) -> Response {
    app.make()
}

/// `unless` and `expire_with` are evaluated on the complete body, however it arrives.
#[tokio::test]
async fn options_see_the_whole_response() {
    for cache in &caches().await {
        for is_streamed in [false, true] {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| {
                if !is_streamed {
                    return Response::new(Body::from("firstsecond"));
                }
                let second = stream::once(async {
                    tokio::task::yield_now().await;
                    Ok(Bytes::from_static(b"second"))
                });
                let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
                Response::new(Body::from_stream(first.chain(second)))
            });
            let router = Router::new().route("/short", get(short)).route("/length", get(by_length));
            let server = Server::start(router.with_state(app.clone())).await;
            for _ in 0..2 {
                let answer = server.get("/short").await;
                assert_eq!(answer.brief(), ("BYPASS", "firstsecond"), "{cache:?} {is_streamed}");
                assert_eq!((answer.header("cache-control"), answer.header("expires")), (None, None));
            }
            for from in ["MISS", "HIT"] {
                let answer = server.get("/length").await;
                assert_eq!(answer.brief(), (from, "firstsecond"), "{cache:?} {is_streamed}");
                assert!(answer.max_age().is_some_and(|left| left <= 11), "{answer:?}");
            }
            assert_eq!(app.calls.count(), 3, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn local_copies_are_equal_and_removed_with_the_entry() {
    for cache in &caches_with(|builder| builder.local(larder::LocalTier::new())).await {
        let (server, app) =
            serve(cache, |before| ([("x-own", "1")], before.to_string()).into_response()).await;
        let miss = server.get("/").await;
        for _ in 0..3 {
            let hit = server.get("/").await;
            assert_eq!(
                (hit.brief(), hit.header("x-own"), hit.tag()),
                (("HIT", "0"), Some("1"), miss.tag()),
                "{cache:?}"
            );
        }
        let same = server.get_with("/", &[("if-none-match", miss.tag())]).await;
        assert_eq!((same.status, same.x_cache()), (304, "HIT"), "{cache:?}");
        assert_eq!(server.send("HEAD", "/", &[], "").await.header("content-length"), Some("1"), "{cache:?}");
        page_entry(State(app.clone())).invalidate().await.expect("carried out");
        assert_eq!(server.get("/").await.brief(), ("MISS", "1"), "{cache:?}");
        assert_eq!(
            server.get_with("/", &[("cache-control", "no-cache")]).await.brief(),
            ("MISS", "2"),
            "{cache:?}"
        );
        assert_eq!(server.get("/").await.brief(), ("HIT", "2"), "{cache:?}");
    }
}
