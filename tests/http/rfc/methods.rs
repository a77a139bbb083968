//! Methods: which are served from the cache, and which invalidate.

use support::wire::{Origin, Wire, proxies, response, serve_site};

use super::lifetime::FRESH;

/// RFC 9111, 4.
#[tokio::test]
async fn only_get_and_head_are_served_from_the_cache() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            site.get("/").await;
            let asked = site.origin.calls();
            let got = site.send(method, "/", &[]).await;
            assert_eq!((got.x_cache().as_str(), site.origin.calls()), ("BYPASS", asked + 1), "{method}");
            assert!(got.field("cache-status").expect("a status").contains("fwd=method"), "{method}");
        }
    }
}

/// RFC 9110, 9.3.2.
#[tokio::test]
async fn a_head_response_is_not_stored_and_never_answers_a_get() {
    let origin = || {
        Origin::new(|_, parts| {
            let body = if parts.method == "HEAD" { "" } else { "whole" };
            Ok(response(200, FRESH, body))
        })
    };
    for site in proxies(origin).await {
        site.send("HEAD", "/", &[]).await;
        assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "whole".to_owned()));
        assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "whole".to_owned()));
        assert_eq!(site.send("HEAD", "/", &[]).await.x_cache(), "HIT");
    }
}

/// RFC 9110, 9.3.2.
#[tokio::test]
async fn a_head_request_gets_the_headers_of_the_stored_get() {
    let origin =
        || Origin::new(|_, _| Ok(response(200, &[("cache-control", "max-age=9"), ("x-a", "b")], "12345")));
    for site in proxies(origin).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        wire.exchange("GET", "/", &[]).await;
        let whole = wire.exchange("GET", "/", &[]).await;
        let head = wire.exchange("HEAD", "/", &[]).await;
        assert_eq!((head.status, head.body.as_slice()), (200, &b""[..]));
        assert_eq!(head.field("content-length").as_deref(), Some("5"));
        for name in ["cache-control", "x-a", "date", "content-length", "content-type", "x-cache"] {
            assert_eq!(head.field(name), whole.field(name), "{name}");
        }
        // A body would be read as the beginning of the next response.
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "12345");
    }
}

/// RFC 9111, 4.4.
#[tokio::test]
async fn a_successful_unsafe_request_invalidates_its_target() {
    for (status, removes) in [(200, true), (201, true), (204, true), (303, true), (404, false), (500, false)]
    {
        let origin = move || {
            Origin::new(move |n, parts| match parts.method.as_str() {
                "GET" => {
                    Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "x-a")], n.to_string()))
                }
                _ => Ok(response(status, &[], "")),
            })
        };
        for site in proxies(origin).await {
            for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
                for variant in ["1", "2"] {
                    site.get_with("/", &[("host", "h"), ("x-a", variant)]).await;
                }
                site.send(method, "/", &[("host", "h")]).await;
                for variant in ["1", "2"] {
                    let got = site.get_with("/", &[("host", "h"), ("x-a", variant)]).await;
                    assert_eq!(got.x_cache() == "MISS", removes, "{method} {status} {variant}");
                }
            }
        }
    }
}

/// RFC 9111, 4.4.
#[tokio::test]
async fn location_headers_invalidate_on_their_own_host_only() {
    for (name, reference, removes) in [
        ("location", "/other", true),
        ("content-location", "/other", true),
        ("content-location", "other", true),
        ("location", "http://h/other", true),
        ("location", "http://evil/other", false),
        ("location", "//evil/other", false),
        ("content-location", "http://h:8080/other", false),
        ("location", "junk junk", false),
    ] {
        let origin = move || {
            Origin::new(move |n, parts| match parts.method.as_str() {
                "GET" => Ok(response(200, FRESH, n.to_string())),
                _ => Ok(response(201, &[(name, reference)], "")),
            })
        };
        for site in proxies(origin).await {
            let host = [("host", "h")];
            site.get_with("/other", &host).await;
            site.send("POST", "/", &host).await;
            let got = site.get_with("/other", &host).await;
            assert_eq!(got.x_cache() == "MISS", removes, "{name}: {reference}");
        }
    }
}
