//! Conditional requests, validators and ranges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use larder::http::{EtagKind, ResponseCacheLayer};
use support::wire::{Origin, Wire, declared, proxies, response, serve_site, sites};

use super::lifetime::FRESH;

/// Returns the status for a conditional request for a stored response.
async fn status_for(stored: &'static [(&'static str, &'static str)], asked: &[(&str, &str)]) -> u16 {
    let mut statuses = Vec::new();
    for site in proxies(move || Origin::says(200, stored)).await {
        // A miss and a hit are equal.
        for x_cache in ["MISS", "HIT"] {
            let got = site.get_with("/", asked).await;
            assert_eq!(got.x_cache(), x_cache);
            assert_eq!(got.status == 304, got.body.is_empty());
            statuses.push(got.status);
        }
    }
    assert!(statuses.iter().all(|status| *status == statuses[0]), "{statuses:?}");
    statuses[0]
}

const TAGGED: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];

/// RFC 9110, 13.1.2.
#[tokio::test]
async fn if_none_match_compares_weakly_and_takes_lists_and_any() {
    for tag in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "\"x\",W/\"a\" , \"y\"", "*", " * "] {
        assert_eq!(status_for(TAGGED, &[("if-none-match", tag)]).await, 304, "{tag}");
    }
    assert_eq!(status_for(TAGGED, &[("if-none-match", "\"x\""), ("if-none-match", "\"a\"")]).await, 304);
    const WEAK: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "W/\"a\"")];
    assert_eq!(status_for(WEAK, &[("if-none-match", "\"a\"")]).await, 304);
}

/// RFC 9110, 8.8.3.
#[tokio::test]
async fn entity_tags_are_parsed_strictly() {
    for tag in ["\"b\"", "a", "w/\"a\"", "\"a", "W/a", "", "\"A\"", "W/ \"a\""] {
        assert_eq!(status_for(TAGGED, &[("if-none-match", tag)]).await, 200, "{tag}");
    }
    const COMMA: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a,b\"")];
    assert_eq!(status_for(COMMA, &[("if-none-match", "\"x\", \"a,b\"")]).await, 304);
    assert_eq!(status_for(COMMA, &[("if-none-match", "\"a\"")]).await, 200);
}

const DATED: &[(&str, &str)] =
    &[("cache-control", "max-age=60"), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];

/// RFC 9110, 13.1.3.
#[tokio::test]
async fn if_none_match_makes_if_modified_since_ignored() {
    let since = ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    const BOTH: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("etag", "\"a\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    assert_eq!(status_for(BOTH, &[("if-none-match", "\"b\""), since]).await, 200);
    assert_eq!(status_for(BOTH, &[("if-none-match", "junk"), since]).await, 200);
    assert_eq!(status_for(BOTH, &[("if-none-match", "\"a\""), ("if-modified-since", "junk")]).await, 304);
}

/// RFC 9110, 13.1.3.
#[tokio::test]
async fn if_modified_since_counts_if_it_is_a_date() {
    for (since, status) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("Sunday, 06-Nov-94 08:49:38 GMT", 304),
        ("Sun Nov  6 08:49:38 1994", 304),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("Sun, 06 Nov 1994 08:49:37 PST", 200),
        ("yesterday", 200),
        ("", 200),
    ] {
        assert_eq!(status_for(DATED, &[("if-modified-since", since)]).await, status, "{since}");
    }
    let twice = ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(status_for(DATED, &[twice, twice]).await, 200);
    assert_eq!(status_for(TAGGED, &[twice]).await, 200);
}

/// RFC 9110, 13.1.1 and 13.1.4.
#[tokio::test]
async fn if_match_and_if_unmodified_since_are_forwarded() {
    for site in proxies(|| Origin::says(200, TAGGED)).await {
        site.get("/").await;
        for condition in [("if-match", "\"b\""), ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT")] {
            let asked = site.origin.calls();
            let got = site.get_with("/", &[condition]).await;
            assert_eq!((got.status, site.origin.calls()), (200, asked + 1), "{condition:?}");
            assert!(site.origin.last().headers.contains_key(condition.0));
        }
    }
}

