//! The responses that are stored, and the fields of a stored response.

use axum::http::{HeaderValue, StatusCode};
use larder::http::ResponseCacheLayer;
use support::wire::{Origin, Wire, declared, proxies, response, serve_site, sites};

use super::lifetime::{FRESH, date, lifetime_by};

/// RFC 9111, 5.2.2.5.
#[tokio::test]
async fn no_store_is_obeyed_in_every_spelling() {
    for lines in [
        &["no-store"][..],
        &["No-StOrE"],
        &["max-age=9999, no-store"],
        &["max-age=9999", "no-store"],
        &["foo=\"bar, baz\" , no-store"],
        &["ext=\"a\\\"b\", no-store, max-age=9"],
        &["no-store=\"yes\""],
        &[",,no-store,,"],
    ] {
        assert_eq!(lifetime_by(lines).await, None, "{lines:?}");
    }
    let local = ResponseCacheLayer::new().expire("1h").local("1h");
    for site in sites(local, || Origin::says(200, &[("cache-control", "no-store")])).await {
        assert!(!site.caches("/").await);
    }
}

/// RFC 9111, 5.2.2.7.
#[tokio::test]
async fn private_responses_are_not_stored_with_or_without_field_names() {
    for line in
        ["private", "PRIVATE, max-age=60", "private=\"x-foo\", max-age=60", "max-age=60, private=\"\""]
    {
        assert_eq!(lifetime_by(&[line]).await, None, "{line}");
        let origin = move || Origin::new(move |_, _| Ok(response(200, &[("cache-control", line)], "x")));
        for site in declared(origin).await {
            assert!(!site.caches("/").await, "{line}");
        }
    }
}

/// RFC 9111, 5.2.2.4.
#[tokio::test]
async fn no_cache_responses_are_revalidated_before_use() {
    for control in ["no-cache, max-age=60", "max-age=60, no-cache=\"set-cookie\""] {
        let validated = move || {
            Origin::new(move |n, parts| {
                let headers = [("cache-control", control), ("etag", "\"v\"")];
                let knows = parts.headers.get("if-none-match").is_some_and(|tag| tag == "\"v\"");
                Ok(if knows { response(304, &headers, "") } else { response(200, &headers, n.to_string()) })
            })
        };
        for site in proxies(validated).await {
            for n in 1..4 {
                let got = site.get("/").await;
                assert_eq!(
                    (got.status, got.text().as_str(), site.origin.calls()),
                    (200, "0", n),
                    "{control}"
                );
            }
        }
        assert_eq!(lifetime_by(&[control]).await, None, "{control}");
        for site in declared(validated).await {
            assert!(!site.caches("/").await, "{control}");
        }
    }
}

/// RFC 9110, 15.1; RFC 9111, 3.
#[tokio::test]
async fn statuses_are_stored_by_default_by_option_or_never() {
    let with = |status: u16, headers: &'static [(&str, &str)]| move || Origin::says(status, headers);
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        let origin =
            move || Origin::new(move |_, _| Ok(response(status, &[("last-modified", &date(-90_000))], "")));
        for site in proxies(origin).await {
            assert!(site.caches("/").await, "{status} by default");
        }
    }
    for status in [201, 302, 303, 307, 400, 401, 403, 429, 500, 503] {
        for site in proxies(with(status, &[])).await {
            assert!(!site.caches("/").await, "{status} says nothing");
        }
        for site in proxies(with(status, FRESH)).await {
            assert!(site.caches("/").await, "{status} says it");
        }
    }
    for status in [201, 204, 301, 302, 404, 410, 429, 500, 503] {
        for site in declared(with(status, FRESH)).await {
            assert!(!site.caches("/").await, "{status} was not asked for");
        }
    }
    let layer = ResponseCacheLayer::new().expire("1m").expire_status(StatusCode::NOT_FOUND, "5s");
    for site in sites(layer, || Origin::says(404, &[])).await {
        assert!(site.caches("/").await);
        site.later(5);
        assert_eq!(site.get("/").await.x_cache(), "MISS");
    }
}

/// RFC 9111, 3.3.
#[tokio::test]
async fn partial_responses_and_304_are_not_stored() {
    for status in [206, 304, 416] {
        let origin = move || {
            Origin::new(move |_, _| {
                Ok(response(status, &[("cache-control", "max-age=99"), ("etag", "\"a\"")], ""))
            })
        };
        for site in proxies(origin).await.into_iter().chain(declared(origin).await) {
            for _ in 0..2 {
                let got = site.get("/").await;
                assert_eq!((got.status, got.x_cache().as_str()), (status, "BYPASS"));
            }
        }
    }
}

