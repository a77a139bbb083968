//! What is kept of a response: all of it, as it was, or nothing.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use hyper::body::Frame;
use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::http::{App, Server, is_empty};
use support::redis::shared;
use support::tiers::{Gate, caches, caches_with, in_time};
use tokio::io::AsyncReadExt;

#[cache(response, expire = "1m", statuses(200, 203, 204, 404, 410), entry = page_entry, cache = app.cache)]
async fn page(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn strict(app: State<App>) -> Response {
    app.make()
}

/// A server with an empty cache that answers with what `make` gives.
async fn serve(cache: &Cache, make: impl Fn(usize) -> Response + Send + Sync + 'static) -> (Server, App) {
    cache.clear().await.expect("cleared");
    let app = App::new(cache, make);
    let router = Router::new().route("/", get(page)).route("/strict", get(strict)).with_state(app.clone());
    (Server::start(router).await, app)
}

#[tokio::test]
async fn seed_s1_status_and_headers_are_replayed() {
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

/// All bytes, with those that are no text.
fn image() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend((0..=255).cycle().take(5000));
    bytes
}

#[tokio::test]
async fn seed_s2_s3_bytes_and_types_are_the_same() {
    for cache in &caches().await {
        for kind in ["image/png", "text/html; charset=utf-8", "text/csv", "application/octet-stream", "odd"] {
            let (server, _) =
                serve(cache, move |_| ([("content-type", kind)], image()).into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert!(answer.from() == from && answer.body == image(), "{cache:?} {kind}");
                assert_eq!(answer.header("content-type"), Some(kind), "{cache:?}");
            }
        }
        // And what has none is not given one.
        let (server, _) = serve(cache, |_| Response::new(Body::from("a"))).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/").await;
            assert_eq!((answer.told(), answer.header("content-type")), ((from, "a"), None), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn seed_s4_repeats_keep_their_order() {
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
            assert_eq!(answer.from(), from);
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
async fn seed_s5_s6_json_is_the_same_on_miss_and_hit() {
    let at = "2024-02-29T12:00:00.123456Z".parse().expect("a time");
    let typed =
        move || Typed { at, day: at.date_naive(), price: "1.10".to_owned(), big: u64::MAX, share: 0.1 };
    for cache in &caches().await {
        let (server, _) = serve(cache, move |_| Json(typed()).into_response()).await;
        let (miss, hit) = (server.get("/").await, server.get("/").await);
        assert_eq!((miss.from(), hit.from(), &hit.body), ("MISS", "HIT", &miss.body), "{cache:?}");
        assert_eq!(serde_json::from_slice::<Typed>(&hit.body).expect("json"), typed(), "{cache:?}");
        for value in ["null", "7", "true", "{}", "[]", "\"\"", "-0.0"] {
            let json: serde_json::Value = serde_json::from_str(value).expect("json");
            let (server, _) = serve(cache, move |_| Json(json.clone()).into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.status, answer.told()), (200, (from, value)), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn seed_s7_a_body_that_fails_is_not_kept() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let parts = [Ok(Bytes::from_static(b"half")), Err("broken")];
            Response::new(Body::from_stream(stream::iter(parts)))
        })
        .await;
        for calls in 1..=2 {
            let mut stream = server.open("GET", "/", &[], "").await;
            let mut bytes = Vec::new();
            // The connection may be closed in an ugly way, and has to be before the end of the body.
            drop(in_time(stream.read_to_end(&mut bytes)).await);
            assert!(!bytes.ends_with(b"0\r\n\r\n"), "half a body is not a whole one");
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
        // What cannot be JSON is a 500 of axum's, and that is not kept either.
        let (server, app) =
            serve(cache, |_| Json(std::collections::BTreeMap::from([((1, 2), 3)])).into_response()).await;
        for calls in 1..=2 {
            let answer = server.get("/").await;
            assert_eq!(
                (answer.status, answer.from(), app.calls.count()),
                (500, "BYPASS", calls),
                "{cache:?}"
            );
        }
    }
}

#[tokio::test]
async fn seed_s7_a_body_that_is_shorter_than_it_says_is_not_kept() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let parts = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"half"))]);
            ([(header::CONTENT_LENGTH, "8")], Body::from_stream(parts)).into_response()
        })
        .await;
        for calls in 1..=2 {
            let mut stream = server.open("GET", "/", &[], "").await;
            let mut bytes = Vec::new();
            drop(in_time(stream.read_to_end(&mut bytes)).await);
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn seed_s8_statuses() {
    for cache in &caches().await {
        for status in [400_u16, 404, 500, 503, 302, 201, 204] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (server, app) = serve(cache, move |_| status.into_response()).await;
            for calls in 1..=2 {
                let answer = server.get("/strict").await;
                assert_eq!((answer.status, answer.from()), (status.as_u16(), "BYPASS"), "{cache:?}");
                assert_eq!(app.calls.count(), calls, "{cache:?}");
            }
            assert!(is_empty(cache).await, "{cache:?} {status}");
        }
        for status in [404_u16, 410, 204] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (server, app) = serve(cache, move |_| status.into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.status, answer.told()), (status.as_u16(), (from, "")), "{cache:?}");
                let length = if status == StatusCode::NO_CONTENT { None } else { Some("0") };
                assert_eq!(answer.header("content-length"), length, "{cache:?} {status} {from}");
            }
            assert_eq!(app.calls.count(), 1, "{cache:?}");
        }
    }
}

