//! Handlers with `#[cache(response)]`, as their clients see them: headers, ages, methods and what requests ask of a cache.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use larder::test_util::TestClock;
use larder::{Cache, Expire, cache, cache_one_day, cache_one_hour, cache_one_minute, cache_one_month};
use larder::{cache_one_week, cache_one_year, cache_put};
use support::http::{Answer, App, Server, in_redis, is_empty};
use support::life::assert_life;
use support::tiers::{LONG, caches, caches_with};
use support::wire::{Wire, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[cache(response, expire = 30, cache = app.cache)]
async fn plain(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 30, cache = app.cache)]
async fn with_request(State(app): State<App>, headers: HeaderMap, request: Request) -> Response {
    drop((headers, request));
    app.make()
}

#[cache(response, expire = 30, private, cache = app.cache)]
async fn private(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = Expire::Never, cache = app.cache)]
async fn forever(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 5, cache = app.cache)]
async fn brief(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, cache = app.cache)]
async fn by_default(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = 60, key = "aged", entry = aged_entry, cache = app.cache)]
async fn aged(State(app): State<App>) -> Response {
    app.make()
}

#[cache_put(response, expire = 300, key = "aged", cache = app.cache)]
async fn put_aged(State(app): State<App>) -> Response {
    app.make()
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/plain", any(plain))
        .route("/request", any(with_request))
        .route("/private", get(private))
        .route("/forever", get(forever))
        .route("/brief", get(brief))
        .route("/default", get(by_default))
        .route("/aged", get(aged).put(put_aged))
        .with_state(app.clone())
}

/// A cache on each tier, with a clock for both.
async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Names and values.
type Headers = &'static [(&'static str, &'static str)];

/// A handler's response with these headers.
fn with(headers: &[(&'static str, &'static str)], body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().expect("a value"));
    }
    response
}

/// Seconds since 1970 of an HTTP date.
#[track_caller]
fn time(answer: &Answer, name: &str) -> i64 {
    let text = answer.header(name).unwrap_or_else(|| panic!("{name} is missing: {answer:?}"));
    chrono::DateTime::parse_from_rfc2822(text).expect("a date").timestamp()
}

