//! Compression outside the cache and inside it. Each client gets what it accepts, no body is put together from two, and the
//! service is called once for each body that is stored.

use std::io::Read;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use flate2::read::{GzDecoder, ZlibDecoder};
use larder::cache;
use larder::http::ResponseCacheLayer;
use support::http::{Answer, App, Server};
use support::stores::caches;
use support::wire::response;
use tower_http::compression::CompressionLayer;

#[cache(response, expire = "1m", cache = app.cache)]
async fn cached(app: State<App>) -> Response {
    app.make()
}

async fn plain(app: State<App>) -> Response {
    app.make()
}

/// A text that is shorter when it is compressed.
fn text(n: usize) -> String {
    format!("{n}{}", " and the same again".repeat(100))
}

/// The pages of an application whose headers the service sends.
fn app(cache: &larder::Cache, headers: &'static [(&str, &str)]) -> App {
    App::new(cache, move |n| response(200, &[&[("content-type", "text/plain")], headers].concat(), text(n)))
}

/// The servers with compression outside the cache: of a handler, and behind a layer.
async fn outside(headers: &'static [(&str, &str)]) -> Vec<(Server, App)> {
    let mut servers = Vec::new();
    for cache in caches().await {
        let state = app(&cache, headers);
        let router = Router::new().route("/", get(cached)).layer(CompressionLayer::new());
        servers.push((Server::start(router.with_state(state.clone())).await, state));
        let state = app(&cache, headers);
        let router = Router::new()
            .route("/", get(plain))
            .layer(ResponseCacheLayer::new().expire("1m").cache(&cache))
            .layer(CompressionLayer::new());
        servers.push((Server::start(router.with_state(state.clone())).await, state));
    }
    servers
}

/// The servers with compression inside the cache.
async fn inside(headers: &'static [(&str, &str)]) -> Vec<(Server, App)> {
    let mut servers = Vec::new();
    for cache in caches().await {
        let state = app(&cache, headers);
        let router = Router::new()
            .route("/", get(plain))
            .layer(CompressionLayer::new())
            .layer(ResponseCacheLayer::new().expire("1m").cache(&cache));
        servers.push((Server::start(router.with_state(state.clone())).await, state));
    }
    servers
}

/// The text of a body, whatever its coding.
fn decoded(answer: &Answer) -> String {
    let (mut text, body) = (String::new(), &answer.body[..]);
    match answer.header("content-encoding") {
        Some("gzip") => GzDecoder::new(body).read_to_string(&mut text),
        Some("deflate") => ZlibDecoder::new(body).read_to_string(&mut text),
        None => {
            return answer.text().to_owned();
        }
        Some(other) => panic!("{other}"),
    }
    .expect("a whole body");
    text
}

/// The lines of clients, and the coding that each of them gets.
const CLIENTS: [(Option<&str>, Option<&str>); 12] = [
    (Some("gzip, deflate, br, zstd"), Some("gzip")),
    (Some("gzip, deflate, br"), Some("gzip")),
    (Some("deflate, gzip, br, zstd"), Some("gzip")),
    (Some("gzip"), Some("gzip")),
    (Some("gzip;q=1.0"), Some("gzip")),
    (Some("gzip, deflate"), Some("gzip")),
    (Some("deflate"), Some("deflate")),
    (Some("deflate, gzip;q=0.5"), Some("deflate")),
    (None, None),
    (Some("identity"), None),
    (Some("gzip;q=0"), None),
    (Some("br"), None),
];

async fn ask(server: &Server, accepts: Option<&str>, more: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> =
        accepts.map(|accepts| ("accept-encoding", accepts)).into_iter().chain(more.iter().copied()).collect();
    server.get_with("/", &headers).await
}

#[tokio::test]
async fn outside_the_cache_one_response_is_stored_and_each_client_gets_its_coding() {
    for (server, app) in outside(&[]).await {
        for round in 0..2 {
            for (accepts, coding) in CLIENTS {
                let got = ask(&server, accepts, &[]).await;
                assert_eq!((got.status, got.header("content-encoding")), (200, coding), "{accepts:?}");
                assert_eq!(decoded(&got), text(0), "{accepts:?}");
                assert_eq!(got.x_cache() == "HIT", round > 0 || accepts != CLIENTS[0].0, "{accepts:?}");
            }
        }
        assert_eq!(app.calls.count(), 1);
    }
}