const LIMIT: usize = 10 << 20;

#[tokio::test]
async fn seed_s9_a_body_that_is_too_large_is_served_whole() {
    // Beside the body there is little else in an entry, but something.
    for cache in &caches_with(|builder| builder.max_value(LIMIT + 4096)).await {
        for len in [LIMIT, LIMIT + 1, 2 * LIMIT] {
            let body = Bytes::from(vec![b'a'; len]);
            let fits = len <= LIMIT;
            for is_streamed in [false, true] {
                let body = body.clone();
                let (server, app) = serve(cache, move |_| {
                    if !is_streamed {
                        return Response::new(Body::from(body.clone()));
                    }
                    let body = body.clone();
                    let parts = (0..len.div_ceil(1 << 20)).map(move |part| {
                        Ok::<_, Infallible>(body.slice(part << 20..((part + 1) << 20).min(len)))
                    });
                    Response::new(Body::from_stream(stream::iter(parts)))
                })
                .await;
                for from in ["MISS", "HIT"] {
                    let answer = server.get("/").await;
                    let from = if fits { from } else { "BYPASS" };
                    assert_eq!((answer.from(), answer.body.len()), (from, len), "{cache:?} {is_streamed}");
                    assert!(answer.body.iter().all(|byte| *byte == b'a'));
                }
                assert_eq!(app.calls.count(), if fits { 1 } else { 2 }, "{cache:?} {len} {is_streamed}");
            }
        }
    }
}

#[tokio::test]
async fn seed_s9_more_than_a_value_may_be_is_served_whole() {
    for cache in &caches_with(|builder| builder.max_value(1000)).await {
        let (server, app) = serve(cache, |_| vec![b'a'; 2000].into_response()).await;
        for calls in 1..=2 {
            let answer = server.get("/").await;
            assert_eq!(
                (answer.status, answer.body.len(), app.calls.count()),
                (200, 2000, calls),
                "{cache:?}"
            );
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn seed_s10_a_head_that_is_too_large_is_refused() {
    for cache in &caches().await {
        for (len, is_kept) in [(8000, true), (8200, false)] {
            let (server, _) =
                serve(cache, move |_| ([("x-long", "a".repeat(len))], "body").into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!(answer.told(), (if is_kept { from } else { "BYPASS" }, "body"), "{cache:?} {len}");
                assert_eq!(answer.header("x-long").map(str::len), Some(len), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn seed_s11_what_is_damaged_or_foreign_is_a_miss_and_is_replaced() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |before| before.to_string().into_response()).await;
        server.get("/").await;
        let entry = page_entry(State(app.clone()));
        entry.put(&7_u64).await.expect("put");
        assert_eq!(server.get("/").await.told(), ("MISS", "1"), "{cache:?}");
        assert_eq!(server.get("/").await.told(), ("HIT", "1"), "{cache:?}");
        let key = entry.key();
        if shared().command(&["EXISTS", key]) == "0" {
            continue;
        }
        let len: usize = shared().command(&["STRLEN", key]).parse().expect("a length");
        for (calls, change) in (2..).zip(["", "garbage", "{\"body\":1}"]) {
            shared().command(&["SET", key, change]);
            assert_eq!(server.get("/").await.told(), ("MISS", format!("{calls}").as_str()), "{change}");
            assert_eq!(server.get("/").await.from(), "HIT", "{change}");
        }
        // Each byte once another one, but for those of a lease, which change under a value that stays.
        for at in (0..80).chain(104..len) {
            let at = at.to_string();
            let old = shared().command(&["GETRANGE", key, &at, &at]);
            let new = if old == "Z" { "z" } else { "Z" };
            shared().command(&["SETRANGE", key, &at, new]);
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.from()), (200, "MISS"), "byte {at}: {answer:?}");
            assert_eq!(server.get("/").await.told(), ("HIT", answer.text()), "byte {at}");
        }
        shared().command(&["DEL", key]);
        shared().command(&["LPUSH", key, "a"]);
        assert_eq!(server.get("/").await.status, 200);
        let answer = server.get("/").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn bodies_in_pieces_are_kept_whole() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let parts =
                ["a", "", "b", "c"].map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes())));
            Response::new(Body::from_stream(stream::iter(parts)))
        })
        .await;
        let (miss, hit) = (server.get("/").await, server.get("/").await);
        assert_eq!((miss.told(), hit.told()), (("MISS", "abc"), ("HIT", "abc")), "{cache:?}");
        assert_eq!((miss.tag(), hit.header("content-length")), (hit.tag(), Some("3")), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
        // And what comes in time: the client has the first part before there is a second one.
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
        assert_eq!(miss.told(), ("MISS", "firstsecond"), "{cache:?}");
        assert_eq!((miss.header("etag"), miss.max_age()), (None, Some(60)), "{cache:?}");
        let hit = server.get("/").await;
        assert_eq!((hit.told(), app.calls.count()), (("HIT", "firstsecond"), 1), "{cache:?}");
    }
}

