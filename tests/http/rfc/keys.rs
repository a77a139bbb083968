//! The URL and other parts of a request in its key.

use axum::body::Body;
use larder::http::ResponseCacheLayer;
use support::wire::{Origin, ask, declared, proxies, request, response, sites};

use super::lifetime::FRESH;

/// RFC 9111, 2.
#[tokio::test]
async fn host_path_and_query_are_in_the_key() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        let urls = [("a", "/p"), ("b", "/p"), ("a", "/p?x=1"), ("a", "/p?x=2"), ("a", "/P"), ("a:81", "/p")];
        for (host, uri) in urls {
            let host = [("host", host)];
            assert_eq!(site.get_with(uri, &host).await.x_cache(), "MISS", "{host:?} {uri}");
            assert_eq!(site.get_with(uri, &host).await.x_cache(), "HIT", "{host:?} {uri}");
        }
        // Hosts are case-insensitive.
        assert_eq!(site.get_with("/p", &[("host", "A")]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn the_service_sees_the_query_as_it_was_sent() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.get("/?b=2&a=1").await;
        assert_eq!(site.origin.last().uri.query(), Some("b=2&a=1"));
        assert_eq!(site.get("/?a=1&b=2").await.x_cache(), "HIT");
    }
}

/// RFC 9111, 2.
#[tokio::test]
async fn similar_urls_have_separate_entries() {
    let urls =
        ["/?a=1&b=2", "/?b=2&a=1", "/%41", "/A", "/?a=+", "/?a=%20", "/", "/?", "/p", "/p/", "/p?a", "/p?a="];
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for url in urls {
            assert_eq!(site.get(url).await.x_cache(), "MISS", "{url}");
        }
        for (n, url) in urls.iter().enumerate() {
            assert_eq!(site.get(url).await.brief(), ("HIT".to_owned(), n.to_string()), "{url}");
        }
    }
}

/// RFC 9110, 9.3.1.
#[tokio::test]
async fn repeated_parameters_are_separate_and_a_get_with_a_body_is_bypassed() {
    for site in declared(|| Origin::says(200, &[])).await {
        let urls = ["/?id=1&id=2", "/?id=2&id=1", "/?id=1;id=2", "/?id=1"];
        for url in urls {
            assert_eq!(site.get(url).await.x_cache(), "MISS", "{url}");
        }
        for (n, url) in urls.iter().enumerate() {
            assert_eq!(site.get(url).await.text(), n.to_string(), "{url}");
        }
        let mut fat = request("GET", "/?id=1", &[]);
        *fat.body_mut() = Body::from("id=7");
        assert_eq!(ask(&site.service, fat).await.expect("a response").x_cache(), "BYPASS");
        assert_eq!(site.get("/?id=1").await.text(), "3");
    }
}

/// RFC 9110, 7.2.
#[tokio::test]
async fn a_request_with_two_hosts_is_bypassed() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        let ways =
            [("http://good/p", &[("host", "evil")][..]), ("/p", &[("host", "good"), ("host", "evil")][..])];
        for (uri, hosts) in ways {
            let got = site.get_with(uri, hosts).await;
            assert_eq!(got.x_cache(), "BYPASS", "{uri} {hosts:?}");
            assert_eq!(site.get_with("/p", &[("host", "good")]).await.x_cache(), "MISS");
            site.send("POST", "/p", &[("host", "good")]).await;
        }
        assert_eq!(site.get_with("http://good/p", &[("host", "GOOD")]).await.x_cache(), "MISS");
        assert_eq!(site.get_with("/p", &[("host", "good")]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn headers_that_a_service_reflects_can_be_added_to_the_key() {
    let origin = || {
        Origin::new(|_, parts| {
            let host =
                parts.headers.get("x-forwarded-host").map_or("none", |host| host.to_str().expect("text"));
            Ok(response(200, &[], host.to_owned()))
        })
    };
    for site in sites(ResponseCacheLayer::new().expire("1m").vary(["X-Forwarded-Host"]), origin).await {
        assert_eq!(site.get_with("/", &[("x-forwarded-host", "evil")]).await.text(), "evil");
        let got = site.get("/").await;
        assert_eq!(
            (got.text().as_str(), got.field("vary").as_deref()),
            ("none", Some("x-forwarded-host, Cookie"))
        );
        assert_eq!(site.get_with("/", &[("x-forwarded-host", "evil")]).await.x_cache(), "HIT");
    }
}