#[tokio::test]
async fn inside_the_cache_clients_that_accept_the_same_share_a_response() {
    for (server, app) in inside(&[]).await {
        for round in 0..2 {
            for (accepts, coding) in CLIENTS {
                let got = ask(&server, accepts, &[]).await;
                assert_eq!((got.status, got.header("content-encoding")), (200, coding), "{accepts:?}");
                assert!(decoded(&got).ends_with(&text(0)[1..]), "{accepts:?}");
                assert!(round == 0 || got.x_cache() == "HIT", "{accepts:?}");
            }
            // One for all that get `gzip`; `deflate`; `deflate` before `gzip`; nothing said; no coding; `br`.
            assert_eq!(app.calls.count(), 6);
        }
    }
}

#[tokio::test]
async fn inside_the_cache_no_client_gets_a_coding_that_it_refuses() {
    let lines = [
        "gzip",
        "deflate",
        "gzip, deflate",
        "gzip;q=0, deflate",
        "deflate;q=0, gzip",
        "*",
        "*, gzip;q=0",
        "*;q=0",
        "identity;q=0, gzip",
        "identity",
        "",
        "gzip;q=0.1, deflate;q=0.2",
        "gzip;q=0.2, deflate;q=0.1",
    ];
    for first in lines {
        for (server, _) in inside(&[]).await {
            for accepts in [first].into_iter().chain(lines) {
                let got = ask(&server, Some(accepts), &[]).await;
                let has = |coding: &str| got.header("content-encoding") == Some(coding);
                let refuses = |coding: &str| {
                    let named = |suffix: &str| accepts.contains(&format!("{coding}{suffix}"));
                    named(";q=0,")
                        || (named(";q=0") && accepts.ends_with(";q=0"))
                        || (!named("") && (!accepts.contains('*') || accepts == "*;q=0"))
                };
                for coding in ["gzip", "deflate"] {
                    assert!(!(has(coding) && refuses(coding)), "{first} then {accepts}: {got:?}");
                }
            }
        }
    }
}

/// RFC 9110, 8.8.1 and 14.2.
#[tokio::test]
async fn no_download_is_resumed_with_the_bytes_of_another_coding() {
    for (server, _) in [outside(&[]).await, inside(&[]).await].concat() {
        for (accepts, coding) in CLIENTS {
            let whole = ask(&server, accepts, &[]).await;
            let tag = whole.tag().to_owned();
            assert!(tag.starts_with("W/\""), "{tag}");
            assert_eq!(whole.header("accept-ranges"), None);
            for resumes in [None, Some("gzip"), Some("identity"), accepts] {
                let range = [("range", "bytes=10-"), ("if-range", tag.as_str())];
                for range in [&range[..], &range[..1]] {
                    let rest = ask(&server, resumes, range).await;
                    // All of it: nothing of it belongs behind the first half.
                    assert_eq!(
                        (rest.status, rest.header("content-range")),
                        (200, None),
                        "{accepts:?} {resumes:?}"
                    );
                    assert!(decoded(&rest).ends_with(&text(0)[1..]), "{coding:?} {resumes:?}");
                }
            }
        }
    }
}

/// RFC 9110, 13.1.2.
#[tokio::test]
async fn a_client_that_has_the_response_gets_a_304_whatever_its_coding() {
    for (server, app) in [outside(&[]).await, inside(&[]).await].concat() {
        for (accepts, _) in CLIENTS {
            let tag = ask(&server, accepts, &[]).await.tag().to_owned();
            let calls = app.calls.count();
            let known = ask(&server, accepts, &[("if-none-match", tag.as_str())]).await;
            assert_eq!((known.status, known.body.len(), app.calls.count()), (304, 0, calls), "{accepts:?}");
            assert_eq!(known.tag(), tag);
        }
    }
}

#[tokio::test]
async fn a_response_that_is_compressed_already_stays_as_it_is() {
    const ZIPPED: &[(&str, &str)] = &[("content-encoding", "br"), ("vary", "accept-encoding")];
    for (server, _) in [outside(ZIPPED).await, inside(ZIPPED).await].concat() {
        for accepts in ["br", "gzip, br", "br"] {
            let got = ask(&server, Some(accepts), &[]).await;
            assert_eq!(got.header("content-encoding"), Some("br"));
            assert!(got.text().ends_with(&text(0)[1..]));
        }
        // The service does not mind the request, so its response is cached for nobody who did not accept it.
        for _ in 0..2 {
            let got = ask(&server, Some("gzip"), &[]).await;
            assert_eq!((got.x_cache(), got.header("content-encoding")), ("BYPASS", Some("br")));
        }
    }
}