/// RFC 5861, 4.
#[tokio::test]
async fn an_error_never_replaces_a_stored_response() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1h");
    let origin = || Origin::new(|n, _| Ok(response(if n == 0 { 200 } else { 503 }, &[], n.to_string())));
    for site in sites(layer, origin).await {
        site.get("/").await;
        site.later(61);
        for _ in 0..2 {
            assert_eq!(site.get("/").await.brief(), ("STALE".to_owned(), "0".to_owned()));
        }
        // A requested refresh does not replace the response either.
        site.get_with("/", &[("cache-control", "no-cache")]).await;
        assert_eq!(site.get("/").await.text(), "0");
    }
    for site in proxies(|| Origin::says(103, FRESH)).await {
        assert!(!site.caches("/").await);
    }
}

/// RFC 9110, 15.3.5.
#[tokio::test]
async fn a_204_is_stored_by_option_only() {
    for site in declared(|| Origin::says(204, &[])).await {
        assert!(!site.caches("/").await);
    }
    let layer = ResponseCacheLayer::new().expire("1m").expire_status(StatusCode::NO_CONTENT, "1m");
    for site in sites(layer, || Origin::new(|_, _| Ok(response(204, &[], "")))).await {
        assert!(site.caches("/").await);
    }
}

/// RFC 9110, 6.6.1.
#[tokio::test]
async fn the_date_of_a_response_is_replayed_unchanged() {
    const DATE: &str = "Sun, 06 Nov 2050 08:49:37 GMT";
    for site in proxies(|| Origin::says(200, &[("date", DATE), ("cache-control", "max-age=60")])).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for _ in 0..2 {
            assert_eq!(wire.exchange("GET", "/", &[]).await.field("date").as_deref(), Some(DATE));
        }
    }
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get("/").await;
        let first = site.get("/").await.field("date");
        site.later(9);
        assert_eq!(site.get("/").await.field("date"), first);
        assert!(first.is_some());
    }
}

/// RFC 9111, 3.1.
#[tokio::test]
async fn all_other_headers_are_replayed_byte_for_byte() {
    let origin = || {
        Origin::new(|_, _| {
            let mut response =
                response(200, &[("cache-control", "max-age=60"), ("link", "<a>"), ("x-empty", "")], "x");
            response.headers_mut().append("link", HeaderValue::from_static("<b>"));
            response
                .headers_mut()
                .append("x-raw", HeaderValue::from_bytes(b"\xff\xfe \xc3\xbc").expect("a value"));
            Ok(response)
        })
    };
    for site in proxies(origin).await.into_iter().chain(declared(origin).await) {
        site.get("/").await;
        let hit = site.get("/").await;
        let links: Vec<_> = hit.headers.get_all("link").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!((hit.x_cache().as_str(), links), ("HIT", vec![&b"<a>"[..], b"<b>"]));
        assert_eq!(hit.headers["x-raw"].as_bytes(), b"\xff\xfe \xc3\xbc");
        assert_eq!(hit.headers["x-empty"], "");
    }
}

/// RFC 9111, 3.1; RFC 9110, 7.6.1.
#[tokio::test]
async fn hop_by_hop_fields_are_not_stored() {
    const HOPS: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("connection", "x-hop, cache-control, \"junk\""),
        ("keep-alive", "timeout=5"),
        ("proxy-authenticate", "Basic"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x-a"),
        ("upgrade", "h2c"),
        ("x-hop", "1"),
        ("x-end", "1"),
    ];
    for site in proxies(|| Origin::says(200, HOPS)).await {
        site.get("/").await;
        let hit = site.get("/").await;
        assert_eq!((hit.x_cache().as_str(), hit.field("x-end").as_deref()), ("HIT", Some("1")));
        for (name, _) in HOPS.iter().filter(|(name, _)| !["cache-control", "x-end"].contains(name)) {
            assert_eq!(hit.field(name), None, "{name}");
        }
        // `Connection` cannot remove the fields that the cache depends on.
        assert_eq!(hit.field("cache-control").as_deref(), Some("max-age=60"));
    }
}

#[tokio::test]
async fn the_body_limit_is_a_setting_and_zero_stores_only_empty_bodies() {
    let origin = || Origin::new(|_, parts| Ok(response(200, &[], "x".repeat(parts.uri.path().len() - 1))));
    for (limit, longest) in [(3, 3), (0, 0)] {
        let layer = ResponseCacheLayer::new().expire("1m").max_body(limit);
        for site in sites(layer, origin).await {
            for len in 0..6 {
                let uri = format!("/{}", "p".repeat(len));
                assert_eq!(site.caches(&uri).await, len <= longest, "{len} of {limit}");
                assert_eq!(site.get(&uri).await.body.len(), len);
            }
        }
    }
}