/// RFC 9110, 15.4.5.
#[tokio::test]
async fn a_304_repeats_the_required_fields_only() {
    const FULL: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("etag", "\"a\""),
        ("content-location", "/x"),
        ("date", "Sun, 06 Nov 2050 08:49:37 GMT"),
        ("expires", "Sun, 06 Nov 2050 08:59:37 GMT"),
        ("vary", "x-a"),
        ("content-type", "text/plain"),
        ("content-language", "de"),
        ("link", "<a>"),
    ];
    for site in proxies(|| Origin::says(200, FULL)).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for _ in 0..2 {
            let got = wire.exchange("GET", "/", &[("if-none-match", "\"a\"")]).await;
            assert_eq!(got.status, 304);
            for (name, value) in &FULL[..6] {
                assert_eq!(got.field(name).as_deref(), Some(*value), "{name}");
            }
            for name in ["content-type", "content-language", "link", "content-length", "transfer-encoding"] {
                assert_eq!(got.field(name), None, "{name}");
            }
        }
        // The connection has no further bytes.
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "0");
    }
    for site in declared(|| Origin::says(200, &[("vary", "x-a"), ("content-location", "/x")])).await {
        let tag = site.get("/").await.field("etag").expect("a tag");
        let got = site.get_with("/", &[("if-none-match", &tag)]).await;
        assert_eq!((got.status, got.field("cache-control").as_deref()), (304, Some("max-age=60")));
        assert!(["expires", "vary", "content-location", "etag"].iter().all(|name| got.field(name).is_some()));
    }
}

/// RFC 9110, 13.2.1.
#[tokio::test]
async fn only_a_200_becomes_a_304() {
    for status in [404, 301, 410] {
        for site in proxies(move || Origin::says(status, TAGGED)).await {
            for _ in 0..2 {
                let got = site.get_with("/", &[("if-none-match", "\"a\"")]).await;
                assert_eq!((got.status, got.text().as_str()), (status, "0"));
            }
        }
    }
}