#[tokio::test]
async fn seed_h1_h4_h11_a_miss_and_then_hits_with_what_a_client_can_use() {
    for cache in &caches().await {
        for path in ["/plain", "/request"] {
            let app = App::new(cache, |_| Json(("bytes", 1, 2.5)).into_response());
            let server = Server::start(router(&app)).await;
            let miss = server.get(path).await;
            assert_eq!((miss.status, miss.told()), (200, ("MISS", r#"["bytes",1,2.5]"#)), "{cache:?}");
            for _ in 0..3 {
                let hit = server.get(path).await;
                assert_eq!((hit.status, hit.from(), &hit.body), (200, "HIT", &miss.body), "{cache:?}");
                assert_eq!(hit.header("content-type"), Some("application/json"));
                assert_eq!(hit.header("content-length"), Some("15"));
                assert_eq!((hit.tag(), hit.header("expires")), (miss.tag(), miss.header("expires")));
                assert!(hit.max_age().is_some_and(|left| (20..=30).contains(&left)), "{hit:?}");
                assert_eq!((hit.header("age"), hit.all("date").len()), (None, 1), "{hit:?}");
            }
            assert_eq!((miss.header("cache-control"), miss.header("age")), (Some("max-age=30"), None));
            let ends = time(&miss, "expires") - time(&miss, "date");
            assert!((29..=31).contains(&ends), "{miss:?}");
            assert_eq!(app.calls.count(), 1, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn seed_h2_the_name_of_the_header_is_the_builders() {
    for cache in &caches_with(|builder| builder.response_header("X-Larder")).await {
        let server = Server::start(router(&App::counting(cache))).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/plain").await;
            assert_eq!(
                (answer.header("x-larder"), answer.header("x-cache")),
                (Some(from), None),
                "{cache:?}"
            );
        }
        let answer = server.send("POST", "/plain", &[], "").await;
        assert_eq!(answer.header("x-larder"), Some("BYPASS"), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_h3_what_is_refused_goes_out_as_it_came() {
    let refused: &[(u16, Headers)] = &[
        (201, &[]),
        (404, &[]),
        (500, &[]),
        (206, &[("content-range", "bytes 0-1/2")]),
        (200, &[("cache-control", "no-store")]),
        (200, &[("cache-control", "private, max-age=60")]),
        (200, &[("cache-control", "no-cache")]),
        (200, &[("cache-control", "max-age=0")]),
        (200, &[("set-cookie", "a=b")]),
        (200, &[("vary", "*")]),
    ];
    for cache in &caches().await {
        for &(status, headers) in refused {
            let app = App::new(cache, move |before| {
                let mut response = with(headers, if before == 0 { "a0" } else { "a1" });
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                response
            });
            let server = Server::start(router(&app)).await;
            for body in ["a0", "a1"] {
                let answer = server.get("/plain").await;
                assert_eq!(
                    (answer.status, answer.told()),
                    (status, ("BYPASS", body)),
                    "{cache:?} {headers:?}"
                );
                for name in ["cache-control", "etag", "expires", "vary", "set-cookie"] {
                    let own = headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
                    assert_eq!(answer.header(name), own, "{cache:?} {headers:?}");
                }
            }
            assert!(is_empty(cache).await, "{cache:?} {status} {headers:?}");
        }
    }
}

#[tokio::test]
async fn seed_h5_what_is_left_of_its_life_is_what_a_hit_says() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::counting(cache);
        let server = Server::start(router(&app)).await;
        let miss = server.get("/plain").await;
        assert_eq!(miss.max_age(), Some(30));
        clock.advance(seconds(1));
        let hit = server.get("/plain").await;
        // A slow machine is some time further.
        assert!(
            hit.from() == "HIT" && hit.max_age().is_some_and(|left| (20..=29).contains(&left)),
            "{hit:?}"
        );
        assert_eq!(hit.header("expires"), miss.header("expires"), "that is the same moment");
        clock.advance(seconds(29));
        let again = server.get("/plain").await;
        assert_eq!((again.told(), again.max_age()), (("MISS", "1"), Some(30)), "{cache:?}");
        assert!((29..=35).contains(&(time(&again, "expires") - time(&miss, "expires"))), "{again:?}");
    }
}

#[tokio::test]
async fn seed_h6_h7_tags_are_those_of_the_bytes() {
    let bodies = [
        r#"{"at":"2020-01-01T00:00:00.123456Z"}"#,
        "[0.1,1e300,-0.0]",
        "{}",
        "null",
        "7",
        "true",
        "[]",
        "",
        "\"ü\"",
    ];
    let mut tags = Vec::new();
    for cache in &caches().await {
        for body in bodies {
            let server = Server::start(router(&App::new(cache, move |_| with(&[], body)))).await;
            cache.clear().await.expect("cleared");
            let (miss, hit) = (server.get("/plain").await, server.get("/plain").await);
            assert_eq!((miss.told(), hit.told()), (("MISS", body), ("HIT", body)), "{cache:?}");
            assert_eq!(miss.tag(), hit.tag(), "{cache:?}");
            assert!(
                hit.tag().starts_with('"') && hit.tag().ends_with('"') && hit.tag().len() > 10,
                "{hit:?}"
            );
            tags.push(hit.tag().to_owned());
        }
    }
    // The same in every process: this one was written down.
    assert_eq!(tags[2], TAG_OF_EMPTY_OBJECT);
    assert_eq!(tags[..bodies.len()], tags[bodies.len()..], "whatever the tier");
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), bodies.len(), "different bodies have different tags");
}

const TAG_OF_EMPTY_OBJECT: &str = "\"04d4582792046f3f3cb01e1e3f4bca81\"";

#[tokio::test]
async fn seed_h8_a_tag_of_the_handlers_own_stays() {
    for cache in &caches().await {
        for tag in ["\"mine\"", "W/\"mine\""] {
            cache.clear().await.expect("cleared");
            let server = Server::start(router(&App::new(cache, move |_| with(&[("etag", tag)], "a")))).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/plain").await;
                assert_eq!((answer.from(), answer.header("etag")), (from, Some(tag)), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn seed_h9_without_an_end_it_is_a_year() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/forever").await;
            let is_a_year = answer.max_age().is_some_and(|left| (31_535_980..=31_536_000).contains(&left));
            assert!(answer.from() == from && is_a_year, "{answer:?}");
            time(&answer, "expires");
        }
    }
}

#[tokio::test]
async fn seed_h10_private_is_said() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        let miss = server.get("/private").await;
        assert_eq!((miss.from(), miss.header("cache-control")), ("MISS", Some("private, max-age=30")));
        let hit = server.get("/private").await;
        assert_eq!(hit.from(), "HIT", "{cache:?}");
        assert!(hit.header("cache-control").is_some_and(|said| said.starts_with("private, max-age=")));
    }
}

#[tokio::test]
async fn seed_h12_what_the_handler_says_of_caching_is_said_once() {
    let own: &[(&str, Headers, &str)] = &[
        ("longer than ours", &[("cache-control", "max-age=1000")], "max-age=30"),
        ("shorter", &[("cache-control", "max-age=7")], "max-age=7"),
        ("public", &[("cache-control", "public, max-age=7")], "public, max-age=7"),
        ("twice", &[("cache-control", "public"), ("cache-control", "max-age=7")], "public, max-age=7"),
        (
            "with more",
            &[("cache-control", "must-revalidate"), ("expires", "Thu, 01 Jan 2099 00:00:00 GMT")],
            "max-age=30, must-revalidate",
        ),
    ];
    for cache in &caches().await {
        for &(what, headers, said) in own {
            cache.clear().await.expect("cleared");
            let server = Server::start(router(&App::new(cache, move |_| with(headers, "a")))).await;
            let miss = server.get("/plain").await;
            assert_eq!((miss.from(), miss.header("cache-control")), ("MISS", Some(said)), "{cache:?} {what}");
            let hit = server.get("/plain").await;
            assert_eq!((hit.from(), hit.all("cache-control").len()), ("HIT", 1), "{cache:?} {what}");
            assert!(hit.max_age() <= miss.max_age() && hit.max_age() > Some(0), "{cache:?} {what}: {hit:?}");
            assert_eq!(hit.header("expires"), miss.header("expires"), "{cache:?} {what}");
            let ends = time(&miss, "expires") - time(&miss, "date");
            assert!(
                (ends - i64::try_from(miss.max_age().expect("said")).expect("small")).abs() <= 1,
                "{miss:?}"
            );
        }
    }
}

#[tokio::test]
async fn seed_h23_no_store_goes_past_and_leaves_what_is_kept() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        let past = server.ask("/plain", &[("cache-control", "no-store")]).await;
        assert_eq!(past.told(), ("BYPASS", "0"), "{cache:?}");
        for name in ["etag", "cache-control", "expires", "age"] {
            assert_eq!(past.header(name), None, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
        assert_eq!(server.get("/plain").await.told(), ("MISS", "1"), "{cache:?}");
        let past = server.ask("/plain", &[("cache-control", "no-cache, no-store")]).await;
        assert_eq!(past.told(), ("BYPASS", "2"), "{cache:?}");
        assert_eq!(server.get("/plain").await.told(), ("HIT", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_h24_h25_h26_h30_h31_no_cache_computes_and_keeps() {
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
                    server.ask(path, headers).await.told(),
                    ("MISS", now.as_str()),
                    "{cache:?} {headers:?}"
                );
                assert_eq!(server.get(path).await.told(), ("HIT", now.as_str()), "{cache:?} {headers:?}");
            }
            let calls = app.calls.count();
            for headers in plain {
                assert_eq!(server.ask(path, headers).await.from(), "HIT", "{cache:?} {headers:?}");
            }
            assert_eq!(app.calls.count(), calls, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn seed_h27_ages_that_a_request_accepts() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(router(&App::counting(cache))).await;
        let ask = async |control: &str| server.ask("/plain", &[("cache-control", control)]).await;
        assert_eq!(ask("max-age=5").await.told(), ("MISS", "0"), "{cache:?}");
        clock.advance(seconds(10));
        assert_eq!(ask("max-age=9999").await.told(), ("HIT", "0"), "{cache:?}");
        assert_eq!(ask("max-age=abc").await.status, 200, "{cache:?}");
        assert_eq!(ask("min-fresh=5").await.from(), "HIT", "{cache:?}");
        let again = ask("max-age=5").await;
        assert_eq!(again.from(), "MISS", "{cache:?}");
        assert_eq!(server.get("/plain").await.told(), ("HIT", again.text()), "{cache:?}");
        let again = ask("min-fresh=31").await;
        assert_eq!(again.from(), "MISS", "{cache:?}");
        assert_eq!(server.get("/plain").await.told(), ("HIT", again.text()), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_h27_an_age_that_is_no_number_is_not_heard() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        server.get("/plain").await;
        for control in ["max-age=abc", "max-age=-1", "max-age=", "max-age"] {
            let answer = server.ask("/plain", &[("cache-control", control)]).await;
            assert_eq!(answer.told(), ("HIT", "0"), "{cache:?} {control}");
        }
        for control in ["max-age=99999999999999999999999", "max-stale", "max-stale=abc"] {
            let answer = server.ask("/plain", &[("cache-control", control)]).await;
            assert_eq!(answer.told(), ("HIT", "0"), "{cache:?} {control}");
        }
    }
}

#[tokio::test]
async fn seed_h28_the_age_counts_from_when_it_was_stored() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(router(&App::counting(cache))).await;
        assert_eq!(server.send("PUT", "/aged", &[], "").await.told(), ("MISS", "0"), "{cache:?}");
        clock.advance(seconds(100));
        let hit = server.get("/aged").await;
        assert!(
            hit.told() == ("HIT", "0") && hit.max_age().is_some_and(|left| left <= 200),
            "{cache:?} {hit:?}"
        );
        let ask = async |control: &str| server.ask("/aged", &[("cache-control", control)]).await;
        assert_eq!(ask("max-age=150").await.told(), ("HIT", "0"), "{cache:?}");
        assert_eq!(ask("max-age=5").await.told(), ("MISS", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_h29_only_if_cached() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let server = Server::start(router(&app)).await;
        let only = [("cache-control", "only-if-cached")];
        let answer = server.ask("/plain", &only).await;
        assert_eq!((answer.status, app.calls.count()), (504, 0), "{cache:?}");
        server.get("/plain").await;
        let answer = server.ask("/plain", &only).await;
        assert_eq!((answer.status, answer.told()), (200, ("HIT", "0")), "{cache:?}");
        // Nothing that is kept is new enough.
        let answer = server.ask("/plain", &[("cache-control", "only-if-cached, min-fresh=60")]).await;
        assert_eq!((answer.status, app.calls.count()), (504, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_h32_other_methods_always_run() {
    for cache in &caches().await {
        for path in ["/plain", "/request"] {
            let app = App::counting(cache);
            let server = Server::start(router(&app)).await;
            for (before, method) in ["POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].iter().enumerate() {
                let answer = server.send(method, path, &[], "body").await;
                assert_eq!(answer.told(), ("BYPASS", before.to_string().as_str()), "{cache:?} {method}");
                assert_eq!((answer.header("etag"), answer.header("expires")), (None, None), "{cache:?}");
            }
            assert_eq!(server.get(path).await.told(), ("MISS", "6"), "{cache:?}");
            assert_eq!(server.send("POST", path, &[], "").await.told(), ("BYPASS", "7"), "{cache:?}");
            assert_eq!(server.get(path).await.told(), ("HIT", "6"), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn seed_h33_head_is_answered_from_the_entry_of_get() {
    for cache in &caches().await {
        let app = App::new(cache, |_| with(&[("x-own", "1")], "four"));
        let server = Server::start(router(&app)).await;
        let head = async || server.send("HEAD", "/plain", &[], "").await;
        // On a miss the handler runs, and what it says of the body is not kept in the place of the body.
        let miss = head().await;
        assert_eq!((miss.status, miss.from(), miss.header("x-own")), (200, "BYPASS", Some("1")), "{cache:?}");
        assert_eq!((miss.body.len(), app.calls.count(), is_empty(cache).await), (0, 1, true), "{cache:?}");
        let full = server.get("/plain").await;
        assert_eq!((full.told(), app.calls.count()), (("MISS", "four"), 2), "{cache:?}");
        let hit = head().await;
        assert_eq!((hit.status, hit.from(), hit.body.len()), (200, "HIT", 0), "{cache:?}");
        assert_eq!((hit.tag(), hit.header("x-own")), (full.tag(), Some("1")), "{cache:?}");
        assert_eq!(hit.header("content-length"), Some("4"), "{cache:?}");
        let same = server.send("HEAD", "/plain", &[("if-none-match", full.tag())], "").await;
        assert_eq!((same.status, same.from()), (304, "HIT"), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
    }
}

#[cache(response, expire = 30, vary(accept_language, "X-Tenant"), statuses(200, 204), cache = app.cache)]
async fn varies(app: State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn what_is_declared_to_differ_is_told_to_the_caches_after_us() {
    let own: &[(Headers, &[&str])] = &[
        (&[], &["accept-language, x-tenant"]),
        (&[("vary", "Accept-Language, Origin")], &["Accept-Language, Origin", "x-tenant"]),
        (&[("vary", "x-tenant"), ("vary", "accept-language")], &["x-tenant", "accept-language"]),
    ];
    for cache in &caches().await {
        for &(headers, said) in own {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| with(headers, "a"));
            let server = Server::start(Router::new().route("/", get(varies)).with_state(app)).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.from(), answer.all("vary")), (from, said.to_vec()), "{cache:?}");
            }
            let same = server.ask("/", &[("if-none-match", "*")]).await;
            assert_eq!((same.status, same.all("vary")), (304, said.to_vec()), "{cache:?}");
        }
        cache.clear().await.expect("cleared");
        let app = App::new(cache, |_| StatusCode::NO_CONTENT.into_response());
        let server = Server::start(Router::new().route("/", get(varies)).with_state(app)).await;
        server.get("/").await;
        let head = server.send("HEAD", "/", &[], "").await;
        assert_eq!((head.status, head.from()), (204, "HIT"), "{cache:?}");
    }
}

#[cache(response, expire = 30, cache = app.cache)]
async fn upgrade(State(app): State<App>, request: Request) -> Response {
    app.calls.add();
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.expect("an upgrade");
        let mut stream = hyper_util::rt::TokioIo::new(upgraded);
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.expect("four bytes");
        said.reverse();
        stream.write_all(&said).await.expect("written");
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, "upgrade".parse().expect("a value"));
    response.headers_mut().insert(header::UPGRADE, "echo".parse().expect("a value"));
    response
}

#[tokio::test]
async fn seed_h34_an_upgrade_passes() {
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
async fn seed_h39_cookies_that_are_set_reach_one_client_and_no_store() {
    for cache in &caches().await {
        let app = App::new(cache, |before| {
            let cookie = if before == 0 { "session=first-secret" } else { "session=second-secret" };
            with(&[("set-cookie", cookie), ("set-cookie", "b=2")], "a")
        });
        let server = Server::start(router(&app)).await;
        for cookie in ["session=first-secret", "session=second-secret"] {
            let answer = server.get("/plain").await;
            assert_eq!(
                (answer.from(), answer.all("set-cookie")),
                ("BYPASS", vec![cookie, "b=2"]),
                "{cache:?}"
            );
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
    assert!(!in_redis().contains("-secret"));
}

#[tokio::test]
async fn seed_h40_what_belongs_to_one_connection_is_not_kept() {
    for cache in &caches().await {
        let app = App::new(cache, |_| {
            let headers = [
                ("date", "Thu, 01 Jan 1970 00:00:07 GMT"),
                ("connection", "x-hop-only"),
                ("x-hop-only", "hop-secret"),
                ("keep-alive", "timeout=77"),
                ("proxy-authenticate", "hop-proxy"),
                ("x-own", "kept-h40"),
            ];
            with(&headers, "four")
        });
        let server = Server::start(router(&app)).await;
        assert_eq!(server.get("/plain").await.from(), "MISS", "{cache:?}");
        let hit = server.get("/plain").await;
        assert_eq!((hit.told(), hit.header("x-own")), (("HIT", "four"), Some("kept-h40")), "{cache:?}");
        for name in ["x-hop-only", "keep-alive", "proxy-authenticate"] {
            assert_eq!(hit.header(name), None, "{cache:?}");
        }
        let date = time(&hit, "date");
        assert!(date > 1_000_000, "{hit:?}");
        assert_eq!(hit.header("content-length"), Some("4"), "{cache:?}");
    }
    let bytes = in_redis();
    assert!(bytes.contains("kept-h40"), "it is there");
    for text in ["hop-secret", "timeout=77", "hop-proxy", "00:00:07", "content-length", "Content-Length"] {
        assert!(!bytes.contains(text), "{text}");
    }
}

/// Stands for compression: it is different bytes of the same, for those who ask for it.
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
async fn seed_h41_compression_outside_works() {
    for cache in &caches().await {
        let app = App::new(cache, |_| with(&[], "abc"));
        let server = Server::start(router(&app).layer(from_fn(compress))).await;
        for from in ["MISS", "HIT", "HIT"] {
            let small = server.ask("/plain", &[("accept-encoding", "reversed")]).await;
            assert_eq!(small.told(), (from, "cba"), "{cache:?}");
            assert_eq!(small.header("content-encoding"), Some("reversed"), "{cache:?}");
        }
        assert_eq!(server.get("/plain").await.told(), ("HIT", "abc"), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
        // From inside it is kept as it is.
        let app = App::new(cache, |_| with(&[("content-encoding", "gzip")], "\u{1f}zipped"));
        cache.clear().await.expect("cleared");
        let server = Server::start(router(&app)).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/plain").await;
            assert_eq!(answer.told(), (from, "\u{1f}zipped"), "{cache:?}");
            assert_eq!(answer.header("content-encoding"), Some("gzip"), "{cache:?}");
        }
    }
}

macro_rules! presets {
    ($($preset:ident $name:ident $entry:ident $seconds:literal $tags:tt)*) => {
        $(#[$preset(response, tags = $tags, entry = $entry, cache = app.cache)]
        async fn $name(Path(id): Path<u64>, State(app): State<App>) -> Response {
            let _ = id;
            app.make()
        })*

        #[tokio::test]
        async fn seed_t1_t2_each_preset_says_its_life_and_has_it() {
            for cache in &caches().await {
                let app = App::counting(cache);
                $(let server = Server::start(Router::new().route("/{id}", get($name)).with_state(app.clone())).await;
                let miss = server.get("/7").await;
                assert_eq!((miss.from(), miss.max_age()), ("MISS", Some($seconds)), "{cache:?}");
                let entry = $entry(Path(7), State(app.clone()));
                assert_life(&entry, seconds($seconds)).await;
                let hit = server.get("/7").await;
                assert_eq!(hit.told(), ("HIT", miss.text()), "{cache:?}");
                cache.invalidate_tag("all").await.expect("carried out");
                cache.invalidate_tag("id:7").await.expect("carried out");
                assert_eq!(server.get("/7").await.from(), "MISS", "{cache:?}");)*
            }
        }
    };
}

presets! {
    cache_one_minute one_minute one_minute_entry 60 ["id:{id}"]
    cache_one_hour one_hour one_hour_entry 3600 ["id:{id}", "other"]
    cache_one_day one_day one_day_entry 86_400 ["all"]
    cache_one_week one_week one_week_entry 604_800 ["all"]
    cache_one_month one_month one_month_entry 2_592_000 ["all"]
    cache_one_year one_year one_year_entry 31_536_000 ["all"]
}

const TWO_HOURS: u64 = 7200;

#[cache(response, expire = "800d", cache = app.cache)]
async fn very_long(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = TWO_HOURS, cache = app.cache)]
async fn constant(State(app): State<App>) -> Response {
    app.make()
}

fn nothing() -> u64 {
    0
}

#[cache(response, expire = nothing() * app.calls.count() as u64, cache = app.cache)]
async fn no_time(State(app): State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn seed_t6_a_life_of_nothing_at_run_time_is_no_life() {
    for cache in &caches().await {
        let routes = Router::new().route("/", get(no_time)).with_state(App::counting(cache));
        let server = Server::start(routes).await;
        for body in ["0", "1"] {
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.told()), (200, ("BYPASS", body)), "{cache:?}");
            assert_eq!(answer.header("cache-control"), None, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn seed_t3_t4_t5_lives_by_default_too_long_and_by_a_constant() {
    for cache in &caches().await {
        let routes = Router::new().route("/long", get(very_long)).route("/constant", get(constant));
        let app = App::counting(cache);
        let server = Server::start(routes.with_state(app.clone()).merge(router(&app))).await;
        assert_eq!(server.get("/default").await.max_age(), Some(31_536_000), "{cache:?}");
        assert_eq!(server.get("/constant").await.max_age(), Some(7200), "{cache:?}");
        // A year is the longest that a client is told (RFC 2616, 14.21, and what everybody kept to since).
        assert_eq!(server.get("/long").await.max_age(), Some(31_536_000), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_t7_after_its_end_the_same_body_has_the_same_tag() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| with(&[], "same"));
        let server = Server::start(router(&app)).await;
        let miss = server.get("/brief").await;
        let hit = server.get("/brief").await;
        assert_eq!((miss.from(), hit.from()), ("MISS", "HIT"), "{cache:?}");
        assert!(hit.max_age() <= Some(5) && miss.max_age() == Some(5), "{hit:?}");
        clock.advance(seconds(5));
        let again = server.get("/brief").await;
        assert_eq!((again.from(), again.tag(), app.calls.count()), ("MISS", miss.tag(), 2), "{cache:?}");
    }
}

#[cache(response, expire = 30, key = (id,), cache = app.cache)]
async fn keyed(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, ignore(headers), cache = app.cache)]
async fn ignoring(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, cache = app.cache)]
async fn seeing(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, key = "texts:{id}", cache = app.cache)]
async fn texts(Path(id): Path<u64>, State(app): State<App>, headers: HeaderMap) -> String {
    format!("{id} {:?} {}", headers.get("cookie"), app.calls.add())
}

#[cache(response, expire = 30, cache = app.cache)]
async fn blind(Path(id): Path<u64>, State(app): State<App>) -> String {
    format!("{id} {}", app.calls.add())
}

#[tokio::test]
async fn seed_h35_who_sees_cookies_and_credentials_serves_each_its_own() {
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
                let own = server.ask(path, &[("cookie", user)]).await;
                assert_eq!(own.from(), "BYPASS", "{cache:?} {path}");
                assert!(own.text().contains(user), "{cache:?} {path} {own:?}");
            }
            let nobody = server.get(path).await;
            assert!(nobody.from() == "MISS" && nobody.text().contains("None"), "{cache:?} {path} {nobody:?}");
            assert_eq!(server.get(path).await.told(), ("HIT", nobody.text()), "{cache:?} {path}");
            assert_eq!(server.ask(path, &[("cookie", "alice")]).await.from(), "BYPASS", "{cache:?} {path}");
        }
        // Who cannot see them has one page for all, though the credentials of HTTP itself are still not passed over.
        assert_eq!(server.ask("/blind/1", &[("cookie", "alice")]).await.from(), "MISS", "{cache:?}");
        assert_eq!(server.ask("/blind/1", &[("cookie", "bob")]).await.from(), "HIT", "{cache:?}");
        assert_eq!(server.ask("/blind/1", &[("authorization", "bob")]).await.from(), "BYPASS", "{cache:?}");
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn echoes(State(app): State<App>, request: Request) -> Response {
    let sent = axum::body::to_bytes(request.into_body(), 1024).await.expect("a body");
    let sent = String::from_utf8(sent.to_vec()).expect("text");
    format!("{sent}{}", app.calls.add()).into_response()
}

#[tokio::test]
async fn a_get_with_a_body_or_the_wish_for_another_protocol_goes_past() {
    for cache in &caches().await {
        let app = App::counting(cache);
        let router = Router::new().route("/", get(echoes)).with_state(app.clone());
        let server = Server::start(router.clone()).await;
        let asks = async |headers: &[(&str, &str)], body| server.send("GET", "/", headers, body).await;
        assert_eq!(asks(&[], "alice").await.told(), ("BYPASS", "alice0"), "{cache:?}");
        assert_eq!(asks(&[], "").await.told(), ("MISS", "1"), "{cache:?}");
        assert_eq!(asks(&[], "bob").await.told(), ("BYPASS", "bob2"), "{cache:?}");
        let upgrade = [("connection", "close, upgrade"), ("upgrade", "websocket")];
        assert_eq!(asks(&upgrade, "").await.told(), ("BYPASS", "3"), "{cache:?}");
        let mut wire = Wire::to(serve(router).await).await;
        wire.request("GET", "/", &[("transfer-encoding", "chunked")]).await;
        wire.send(b"5\r\ncarol\r\n0\r\n\r\n").await;
        let got = wire.response("GET").await.expect("a response");
        assert_eq!(got.brief(), ("BYPASS".to_owned(), "carol4".to_owned()), "{cache:?}");
        // Nothing of it was kept, and no body is none.
        assert_eq!(asks(&[("content-length", "0")], "").await.told(), ("HIT", "1"), "{cache:?}");
    }
}

#[cache(response, expire = "1h", expire_with = |page| 3600 + page.body().len(), cache = app.cache)]
async fn timed(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn hour(State(app): State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn clients_are_told_no_longer_time_than_the_handler_says_to_them() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| with(&[("cache-control", "max-age=10, s-maxage=60")], "text"));
        let server = Server::start(Router::new().route("/", get(hour)).with_state(app.clone())).await;
        for (later, from, left) in
            [(0, "MISS", 10), (0, "HIT", 10), (4, "HIT", 6), (10, "HIT", 0), (40, "HIT", 0), (7, "MISS", 10)]
        {
            clock.advance(seconds(later));
            let answer = server.get("/").await;
            assert_eq!((answer.from(), answer.max_age()), (from, Some(left)), "{cache:?} {later}");
        }
    }
}

#[tokio::test]
async fn a_life_that_is_worked_out_is_no_longer_than_the_response_allows() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        for control in ["max-age=10", "max-age=600, s-maxage=10", "max-age=10, s-maxage=600"] {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| with(&[("cache-control", control)], "text"));
            let server = Server::start(Router::new().route("/", get(timed)).with_state(app.clone())).await;
            let miss = server.get("/").await;
            assert_eq!(miss.from(), "MISS", "{cache:?} {control}");
            assert!(miss.max_age().is_some_and(|left| left <= 10), "{cache:?} {control} {miss:?}");
            clock.advance(seconds(9));
            assert_eq!(server.get("/").await.from(), "HIT", "{cache:?} {control}");
            clock.advance(seconds(2));
            let long = control.contains("s-maxage=600");
            let answer = server.get("/").await;
            assert_eq!(answer.from(), if long { "HIT" } else { "MISS" }, "{cache:?} {control}");
            clock.advance(seconds(600));
            assert_eq!(server.get("/").await.from(), "MISS", "{cache:?} {control}");
        }
    }
}