#[tokio::test]
async fn events_go_out_as_they_come() {
    for cache in &caches().await {
        let gate = Arc::new(Gate::default());
        let door = Arc::clone(&gate);
        let (server, app) = serve(cache, move |_| {
            let door = Arc::clone(&door);
            let last = stream::once(async move {
                door.pass().await;
                Ok::<_, Infallible>(Event::default().data("last"))
            });
            Sse::new(stream::iter([Ok(Event::default().data("first"))]).chain(last)).into_response()
        })
        .await;
        let mut streams = [server.open("GET", "/", &[], "").await, server.open("GET", "/", &[], "").await];
        for stream in &mut streams {
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"data: first\n\n") {
                bytes.push(in_time(stream.read_u8()).await.expect("an event"));
            }
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.contains("x-cache: BYPASS") && text.contains("text/event-stream"), "{text}");
        }
        gate.open();
        for stream in &mut streams {
            let mut bytes = Vec::new();
            in_time(stream.read_to_end(&mut bytes)).await.expect("the rest");
            assert!(bytes.windows(4).any(|part| part == b"last"), "{cache:?}");
        }
        assert!(app.calls.count() == 2 && is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn trailers_arrive_and_are_not_kept() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("7"));
            let frames = [
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"body"))),
                Ok(Frame::trailers(trailers)),
            ];
            let body = Body::new(http_body_util::StreamBody::new(stream::iter(frames)));
            ([(header::TRAILER, "x-sum")], body).into_response()
        })
        .await;
        for calls in 1..=2 {
            let mut stream = server.open("GET", "/", &[("te", "trailers")], "").await;
            let mut bytes = Vec::new();
            in_time(stream.read_to_end(&mut bytes)).await.expect("an answer");
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.contains("body") && text.contains("x-sum: 7\r\n"), "{cache:?} {text}");
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
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

/// What `unless` and `expire_with` say is known when all of it is there, however it comes.
#[tokio::test]
async fn rules_look_at_the_whole_response() {
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
                assert_eq!(answer.told(), ("BYPASS", "firstsecond"), "{cache:?} {is_streamed}");
                assert_eq!((answer.header("cache-control"), answer.header("expires")), (None, None));
            }
            for from in ["MISS", "HIT"] {
                let answer = server.get("/length").await;
                assert_eq!(answer.told(), (from, "firstsecond"), "{cache:?} {is_streamed}");
                assert!(answer.max_age().is_some_and(|left| left <= 11), "{answer:?}");
            }
            assert_eq!(app.calls.count(), 3, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn copies_in_the_process_are_the_same_and_go_with_the_entry() {
    for cache in &caches_with(|builder| builder.local(larder::LocalTier::new())).await {
        let (server, app) =
            serve(cache, |before| ([("x-own", "1")], before.to_string()).into_response()).await;
        let miss = server.get("/").await;
        for _ in 0..3 {
            let hit = server.get("/").await;
            assert_eq!(
                (hit.told(), hit.header("x-own"), hit.tag()),
                (("HIT", "0"), Some("1"), miss.tag()),
                "{cache:?}"
            );
        }
        let same = server.ask("/", &[("if-none-match", miss.tag())]).await;
        assert_eq!((same.status, same.from()), (304, "HIT"), "{cache:?}");
        assert_eq!(server.send("HEAD", "/", &[], "").await.header("content-length"), Some("1"), "{cache:?}");
        page_entry(State(app.clone())).invalidate().await.expect("carried out");
        assert_eq!(server.get("/").await.told(), ("MISS", "1"), "{cache:?}");
        assert_eq!(
            server.ask("/", &[("cache-control", "no-cache")]).await.told(),
            ("MISS", "2"),
            "{cache:?}"
        );
        assert_eq!(server.get("/").await.told(), ("HIT", "2"), "{cache:?}");
    }
}
