//! Responses that are not stored, and entries that are not used.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use hyper::body::Frame;
use support::deployment::shared;
use support::http::is_empty;
use support::stores::{Gate, caches, caches_with, in_time};
use tokio::io::AsyncReadExt;

use super::page::page_entry;
use super::page::serve;

#[tokio::test]
async fn a_body_that_fails_is_not_stored() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |_| {
            let parts = [Ok(Bytes::from_static(b"half")), Err("broken")];
            Response::new(Body::from_stream(stream::iter(parts)))
        })
        .await;
        for calls in 1..=2 {
            let mut stream = server.open("GET", "/", &[], "").await;
            let mut bytes = Vec::new();
            // The connection ends before the body does, cleanly or not.
            drop(in_time(stream.read_to_end(&mut bytes)).await);
            assert!(!bytes.ends_with(b"0\r\n\r\n"), "half a body is not a whole one");
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
        // axum answers a JSON error with a 500, which is not stored.
        let (server, app) =
            serve(cache, |_| Json(std::collections::BTreeMap::from([((1, 2), 3)])).into_response()).await;
        for calls in 1..=2 {
            let answer = server.get("/").await;
            assert_eq!(
                (answer.status, answer.x_cache(), app.calls.count()),
                (500, "BYPASS", calls),
                "{cache:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_not_stored() {
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

const LIMIT: usize = 10 << 20;

#[tokio::test]
async fn a_body_over_the_limit_is_served_whole() {
    // An entry is slightly larger than its body.
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
                    assert_eq!((answer.x_cache(), answer.body.len()), (from, len), "{cache:?} {is_streamed}");
                    assert!(answer.body.iter().all(|byte| *byte == b'a'));
                }
                assert_eq!(app.calls.count(), if fits { 1 } else { 2 }, "{cache:?} {len} {is_streamed}");
            }
        }
    }
}

#[tokio::test]
async fn a_response_over_max_value_is_served_whole() {
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
async fn a_head_that_is_too_large_is_not_stored() {
    for cache in &caches().await {
        for (len, is_kept) in [(8000, true), (8200, false)] {
            let (server, _) =
                serve(cache, move |_| ([("x-long", "a".repeat(len))], "body").into_response()).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!(
                    answer.brief(),
                    (if is_kept { from } else { "BYPASS" }, "body"),
                    "{cache:?} {len}"
                );
                assert_eq!(answer.header("x-long").map(str::len), Some(len), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_damaged_or_foreign_entry_is_a_miss_and_is_replaced() {
    for cache in &caches().await {
        let (server, app) = serve(cache, |before| before.to_string().into_response()).await;
        server.get("/").await;
        let entry = page_entry(State(app.clone()));
        entry.put(&7_u64).await.expect("put");
        assert_eq!(server.get("/").await.brief(), ("MISS", "1"), "{cache:?}");
        assert_eq!(server.get("/").await.brief(), ("HIT", "1"), "{cache:?}");
        let key = entry.key();
        if shared().command(&["EXISTS", key]) == "0" {
            continue;
        }
        let len: usize = shared().command(&["STRLEN", key]).parse().expect("a length");
        for (calls, change) in (2..).zip(["", "garbage", "{\"body\":1}"]) {
            shared().command(&["SET", key, change]);
            assert_eq!(server.get("/").await.brief(), ("MISS", format!("{calls}").as_str()), "{change}");
            assert_eq!(server.get("/").await.x_cache(), "HIT", "{change}");
        }
        // Each byte is changed once, but for those of a lease, which change under a valid value.
        for at in (0..112).chain(152..len) {
            let at = at.to_string();
            let old = shared().command(&["GETRANGE", key, &at, &at]);
            let new = if old == "Z" { "z" } else { "Z" };
            shared().command(&["SETRANGE", key, &at, new]);
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.x_cache()), (200, "MISS"), "byte {at}: {answer:?}");
            assert_eq!(server.get("/").await.brief(), ("HIT", answer.text()), "byte {at}");
        }
        shared().command(&["DEL", key]);
        shared().command(&["LPUSH", key, "a"]);
        assert_eq!(server.get("/").await.status, 200);
        let answer = server.get("/").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn events_are_sent_as_they_occur() {
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
async fn trailers_arrive_and_are_not_stored() {
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
