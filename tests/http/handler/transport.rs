//! Connections, cookies that are set, and compression outside the handler.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use support::http::{App, Server, in_redis, is_empty};
use support::stores::{LONG, caches};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::app::{router, time, upgrade, with};

#[tokio::test]
async fn an_upgrade_passes() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let server = Server::start(Router::new().route("/", get(upgrade)).with_state(app.clone())).await;
        for calls in 1..=2 {
            let headers = [("connection", "upgrade"), ("upgrade", "echo")];
            let mut stream = server.open("GET", "/", &headers, "").await;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(
                    tokio::time::timeout(LONG, stream.read_u8()).await.expect("in time").expect("a head"),
                );
            }
            let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: echo"), "{head}");
            stream.write_all(b"abcd").await.expect("written");
            let mut said = [0; 4];
            tokio::time::timeout(LONG, stream.read_exact(&mut said))
                .await
                .expect("in time")
                .expect("four bytes");
            assert_eq!((&said, app.calls.count()), (b"dcba", calls), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_set_cookie_reaches_one_client_and_no_store() {
    for cache in &caches().await {
        let app = App::new(cache, |before| {
            let cookie = if before == 0 { "session=first-secret" } else { "session=second-secret" };
            with(&[("set-cookie", cookie), ("set-cookie", "b=2")], "a")
        });
        let server = Server::start(router(&app)).await;
        for cookie in ["session=first-secret", "session=second-secret"] {
            let answer = server.get("/plain").await;
            assert_eq!(
                (answer.x_cache(), answer.all("set-cookie")),
                ("BYPASS", vec![cookie, "b=2"]),
                "{cache:?}"
            );
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
    assert!(!in_redis().contains("-secret"));
}

#[tokio::test]
async fn hop_by_hop_fields_are_not_stored() {
    for cache in &caches().await {
        let app = App::new(cache, |_| {
            let headers = [
                ("date", "Thu, 01 Jan 1970 00:00:07 GMT"),
                ("connection", "x-hop-only"),
                ("x-hop-only", "hop-secret"),
                ("keep-alive", "timeout=77"),
                ("proxy-authenticate", "hop-proxy"),
                ("x-own", "stored-value"),
            ];
            with(&headers, "four")
        });
        let server = Server::start(router(&app)).await;
        assert_eq!(server.get("/plain").await.x_cache(), "MISS", "{cache:?}");
        let hit = server.get("/plain").await;
        assert_eq!((hit.brief(), hit.header("x-own")), (("HIT", "four"), Some("stored-value")), "{cache:?}");
        for name in ["x-hop-only", "keep-alive", "proxy-authenticate"] {
            assert_eq!(hit.header(name), None, "{cache:?}");
        }
        let date = time(&hit, "date");
        assert!(date > 1_000_000, "{hit:?}");
        assert_eq!(hit.header("content-length"), Some("4"), "{cache:?}");
    }
    let bytes = in_redis();
    assert!(bytes.contains("stored-value"), "it is there");
    for text in ["hop-secret", "timeout=77", "hop-proxy", "00:00:07", "content-length", "Content-Length"] {
        assert!(!bytes.contains(text), "{text}");
    }
}

/// A stand-in for compression: other bytes of the same content, on request.
async fn compress(request: Request, next: Next) -> Response {
    let is_wanted = request.headers().contains_key(header::ACCEPT_ENCODING);
    let response = next.run(request).await;
    if !is_wanted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, "reversed".parse().expect("a value"));
    parts.headers.append(header::VARY, "accept-encoding".parse().expect("a value"));
    Response::from_parts(parts, Body::from(bytes.iter().rev().copied().collect::<Bytes>()))
}

#[tokio::test]
async fn compression_outside_the_handler_works() {
    for cache in &caches().await {
        let app = App::new(cache, |_| with(&[], "abc"));
        let server = Server::start(router(&app).layer(from_fn(compress))).await;
        for from in ["MISS", "HIT", "HIT"] {
            let small = server.get_with("/plain", &[("accept-encoding", "reversed")]).await;
            assert_eq!(small.brief(), (from, "cba"), "{cache:?}");
            assert_eq!(small.header("content-encoding"), Some("reversed"), "{cache:?}");
        }
        assert_eq!(server.get("/plain").await.brief(), ("HIT", "abc"), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
        // Compression inside the cache is stored unchanged.
        let app = App::new(cache, |_| with(&[("content-encoding", "gzip")], "\u{1f}zipped"));
        cache.clear().await.expect("cleared");
        let server = Server::start(router(&app)).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/plain").await;
            assert_eq!(answer.brief(), (from, "\u{1f}zipped"), "{cache:?}");
            assert_eq!(answer.header("content-encoding"), Some("gzip"), "{cache:?}");
        }
    }
}
