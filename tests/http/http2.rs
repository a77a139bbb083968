//! HTTP/2, where requests and responses differ from those of HTTP/1.1.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::routing::get;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use larder::cache;
use larder::http::ResponseCacheLayer;
use support::connection::{Http1, Http2, Protocol, http2_request};
use support::http::App;
use support::stores::caches;
use support::wire::{Origin, declared, fields, response, serve, serve_site, sites};

/// Runs the tests again that send requests over a connection.
#[test]
fn clients_of_http2_are_treated_as_those_of_http1() {
    const TOPICS: &[&str] = &[
        "bodies::",
        "compression::",
        "conditional::",
        "extract::",
        "handler::",
        "layer::",
        "rfc::",
        "stored::",
        "streams::",
        "users::",
        "vary::",
        "write::",
    ];
    const ONLY_HTTP1: &[&str] = &[
        "http2::",
        // Upgrades, and a final response with an informational status.
        "upgrade",
        "an_error_never_replaces_a_stored_response",
        // The client resets the stream.
        "a_body_that_is_longer_than_announced",
        // Hosts that `:authority` cannot say; one of these cases is of HTTP/2 itself.
        "layer::hosts::",
    ];
    Protocol::rerun_over_http2(TOPICS, ONLY_HTTP1);
}

#[tokio::test]
async fn a_request_whose_stream_ends_after_its_head_is_cached() {
    for site in declared(|| Origin::says(200, &[])).await {
        let mut connection = Http2::to(serve_site(site.service.clone()).await).await;
        for x_cache in ["MISS", "HIT"] {
            let late = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
            connection.send(http2_request("GET", "/", &[], late)).await;
            let got = connection.response().await.expect("a response");
            assert_eq!(got.brief(), (x_cache.to_owned(), "0".to_owned()));
        }
    }
}

#[cache(response, expire = "1m", key = "request", cache = app.cache)]
async fn by_request(State(app): State<App>, #[cache(ignore)] request: Request) -> String {
    let sent = to_bytes(request.into_body(), 1024).await.expect("a body");
    format!("{}{}", String::from_utf8_lossy(&sent), app.calls.add())
}

#[cache(response, expire = "1m", key = "body", cache = app.cache)]
async fn by_body(State(app): State<App>, #[cache(ignore)] body: Body) -> String {
    let sent = to_bytes(body, 1024).await.expect("a body");
    format!("{}{}", String::from_utf8_lossy(&sent), app.calls.add())
}

#[cache(response, expire = "1m", key = "text", cache = app.cache)]
async fn by_text(State(app): State<App>, #[cache(ignore)] text: String) -> String {
    format!("{text}{}", app.calls.add())
}

#[tokio::test]
async fn a_body_that_no_header_announces_reaches_its_handler_and_no_other_client() {
    for cache in caches().await {
        for handler in [get(by_request), get(by_body), get(by_text)] {
            let app = App::counting(&cache);
            let address = serve(Router::new().route("/", handler).with_state(app)).await;
            let mut connection = Http2::to(address).await;
            for (pieces, brief) in [
                (&["mall", "ory"][..], ("BYPASS", "mallory0")),
                (&[], ("MISS", "1")),
                (&["", "eve"], ("BYPASS", "eve2")),
                (&[], ("HIT", "1")),
            ] {
                let pieces = stream::iter(pieces.iter().copied().map(Ok::<_, Infallible>));
                let body = Body::from_stream(pieces);
                connection.send(http2_request("GET", "/", &[("host", "test")], body)).await;
                let got = connection.response().await.expect("a response");
                assert_eq!(got.brief(), (brief.0.to_owned(), brief.1.to_owned()), "{cache:?}");
            }
        }
    }
}

/// RFC 9113, 8.2.3.
#[tokio::test]
async fn cookies_in_lines_of_their_own_are_one_header() {
    let layer = ResponseCacheLayer::new().expire("1m").private();
    for site in sites(layer, || Origin::says(200, &[])).await {
        let address = serve_site(site.service.clone()).await;
        let host = ("host", "shop.example");
        for (cookies, brief) in [
            (&[host, ("cookie", "id=alice"), ("cookie", "theme=dark")][..], ("MISS", "0")),
            (&[host, ("cookie", "id=alice; theme=dark")], ("HIT", "0")),
            (&[host, ("cookie", "id=alice"), ("cookie", "theme=light")], ("MISS", "1")),
            (&[host, ("cookie", "id=alice, theme=dark")], ("MISS", "2")),
            (&[host, ("cookie", "theme=dark"), ("cookie", "id=alice")], ("MISS", "3")),
        ] {
            let got = Http2::to(address).await.exchange("GET", "/", cookies).await;
            assert_eq!(got.brief(), (brief.0.to_owned(), brief.1.to_owned()), "{cookies:?}");
        }
        let whole = [host, ("cookie", "id=alice; theme=dark")];
        let got = Http1::to(address).await.exchange("GET", "/", &whole).await;
        assert_eq!(got.brief(), ("HIT".to_owned(), "0".to_owned()));
    }
}

#[tokio::test]
async fn trailers_reach_the_client_and_no_store() {
    let origin = || {
        Origin::new(|_, _| {
            let frames = [Frame::data(Bytes::from("body")), Frame::trailers(fields(&[("x-sum", "7")]))];
            let frames = stream::iter(frames.map(Ok::<_, Infallible>));
            Ok(response(200, &[], Body::new(StreamBody::new(frames))))
        })
    };
    for site in declared(origin).await {
        let mut connection = Http2::to(serve_site(site.service.clone()).await).await;
        for calls in 1..=2 {
            let got = connection.exchange("GET", "/", &[]).await;
            assert_eq!((got.text().as_str(), site.origin.calls()), ("body", calls));
            assert_eq!(connection.trailers().expect("trailers")["x-sum"], "7");
        }
    }
}
