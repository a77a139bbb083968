//! `Cache-Status`, groups, and failures of the store.

use larder::http::ResponseCacheLayer;
use support::connection::Protocol;
use support::wire::{Origin, Site, declared, proxies, response, sites};

use super::lifetime::FRESH;

/// RFC 9211, 2.
#[tokio::test]
async fn cache_status_describes_the_handling() {
    let with = |status| Origin::new(move |_, _| Ok(response(status, FRESH, "x")));
    for site in proxies(move || with(200)).await {
        let reported = async |method, headers: &[(&str, &str)]| {
            site.send(method, "/", headers).await.field("cache-status").expect("a status")
        };
        assert_eq!(reported("GET", &[]).await, "larder; fwd=uri-miss; fwd-status=200; stored");
        assert!(reported("GET", &[]).await.starts_with("larder; hit; ttl=3"));
        assert_eq!(reported("POST", &[]).await, "larder; fwd=method; fwd-status=200; detail=method");
        assert_eq!(
            reported("GET", &[("cache-control", "no-store")]).await,
            "larder; fwd=request; fwd-status=200; detail=no-store"
        );
        // HTTP/2 has no headers about its connections.
        let of_connections = [("transfer-encoding", "body"), ("upgrade", "upgrade")];
        let of_connections =
            of_connections.into_iter().filter(|_| Protocol::of_this_run() == Protocol::Http1);
        for (name, detail) in of_connections.chain([("if-match", "precondition")]) {
            let wanted = format!("larder; fwd=request; fwd-status=200; detail={detail}");
            assert_eq!(reported("GET", &[(name, "*")]).await, wanted);
        }
        assert_eq!(reported("GET", &[]).await, "larder; fwd=uri-miss; fwd-status=200; stored");
        assert_eq!(
            reported("GET", &[("cache-control", "no-cache")]).await,
            "larder; fwd=request; fwd-status=200; stored"
        );
        site.later(4000);
        assert_eq!(reported("GET", &[]).await, "larder; fwd=stale; fwd-status=200; stored");
    }
    for site in proxies(|| Origin::says(200, &[("vary", "x-a"), ("cache-control", "max-age=9")])).await {
        site.get_with("/", &[("x-a", "1")]).await;
        let other = site.get_with("/", &[("x-a", "2")]).await.field("cache-status").expect("a status");
        assert_eq!(other, "larder; fwd=vary-miss; fwd-status=200; stored");
    }
    for site in declared(|| Origin::says(200, &[("cache-status", "inner; hit"), ("set-cookie", "a=1")])).await
    {
        let reported = site.get("/").await.field("cache-status").expect("a status");
        assert_eq!(reported, "inner; hit, larder; fwd=uri-miss; fwd-status=200; detail=set-cookie");
        let known =
            site.get_with("/", &[("authorization", "x")]).await.field("cache-status").expect("a status");
        assert_eq!(known, "inner; hit, larder; fwd=bypass; fwd-status=200; detail=credential");
    }
    let silent = ResponseCacheLayer::new().expire("1m").cache_status(false);
    for site in sites(silent, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/").await.field("cache-status"), None);
    }
}

#[tokio::test]
async fn a_failure_of_the_store_does_not_reach_the_client() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.cache.chaos().refuse();
        for _ in 0..3 {
            assert_eq!(site.get("/").await.status, 200);
        }
        site.cache.chaos().heal();
        site.cache.chaos().lose_fills();
        assert_eq!(site.get("/new").await.status, 200);
        site.cache.chaos().heal();
        assert!(site.caches("/healed").await);
    }
}

/// Cache groups are forwarded and not interpreted.
///
/// RFC 9875 is not implemented.
#[tokio::test]
async fn cache_groups_have_no_meaning() {
    let origin = || {
        Origin::new(|n, parts| match parts.method.as_str() {
            "GET" => Ok(response(
                200,
                &[("cache-control", "max-age=60"), ("cache-groups", "\"a\"")],
                n.to_string(),
            )),
            _ => Ok(response(200, &[("cache-group-invalidation", "\"a\"")], "")),
        })
    };
    for site in proxies(origin).await {
        let Site { origin, .. } = &site;
        site.get("/").await;
        site.send("POST", "/elsewhere", &[]).await;
        let hit = site.get("/").await;
        // The fields are forwarded for other caches.
        assert_eq!((hit.x_cache().as_str(), hit.field("cache-groups").as_deref()), ("HIT", Some("\"a\"")));
        assert_eq!(origin.calls(), 2);
    }
}
