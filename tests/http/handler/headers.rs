//! The headers of a miss and of its hits.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use larder::cache;
use support::http::{App, Server, is_empty};
use support::stores::{caches, caches_with};

use super::app::{clocked, router, seconds, time, with};

/// Header names and values.
type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn a_miss_and_its_hits_have_the_headers_that_clients_need() {
    for cache in &caches().await {
        for path in ["/plain", "/request"] {
            let app = App::new(cache, |_| Json(("bytes", 1, 2.5)).into_response());
            let server = Server::start(router(&app)).await;
            let miss = server.get(path).await;
            assert_eq!((miss.status, miss.brief()), (200, ("MISS", r#"["bytes",1,2.5]"#)), "{cache:?}");
            for _ in 0..3 {
                let hit = server.get(path).await;
                assert_eq!((hit.status, hit.x_cache(), &hit.body), (200, "HIT", &miss.body), "{cache:?}");
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
async fn the_builder_names_the_header() {
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
async fn a_response_that_is_not_stored_is_sent_unchanged() {
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
                    (answer.status, answer.brief()),
                    (status, ("BYPASS", body)),
                    "{cache:?} {headers:?}"
                );
                for name in ["cache-control", "etag", "expires", "vary", "set-cookie"] {
                    let own = headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
                    // A browser asks again after another login.
                    let own = own.or((name == "vary").then_some("Cookie"));
                    assert_eq!(answer.header(name), own, "{cache:?} {headers:?}");
                }
            }
            assert!(is_empty(cache).await, "{cache:?} {status} {headers:?}");
        }
    }
}

#[tokio::test]
async fn generated_tags_depend_on_the_bytes_alone() {
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
            assert_eq!((miss.brief(), hit.brief()), (("MISS", body), ("HIT", body)), "{cache:?}");
            assert_eq!(miss.tag(), hit.tag(), "{cache:?}");
            assert!(
                hit.tag().starts_with("W/\"") && hit.tag().ends_with('"') && hit.tag().len() > 10,
                "{hit:?}"
            );
            tags.push(hit.tag().to_owned());
        }
    }
    // The tag is equal in every process, so it is pinned here.
    assert_eq!(tags[2], TAG_OF_EMPTY_OBJECT);
    assert_eq!(tags[..bodies.len()], tags[bodies.len()..], "in every store");
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), bodies.len(), "different bodies have different tags");
}

const TAG_OF_EMPTY_OBJECT: &str = "W/\"04d4582792046f3f3cb01e1e3f4bca81\"";

#[tokio::test]
async fn the_handlers_own_tag_is_used() {
    for cache in &caches().await {
        for tag in ["\"mine\"", "W/\"mine\""] {
            cache.clear().await.expect("cleared");
            let server = Server::start(router(&App::new(cache, move |_| with(&[("etag", tag)], "a")))).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/plain").await;
                assert_eq!((answer.x_cache(), answer.header("etag")), (from, Some(tag)), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn private_is_in_cache_control() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        let own = [("authorization", "Bearer alice")];
        let miss = server.get_with("/private", &own).await;
        assert_eq!((miss.x_cache(), miss.header("cache-control")), ("MISS", Some("private, max-age=30")));
        let hit = server.get_with("/private", &own).await;
        assert_eq!(hit.x_cache(), "HIT", "{cache:?}");
        assert!(hit.header("cache-control").is_some_and(|said| said.starts_with("private, max-age=")));
    }
}

#[tokio::test]
async fn the_handlers_cache_control_is_sent_once() {
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
            assert_eq!(
                (miss.x_cache(), miss.header("cache-control")),
                ("MISS", Some(said)),
                "{cache:?} {what}"
            );
            let hit = server.get("/plain").await;
            assert_eq!((hit.x_cache(), hit.all("cache-control").len()), ("HIT", 1), "{cache:?} {what}");
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

#[cache(response, expire = 30, vary(accept_language, "X-Tenant"), statuses(200, 204), cache = app.cache)]
async fn varies(app: State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn vary_is_sent_to_downstream_caches() {
    let own: &[(Headers, &[&str])] = &[
        (&[], &["accept-language, x-tenant, Cookie"]),
        (&[("vary", "Accept-Language, Origin")], &["Accept-Language, Origin, Cookie", "x-tenant"]),
        (&[("vary", "x-tenant"), ("vary", "accept-language")], &["x-tenant, Cookie", "accept-language"]),
    ];
    for cache in &caches().await {
        for &(headers, said) in own {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| with(headers, "a"));
            let server = Server::start(Router::new().route("/", get(varies)).with_state(app)).await;
            for from in ["MISS", "HIT"] {
                let answer = server.get("/").await;
                assert_eq!((answer.x_cache(), answer.all("vary")), (from, said.to_vec()), "{cache:?}");
            }
            let same = server.get_with("/", &[("if-none-match", "*")]).await;
            assert_eq!((same.status, same.all("vary")), (304, said.to_vec()), "{cache:?}");
        }
        cache.clear().await.expect("cleared");
        let app = App::new(cache, |_| StatusCode::NO_CONTENT.into_response());
        let server = Server::start(Router::new().route("/", get(varies)).with_state(app)).await;
        server.get("/").await;
        let head = server.send("HEAD", "/", &[], "").await;
        assert_eq!((head.status, head.x_cache()), (204, "HIT"), "{cache:?}");
    }
}

#[tokio::test]
async fn after_expiry_the_same_body_has_the_same_tag() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| with(&[], "same"));
        let server = Server::start(router(&app)).await;
        let miss = server.get("/brief").await;
        let hit = server.get("/brief").await;
        assert_eq!((miss.x_cache(), hit.x_cache()), ("MISS", "HIT"), "{cache:?}");
        assert!(hit.max_age() <= Some(5) && miss.max_age() == Some(5), "{hit:?}");
        clock.advance(seconds(5));
        let again = server.get("/brief").await;
        assert_eq!((again.x_cache(), again.tag(), app.calls.count()), ("MISS", miss.tag(), 2), "{cache:?}");
    }
}
