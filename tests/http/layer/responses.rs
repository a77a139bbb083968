//! Responses as they come back through the layer.

use std::convert::Infallible;

use axum::body::Body;
use futures_util::stream;
use support::wire::{Origin, declared, proxies, response, sites};
use tower::Layer;

use super::minute::minute;

#[tokio::test]
async fn x_cache_is_miss_then_hit_and_the_order_of_the_query_does_not_matter() {
    for site in declared(|| Origin::says(200, &[])).await {
        assert_eq!(site.get("/x?z=2&a=1").await.brief(), ("MISS".to_owned(), "0".to_owned()));
        assert_eq!(site.get("/x?a=1&z=2").await.brief(), ("HIT".to_owned(), "0".to_owned()));
        let [miss, hit] = [site.get("/y").await, site.get("/y").await];
        for name in ["etag", "cache-control", "expires"] {
            assert!(miss.field(name).is_some() && miss.field(name) == hit.field(name), "{name}");
        }
    }
}

#[tokio::test]
async fn no_store_is_honoured_and_set_cookie_is_never_shared() {
    for headers in [&[("cache-control", "no-store")], &[("set-cookie", "a=b")]] {
        for site in declared(|| Origin::says(200, headers)).await {
            assert!(!site.caches("/").await, "{headers:?}");
            assert_eq!(site.origin.calls(), 2);
        }
    }
}

#[tokio::test]
async fn bodies_come_back_unchanged_up_to_the_limit() {
    let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let body = bytes.clone();
    let origin = move || {
        let body = body.clone();
        Origin::new(move |_, _| {
            Ok(response(200, &[("content-type", "application/octet-stream")], body.clone()))
        })
    };
    for site in sites(minute().max_body(4096), &origin).await {
        assert!(site.caches("/").await);
        let got = site.get("/").await;
        assert_eq!(
            (&got.body, got.field("content-type").as_deref()),
            (&bytes, Some("application/octet-stream"))
        );
    }
    for site in sites(minute().max_body(4095), &origin).await {
        assert!(!site.caches("/").await);
        assert_eq!(site.get("/").await.body, bytes);
    }
}

#[test]
fn debug_output_has_no_keys_and_no_headers() {
    let layer = minute().tag("canary-tag").group("canary-group").key(|_| "canary-key".to_owned());
    let text = format!("{layer:?} {:?}", layer.layer(Origin::says(200, &[])));
    assert!(!text.contains("canary-key"), "{text}");
}

#[tokio::test]
async fn hop_by_hop_fields_do_not_pass_a_proxy_in_any_response() {
    const HOPS: &[(&str, &str)] = &[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("x-end", "1"),
    ];
    // The body is sent at once, piece by piece.
    for (control, waits) in [
        ("max-age=60", false),
        ("max-age=60", true),
        ("no-store", false),
        ("no-store", true),
        ("private", false),
        ("max-age=0", true),
    ] {
        let origin = move || {
            Origin::new(move |_, _| {
                let headers = [HOPS, &[("cache-control", control)]].concat();
                let late = stream::once(async move {
                    if waits {
                        tokio::task::yield_now().await;
                    }
                    Ok::<_, Infallible>("body")
                });
                Ok(response(200, &headers, Body::from_stream(late)))
            })
        };
        for site in proxies(origin).await {
            let passes = async |method, asks| {
                let got = site.send(method, "/", asks).await;
                for (name, _) in &HOPS[..5] {
                    assert_eq!(got.field(name), None, "{control} {method} {asks:?} {got:?}");
                }
                assert_eq!(got.field("x-end").as_deref(), Some("1"), "{control} {method} {asks:?}");
            };
            for (method, asks) in [
                ("GET", &[][..]),
                ("GET", &[("cache-control", "no-store")]),
                ("GET", &[("if-match", "\"a\"")]),
                ("GET", &[("range", "bytes=0-1")]),
                ("GET", &[("authorization", "Bearer alice")]),
                ("HEAD", &[]),
                ("POST", &[]),
                ("GET", &[]),
            ] {
                passes(method, asks).await;
            }
            site.cache.clone().close().await;
            passes("GET", &[]).await;
        }
    }
}