#[tokio::test]
async fn the_service_is_asked_for_the_whole_response() {
    let conditions = [("if-none-match", "\"old\""), ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")];
    for site in proxies(|| Origin::says(200, TAGGED)).await {
        assert_eq!(site.get_with("/", &conditions).await.status, 200);
        let seen = site.origin.last().headers;
        assert!(conditions.iter().all(|(name, _)| !seen.contains_key(*name)));
        assert_eq!(site.get("/").await.x_cache(), "HIT");
        // A range request that is not stored is forwarded unchanged.
        site.get_with("/part", &[("range", "bytes=0-0"), ("if-range", "\"a\"")]).await;
        let seen = site.origin.last().headers;
        assert!(seen.contains_key("range") && seen.contains_key("if-range"));
        assert_eq!(site.get("/part").await.x_cache(), "MISS");
    }
}

/// RFC 9110, 8.8.3.
#[tokio::test]
async fn generated_tags_are_weak_and_equal_everywhere_and_the_services_own_wins() {
    let mut tags = Vec::new();
    for site in declared(|| Origin::new(|_, _| Ok(response(200, &[], "same")))).await {
        for uri in ["/a", "/a", "/b"] {
            tags.push(site.get(uri).await.field("etag").expect("a tag"));
        }
    }
    assert!(tags[0].starts_with("W/\"") && tags[0].ends_with('"') && tags[0].len() >= 18);
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    for (encoding, body) in [("gzip", "same"), ("identity", "other")] {
        let origin =
            move || Origin::new(move |_, _| Ok(response(200, &[("content-encoding", encoding)], body)));
        for site in declared(origin).await {
            assert_ne!(site.get("/").await.field("etag").expect("a tag"), tags[0]);
        }
    }
    let strong = ResponseCacheLayer::new().expire("1m").etag(EtagKind::Strong);
    for site in sites(strong, || Origin::new(|_, _| Ok(response(200, &[], "same")))).await {
        assert_eq!(
            Some(format!("W/{}", site.get("/a").await.field("etag").expect("a tag"))),
            Some(tags[0].clone())
        );
        let part = site.get_with("/a", &[("range", "bytes=1-2")]).await;
        assert_eq!((part.status, part.text().as_str()), (206, "am"));
    }
    let off = ResponseCacheLayer::new().expire("1m").etag(EtagKind::Off);
    for site in sites(off, || Origin::says(200, &[])).await {
        assert!(site.caches("/").await && site.get("/").await.field("etag").is_none());
    }
    for site in declared(|| Origin::says(200, &[("etag", "\"own\"")])).await {
        assert_eq!(site.get("/").await.field("etag").as_deref(), Some("\"own\""));
    }
    // A proxy adds no tag to the response of an origin.
    for site in proxies(|| Origin::says(200, FRESH)).await {
        assert_eq!(site.get("/").await.field("etag"), None);
    }
}

/// RFC 9110, 14.2; RFC 9111, 3.3.
#[tokio::test]
async fn ranges_are_cut_from_stored_responses_and_partial_responses_are_not_stored() {
    let origin = || Origin::new(|_, _| Ok(response(200, TAGGED, "0123456789")));
    for site in proxies(origin).await {
        site.get("/").await;
        for (range, status, body, reported) in [
            ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
            ("bytes=8-", 206, "89", Some("bytes 8-9/10")),
            ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
            ("bytes=5-99", 206, "56789", Some("bytes 5-9/10")),
            ("bytes=10-", 416, "", Some("bytes */10")),
            ("bytes=0-1,4-5", 200, "0123456789", None),
            ("bytes=4-2", 200, "0123456789", None),
            ("items=1-2", 200, "0123456789", None),
            ("junk", 200, "0123456789", None),
        ] {
            let got = site.get_with("/", &[("range", range)]).await;
            assert_eq!(
                (got.status, got.text().as_str(), got.field("content-range").as_deref()),
                (status, body, reported),
                "{range}"
            );
        }
        let other = [("range", "bytes=2-4"), ("if-range", "\"b\"")];
        assert_eq!(site.get_with("/", &other).await.status, 200);
        assert_eq!(site.origin.calls(), 1);
    }
}

/// RFC 9111, 4.3.
#[tokio::test]
async fn a_stale_response_is_revalidated_and_updated() {
    let has_changed = Arc::new(AtomicBool::new(false));
    let reported = Arc::clone(&has_changed);
    let origin = move || {
        let reported = Arc::clone(&reported);
        Origin::new(move |n, parts| {
            let tag = if reported.load(SeqCst) { "\"b\"" } else { "\"a\"" };
            let headers = [("cache-control", "max-age=60"), ("etag", tag), ("x-n", &n.to_string())];
            let is_known = parts.headers.get("if-none-match").is_some_and(|known| known == tag);
            Ok(if is_known { response(304, &headers, "") } else { response(200, &headers, n.to_string()) })
        })
    };
    for site in proxies(origin).await {
        has_changed.store(false, SeqCst);
        site.get("/").await;
        site.later(61);
        let renewed = site.get("/").await;
        assert_eq!(
            (renewed.status, renewed.text().as_str(), renewed.field("x-n").as_deref()),
            (200, "0", Some("1"))
        );
        site.later(59);
        assert_eq!(site.get("/").await.x_cache(), "HIT");
        site.later(2);
        has_changed.store(true, SeqCst);
        assert_eq!(site.get("/").await.text(), "2");
        assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "2".to_owned()));
    }
}
