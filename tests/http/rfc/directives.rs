//! The `Cache-Control` of requests.

use larder::http::NoCache::Ignore;
use larder::http::ResponseCacheLayer;
use support::wire::{Origin, declared, proxies, response, sites};

use super::lifetime::FRESH;

/// RFC 9111, 5.2.1.5.
#[tokio::test]
async fn the_response_to_a_no_store_request_is_not_stored() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get_with("/", &[("cache-control", "NO-STORE")]).await;
        assert_eq!(site.get("/").await.x_cache(), "MISS");
    }
}

/// RFC 9111, 5.2.1.4 and 5.4.
#[tokio::test]
async fn no_cache_in_a_request_is_obeyed_or_ignored_by_option() {
    let says: [&[(&str, &str)]; 3] =
        [&[("cache-control", "no-cache")], &[("cache-control", "max-age=0")], &[("pragma", "no-cache")]];
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for (n, headers) in says.iter().enumerate() {
            site.get("/").await;
            assert_eq!(site.get_with("/", headers).await.text(), (n + 1).to_string(), "{headers:?}");
            assert_eq!(site.get("/").await.text(), (n + 1).to_string(), "{headers:?}");
        }
        // `Pragma` is ignored beside `Cache-Control`.
        let both = [("pragma", "no-cache"), ("cache-control", "max-age=60")];
        assert_eq!(site.get_with("/", &both).await.x_cache(), "HIT");
    }
    let deaf = ResponseCacheLayer::new().obey_origin().no_cache(Ignore);
    for site in sites(deaf, || Origin::says(200, FRESH)).await {
        site.get("/").await;
        for headers in says {
            assert_eq!(site.get_with("/", headers).await.x_cache(), "HIT", "{headers:?}");
        }
    }
}

/// RFC 9111, 5.2.1.1 and 5.2.1.3.
#[tokio::test]
async fn a_request_may_require_a_younger_response() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get("/").await;
        site.later(100);
        for (control, x_cache) in [
            ("max-age=200", "HIT"),
            ("min-fresh=3400", "HIT"),
            ("max-age=abc", "HIT"),
            ("max-age=50", "MISS"),
            ("min-fresh=3601", "MISS"),
        ] {
            assert_eq!(
                site.get_with("/", &[("cache-control", control)]).await.x_cache(),
                x_cache,
                "{control}"
            );
        }
        site.later(200);
        assert_eq!(
            site.get_with("/", &[("cache-control", "max-age=199, max-stale=1000")]).await.x_cache(),
            "MISS"
        );
    }
}

/// RFC 9111, 5.2.1.2.
#[tokio::test]
async fn max_stale_is_honoured_only_where_stale_responses_are_allowed() {
    for (control, x_cache) in [
        ("max-age=60", "STALE"),
        ("max-age=60, must-revalidate", "MISS"),
        ("max-age=60, proxy-revalidate", "MISS"),
        ("s-maxage=60", "MISS"),
        ("max-age=60, no-cache", "MISS"),
    ] {
        let origin = move || {
            Origin::new(move |n, _| {
                Ok(response(200, &[("cache-control", control), ("etag", "\"a\"")], n.to_string()))
            })
        };
        for site in proxies(origin).await {
            site.get("/").await;
            site.later(70);
            let got = site.get_with("/", &[("cache-control", "max-stale=20")]).await;
            assert_eq!(got.x_cache(), x_cache, "{control}");
            if x_cache == "STALE" {
                assert_eq!(got.field("age").as_deref(), Some("70"));
                assert!(got.field("cache-status").expect("a status").contains("ttl=-1"));
                assert_eq!(site.get_with("/", &[("cache-control", "max-stale=5")]).await.x_cache(), "MISS");
            }
        }
    }
}

/// RFC 9111, 5.2.1.7.
#[tokio::test]
async fn only_if_cached_is_answered_without_the_service() {
    for site in proxies(|| Origin::says(200, FRESH))
        .await
        .into_iter()
        .chain(declared(|| Origin::says(200, &[])).await)
    {
        for control in [
            "only-if-cached",
            "only-if-cached, no-cache",
            "Only-If-Cached, no-store",
            "only-if-cached, max-age=0",
        ] {
            let got = site.get_with("/", &[("cache-control", control)]).await;
            assert_eq!((got.status, got.body.len(), site.origin.calls()), (504, 0, 0), "{control}");
            assert_eq!(site.send("HEAD", "/", &[("cache-control", control)]).await.status, 504);
        }
        site.get("/").await;
        let got = site.get_with("/", &[("cache-control", "only-if-cached")]).await;
        assert_eq!((got.status, got.x_cache().as_str()), (200, "HIT"));
        site.later(4000);
        assert_eq!(site.get_with("/", &[("cache-control", "only-if-cached")]).await.status, 504);
        assert_eq!(site.origin.calls(), 1);
    }
}
