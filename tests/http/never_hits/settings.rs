//! Settings by which no request gets to the cache.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use support::stores::{caches, counts};
use support::wire::{Origin, ask, request};

use super::send::send;
use support::log::Log;

#[cache(response, expire = "1h", when = n > 9, cache = cache.0)]
async fn rarely(cache: State<Cache>, Path(n): Path<u8>) -> String {
    n.to_string()
}

#[tokio::test]
async fn hosts_that_no_request_names() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches().await {
        let layer = ResponseCacheLayer::new()
            .expire("1m")
            .cache(&cache)
            .name("shop")
            .hosts(["localhost", "A.example:80"]);
        let shop = Origin::says(200, &[]).behind(&layer);
        let get = async |host: &str, times| {
            for _ in 0..times {
                let asked = ask(&shop, request("GET", "/", &[("host", host)])).await.expect("a response");
                let wanted = "larder; fwd=bypass; fwd-status=200; detail=host";
                assert!(
                    host == "a.example" || asked.field("cache-status").as_deref() == Some(wanted),
                    "{asked:?}"
                );
            }
        };
        get("Localhost:3000", 99).await;
        // A hit starts the count again.
        get("a.example", 2).await;
        get("Localhost:3000", 99).await;
        assert_eq!(log.take(), [""; 0], "{cache:?}");
        get("Localhost:3000", 1).await;
        let warned = log.take();
        assert_eq!(warned.len(), 1, "{cache:?} {warned:?}");
        for part in [
            "`shop`",
            "100 times",
            "the host `localhost:3000`",
            "`localhost`, `a.example`",
            "port",
            ".hosts(",
        ] {
            assert!(warned[0].contains(part), "{part}: {warned:?}");
        }
        get("Localhost:3000", 200).await;
        assert_eq!(log.take(), [""; 0], "{cache:?}");
        assert_eq!(counts(&cache, "shop").bypasses, 99 + 99 + 1 + 200, "{cache:?}");
        // A request that names none.
        let shop = Origin::says(200, &[]).behind(&layer.clone().version(1));
        for _ in 0..100 {
            ask(&shop, request("GET", "/", &[])).await.expect("a response");
        }
        let warned = log.take();
        assert!(warned.len() == 1 && warned[0].contains("name no host"), "{warned:?}");
    }
}

#[tokio::test]
async fn a_condition_that_does_not_hold() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for (at, cache) in caches().await.into_iter().enumerate() {
        let layer = ResponseCacheLayer::new()
            .expire("1m")
            .cache(&cache)
            .name("shop")
            .when(|parts| parts.uri.path() == "/");
        let app = Router::new().route("/shop/{n}", get(async || "page")).layer(layer);
        let app = app.route("/rarely/{n}", get(rarely)).with_state(cache.clone());
        for (uri, name) in [("/shop/1", "`shop`"), ("/rarely/1", "rarely`")] {
            let got = ask(&app, request("GET", uri, &[])).await.expect("a response");
            let wanted = "larder; fwd=bypass; fwd-status=200; detail=when";
            assert_eq!(got.field("cache-status").as_deref(), Some(wanted), "{cache:?} {uri}");
            send(&app, uri, 98, &[]).await;
            assert_eq!(log.take(), [""; 0], "{cache:?} {uri}");
            send(&app, uri, 101, &[]).await;
            let warned = log.take();
            // The handler was reported for the first cache.
            let is_first = name == "`shop`" || at == 0;
            assert_eq!(warned.len(), usize::from(is_first), "{cache:?} {warned:?}");
            for warned in warned {
                assert!(warned.contains(name) && warned.contains("`when` does not hold"), "{warned}");
            }
        }
        assert_eq!(counts(&cache, "shop").bypasses, 200, "{cache:?}");
    }
}
